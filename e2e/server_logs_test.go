package e2e

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// A servedRequest is one that a real server was sent, and logged.
type servedRequest struct {
	method, target, agent, referer, user string
	body                                 bool
	sent, answered                       time.Time
}

// oddRequests returns requests as clients, and those who try what a server takes,
// send them.
func oddRequests(n int) []servedRequest {
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	agents := []string{"curl/7.88.1", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36", "", `say "hi"`, `back\slash \x22 \"`,
		"tab\there", "żółć", "latin1 \xe9\xff", "a - b [10/Oct/2025:13:55:36 +0000] \"GET / HTTP/1.1\" 200 5", "'; DROP TABLE x; --", strings.Repeat("long ", 400) + "end", "{\"json\":1}", "\\", `"`, "%r %h"}
	list := make([]servedRequest, n)
	for i := range list {
		r := &list[i]
		r.method = pick("GET", "GET", "GET", "GET", "GET", "HEAD", "OPTIONS", "DELETE", "PROPFIND", "REPORT", "PUT", "POST")
		r.body = r.method == "POST" || r.method == "PROPFIND" || r.method == "REPORT" || r.method == "PUT"
		r.target = "/" + fmt.Sprint(i)
		for range rnd.IntN(4) {
			r.target += pick("/a", "//", "/a/../b", "/%41%2f%2F", "/żółć", "/\xff\xfe", `/"quoted"`, "/it's", `/back\slash`, "/<b>|{c}^`", "/~user/;p=1,2", "/%E2%82%AC", "/"+strings.Repeat("x", 500), "/$host$1", "/100%25")
		}
		if rnd.IntN(2) == 0 {
			r.target += "?" + pick("", "a=b", "a=b&c=d+e%20f", "q=\"x\"", "u=http://x/y?z", `\x41\\`, "%00%0d%0a", "a[]=1&a[]=2", "żółć=\xff", "=&&=", "?", "1 HTTP/1.1"[:1])
		}
		r.agent = pick(agents...)
		r.referer = pick("", "", "http://www.example.com/", `http://x/"q"`, "android-app://y")
		r.user = pick("", "", "", "bob", `o"neil`, "bob smith", "żółć", `a\b`, "a [b] c")
	}
	return list
}

// sendServed sends the requests over one connection, each after the response to the
// one before it, so that the server logs them in this order.
func sendServed(t *testing.T, addr string, list []servedRequest) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	testkit.Must(t, err)
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(testkit.Timeout))
	in := bufio.NewReader(conn)
	for i := range list {
		r := &list[i]
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: shop.example.com\r\n", r.method, r.target)
		for name, value := range map[string]string{"User-Agent": r.agent, "Referer": r.referer} {
			if value != "" {
				fmt.Fprintf(&b, "%s: %s\r\n", name, value)
			}
		}
		if r.user != "" {
			fmt.Fprintf(&b, "Authorization: Basic %s\r\n", base64.StdEncoding.EncodeToString([]byte(r.user+":pw")))
		}
		if r.body {
			b.WriteString("Content-Length: 4\r\n\r\nbody")
		} else {
			b.WriteString("\r\n")
		}
		r.sent = time.Now()
		_, err := io.WriteString(conn, b.String())
		testkit.Must(t, err)
		resp, err := http.ReadResponse(in, &http.Request{Method: r.method})
		if err != nil {
			t.Fatalf("%q: %v", b.String(), err)
		}
		_, err = io.Copy(io.Discard, resp.Body)
		testkit.Must(t, err)
		if r.answered = time.Now(); resp.StatusCode == 400 || resp.Close {
			t.Fatalf("%q: %s", b.String(), resp.Status)
		}
	}
}

// A servedLog is one that a server wrote of these requests, and what it holds.
type servedLog struct {
	file                 string
	flags                []string
	agent, referer, host bool
	step                 time.Duration // of its times
}

