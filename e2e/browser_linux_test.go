package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// A browser is a Chromium without a window, which is told what to do over the pipe of its
// DevTools protocol: messages in JSON, each with a zero byte behind it.
type browser struct {
	t       *testing.T
	to      io.Writer
	answers chan devtools // closed when the browser has ended
	last    int
	session string
	seen    []devtools // events of the page
}

// A devtools is a message of the protocol: an answer has an ID, an event a Method.
type devtools struct {
	ID        int             `json:"id"`
	Method    string          `json:"method"`
	Params    json.RawMessage `json:"params"`
	Result    json.RawMessage `json:"result"`
	Error     json.RawMessage `json:"error"`
	SessionID string          `json:"sessionId"`
}

// startBrowser skips the test where no Chromium is installed.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		t.Skipf("%s needs a browser: sudo apt-get install chromium", t.Name())
	}
	in, to, err := os.Pipe()
	testkit.Must(t, err)
	from, out, err := os.Pipe()
	testkit.Must(t, err)
	profile, err := os.MkdirTemp("", "gor-browser-")
	testkit.Must(t, err)
	cmd := exec.Command(program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update",
		"--no-first-run", "--user-data-dir="+profile, "--remote-debugging-pipe", "about:blank")
	cmd.Env = append(os.Environ(), "HOME="+profile)
	cmd.ExtraFiles = []*os.File{in, out} // its descriptors 3 and 4
	testkit.Must(t, cmd.Start())
	in.Close()
	out.Close()
	b := &browser{t: t, to: to, answers: make(chan devtools)}
	done := make(chan struct{})
	go func() {
		defer close(b.answers)
		r := bufio.NewReader(from)
		for {
			text, err := r.ReadBytes(0)
			if err != nil {
				return
			}
			var m devtools
			if json.Unmarshal(text[:len(text)-1], &m) != nil {
				return
			}
			select {
			case b.answers <- m:
			case <-done:
				return
			}
		}
	}()
	t.Cleanup(func() {
		close(done)
		cmd.Process.Kill()
		cmd.Wait()
		to.Close()
		from.Close()
		os.RemoveAll(profile)
	})
	var target struct{ TargetID, SessionID string }
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	b.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &target)
	b.session = target.SessionID
	for _, domain := range []string{"Page", "Runtime", "Network", "Log"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// receive returns the next message.
func (b *browser) receive() devtools {
	select {
	case m, open := <-b.answers:
		if !open {
			b.t.Fatal("the browser has ended")
		}
		if m.Method != "" && m.SessionID == b.session {
			b.seen = append(b.seen, m)
		}
		return m
	case <-time.After(time.Minute):
		b.t.Fatal("the browser says nothing")
	}
	panic("unreachable")
}

// call calls a method of the protocol. result may be nil.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.last++
	message := map[string]any{"id": b.last, "method": method}
	if params != nil {
		message["params"] = params
	}
	if b.session != "" {
		message["sessionId"] = b.session
	}
	text, err := json.Marshal(message)
	testkit.Must(b.t, err)
	_, err = b.to.Write(append(text, 0))
	testkit.Must(b.t, err)
	for {
		m := b.receive()
		if m.ID != b.last {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error)
		}
		if result != nil {
			testkit.Must(b.t, json.Unmarshal(m.Result, result))
		}
		return
	}
}

// open shows a file in a window of that width, in pixels, and waits until it is loaded.
func (b *browser) open(name string, width int) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": true}, nil)
	b.seen = nil
	b.call("Page.navigate", map[string]any{"url": "file://" + name}, nil)
	for !b.happened("Page.loadEventFired") {
		b.receive()
	}
}

func (b *browser) happened(method string) bool {
	for _, m := range b.seen {
		if m.Method == method {
			return true
		}
	}
	return false
}

// evaluate returns what an expression is in the page, as JSON.
func (b *browser) evaluate(expression string) string {
	b.t.Helper()
	var got struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails json.RawMessage
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &got)
	if got.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, got.ExceptionDetails)
	}
	return string(got.Result.Value)
}

// complaints are the page's errors, and what it asked for beside itself.
func (b *browser) complaints(page string) (all []string) {
	for _, m := range b.seen {
		switch m.Method {
		case "Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled":
			all = append(all, fmt.Sprintf("%s: %s", m.Method, m.Params))
		case "Network.requestWillBeSent":
			var sent struct{ Request struct{ URL string } }
			testkit.Must(b.t, json.Unmarshal(m.Params, &sent))
			if sent.Request.URL != "file://"+page {
				all = append(all, "it asks for "+sent.Request.URL)
			}
		}
	}
	return all
}

