package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
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

// replayTo replays n requests to a target and reports to f.
func replayTo(t *testing.T, f *fakeElastic, n int, more ...string) string {
	t.Helper()
	target := startSink(t)
	in := writeFile(t, filepath.Join(t.TempDir(), "in.gor"), record(numberedRequests(n, "prod.example.com"), make([]time.Duration, n)))
	index := strings.Replace(f.URL, "http://", "http://me:se%3Acret@", 1) + "/gor-1"
	code, said := runGor(t, append([]string{"--input-file", in + "|max", "--output-http", target.addr(), "--output-http-elasticsearch", index}, more...)...)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, said)
	}
	if got := len(target.arrivals()); got != n {
		t.Errorf("%d requests at the target, want %d", got, n)
	}
	wantSums(t, said)
	return said
}

func TestElasticsearch(t *testing.T) {
	for _, more := range [][]string{nil, {"--output-http-track-response", "--output-null"}, {"--output-http-redirects", "2"}} {
		f := startElastic(t)
		const n = 300
		said := replayTo(t, f, n, more...)
		if want := fmt.Sprintf("elasticsearch: %d documents indexed, 0 dropped for lack of room, 0 failed", n); !strings.Contains(said, want) {
			t.Errorf("%q: no %q in %s", more, want, said)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.docs) != n {
			t.Fatalf("%d documents", len(f.docs))
		}
		for _, doc := range f.docs {
			sent, err := time.Parse(time.RFC3339, fmt.Sprint(doc["Timestamp"]))
			if err != nil || time.Since(sent) > time.Minute {
				t.Errorf("Timestamp %v", doc["Timestamp"])
			}
			rtt, ok := doc["RTT"].(float64)
			url, _ := doc["Req_URL"].(string)
			if !ok || rtt < 0 || rtt > 60_000 || !strings.HasPrefix(url, "/") || doc["Req_Method"] == "" || doc["Resp_Status"] != "200" || doc["Resp_Status-Code"] != "200" ||
				doc["Resp_Proto"] != "HTTP/1.1" || doc["Resp_Content-Length"] == nil || doc["Req_Accept-Language"] != nil || doc["Req_User-Agent"] == nil {
				t.Fatalf("document %v", doc)
			}
		}
	}
}

// What Elasticsearch has against documents, or against being there, costs
// documents and is said once; the replay does not notice.
func TestElasticsearchTrouble(t *testing.T) {
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
			said := replayTo(t, f, 50)
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

func TestElasticAddresses(t *testing.T) {
	for addr, want := range map[string]string{
		"localhost:9200/gor": "http://localhost:9200 gor", "https://a:b@es.local/x": "https://es.local x", "[::1]:9200/i/": "http://[::1]:9200 i",
	} {
		u, index, err := parseElastic(addr)
		if err != nil || u.Scheme+"://"+u.Host+" "+index != want {
			t.Errorf("%s: %v %s, %v", addr, u, index, err)
		}
	}
	for _, addr := range []string{"", "localhost:9200", "localhost:9200/", "localhost/a/b", "ftp://x/y", "/index", "a:b:c/d", "localhost:9200/x?y=1"} {
		if _, _, err := parseElastic(addr); err == nil || !strings.Contains(err.Error(), "localhost:9200/gor") {
			t.Errorf("%s: %v", addr, err)
		}
	}
}
