package ledger

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

func TestLineOfAnInput(t *testing.T) {
	for _, tt := range []struct {
		in   Input
		want string
	}{
		{Input{Name: "input-raw :80", Before: []stats.Count{{Name: "packets", N: 1234}, {Name: "packets dropped by the kernel"}, {Name: "requests", N: 7}}},
			"input-raw :80: packets 1,234, requests 7"},
		{Input{Name: "input-raw eth0:8080"}, "input-raw eth0:8080: nothing yet"},
	} {
		if got := tt.in.Line(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	for n, want := range map[uint64]string{0: "0", 999: "999", 1000: "1,000", 12345: "12,345", 123456: "123,456", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}

func TestEquations(t *testing.T) {
	in := Input{Read: 10, Limited: 1, Filtered: 2, Passed: 7}
	if got, want := in.Equation(), "10 in = 1 limited + 2 filtered + 7 passed on"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// The words of a row decide nothing: its kind does.
	out := Output{Offered: 21, Shed: 1, Fates: []stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: 5}, {Name: "unsent", Kind: stats.Unsent, N: 4}, {Name: "limited", Kind: stats.Limited, N: 1},
		{Name: "kept on disk", Kind: stats.Kept, N: 2}, {Name: "responses ignored", Kind: stats.Ignored, N: 3},
		{Name: "failed: delivered too late", Kind: stats.Failed, N: 2}, {Name: "timeout", Kind: stats.Failed, N: 2}, {Name: "reset", Kind: stats.Failed},
	}}
	const want = "21 offered = 1 shed + 5 delivered + 4 unsent + 1 limited + 2 kept on disk + 3 responses ignored + 4 failed (2 delivered too late, 2 timeout)"
	if got := out.Equation(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if out.Failed() != 4 || out.Pending() != 1 {
		t.Errorf("failed %d, pending %d", out.Failed(), out.Pending())
	}
}

// limited is an input with a row of each kind that an input has.
type limited struct{ plugin.Input }

func (limited) String() string        { return "input-dummy" }
func (limited) Report(*plugin.Report) {}
func (limited) Counts() []stats.Count {
	return []stats.Count{{Name: "limited", Kind: stats.Limited, N: 3}, {Name: "packets", Kind: stats.Note, N: 9}, {Name: "filtered", Kind: stats.Filtered, N: 4}, {Name: "lost: gap", Kind: stats.Lost, N: 1}}
}

func TestNewInput(t *testing.T) {
	in := NewInput(limited{}, 6)
	if in.Read != 13 || in.Limited != 3 || in.Filtered != 4 || in.Passed != 6 || len(in.Before) != 2 {
		t.Errorf("%+v", in)
	}
	in.Report(plugin.NewReport(io.Discard))
}

// TestNamesOfMetrics: dashboards and scripts know these names. A new one is
// added to the file; one that is gone from it breaks them.
func TestNamesOfMetrics(t *testing.T) {
	golden, err := os.ReadFile("testdata/metrics.golden")
	if err != nil {
		t.Fatal(err)
	}
	var l Ledger
	in := Input{Report: func(*plugin.Report) {}, Before: []stats.Count{{Name: "an irregular row"}}}
	for _, def := range captureMetrics {
		in.Before = append(in.Before, stats.Count{Name: def.row})
	}
	out := Output{Report: func(*plugin.Report) {}}
	for _, kind := range []stats.Kind{stats.Delivered, stats.Failed, stats.Unsent, stats.Kept, stats.Ignored, stats.Limited} {
		out.Fates = append(out.Fates, stats.Count{Kind: kind})
	}
	l.Inputs, l.Outputs = []Input{in}, []Output{out}
	var names []string
	for _, f := range l.metrics("0", time.Unix(0, 0)).families {
		names = append(names, f.name)
	}
	slices.Sort(names)
	if got, want := strings.Join(names, "\n")+"\n", string(golden); got != want {
		t.Errorf("the metrics are\n%swant\n%s", got, want)
	}
}
