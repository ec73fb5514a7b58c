package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// pageOf returns where a Gor's page is.
func pageOf(t *testing.T, gor *testkit.Process) string {
	t.Helper()
	gor.Await("counts and profiles at http://")
	gor.Await("gor: to ")
	_, rest, _ := strings.Cut(gor.Stderr(), "counts and profiles at ")
	url, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSuffix(url, "/")
}

// fetch gets a page that must be there.
func fetch(t *testing.T, url, contentType string) string {
	t.Helper()
	client := http.Client{Timeout: testkit.Timeout, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	testkit.Must(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	testkit.Must(t, err)
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != 200 || !strings.HasPrefix(got, contentType) {
		t.Fatalf("%s: %s, %q:\n%.500s", url, resp.Status, got, body)
	}
	return string(body)
}

func scrape(t *testing.T, page string) testkit.Scraped {
	t.Helper()
	got, err := testkit.ParseMetrics(fetch(t, page+"/metrics", "text/plain; version=0.0.4"))
	testkit.Must(t, err)
	return got
}

// fetchVars gets the counts as JSON, by plugin and name.
func fetchVars(t *testing.T, page string) ledger.Vars {
	t.Helper()
	var vars struct {
		Cmdline  []string
		Memstats struct{ Alloc, HeapSys uint64 }
		Gor      ledger.Vars
	}
	decoder := json.NewDecoder(strings.NewReader(fetch(t, page+"/debug/vars", "application/json")))
	testkit.Must(t, decoder.Decode(&vars))
	if !slices.Contains(vars.Cmdline, "--http-pprof") || vars.Memstats.Alloc == 0 || vars.Memstats.HeapSys == 0 {
		t.Errorf("cmdline %q, memstats %+v", vars.Cmdline, vars.Memstats)
	}
	if vars.Gor.Version == "" || vars.Gor.Uptime <= 0 {
		t.Errorf("version %q, up for %v s", vars.Gor.Version, vars.Gor.Uptime)
	}
	return vars.Gor
}

// wantProfiles looks at the pages of net/http/pprof.
func wantProfiles(t *testing.T, page string) {
	t.Helper()
	for path, want := range map[string]string{
		"/":                              "/metrics",
		"/debug/pprof/":                  "goroutine",
		"/debug/pprof/goroutine?debug=1": "goroutine profile: total",
		"/debug/pprof/heap?debug=1":      "heap profile",
		"/debug/pprof/cmdline":           "--http-pprof",
		"/debug/pprof/symbol?0x1":        "num_symbols",
	} {
		if body := fetch(t, page+path, "text/"); !strings.Contains(body, want) {
			t.Errorf("%s has no %q:\n%.300s", path, want, body)
		}
	}
	if body := fetch(t, page+"/debug/pprof/profile?seconds=1", "application/octet-stream"); !strings.HasPrefix(body, "\x1f\x8b") {
		t.Errorf("the CPU profile begins with %.10q", body)
	}
}

var beforeLine = regexp.MustCompile(`before that: (.*)`)

// wantSameAsLedger compares a last scrape and the JSON of the same moment
// with the ledger that Gor printed when it ended: each number of the ledger
// is there, and no other that is not zero. Gauges may have fallen since.
func wantSameAsLedger(t *testing.T, got testkit.Scraped, vars ledger.Vars, said string) {
	t.Helper()
	_, printed, found := strings.Cut(said, "gor: ledger after ")
	if !found {
		t.Fatalf("no ledger:\n%s", said)
	}
	rest := maps.Clone(got)
	want := func(name string, n int, labels ...string) {
		t.Helper()
		series := name
		for i := 0; i < len(labels); i += 2 {
			if labels[i+1] == "" {
				continue
			}
			series += fmt.Sprintf(" %s=%q", labels[i], labels[i+1])
		}
		if got[series] != strconv.Itoa(n) {
			t.Errorf("%s is %q, the ledger has %d", series, got[series], n)
		}
		delete(rest, series)
	}
	wantVar := func(what string, got uint64, n int) {
		t.Helper()
		if got != uint64(n) {
			t.Errorf("%s is %d as JSON, the ledger has %d", what, got, n)
		}
	}
	plugin, input := "", false
	for line := range strings.Lines(printed) {
		line = strings.TrimRight(line, "\n")
		if name, is := strings.CutPrefix(line, "  "); is && !strings.HasPrefix(name, " ") {
			plugin, input = name, strings.HasPrefix(name, "input")
			continue
		}
		if m := beforeLine.FindStringSubmatch(line); m != nil {
			for part := range strings.SplitSeq(m[1], ", ") {
				count, row, _ := strings.Cut(part, " ")
				name, reason, _ := ledger.InputMetric(stats.Count{Name: row})
				want(name, testkit.Atoi(t, count), "input", plugin, "reason", reason)
				wantVar(row, vars.Inputs[plugin].Before[row], testkit.Atoi(t, count))
			}
		}
		m := testkit.EquationLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		terms := map[string]int{}
		for _, term := range regexp.MustCompile(`(\d+) ([a-z][^+(),]*[a-z])`).FindAllStringSubmatch(m[2], -1) {
			terms[term[2]] = testkit.Atoi(t, term[1])
		}
		total := testkit.Atoi(t, m[1])
		if input {
			in := vars.Inputs[plugin]
			for name, n := range map[string]int{"messages": total, "limited": terms["limited"], "filtered": terms["filtered"], "passed": terms["passed on"]} {
				want("gor_input_"+name+"_total", n, "input", plugin)
			}
			wantVar("read", in.Read, total)
			wantVar("limited", in.Limited, terms["limited"])
			wantVar("filtered", in.Filtered, terms["filtered"])
			wantVar("passed", in.Passed, terms["passed on"])
			continue
		}
		out := vars.Outputs[plugin]
		want("gor_output_offered_total", total, "output", plugin)
		wantVar("offered", out.Offered, total)
		want("gor_output_shed_total", terms["shed"], "output", plugin)
		wantVar("shed", out.Shed, terms["shed"])
		delete(terms, "shed")
		delete(terms, "failed") // the sum of those behind it
		kinds := map[string]stats.Kind{"delivered": stats.Delivered, "unsent": stats.Unsent, "limited": stats.Limited, "responses ignored": stats.Ignored, "kept on disk": stats.Kept}
		for row, n := range terms {
			kind, known := kinds[row]
			if !known {
				kind = stats.Failed
			}
			name, reason := ledger.OutputMetric(stats.Count{Name: row, Kind: kind})
			want(name, n, "output", plugin, "reason", reason)
			wantVar(row, out.Fates[row], n)
		}
		want("gor_output_pending_messages", 0, "output", plugin)
		wantVar("pending", out.Pending, 0)
	}
	for series, n := range rest {
		if strings.HasPrefix(series, "go_") || strings.HasPrefix(series, "process_") || strings.HasPrefix(series, "gor_output_latency_seconds") || strings.HasPrefix(series, "gor_output_responses_total") {
			continue // of the process; and of reports, which TestFlags/metrics reads
		}
		if n != "0" && !strings.HasPrefix(series, "gor_build_info") && series != "gor_start_time_seconds" {
			t.Errorf("%s is %s, the ledger has nothing of it", series, n)
		}
	}
}

// TestMetricsOfACapture: while a capture runs, all pages are there, and their
// numbers are those that the ledger has at the end.
func TestMetricsOfACapture(t *testing.T) {
	testkit.NeedCapture(t)
	production, staging := testkit.StartSink(t), testkit.StartSink(t)
	input := "input-raw " + production.Addr()
	gor := testkit.StartGor(t, "--input-raw", production.Addr(), "--output-http", "http://"+staging.Addr(), "--output-null", "--http-allow-method", "GET",
		"--http-pprof", "127.0.0.1:0")
	page := pageOf(t, gor)
	if got := scrape(t, page); got[fmt.Sprintf("gor_input_messages_total input=%q", input)] != "0" {
		t.Errorf("before the first request: %v", got)
	}
	requests := readmeRequests()
	testkit.Must(t, testkit.SendAll(production.Addr(), requests))
	wantProfiles(t, page)
	resp, err := http.Post(page+"/metrics", "text/plain", strings.NewReader("x"))
	testkit.Must(t, err)
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", resp.Status)
	}
	// Once the connection is forgotten, nothing changes any more.
	var got testkit.Scraped
	testkit.Eventually(t, "the capture forgets the connection", func() bool {
		got = scrape(t, page)
		return got[fmt.Sprintf("gor_capture_requests_total input=%q", input)] == strconv.Itoa(len(requests)) &&
			got[fmt.Sprintf("gor_capture_connections_live input=%q", input)] == "0" &&
			got[`gor_output_pending_messages output="output-http http://`+staging.Addr()+`"`] == "0"
	})
	vars := fetchVars(t, page)
	gor.Stop()
	wantSameAsLedger(t, got, vars, gor.Stderr())
	if n := got[fmt.Sprintf("gor_input_filtered_total input=%q", input)]; n != "8" {
		t.Errorf("%s requests filtered, want 8", n)
	}
	if vars.Inputs[input].Before["messages begun"] != uint64(len(requests)) || vars.Outputs["output-null"].Fates["delivered"] != 4 {
		t.Errorf("as JSON: %+v", vars)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(page, "http://")); err == nil {
		t.Error("somebody still listens")
	}
}

// TestMetricsOfAReplay: the same of a recording with damage in it, whose
// output fails.
func TestMetricsOfAReplay(t *testing.T) {
	t.Parallel()
	requests := readmeRequests()
	times := make([]time.Duration, len(requests))
	for i := range times {
		times[i] = time.Duration(i) * 20 * time.Millisecond
	}
	recording := append(testkit.Recording(requests, times), "what is this\n\n🐵🙈🙉\n"...)
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), `in "1".gor`), recording)
	nobody := testkit.FreePort(t)
	// The link keeps Gor running.
	gor := testkit.StartGor(t, "--input-file", file, "--input-tcp", "127.0.0.1:0", "--output-http", nobody, "--output-file", filepath.Join(t.TempDir(), "out.gor"),
		"--http-pprof", "127.0.0.1:0")
	page := pageOf(t, gor)
	var got testkit.Scraped
	testkit.Eventually(t, "all is dealt with", func() bool {
		fetchVars(t, page) // while it goes on, too
		got = scrape(t, page)
		done := 0
		for series, n := range got {
			if strings.HasPrefix(series, "gor_output_pending_messages") && n == "0" {
				done++
			}
			if strings.HasPrefix(series, "gor_output_offered_total") && n == strconv.Itoa(len(requests)) {
				done++
			}
		}
		return done == 4
	})
	vars := fetchVars(t, page)
	testkit.Must(t, gor.Cmd.Process.Signal(os.Interrupt))
	if code := gor.Wait(); code != exitFailed {
		t.Errorf("exit %d, want %d: the output delivered nothing", code, exitFailed)
	}
	wantSameAsLedger(t, got, vars, gor.Stderr())
	if n := got[fmt.Sprintf("gor_input_irregular_total input=%q reason=\"damaged records\"", "input-file "+file)]; n != "1" {
		t.Errorf("%q damaged records, want 1: %v", n, got)
	}
}

