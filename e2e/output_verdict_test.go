package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// versionServer answers every request with that status.
func versionServer(t *testing.T, status int) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"path": %q}`, r.URL.Path)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// answeredRecording is a recording of n requests that were answered as by
// versionServer with the status 200.
func answeredRecording(t *testing.T, n int) string {
	var b []byte
	for i := range n {
		id, body := fmt.Sprintf("%024x", i), fmt.Sprintf(`{"path":"/users/%d"}`, i)
		for typ, text := range map[byte]string{
			payload.Request:  fmt.Sprintf("GET /users/%d HTTP/1.1\r\nHost: a\r\n\r\n", i),
			payload.Response: fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
		} {
			head := payload.AppendMeta(nil, payload.Meta{Type: typ, ID: []byte(id), Time: 1_700_000_000_000_000_000 + int64(i), Duration: 1000, Length: int64(len(text))})
			b = payload.AppendRecord(b, append(head, text...))
		}
	}
	return testkit.WriteFile(t, filepath.Join(t.TempDir(), "production.gor"), b)
}

func verdictFlagRows() []flagRow {
	// run replays to targets with a verdict, and returns what it ended with.
	run := func(f *flagTest, code int, targets []string, args ...string) flagRun {
		f.Helper()
		args = append([]string{"--input-file", answeredRecording(f.T, 20) + "|max", "--output-http-track-response"}, args...)
		for _, target := range targets {
			args = append(args, "--output-http", target)
		}
		return f.ends(code, args...)
	}
	return []flagRow{
		{"output-verdict", []string{""}, func(f *flagTest) {
			good, bad := versionServer(f.T, 200), versionServer(f.T, 503)
			dir := f.TempDir()
			run(f, exitOK, []string{good}, "--output-verdict", filepath.Join(dir, "good")).says("equal: 20 pairs")
			run(f, exitThreshold, []string{bad}, "--output-verdict", filepath.Join(dir, "new", "bad")).says("regression: GET /users/{id}: status 200 -> 503 in 20 of 20 pairs")
			run(f, exitThreshold, []string{good + "#primary", bad + "#candidate", good + "#b"}, "--output-verdict", dir).says("    candidate: regression: ", "    b: ").saysNot("b: regression")
			for _, name := range []string{"good.html", "good.xml", "good.jsonl", "new/bad.html", "new/bad.xml", "new/bad.jsonl", "verdict-candidate.html", "verdict-b.xml"} {
				if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != 0o600 {
					f.Errorf("%s: %v, %v", name, info, err)
				}
			}
			run(f, exitUsage, []string{good}, "--output-verdict", filepath.Join(dir, "good")).says("exists, and nothing is overwritten")
			// Nothing can be compared: that is an error, and what to do is said.
			f.ends(exitFailed, "--input-file", f.recording(0, gets(4)...)+"|max", "--output-http", good, "--output-http-track-response", "--output-verdict", filepath.Join(dir, "none")).
				says("nothing was compared", "4 requests have no answer of the old version recorded")
			for want, args := range map[string][]string{
				"add --output-http-track-response":             {"--input-file", "x.gor", "--output-http", good},
				"#primary --output-http http://new#candidate":  {"--input-file", "x.gor", "--output-http", good, "--output-http", bad, "--output-http-track-response"},
				"two targets are labelled #a":                  {"--input-file", "x.gor", "--output-http", good + "#a", "--output-http", bad + "#a", "--output-http-track-response"},
				"no target is a new version":                   {"--input-file", "x.gor", "--output-http", good + "#primary", "--output-http-track-response"},
				"add --input-raw-track-response":               {"--input-raw", ":80", "--output-http", good, "--output-http-track-response"},
				"add --output-http http://staging.com --outpu": {"--input-raw", ":80"},
				"leave out --split-output":                     {"--input-file", "x.gor", "--output-http", good, "--output-http-track-response", "--split-output"},
			} {
				f.ends(exitUsage, append(args, "--output-verdict", filepath.Join(dir, "wrong"))...).says(want)
			}
		}},
		{"output-verdict-rules", []string{"", "/no/such/file.toml"}, func(f *flagTest) {
			rules := testkit.WriteFile(f.T, filepath.Join(f.TempDir(), "rules.toml"), []byte("[[expect]]\npath = 'status'\nfrom = 200\nto = 503\n"))
			run(f, exitOK, []string{versionServer(f.T, 503)}, "--output-verdict", filepath.Join(f.TempDir(), "v"), "--output-verdict-rules", rules).says("or are wanted")
		}},
		{"output-verdict-fail-on", []string{"", "weather", "regression;any"}, func(f *flagTest) {
			bad := versionServer(f.T, 503)
			for list, code := range map[string]int{"none": exitOK, "removed,unanswered": exitOK, "status-class": exitThreshold, "any": exitThreshold} {
				run(f, code, []string{bad}, "--output-verdict", filepath.Join(f.TempDir(), "v"), "--output-verdict-fail-on", list).says("regression: GET /users/{id}")
			}
		}},
	}
}

// Whoever replays what was answered is told how the statuses compare, without asking, and
// can fail for it.
func TestStatusesAreCompared(t *testing.T) {
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "0") {
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	t.Cleanup(bad.Close)
	file, summary := answeredRecording(t, 141), filepath.Join(t.TempDir(), "summary.json")
	code, said := testkit.RunGor(t, "--input-file", file+"|max", "--output-http", bad.URL, "--fail-on", "different>10%", "--summary-json", summary)
	if want := "status equal 15, different 126 (200 -> 502 x 126)\n"; code != exitThreshold || !strings.Contains(said, want) ||
		!strings.Contains(said, "126 of 141 statuses different (89.4%)") {
		t.Errorf("exit %d, want %d and %q:\n%s", code, exitThreshold, want, said)
	}
	text, err := os.ReadFile(summary)
	testkit.Must(t, err)
	if flat := strings.Join(strings.Fields(string(text)), ""); !strings.Contains(flat, `"recorded_statuses":{"changes":{"200-\u003e502":126},"different":126,"equal":15,"not_compared":0}`) {
		t.Errorf("%s", text)
	}
	dead := httptest.NewServer(nil)
	dead.Close()
	if _, said := testkit.RunGor(t, "--input-file", file+"|max", "--output-http", dead.URL, "--output-null"); !strings.Contains(said, "different 141 (200 -> no answer x 141)") {
		t.Errorf("%s", said)
	}
}

// What is captured with its answers is compared with what another version answers,
// while it happens.
func TestVerdictOfCapture(t *testing.T) {
	testkit.NeedCapture(t)
	old, is := versionServer(t, 200), versionServer(t, 500)
	dir := t.TempDir()
	gor := testkit.StartGor(t, "--input-raw", strings.TrimPrefix(old, "http://"), "--input-raw-track-response", "--output-http", is, "--output-http-track-response",
		"--output-verdict", filepath.Join(dir, "v"), "--summary-json", filepath.Join(dir, "summary.json"), "--metrics", "127.0.0.1:0")
	page := pageOf(t, gor)
	const n = 20
	for i := range n {
		answer, err := http.Get(fmt.Sprintf("%s/things/%d", old, i))
		testkit.Must(t, err)
		testkit.Must(t, answer.Body.Close())
	}
	testkit.Eventually(t, "all pairs to be compared", func() bool {
		return scrape(t, page)[fmt.Sprintf("gor_verdict_pairs_total output=%q", "output-verdict "+filepath.Join(dir, "v"))] == fmt.Sprint(n)
	})
	testkit.Must(t, gor.Cmd.Process.Signal(os.Interrupt))
	if code := gor.Wait(); code != exitThreshold {
		t.Errorf("exit %d, want %d:\n%s", code, exitThreshold, gor.Stderr())
	}
	var summary struct {
		FailOn  []string `json:"fail_on"`
		Outputs map[string]struct {
			Report struct {
				Compared uint64 `json:"pairs_compared"`
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "summary.json"))
	testkit.Must(t, err)
	testkit.Must(t, json.Unmarshal(text, &summary))
	if got := summary.Outputs["output-verdict "+filepath.Join(dir, "v")].Report.Compared; got != n {
		t.Errorf("%d pairs, want %d:\n%s", got, n, gor.Stderr())
	}
	if len(summary.FailOn) != 1 || !strings.Contains(summary.FailOn[0], "status 200 -> 500 in 20 of 20 pairs") {
		t.Errorf("%q", summary.FailOn)
	}
}
