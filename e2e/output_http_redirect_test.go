package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestRedirects: those within the target are followed, as often as was asked
// for, and those to other hosts are not.
func TestRedirects(t *testing.T) {
	other := testkit.StartSink(t)
	for _, test := range []struct {
		name, hops, request string
		want                string // the requests that the target sees
		status              int    // of the answer that counts
		line                string
	}{
		{"not asked for", "0", "GET /a?n=1 HTTP/1.1\r\nHost: p\r\n\r\n", "GET /a?n=1", 302, ""},
		{"relative", "1", "GET /rel HTTP/1.1\r\nHost: p\r\n\r\n", "GET /rel, GET /there?x=1", 200, "1 followed, 0 to other hosts"},
		{"twice", "2", "GET /a HTTP/1.1\r\nHost: p\r\n\r\n", "GET /a, GET /rel, GET /there?x=1", 200, "2 followed"},
		{"not often enough", "1", "GET /a HTTP/1.1\r\nHost: p\r\n\r\n", "GET /a, GET /rel", 302, "1 followed"},
		{"a POST becomes a GET", "1", "POST /rel HTTP/1.1\r\nHost: p\r\nContent-Length: 3\r\nX-K: v\r\n\r\nabc", "POST /rel abc, GET /there?x=1", 200, ""},
		{"a POST stays one", "1", "POST /keep HTTP/1.1\r\nHost: p\r\nContent-Length: 3\r\n\r\nabc", "POST /keep abc, POST /kept abc", 200, ""},
		{"a chunked POST stays one", "1", "POST /keep HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "POST /keep abc, POST /kept abc", 200, ""},
		{"see other", "1", "PUT /see HTTP/1.1\r\nHost: p\r\nContent-Length: 3\r\n\r\nabc", "PUT /see abc, GET /seen", 200, ""},
		{"HEAD stays one", "1", "HEAD /see HTTP/1.1\r\nHost: p\r\n\r\n", "HEAD /see, HEAD /seen", 200, ""},
		{"elsewhere", "5", "GET /away HTTP/1.1\r\nHost: p\r\n\r\n", "GET /away", 302, "0 followed, 1 to other hosts, not followed"},
		{"for ever", "3", "GET /loop HTTP/1.1\r\nHost: p\r\n\r\n", "GET /loop, GET /loop, GET /loop, GET /loop", 302, "3 followed"},
		{"nowhere", "3", "GET /nowhere HTTP/1.1\r\nHost: p\r\n\r\n", "GET /nowhere", 302, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var mu sync.Mutex
			var seen []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				seen = append(seen, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, body)))
				mu.Unlock()
				switch r.URL.Path {
				case "/a":
					w.Header().Set("Location", "http://"+r.Host+"/rel")
					w.WriteHeader(302)
				case "/rel":
					w.Header().Set("Location", "there?x=1")
					w.WriteHeader(302)
				case "/keep":
					w.Header().Set("Location", "/kept")
					w.WriteHeader(307)
				case "/see":
					w.Header().Set("Location", "/seen")
					w.WriteHeader(303)
				case "/away":
					w.Header().Set("Location", "http://"+other.Addr()+"/")
					w.WriteHeader(302)
				case "/loop":
					w.Header().Set("Location", "/loop")
					w.WriteHeader(302)
				case "/nowhere":
					w.WriteHeader(302)
				}
			}))
			defer server.Close()
			file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording([][]byte{[]byte(test.request)}, []time.Duration{0}))
			code, said := testkit.RunGor(t, "--input-file", file, "--output-http", server.URL, "--output-http-redirects", test.hops)
			if code != 0 {
				t.Fatalf("exit %d:\n%s", code, said)
			}
			if got := strings.Join(seen, ", "); got != test.want {
				t.Errorf("the target saw %q, want %q", got, test.want)
			}
			if want := fmt.Sprintf("statuses: %d x 1\n", test.status); !strings.Contains(said, want) || !strings.Contains(said, test.line) {
				t.Errorf("no %q or no %q:\n%s", want, test.line, said)
			}
			testkit.WantSums(t, said)
		})
	}
	if n := len(other.Arrivals()); n != 0 {
		t.Errorf("another host got %d requests", n)
	}
}