// TestPageEndsWithGor: neither a profile that is being taken nor a connection
// that says nothing keeps Gor from ending.
func TestPageEndsWithGor(t *testing.T) {
	t.Parallel()
	gor := testkit.StartGor(t, "--input-dummy", "--output-null", "--http-pprof", "127.0.0.1:0")
	page := pageOf(t, gor)
	idle, err := net.Dial("tcp", strings.TrimPrefix(page, "http://"))
	testkit.Must(t, err)
	defer idle.Close()
	slow, err := net.Dial("tcp", strings.TrimPrefix(page, "http://"))
	testkit.Must(t, err)
	defer slow.Close()
	_, err = io.WriteString(slow, "GET /debug/pprof/profile?seconds=600 HTTP/1.1\r\nHost: x\r\n\r\n")
	testkit.Must(t, err)
	testkit.Eventually(t, "the profile is being taken", func() bool {
		return strings.Contains(fetch(t, page+"/debug/pprof/goroutine?debug=2", "text/plain"), "pprof.Profile(")
	})
	gor.Stop() // fails when it waits for either
}

// TestPageOnAPortInUse: exit 1, and what to type.
func TestPageOnAPortInUse(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer busy.Close()
	addr := busy.Addr().String()
	file := filepath.Join(t.TempDir(), "out.gor")
	code, said := testkit.RunGor(t, "--input-dummy", "--output-file", file, "--http-pprof", addr)
	for _, want := range []string{"--http-pprof: ", strconv.Quote(addr), "in use", "ss -ltnp 'sport = :" + testkit.PortOf(t, addr) + "'"} {
		if code != exitFailed || !strings.Contains(said, want) {
			t.Errorf("exit %d, want %d and %q:\n%s", code, exitFailed, want, said)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the output was opened")
	}
}

// TestPageWarns: whoever listens on more than loopback is told so, once.
func TestPageWarns(t *testing.T) {
	for addr, want := range map[string]int{"127.0.0.1:0": 0, "[::1]:0": 0, ":0": 1} {
		gor := testkit.StartGor(t, "--input-dummy", "--output-null", "--http-pprof", addr)
		page := pageOf(t, gor)
		fetch(t, strings.Replace(page, "[::]", "127.0.0.1", 1)+"/metrics", "text/plain")
		gor.Stop()
		if n := strings.Count(gor.Stderr(), "everyone who can reach this port"); n != want {
			t.Errorf("%s: warned %d times, want %d:\n%s", addr, n, want, gor.Stderr())
		}
	}
}

// TestWithoutTheFlagNothingListens: and with it, one socket does.
func TestWithoutTheFlagNothingListens(t *testing.T) {
	for _, args := range [][]string{nil, {"--http-pprof", "127.0.0.1:0"}} {
		gor := testkit.StartGor(t, append([]string{"--input-dummy", "--output-null"}, args...)...)
		if n := listening(t, gor.Cmd.Process.Pid); n != len(args)/2 {
			t.Errorf("%q: %d sockets listen", args, n)
		}
		gor.Stop()
	}
}

// listening counts the TCP sockets of a process that listen.
func listening(t *testing.T, pid int) (n int) {
	t.Helper()
	inodes := map[string]bool{}
	for _, table := range []string{"tcp", "tcp6"} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, table))
		testkit.Must(t, err)
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 9 && f[3] == "0A" { // TCP_LISTEN
				inodes["socket:["+f[9]+"]"] = true
			}
		}
	}
	dir := fmt.Sprintf("/proc/%d/fd/", pid)
	entries, err := os.ReadDir(dir)
	testkit.Must(t, err)
	for _, e := range entries {
		if to, _ := os.Readlink(dir + e.Name()); inodes[to] {
			n++
		}
	}
	return n
}
