package ledger

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// TestMetricsText: whatever plugins are called, the page can be read, and
// two that are called the same are told apart.
func TestMetricsText(t *testing.T) {
	names := []string{`input-file a"b\c.gor`, "input-file two\nlines", "input-file \xff\xfe", "same", "same", "same #2"}
	silent := func(*plugin.Report) {}
	l := Ledger{Outputs: []Output{{Name: "output-null", Offered: 9, Shed: 1, Report: silent, Fates: []stats.Count{
		{Name: "limited", Kind: stats.Limited, N: 2}, {Name: "delivered", Kind: stats.Delivered, N: 1}, {Name: "unsent", Kind: stats.Unsent}, {Name: "responses ignored", Kind: stats.Ignored, N: 1},
		{Name: "failed: write", Kind: stats.Failed, N: 1}, {Name: "timeout", Kind: stats.Failed, N: 1}}}}}
	for i, name := range names {
		l.Inputs = append(l.Inputs, Input{Name: name, Read: uint64(i), Passed: uint64(i), Report: silent, Before: []stats.Count{
			{Name: "lost: gap", N: 3}, {Name: "bytes buffered", N: 4}, {Name: "duplicate, sent again", N: 5}}})
	}
	var b bytes.Buffer
	l.WriteMetrics(&b, "1.2.3", time.UnixMilli(1_700_000_000_250))
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
	if len(got) != 1 || !strings.HasPrefix(slices.Collect(maps.Keys(got))[0], `gor_build_info version="1.2.3"`) {
		t.Errorf("beside them: %v", got)
	}
}
