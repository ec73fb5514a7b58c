package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestElasticsearch: each exchange of a replay has its document, whatever else
// is done with the answers.
func TestElasticsearch(t *testing.T) {
	t.Parallel()
	const n = 300
	for _, more := range [][]string{nil, {"--output-http-track-response", "--output-null"}, {"--output-http-redirects", "2"}} {
		search := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			docs := strings.Count(string(body), `"Resp_Status":"200"`)
			if err != nil || docs != strings.Count(string(body), `"Req_Method":`) || docs != strings.Count(string(body), `"Resp_Content-Length":`) {
				t.Errorf("%d documents with all fields in %.500q, %v", docs, body, err)
			}
			_, _ = io.WriteString(w, `{"items":[`+strings.TrimSuffix(strings.Repeat(`{"index":{"status":201}},`, docs), ",")+`]}`)
		}))
		defer search.Close()
		target := testkit.StartSink(t)
		in := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), testkit.Recording(testkit.NumberedRequests(n, "prod.example.com"), make([]time.Duration, n)))
		code, said := testkit.RunGor(t, append([]string{"--input-file", in + "|max", "--output-http", target.Addr(), "--output-http-elasticsearch", search.URL + "/gor-1"}, more...)...)
		if code != exitOK {
			t.Fatalf("exit %d: %s", code, said)
		}
		if got := len(target.Arrivals()); got != n {
			t.Errorf("%d requests at the target, want %d", got, n)
		}
		testkit.WantSums(t, said)
		if want := "elasticsearch: 300 documents indexed, 0 dropped for lack of room, 0 failed"; !strings.Contains(said, want) {
			t.Errorf("%q: no %q in %s", more, want, said)
		}
	}
}
