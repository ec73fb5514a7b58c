package e2e

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// gorVerdict runs gor verdict, and returns its exit code and what it printed.
func gorVerdict(t *testing.T, args ...string) (code int, out string) {
	var stdout bytes.Buffer
	p := testkit.SpawnTo(t, &stdout, append([]string{"verdict"}, args...)...)
	code = p.Wait()
	return code, stdout.String() + p.Stderr()
}

// What was recorded with its answers is replayed to an equal, a broken and a dead
// target, and each gets its verdict.
func TestVerdict(t *testing.T) {
	var recording []byte
	for i := range 20 {
		id := fmt.Sprintf("%024x", i)
		for typ, body := range map[byte]string{
			payload.Request:  fmt.Sprintf("GET /users/%d HTTP/1.1\r\nHost: a\r\n\r\n", i),
			payload.Response: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 7\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\n\r\n{\"n\":1}",
		} {
			head := payload.AppendMeta(nil, payload.Meta{Type: typ, ID: []byte(id), Time: 1_700_000_000_000_000_000 + int64(i), Duration: 1000, Length: int64(len(body))})
			recording = payload.AppendRecord(recording, append(head, body...))
		}
	}
	name := testkit.WriteFile(t, filepath.Join(t.TempDir(), "production.gor"), recording)
	serve := func(status int) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			fmt.Fprint(w, `{"n": 1.0}`)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	dead := httptest.NewServer(nil)
	dead.Close()
	for _, c := range []struct {
		target string
		code   int
		want   string
	}{
		{serve(200) + "#candidate", 0, "equal"},
		{serve(503), 3, "regression: GET /users/{id}: status 200 -> 503 in 20 of 20 pairs"},
		{dead.URL, 3, "regression: GET /users/{id}: no answer in 20 of 20 pairs"},
	} {
		answered := filepath.Join(t.TempDir(), "answered.gor")
		testkit.RunGor(t, "--input-file", name+"|max", "--output-http", c.target, "--output-http-track-response", "--output-file", answered)
		for _, args := range [][]string{{name, "--against", answered}, {answered}} {
			if code, out := gorVerdict(t, args...); code != c.code || !strings.HasPrefix(out, c.want) || strings.Contains(out, "no answer in") != strings.Contains(out, "(200 -> no answer x 20)") {
				t.Errorf("%s, gor verdict %v: exit %d, want %d\n%s", c.target, args, code, c.code, out)
			}
		}
		junit, lines, page := filepath.Join(t.TempDir(), "verdict.xml"), filepath.Join(t.TempDir(), "verdict.jsonl"), filepath.Join(t.TempDir(), "verdict.html")
		if code, out := gorVerdict(t, answered, "--junit", junit, "--json", lines, "--report", page); code != c.code {
			t.Errorf("%s, with reports: exit %d, want %d\n%s", c.target, code, c.code, out)
		}
		text, err := os.ReadFile(junit)
		testkit.Must(t, err)
		if shown := strings.Contains(string(text), "gor show "+answered+" "); shown != (c.code == 3) {
			t.Errorf("%s: %s", c.target, text)
		}
		text, err = os.ReadFile(lines)
		testkit.Must(t, err)
		if has := strings.Contains(string(text), `"standing":"regression"`); has != (c.code == 3) {
			t.Errorf("%s: %s", c.target, text)
		}
		text, err = os.ReadFile(page)
		testkit.Must(t, err)
		if !strings.Contains(string(text), "<h1>"+html.EscapeString(c.want)) {
			t.Errorf("%s: %s", c.target, text)
		}
		if code, out := gorVerdict(t, answered, "--junit", junit); code != 2 || !strings.Contains(out, "nothing is overwritten") {
			t.Errorf("%s: a report is written twice: exit %d\n%s", c.target, code, out)
		}
		if code, out := gorVerdict(t, answered, "--fail-on", "none"); code != 0 {
			t.Errorf("%s: exit %d though nothing is to fail\n%s", c.target, code, out)
		}
		if _, metas := testkit.ReadRecording(t, answered, payload.ReplayResponse); len(metas) != 20 {
			t.Errorf("%s: %d answers", c.target, len(metas))
		} else if label, _ := metas[0].Attribute(payload.AttrTarget); strings.HasSuffix(c.target, "#candidate") != (string(label) == "candidate") {
			t.Errorf("%s: labelled %q", c.target, label)
		}
	}
}

// What two runs differ in is learnt, and then no reason to fail.
func TestVerdictLearns(t *testing.T) {
	run := func(seed int) string {
		var b []byte
		for i := range 200 {
			body := fmt.Sprintf(`{"hits":%d,"name":"x"}`, i*7+seed)
			for typ, text := range map[byte]string{
				payload.Request:        fmt.Sprintf("GET /a/%d HTTP/1.1\r\nHost: a\r\n\r\n", i),
				payload.ReplayResponse: fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
			} {
				head := payload.AppendMeta(nil, payload.Meta{Type: typ, ID: fmt.Appendf(nil, "%024x", i), Time: 1_700_000_000_000_000_000, Duration: 1000, Length: int64(len(text))})
				b = payload.AppendRecord(b, append(head, text...))
			}
		}
		return testkit.WriteFile(t, filepath.Join(t.TempDir(), fmt.Sprintf("run%d.gor", seed)), b)
	}
	one, two, three := run(1), run(2), run(3)
	if code, out := gorVerdict(t, one, "--against", three); code != 3 {
		t.Errorf("exit %d without anything learnt\n%s", code, out)
	}
	noise := filepath.Join(t.TempDir(), "noise.toml")
	if code, out := gorVerdict(t, "--learn", noise, one, two); code != 0 || !strings.Contains(out, "differ between the runs: 1;") {
		t.Fatalf("exit %d\n%s", code, out)
	}
	if code, out := gorVerdict(t, one, "--against", three, "--rules", noise); code != 0 || !strings.Contains(out, "noise") {
		t.Errorf("exit %d with what was learnt\n%s", code, out)
	}
	wrong := testkit.WriteFile(t, filepath.Join(t.TempDir(), "wrong.toml"), []byte("[[ignor]]\npath = 'a'\n"))
	for _, args := range [][]string{{}, {"--no-such-flag"}, {one, "--fail-on", "weather"}, {one, "--rules", wrong}, {"--learn", noise, one}} {
		if code, out := gorVerdict(t, args...); code != 2 || out == "" {
			t.Errorf("%v: exit %d\n%s", args, code, out)
		}
	}
	if code, out := gorVerdict(t, "no-such.gor"); code != 1 {
		t.Errorf("exit %d without a recording\n%s", code, out)
	}
}

// What somebody might hand over by mistake is not called equal, and is explained.
func TestVerdictExplainsItself(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	recorded := func(name string, n int, types ...byte) string {
		var b []byte
		for i := range n {
			for _, typ := range types {
				text := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
				if typ == payload.Request {
					text = "GET /a HTTP/1.1\r\n\r\n"
				}
				m := payload.Meta{Type: typ, ID: fmt.Appendf(nil, "%s%022x", name[:2], i), Time: 1_700_000_000_000_000_000, Length: int64(len(text))}
				b = payload.AppendRecord(b, append(payload.AppendMeta(nil, m), text...))
			}
		}
		return testkit.WriteFile(t, in(name), b)
	}
	production, answered := recorded("aa-production.gor", 9, '1', '2'), recorded("aa-answered.gor", 9, '1', '2', '3')
	asked, other, few := recorded("aa-asked.gor", 9, '1'), recorded("bb-other.gor", 9, '1', '3'), recorded("aa-few.gor", 3, '3')
	har := testkit.WriteFile(t, in("x.har"), []byte(`{"log":{"entries":[]}}`))
	pcap := testkit.WriteFile(t, in("x.pcap"), []byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x04\x00\x01\x00\x00\x00"))
	text := testkit.WriteFile(t, in("x.txt"), []byte("nothing that Gor knows\n"))
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{0, "equal: 9 pairs", []string{production, "--against", answered}},
		{1, "wrong order; write gor verdict production.gor --against answered.gor", []string{answered, "--against", production}},
		{1, "--input-raw-track-response records the original answers", []string{asked}},
		{1, "3 requests have no answer of the old version recorded", []string{asked, "--against", few}},
		{1, "no id is in both recordings", []string{production, "--against", other}},
		{0, "equal: 3 pairs, no difference; 6 more requests could not be compared", []string{production, "--against", few}},
		{1, "nothing was compared", []string{har}},
		{1, "is a capture of packets (pcap), not a recording; gor convert " + pcap + " -o ", []string{pcap}},
		{1, text + " is text, not a recording", []string{text}},
		{2, "but one recording", []string{"-", "--against", "-"}},
		{2, "reports are files", []string{answered, "--json", "-"}},
	} {
		if code, out := gorVerdict(t, c.args...); code != c.code || !strings.Contains(out, c.want) {
			t.Errorf("gor verdict %q: exit %d, want %d and %q\n%s", c.args, code, c.code, c.want, out)
		}
	}
	cmd := testkit.GorCommand(t, nil, "verdict", production, "--against", "-")
	content, err := os.ReadFile(answered)
	testkit.Must(t, err)
	cmd.Stdin = bytes.NewReader(content)
	if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), "equal: 9 pairs") {
		t.Errorf("from standard input: %v\n%s", err, out)
	}
}

