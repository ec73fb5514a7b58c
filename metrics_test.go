package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/outbound"
	gorplugin "github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// TestMetricsText: whatever plugins are called, the page can be read, and
// two that are called the same are told apart.
func TestMetricsText(t *testing.T) {
	names := []string{`input-file a"b\c.gor`, "input-file two\nlines", "input-file \xff\xfe", "same", "same", "same #2"}
	silent := func(*gorplugin.Report) {}
	l := ledger.Ledger{Outputs: []ledger.Output{{Name: "output-null", Offered: 9, Shed: 1, Report: silent, Fates: []stats.Count{
		{Name: limitedRow, Kind: stats.Limited, N: 2}, {Name: "delivered", Kind: stats.Delivered, N: 1}, {Name: "unsent", Kind: stats.Unsent}, {Name: ignoredRow, Kind: stats.Ignored, N: 1},
		{Name: "failed: write", Kind: stats.Failed, N: 1}, {Name: "timeout", Kind: stats.Failed, N: 1}}}}}
	for i, name := range names {
		l.Inputs = append(l.Inputs, ledger.Input{Name: name, Read: uint64(i), Passed: uint64(i), Report: silent, Before: []stats.Count{
			{Name: "lost: gap", N: 3}, {Name: "bytes buffered", N: 4}, {Name: "duplicate, sent again", N: 5}}})
	}
	var b bytes.Buffer
	l.WriteMetrics(&b, version, time.UnixMilli(1_700_000_000_250))
	got, err := testkit.ParseMetrics(b.String())
	testkit.Must(t, err)
	for i, name := range []string{names[0], names[1], "input-file \uFFFD", "same", "same #2", "same #2 #2"} {
		for series, want := range map[string]string{
			"gor_input_messages_total input=%q":                                   strconv.Itoa(i),
			"gor_input_limited_total input=%q":                                    "0",
			"gor_input_filtered_total input=%q":                                   "0",
			"gor_input_passed_total input=%q":                                     strconv.Itoa(i),
			"gor_capture_buffered_bytes input=%q":                                 "4",
			"gor_capture_lost_total input=%q reason=\"gap\"":                      "3",
			"gor_input_irregular_total input=%q reason=\"duplicate, sent again\"": "5",
		} {
			if series = fmt.Sprintf(series, name); got[series] != want {
				t.Errorf("%s is %q, want %q", series, got[series], want)
			}
			delete(got, series)
		}
	}
	const out = ` output="output-null"`
	for series, want := range map[string]string{
		"gor_output_offered_total" + out: "9", "gor_output_shed_total" + out: "1", "gor_output_limited_total" + out: "2",
		"gor_output_delivered_total" + out: "1", "gor_output_unsent_total" + out: "0", "gor_output_ignored_total" + out: "1",
		"gor_output_failed_total" + out + ` reason="write"`: "1", "gor_output_failed_total" + out + ` reason="timeout"`: "1",
		"gor_output_pending_messages" + out: "2", "gor_start_time_seconds": "1700000000.250",
	} {
		if got[series] != want {
			t.Errorf("%s is %q, want %q", series, got[series], want)
		}
		delete(got, series)
	}
	if len(got) != 1 || !strings.HasPrefix(slices.Collect(maps.Keys(got))[0], `gor_build_info version="`+version+`"`) {
		t.Errorf("beside them: %v", got)
	}
}

// TestEveryRowHasAMetric: a row that the capture gets has to get a name too,
// and no two rows the same series.
func TestEveryRowHasAMetric(t *testing.T) {
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.pcap"), testkit.CaptureFile(t, nil))
	in, err := openInput(pluginArg{"input-raw", file}, defaultSettings(), &gorplugin.Env{Own: outbound.New(true), Logf: t.Logf})
	testkit.Must(t, err)
	defer in.Close()
	seen, used := map[string]string{}, map[string]bool{}
	for _, row := range in.Counts() {
		name, reason, named := ledger.InputMetric(row)
		if !named {
			t.Errorf("the row %q has no metric in captureMetrics", row.Name)
		}
		if other := seen[name+reason]; other != "" {
			t.Errorf("the rows %q and %q are one series", row.Name, other)
		}
		seen[name+reason] = row.Name
		used[name] = true
	}
	for _, name := range ledger.CaptureMetrics() {
		if !used[name] {
			t.Errorf("no row has the metric %s", name)
		}
	}
}

func TestPageAddresses(t *testing.T) {
	for addr, good := range map[string]bool{
		":8181": true, "127.0.0.1:8181": true, "[::1]:8181": true, "8181": false, "": false, "localhost": false, ":http": false, "a:b:c": false,
	} {
		s, err := parseArgs("--input-dummy", "--output-null", "--http-pprof="+addr)
		if (err == nil) != good || good && s.HTTPPprof != addr {
			t.Errorf("%q: %v", addr, err)
		}
		if err != nil && !(strings.Contains(err.Error(), strconv.Quote(addr)) && strings.Contains(err.Error(), "127.0.0.1:8181")) {
			t.Errorf("%q: %v", addr, err)
		}
	}
}

// TestPageInOneProcess: several runs in one process, at once and after each
// other, each have their own page.
func TestPageInOneProcess(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1)) // run sets it
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for range 2 {
				var stderr testkit.LockedBuffer
				if code := run([]string{"--input-dummy", "--output-null", "--exit-after", "50ms", "--http-pprof", "127.0.0.1:0"}, nil, strings.NewReader(""), io.Discard, &stderr); code != exitOK {
					t.Errorf("exit %d:\n%s", code, stderr.Bytes())
				}
				_, rest, _ := strings.Cut(string(stderr.Bytes()), "counts and profiles at http://")
				addr, _, _ := strings.Cut(rest, "/")
				if c, err := net.Dial("tcp", addr); err == nil {
					c.Close()
					t.Errorf("%s is still there", addr)
				}
			}
		})
	}
	wg.Wait()
}