// TestVerdictPage: a browser shows the page of a verdict on answers of an attacker: none
// of it runs or is fetched, it fits a telephone, and the page's own script searches.
func TestVerdictPage(t *testing.T) {
	b := startBrowser(t)
	var asked atomic.Int64
	stranger := httptest.NewUnstartedServer(http.NotFoundHandler()) // from which the hostile answers want to fetch
	stranger.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			asked.Add(1)
		}
	}
	stranger.Start()
	t.Cleanup(stranger.Close)
	hostile := fmt.Sprintf("</script><script>window.ran=1</script><img src=http://%[1]s/i onerror=window.ran=1><link rel=stylesheet href=//%[1]s/c>"+
		"<style>@import 'http://%[1]s/s'</style><iframe srcdoc='<script>parent.ran=1</script>'></iframe><svg onload=window.ran=1>"+
		"<a href=javascript:window.ran=1>x</a><form action=http://%[1]s/f></form><meta http-equiv=refresh content='0;url=http://%[1]s/m'><base href=http://%[1]s/>"+
		"\x1b[2J\u202e\u2066\u0000<!--<![CDATA[&lt;", stranger.Listener.Addr())
	dir := t.TempDir()
	var recording []byte
	for i := range 30 {
		head, old, is := "Content-Type: text/plain\r\n", "all is well\n", "all is lost "+hostile+strings.Repeat("W", 5000)+"\n"
		path := "/plain/" + strings.Repeat("long", 20)
		switch i % 3 {
		case 1:
			path, head = "/json/<img/src=x/onerror=window.ran=1>", "Content-Type: application/json\r\n"
			text, err := json.Marshal(map[string]any{"name" + hostile: hostile, "list": strings.Split(hostile, "=")})
			testkit.Must(t, err)
			old, is = `{"list":[]}`, string(text)
		case 2:
			path, head = "/page", "Content-Type: text/html\r\nX-Hostile: "+strings.NewReplacer("\x00", "", "\x1b", "").Replace(hostile)+"\r\n"
			old, is = "<p>well</p>", "<p>lost</p>"+hostile
		}
		id := fmt.Sprintf("%024x", i)
		for _, record := range []struct {
			typ  byte
			text string
		}{{'1', "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"}, {'2', "HTTP/1.1 200 OK\r\n" + head + "\r\n" + old}, {'3', "HTTP/1.1 200 OK\r\n" + head + "\r\n" + is}} {
			recording = append(recording, fmt.Sprintf("%c %s 1700000000000000000 1000 %d\n%s\n🐵🙈🙉\n", record.typ, id, len(record.text), record.text)...)
		}
	}
	page := filepath.Join(dir, "verdict.html")
	if code, out := gorVerdict(t, testkit.WriteFile(t, filepath.Join(dir, "answered.gor"), recording), "--report", page); code != exitThreshold || strings.ContainsAny(out, "\x1b\u202e\u2066") {
		t.Errorf("exit %d: %q", code, out)
	}
	for _, width := range []int{400, 1200} {
		b.open(page, width)
		b.evaluate(`for (const d of document.querySelectorAll("details")) d.open = true`)
		if got := b.evaluate("document.scrollingElement.scrollWidth"); got != fmt.Sprint(width) {
			t.Errorf("it is %s pixels wide in a window of %d", got, width)
		}
	}
	if got := b.evaluate("typeof window.ran"); got != `"undefined"` {
		t.Errorf("what an answer holds has run: window.ran is a %s", got)
	}
	if got := b.evaluate(`document.querySelectorAll("script").length + " " + document.querySelectorAll("img, iframe, form, base, a, link").length`); got != `"1 0"` {
		t.Errorf("scripts and elements of others: %s, want 1 0", got)
	}
	shown := `Array.from(document.querySelectorAll(".row")).filter(r => r.checkVisibility()).length`
	all := b.evaluate(shown)
	search := func(text, standing string) string {
		return b.evaluate(fmt.Sprintf(`(() => {
			const search = document.getElementById("search"), standing = document.getElementById("standing");
			search.value = %q; search.dispatchEvent(new Event("input"));
			standing.value = %q; standing.dispatchEvent(new Event("change"));
			return [%s, document.getElementById("count").textContent].join(": ");
		})()`, text, standing, shown))
	}
	for _, c := range []struct{ text, standing, want string }{
		{"", "", all}, {"GET /PLAIN", "", "1"}, {"nothing has this", "", "0"}, {"", "suspect", "0"}, {"", "regression", all}, {"x-hostile", "regression", "1"},
	} {
		if got, want := search(c.text, c.standing), fmt.Sprintf(`"%s: %s of %s"`, c.want, c.want, all); got != want {
			t.Errorf("search for %q, %q: got %s, want %s", c.text, c.standing, got, want)
		}
	}
	for _, complaint := range b.complaints(page) {
		t.Error(complaint)
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d connections to a host that the answers name", n)
	}
}