// An HTTP archive of a browser has the old version's answers.
func TestVerdictOfHAR(t *testing.T) {
	server := versionServer(t, 200)
	dir := t.TempDir()
	var entries []string
	for i := range 9 {
		entries = append(entries, fmt.Sprintf(`{"startedDateTime":"2026-01-02T03:04:%02d.000Z","request":{"method":"GET","url":"http://a/users/%d","httpVersion":"HTTP/1.1","headers":[]},
			"response":{"status":200,"httpVersion":"HTTP/1.1","headers":[{"name":"Content-Type","value":"application/json"}],"content":{"mimeType":"application/json","text":"{\"path\":\"/users/%d\"}"}}}`, i, i, i%8))
	}
	har := testkit.WriteFile(t, filepath.Join(dir, "production.har"), []byte(`{"log":{"entries":[`+strings.Join(entries, ",")+`]}}`))
	answered := filepath.Join(dir, "answered.gor")
	testkit.RunGor(t, "--input-file", har+"|max", "--output-http", server, "--output-http-track-response", "--output-file", answered)
	for _, args := range [][]string{{har, "--against", answered}, {answered}} {
		if code, out := gorVerdict(t, args...); code != exitThreshold || !strings.HasPrefix(out, "regression: GET /users/{id}: body.path has another value in 1 of 9 pairs\n") {
			t.Errorf("gor verdict %v: exit %d\n%s", args, code, out)
		}
	}
}

