package elastic

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/plugin"
)

// fakeElastic takes bulk requests as strictly as Elasticsearch does.
type fakeElastic struct {
	*httptest.Server
	t       *testing.T
	answer  func(batch int, w http.ResponseWriter) bool // false: as usual
	refuse  func(doc map[string]any) bool
	batches atomic.Int64

	mu   sync.Mutex
	docs []map[string]any
}

func startElastic(t *testing.T) *fakeElastic {
	f := &fakeElastic{t: t, refuse: func(map[string]any) bool { return false }}
	f.answer = func(int, http.ResponseWriter) bool { return false }
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeElastic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.answer(int(f.batches.Add(1)), w) {
		return
	}
	user, password, _ := r.BasicAuth()
	if r.Method != "POST" || r.URL.Path != "/_bulk" || r.Header.Get("Content-Type") != "application/x-ndjson" || user != "me" || password != "se:cret" {
		f.t.Errorf("%s %s, %v", r.Method, r.URL, r.Header)
	}
	var items []any
	refused := false
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if lines.Text() != `{"index":{"_index":"gor-1"}}` {
			f.t.Errorf("action %q", lines.Text())
		}
		if !lines.Scan() {
			f.t.Error("an action without a document")
		}
		var doc map[string]any
		if err := json.Unmarshal(lines.Bytes(), &doc); err != nil {
			f.t.Errorf("document %q: %v", lines.Bytes(), err)
		}
		result := map[string]any{"_index": "gor-1", "status": 201}
		if f.refuse(doc) {
			refused = true
			result = map[string]any{"status": 400, "error": map[string]any{"type": "mapper_parsing_exception"}}
		} else {
			f.mu.Lock()
			f.docs = append(f.docs, doc)
			f.mu.Unlock()
		}
		items = append(items, map[string]any{"index": result})
	}
	if err := json.NewEncoder(w).Encode(map[string]any{"took": 3, "errors": refused, "items": items}); err != nil {
		f.t.Error(err)
	}
}

// report adds n exchanges to a Reporter of f, drains it, and returns what it
// said and reports.
func report(t *testing.T, f *fakeElastic, n int) string {
	t.Helper()
	index, err := Parse(strings.Replace(f.URL, "http://", "http://me:se%3Acret@", 1) + "/gor-1")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var said bytes.Buffer
	r, err := Open(Config{Index: index, Dial: (&net.Dialer{}).DialContext, Logf: func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&said, format+"\n", args...)
	}})
	if err != nil {
		t.Fatal(err)
	}
	sent := time.Now()
	for i := range n {
		var req http1.Request
		if err := req.Parse(fmt.Appendf(nil, "POST /%d HTTP/1.1\r\nHost: prod\r\nUser-Agent: Mozilla\r\nAccept: %s\r\nCookie: a=b\r\n\r\n", i, strings.Repeat("x", 2*valueMost*(i%2)))); err != nil {
			t.Fatal(err)
		}
		r.Add(&req, []byte("HTTP/1.1 201 Created\r\nContent-Length: 2\r\nSet-Cookie: c=d\r\n\r\nok"), 201, sent, time.Duration(i)*time.Millisecond)
		if i%50 == 49 { // there is room for no more of these
			if err := r.q.Settle(nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.Drain(nil); err != nil {
		t.Error(err)
	}
	for range 2 {
		r.Close()
	}
	r.Report(plugin.NewReport(&said))
	return said.String()
}

func TestDocuments(t *testing.T) {
	f := startElastic(t)
	const n = 300
	said := report(t, f, n)
	if want := fmt.Sprintf("elasticsearch: %d documents indexed, 0 dropped for lack of room, 0 failed\n", n); said != want {
		t.Errorf("said %q, want %q", said, want)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.docs) != n {
		t.Fatalf("%d documents", len(f.docs))
	}
	for i, doc := range f.docs {
		sent, err := time.Parse(time.RFC3339, fmt.Sprint(doc["Timestamp"]))
		if err != nil || time.Since(sent) > time.Minute {
			t.Errorf("Timestamp %v", doc["Timestamp"])
		}
		delete(doc, "Timestamp")
		want := map[string]any{
			"Req_URL": fmt.Sprintf("/%d", i), "Req_Method": "POST", "Req_User-Agent": "Mozilla", "Req_Cookies": "a=b",
			"Resp_Status": "201", "Resp_Status-Code": "201", "Resp_Proto": "HTTP/1.1", "Resp_Content-Length": "2", "Resp_Set-Cookie": "c=d", "RTT": float64(i),
		}
		if i%2 == 1 {
			want["Req_Accept"] = strings.Repeat("x", valueMost)
		}
		if !maps.Equal(doc, want) {
			t.Fatalf("document %v, want %v", doc, want)
		}
	}
}

// What Elasticsearch has against documents, or against being there, costs
// documents and is said once; the replay does not notice.
func TestTrouble(t *testing.T) {
	for _, tt := range []struct {
		name string
		set  func(f *fakeElastic)
		want []string
	}{
		{"busy at first", func(f *fakeElastic) {
			f.answer = func(batch int, w http.ResponseWriter) bool {
				if batch <= 2 {
					w.WriteHeader(429)
				}
				return batch <= 2
			}
		}, []string{"50 documents indexed, 0 dropped for lack of room, 0 failed"}},
		{"some refused", func(f *fakeElastic) {
			var n atomic.Int64
			f.refuse = func(map[string]any) bool { return n.Add(1)%10 == 0 }
		}, []string{"0 dropped for lack of room, 5 failed", "it refuses documents: status 400", "mapper_parsing_exception"}},
		{"not allowed", func(f *fakeElastic) {
			f.answer = func(_ int, w http.ResponseWriter) bool {
				http.Error(w, "no such user", http.StatusUnauthorized)
				return true
			}
		}, []string{"0 documents indexed, 0 dropped for lack of room, 50 failed", "it answers 401 Unauthorized: no such user"}},
		{"no JSON", func(f *fakeElastic) {
			f.answer = func(_ int, w http.ResponseWriter) bool { fmt.Fprint(w, "hello"); return true }
		}, []string{"50 failed", "its answer is no JSON"}},
		{"not there", func(f *fakeElastic) { f.Server.Close() }, []string{"50 failed", "connection refused"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := startElastic(t)
			tt.set(f)
			said := report(t, f, 50)
			for _, want := range tt.want {
				if !strings.Contains(said, want) {
					t.Errorf("no %q in %s", want, said)
				}
			}
			if n := strings.Count(said, "the replay goes on without"); n > 1 {
				t.Errorf("said %d times:\n%s", n, said)
			}
		})
	}
}

func TestParse(t *testing.T) {
	for addr, want := range map[string]string{
		"localhost:9200/gor": "http://localhost:9200 gor", "https://a:b@es.local/x": "https://es.local x", "[::1]:9200/i/": "http://[::1]:9200 i",
	} {
		i, err := Parse(addr)
		if err != nil || i.server.Scheme+"://"+i.server.Host+" "+i.name != want {
			t.Errorf("%s: %v, %v", addr, i, err)
		}
	}
	for _, addr := range []string{"", "localhost:9200", "localhost:9200/", "localhost/a/b", "ftp://x/y", "/index", "a:b:c/d", "localhost:9200/x?y=1"} {
		if _, err := Parse(addr); err == nil || !strings.Contains(err.Error(), "localhost:9200/gor") {
			t.Errorf("%s: %v", addr, err)
		}
	}
}