func (l *servedLog) check(t *testing.T, list []servedRequest) {
	t.Helper()
	converted := filepath.Join(t.TempDir(), "x.gor")
	args := append([]string{"convert", "log:" + l.file, "-o", converted, "--log-empty-bodies"}, l.flags...)
	if code, said := testkit.RunGor(t, args...); code != exitOK {
		t.Fatalf("%s: exit %d: %s", l.file, code, said)
	}
	bodies, metas := testkit.ReadRecording(t, converted, payload.Request)
	if len(bodies) != len(list) {
		t.Fatalf("%s: %d requests, want %d", l.file, len(bodies), len(list))
	}
	// Requests are in the order of their times, which for those of one second is that
	// of the log.
	bad, off := 0, 0
	for i, body := range bodies {
		r := &list[i]
		var req http1.Request
		testkit.Must(t, req.Parse(body))
		header := func(name string) string { v, _ := req.Header(name); return string(v) }
		want := []string{r.method, r.target, "", "", ""}
		if l.agent {
			want[2] = r.agent
		}
		if l.referer {
			want[3] = r.referer
		}
		if l.host {
			want[4] = "shop.example.com"
		}
		got := []string{string(req.Method()), string(req.Target()), header("User-Agent"), header("Referer"), header("Host")}
		at := time.Unix(0, metas[i].Time)
		// Servers look at the clock once in a turn of their loop, which is a while ago
		// when they got no turn on a busy machine.
		const slack, busy = 20 * time.Millisecond, 5 * time.Second
		early, late := r.sent.Add(-slack).Truncate(l.step), r.answered.Add(slack+l.step)
		if at.Before(early) || at.After(late) {
			off++
		}
		if !slices.Equal(got, want) || at.Before(early.Add(-busy)) || at.After(late.Add(busy)) {
			if bad++; bad < 5 {
				t.Errorf("%s: request %d at %s: got %.300q\nwant %.300q at %s to %s", filepath.Base(l.file), i, at, got, want, early, late)
			}
		}
	}
	if bad > 4 || off > len(list)/5 {
		t.Errorf("%s: %d requests are wrong, and the times of %d do not fit", l.file, bad, off)
	}
	// Without that flag those that had a body are left out.
	without, said := l.without(t)
	n := 0
	for _, r := range list {
		if r.body {
			n++
		}
	}
	if without != len(list)-n || !strings.Contains(said, fmt.Sprintf("%d requests whose body was not logged, left out", n)) {
		t.Errorf("%s: %d requests without bodies, want %d; said %s", l.file, without, len(list)-n, said)
	}
}

func (l *servedLog) without(t *testing.T) (int, string) {
	converted := filepath.Join(t.TempDir(), "x.gor")
	_, said := testkit.RunGor(t, append([]string{"convert", "log:" + l.file, "-o", converted}, l.flags...)...)
	bodies, _ := testkit.ReadRecording(t, converted, payload.Request)
	return len(bodies), said
}

// replayServed replays a log, and looks at what arrives.
func replayServed(t *testing.T, l *servedLog, list []servedRequest) {
	t.Helper()
	target := testkit.StartSink(t)
	args := append([]string{"--input-file", "log:" + l.file + "|max", "--log-empty-bodies", "--output-http", target.Addr()}, l.flags...)
	if code, said := testkit.RunGor(t, args...); code != exitOK {
		t.Fatalf("exit %d: %s", code, said)
	}
	count := map[string]int{}
	for _, r := range list {
		count[r.method+" "+r.target+" "+r.agent]++
	}
	for _, raw := range testkit.Raws(target.Await(t, len(list))) {
		var req http1.Request
		testkit.Must(t, req.Parse(raw))
		agent, _ := req.Header("User-Agent")
		count[string(req.Method())+" "+string(req.Target())+" "+string(agent)]--
	}
	for request, n := range count {
		if n != 0 {
			t.Errorf("%d too few: %q", n, request)
		}
	}
}

func awaitLines(t *testing.T, file string, n int) {
	t.Helper()
	testkit.Eventually(t, fmt.Sprintf("%d lines in %s", n, file), func() bool {
		text, err := os.ReadFile(file)
		return err == nil && strings.Count(string(text), "\n") == n
	})
}

const servedRequests = 1000