// TestVerdictExamples runs the commands about verdicts in the README and docs/, one after
// the other in one folder, with their targets put on loopback.
func TestVerdictExamples(t *testing.T) {
	dir := t.TempDir()
	recording, err := os.ReadFile(answeredRecording(t, 20))
	testkit.Must(t, err)
	testkit.WriteFile(t, filepath.Join(dir, "production.gor"), recording)
	server := strings.TrimPrefix(versionServer(t, 200), "http://")
	targets := strings.NewReplacer("http://staging.com", "http://"+server, "http://staging", "http://"+server, "http://old1", "http://"+server,
		"http://old2", "http://"+server, "http://new", "http://"+server)
	ran := 0
	for _, command := range readmeCommands(t) {
		if !strings.Contains(command, "verdict") && !strings.Contains(command, "production.gor") || strings.Contains(command, "--input-raw") {
			continue // TestVerdictOfCapture
		}
		ran++
		words := testkit.SplitCommand(t, strings.ReplaceAll(targets.Replace(command), " ...", ""))[1:]
		if strings.Contains(command, "--output-file answered.gor") {
			testkit.Must(t, os.RemoveAll(filepath.Join(dir, "answered.gor")))
		}
		for _, old := range []string{"verdict.html", "verdict.xml", "verdict.jsonl"} {
			testkit.Must(t, os.RemoveAll(filepath.Join(dir, old)))
		}
		cmd := testkit.GorCommand(t, nil, words...)
		cmd.Dir = dir
		if p := testkit.StartCommand(t, cmd); p.Wait() != exitOK {
			t.Errorf("%s: %v\n%s", command, p.Err, p.Stderr())
		}
		if answered, err := os.ReadFile(filepath.Join(dir, "answered.gor")); err == nil {
			for _, run := range []string{"run1.gor", "run2.gor"} {
				testkit.Must(t, os.WriteFile(filepath.Join(dir, run), answered, 0o600))
			}
		}
	}
	if ran < 6 {
		t.Errorf("%d examples were found", ran)
	}
}
