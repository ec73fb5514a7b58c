package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// TestTrackResponses: the other outputs get the target's answers as they were
// on the wire, each under the id of its request, with the time it took.
func TestTrackResponses(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/0" {
			w.WriteHeader(http.StatusEarlyHints) // an interim answer is not part of it
		}
		if r.URL.Path == "/7" {
			<-time.After(20 * time.Millisecond)
		}
		w.Header()["X-odd"] = []string{"a"}
		fmt.Fprintf(w, "answer to %s\n", r.URL.Path)
		w.(http.Flusher).Flush() // chunked
		_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
	}))
	defer server.Close()
	const n = 60
	requests, times := testkit.Steady(n, time.Millisecond)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	out := filepath.Join(t.TempDir(), "out.gor")
	code, said := testkit.RunGor(t, "--input-file", file, "--output-http", server.URL, "--output-file", out, "--output-http-track-response")
	if code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	asked, askedMeta := testkit.ReadRecording(t, out, payload.Request)
	testkit.WantSame(t, asked, requests)
	answers, metas := testkit.ReadRecording(t, out, payload.ReplayResponse)
	if len(answers) != n {
		t.Fatalf("%d responses, want %d\n%s", len(answers), n, said)
	}
	path := map[string]string{}
	for i, m := range askedMeta {
		path[string(m.ID)] = targetOf(t, asked[i])
	}
	for i, m := range metas {
		p := path[string(m.ID)]
		if !bytes.HasPrefix(answers[i], []byte("HTTP/1.1 200 OK\r\n")) || !bytes.Contains(answers[i], []byte("\r\nX-odd: a\r\n")) ||
			!bytes.Contains(answers[i], []byte("answer to "+p+"\n")) || !bytes.HasSuffix(answers[i], []byte("\r\n0\r\n\r\n")) {
			t.Errorf("the answer to %q is %.300q", p, answers[i])
		}
		if p == "/7" && m.Duration < int64(20*time.Millisecond) || m.Duration <= 0 || time.Since(time.Unix(0, m.Time)) > time.Minute {
			t.Errorf("%s: time %d, duration %d", p, m.Time, m.Duration)
		}
	}
	testkit.WantSums(t, said)
	if want := fmt.Sprintf("responses of output-http %s\n    messages: %d in = 0 limited + 0 filtered + %d passed on", server.URL, n, n); !strings.Contains(said, want) {
		t.Errorf("no %q in:\n%s", want, said)
	}
}

// Answers above the bound are counted and cost nothing else.
func TestTrackResponsesTooLarge(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/3" {
			_, _ = w.Write(make([]byte, 100_000))
		}
	}))
	defer server.Close()
	requests, times := testkit.Steady(10, 0)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(requests, times))
	out := filepath.Join(t.TempDir(), "out.gor")
	code, said := testkit.RunGor(t, "--input-file", file, "--output-http", server.URL, "--output-file", out, "--output-http-track-response", "--output-http-response-buffer", "50kb")
	answers, _ := testkit.ReadRecording(t, out, payload.ReplayResponse)
	if code != 0 || len(answers) != 1 || !strings.Contains(said, "before that: 9 too large") || !strings.Contains(said, "statuses: 200 x 10") {
		t.Errorf("exit %d, %d answers, want one and 9 that were too large:\n%s", code, len(answers), said)
	}
}

func targetOf(t *testing.T, raw []byte) string {
	t.Helper()
	r := parsed(t, raw)
	return string(r.Target())
}