// What nginx logs of 1,000 requests, Gor makes again.
func TestNginxLogs(t *testing.T) {
	addr, dir := testkit.FreePort(t), logFolder(t)
	testkit.StartNginx(t, nil, fmt.Sprintf(`
  log_format fine '$remote_addr [$msec] $request_time "$request" $status "$http_user_agent" $host';
  log_format parts '$remote_addr\t$time_iso8601\t$request_method\t$request_uri\t$server_protocol\t$http_user_agent\t$http_referer\t$http_host';
  log_format json escape=json '{"time":"$time_iso8601","msec":$msec,"request_time":$request_time,"remote_addr":"$remote_addr","request":"$request",'
    '"status":$status,"http_user_agent":"$http_user_agent","http_referer":"$http_referer","host":"$host"}';
  large_client_header_buffers 8 32k;
  server {
    listen %s;
    server_name shop.example.com;
    access_log %[2]s/combined.log;
    access_log %[2]s/fine.log fine;
    access_log %[2]s/parts.log parts;
    access_log %[2]s/json.log json;
    location / { return 200 "ok"; }
  }
`, addr, dir))
	list := oddRequests(servedRequests)
	sendServed(t, addr, list)
	logs := []servedLog{
		{file: "combined.log", agent: true, referer: true, step: time.Second},
		{file: "fine.log", flags: []string{"--log-line-format", `$remote_addr [$msec] $request_time "$request" $status "$http_user_agent" $host`}, agent: true, host: true, step: time.Millisecond},
		{file: "parts.log", flags: []string{"--log-line-format", `$remote_addr\t$time_iso8601\t$request_method\t$request_uri\t$server_protocol\t$http_user_agent\t$http_referer\t$http_host`},
			agent: true, referer: true, host: true, step: time.Second},
	}
	for i := range logs {
		logs[i].file = filepath.Join(dir, logs[i].file)
		awaitLines(t, logs[i].file, len(list))
		logs[i].check(t, list)
	}
	replayServed(t, &logs[0], list)

	// JSON is UTF-8: bytes that are not stand for themselves in nginx's.
	json := servedLog{file: filepath.Join(dir, "json.log"), agent: true, referer: true, host: true, step: time.Millisecond}
	awaitLines(t, json.file, len(list))
	json.check(t, list)
}

// The same for Apache.
func TestApacheLogs(t *testing.T) {
	addr, dir := testkit.FreePort(t), logFolder(t)
	testkit.StartApache(t, addr, fmt.Sprintf(`
AllowEncodedSlashes NoDecode
LogFormat "%%h %%l %%u %%t \"%%r\" %%>s %%O \"%%{Referer}i\" \"%%{User-Agent}i\"" combined
LogFormat "%%v:%%p %%h %%l %%u %%t \"%%r\" %%>s %%O \"%%{Referer}i\" \"%%{User-Agent}i\"" vhost_combined
LogFormat "%%a %%{usec}t %%D \"%%r\" %%>s \"%%{User-Agent}i\" %%{Host}i" fine
CustomLog %[1]s/combined.log combined
CustomLog %[1]s/vhost.log vhost_combined
CustomLog %[1]s/fine.log fine
`, dir))
	list := oddRequests(servedRequests)
	sendServed(t, addr, list)
	logs := []servedLog{
		{file: "combined.log", agent: true, referer: true, step: time.Second},
		{file: "vhost.log", flags: []string{"--log-host", "shop.example.com"}, agent: true, referer: true, host: true, step: time.Second},
		{file: "fine.log", flags: []string{"--log-line-format", `LogFormat "%a %{usec}t %D \"%r\" %>s \"%{User-Agent}i\" %{Host}i" fine`}, agent: true, host: true, step: time.Microsecond},
	}
	for i := range logs {
		logs[i].file = filepath.Join(dir, logs[i].file)
		awaitLines(t, logs[i].file, len(list))
		logs[i].check(t, list)
	}
	replayServed(t, &logs[0], list)
}

// logFolder is one that a server's own user may write to.
func logFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "gor-logs")
	testkit.Must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	testkit.Must(t, os.Chmod(dir, 0o777))
	return dir
}
