package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// mirroringNginx starts nginx with the configuration that docs/capture.md shows, its
// addresses put elsewhere, and returns its URL.
func mirroringNginx(t *testing.T, application, gor string) string {
	t.Helper()
	conf, err := os.ReadFile("../examples/nginx-mirror.conf")
	testkit.Must(t, err)
	page, err := os.ReadFile("../docs/capture.md")
	testkit.Must(t, err)
	if !bytes.Contains(page, conf) {
		t.Error("docs/capture.md shows another configuration")
	}
	addr := testkit.FreePort(t)
	text := string(conf)
	for _, place := range [][2]string{{"listen 80;", "listen " + addr + ";"}, {"127.0.0.1:28021;", gor + ";"}, {"127.0.0.1:28021 max_fails", gor + " max_fails"}, {"127.0.0.1:8080", application}} {
		if place[0] != "127.0.0.1:28021;" && !strings.Contains(text, place[0]) {
			t.Fatalf("the configuration has no %q", place[0])
		}
		text = strings.ReplaceAll(text, place[0], place[1])
	}
	testkit.StartNginx(t, nil, text)
	return "http://" + addr
}

// browse sends requests through nginx and wants each answered by the
// application. It returns how many of them took longer than slow.
func browse(t *testing.T, url string, from, to int) (late int) {
	t.Helper()
	client := &http.Client{Timeout: testkit.Timeout}
	defer client.CloseIdleConnections()
	for i := from; i < to; i++ {
		method, body := http.MethodGet, ""
		if i%2 == 1 {
			method, body = http.MethodPost, strings.Repeat(fmt.Sprintf("body %d\x00\n", i), i*40)
		}
		req, err := http.NewRequest(method, fmt.Sprintf("%s/%d?q=%%20%d", url, i, i), strings.NewReader(body))
		testkit.Must(t, err)
		req.Header.Set("X-Number", fmt.Sprint(i))
		began := time.Now()
		resp, err := client.Do(req)
		testkit.Must(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		testkit.Must(t, err)
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("request %d: status %d", i, resp.StatusCode)
		}
		if time.Since(began) > slow {
			late++
		}
	}
	return late
}

// slow is less than nginx would wait for a Gor that takes nothing: a second.
const slow = 900 * time.Millisecond

// TestNginxMirror: nginx gives Gor a copy of each request, and its clients feel
// nothing of a Gor whose output is blocked, or of none.
func TestNginxMirror(t *testing.T) {
	t.Parallel()
	testkit.NeedTool(t, "nginx", "nginx-light")
	application := testkit.StartSink(t)
	port := testkit.FreePort(t)
	out := filepath.Join(t.TempDir(), "mirrored.gor")
	gor := testkit.StartGor(t, "--input-http", port, "--output-file", out)
	url := mirroringNginx(t, application.Addr(), port)

	const n = 60
	browse(t, url, 0, n)
	testkit.Eventually(t, "every request is counted", func() bool { return len(application.Arrivals()) == n })
	testkit.AwaitRecords(t, out, n)
	gor.Stop()
	testkit.WantSums(t, gor.Stderr())
	got, metas := testkit.ReadRecording(t, out, payload.Request)
	seen := map[string]bool{}
	for i, raw := range got {
		r := parsed(t, raw)
		k := testkit.Number(t, raw)
		seen[fmt.Sprint(k)] = true
		if want := fmt.Sprintf("/%d?q=%%20%d", k, k); string(r.Target()) != want {
			t.Errorf("request %d is for %s", k, r.Target())
		}
		if !headerIs(r, "Host", "127.0.0.1") || !headerIs(r, "X-Real-IP", "127.0.0.1") {
			t.Errorf("request %d: %q", k, raw[:min(len(raw), 300)])
		}
		if body := strings.Repeat(fmt.Sprintf("body %d\x00\n", k), k*40*(k%2)); !bytes.Equal(r.Body(), []byte(body)) {
			t.Errorf("request %d has a body of %d bytes, want %d", k, len(r.Body()), len(body))
		}
		if metas[i].Duration < 0 {
			t.Errorf("request %d: %+v", k, metas[i])
		}
		if origin, _ := metas[i].Attribute(payload.AttrOrigin); string(origin) != "http" {
			t.Errorf("request %d has the origin %q, want http", k, origin)
		}
	}
	if len(seen) != n {
		t.Errorf("%d different requests, want %d", len(seen), n)
	}

	// Nobody listens: nginx goes on.
	browse(t, url, n, n+5)

	// An output that never answers: it sheds, and nginx goes on.
	mute := testkit.StartMute(t)
	blocked := testkit.StartGor(t, "--input-http", port, "--output-http", mute.Addr(), "--output-http-workers", "1", "--output-http-queue-len", "1", "--output-http-timeout", "60s")
	if late := browse(t, url, 0, 200); late > 100 { // a busy machine makes one late now and then, a Gor that takes nothing all
		t.Errorf("clients waited for %d requests of 200", late)
	}
	blocked.Cmd.Process.Signal(os.Interrupt)
	blocked.Await("sending what is queued")
	blocked.StopAtOnce()
}
