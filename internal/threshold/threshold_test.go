package threshold

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

var reasons = []string{"refused", "target down", "lost: gap", "failed: write"}

// run is a run whose figures are all known: a capture that lost 2 of 100, and
// an output that was offered 80, among them 20 responses, and failed with 3 of 60.
func run() ledger.Ledger {
	h := stats.NewHistogram()
	for i := range 100 {
		h.Record(time.Duration(i+1) * time.Millisecond)
	}
	return ledger.Ledger{
		Inputs: []ledger.Input{{Name: "input-raw :80", Read: 98, Limited: 8, Filtered: 10, Passed: 80,
			Before: []stats.Count{{Name: "packets", Kind: stats.Note, N: 900}, {Name: "lost: gap", Kind: stats.Lost, N: 2}}}},
		Outputs: []ledger.Output{{Name: "output-http http://x", Offered: 80, Shed: 1,
			Fates: []stats.Count{
				{Name: "delivered", Kind: stats.Delivered, N: 56}, {Name: "responses ignored", Kind: stats.Ignored, N: 20},
				{Name: "refused", Kind: stats.Failed, N: 2}, {Name: "malformed request", Kind: stats.Unfit, N: 1},
			},
			Report: func(r *plugin.Report) {
				r.Statuses(map[int]uint64{200: 40, 500: 15, 503: 1})
				r.Latency(h.Snapshot())
				r.Compared(40, 16)
			}}},
	}
}

func TestPassed(t *testing.T) {
	for text, want := range map[string]string{
		"failed>2":          "failed>2: output-http http://x: 3 of 60 messages failed (5.0%)",
		"failed>3":          "",
		"failed >= 3":       "failed >= 3: output-http http://x: 3 of 60 messages failed (5.0%)",
		"failed>5%":         "",
		"failed>=5%":        "failed>=5%: output-http http://x: 3 of 60 messages failed (5.0%)",
		"failed>4.99%":      "failed>4.99%: output-http http://x: 3 of 60 messages failed (5.0%)",
		"shed>0":            "shed>0: output-http http://x: 1 of 60 messages shed (1.7%)",
		"lost>0":            "lost>0: input-raw :80: 2 of 100 messages lost (2.0%)",
		"lost>2%":           "",
		"gap>0":             "gap>0: input-raw :80: 2 of 100 messages: gap (2.0%)",
		"filtered>10%":      "filtered>10%: input-raw :80: 10 of 98 messages filtered (10.2%)",
		"read<100":          "read<100: input-raw :80: 98 read",
		"delivered!=60":     "delivered!=60: output-http http://x: 56 of 60 messages delivered (93.3%)",
		"delivered=56":      "delivered=56: output-http http://x: 56 of 60 messages delivered (93.3%)",
		"unsent>0":          "",
		"5xx>0":             "5xx>0: output-http http://x: 16 of 56 answers were 5xx (28.6%)",
		"5XX>30%":           "",
		"503>=1":            "503>=1: output-http http://x: 1 of 56 answers were 503 (1.8%)",
		"4xx>0":             "",
		"different>0":       "different>0: output-http http://x: 16 of 56 statuses different (28.6%)",
		"different>30%":     "",
		"refused>1":         "refused>1: output-http http://x: 2 of 60 messages: refused (3.3%)",
		"target-down>0":     "",
		"p50>40ms":          "p50>40ms: output-http http://x: p50 was 50.",
		"p99>500ms":         "",
		"max>=100ms":        "max>=100ms: output-http http://x: the longest latency was 100.",
		"mean>1s":           "",
		"failed>99,shed==1": "shed==1: output-http http://x: 1 of 60 messages shed (1.7%)",
	} {
		list, err := Parse(text, reasons)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := strings.Join(list.Passed(run()), "\n")
		if strings.HasSuffix(want, ".") && strings.HasPrefix(got, want) { // a latency is kept to three digits
			continue
		}
		if got != want {
			t.Errorf("%s:\n got %q\nwant %q", text, got, want)
		}
	}
}

// TestNothingIsNotJudged: shares of nothing and latencies that nobody measured.
func TestNothingIsNotJudged(t *testing.T) {
	list, err := Parse("failed>=0%,p99>=0s,5xx>=0%,delivered<100%,lost>=0%", nil)
	if err != nil {
		t.Fatal(err)
	}
	empty := ledger.Ledger{
		Inputs:  []ledger.Input{{Name: "input-dummy"}},
		Outputs: []ledger.Output{{Name: "output-null", Report: func(*plugin.Report) {}}},
	}
	if got := list.Passed(empty); got != nil {
		t.Errorf("%q", got)
	}
}

// TestExactShares: a part of a percentage is exactly that.
func TestExactShares(t *testing.T) {
	for n := uint64(1); n < 200; n++ {
		c, err := parseOne("failed>0.1%", nil)
		if err != nil {
			t.Fatal(err)
		}
		m := measure{n: n, of: 1000 * n, words: "failed", whole: "messages"}
		if got := c.judge(nil, "x", m); got != nil {
			t.Fatalf("0.1%% is more than 0.1%%: %q", got)
		}
		if m.n++; c.judge(nil, "x", m) == nil {
			t.Fatalf("%d of %d is not more than 0.1%%", m.n, m.of)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "want conditions",
		"failed>1%,":                  "nothing empty",
		"failed":                      "failed>0",
		">1":                          "failed>1",
		"faild>0":                     `"faild"; there are read`,
		"failed!1":                    "no comparison",
		"failed>1.5":                  "a whole number or a percentage",
		"failed>-1":                   "a whole number",
		"failed>1s":                   "a whole number",
		"failed>101%":                 "from 0% to 100%",
		"failed>1e1000000000%":        "from 0% to 100%",
		"failed>%":                    "from 0% to 100%",
		"p99>500":                     "want a duration such as 500ms",
		"p99>5%":                      "want a duration",
		"p99>-1s":                     "want a duration",
		"p0>1s":                       "percentile",
		"p100>1s":                     "longest of all is max",
		"pNaN>1s":                     "percentile",
		"99>0":                        "three digits",
		"0xx>0":                       `"0xx"`,
		"failed>18446744073709551616": "a whole number",
		strings.Repeat("x", 1000):     "longer than 200",
		strings.Repeat("5xx>0,", 101): "more than 100",
	} {
		if _, err := Parse(text, reasons); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q in it", text, err, want)
		}
	}
}

func TestShare(t *testing.T) {
	for part, want := range map[float64]string{0: "0.0", 1: "100.0", 0.5: "50.0", 0.00001: "0.001", 0.99999: "99.999"} {
		if got := share(part); got != want {
			t.Errorf("%v: %q, want %q", part, got, want)
		}
	}
}

// FuzzParse: whatever is typed is refused or understood, and what is understood
// is understood again in the same way when it is written down.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"failed>1%,5xx>0,p99>500ms,lost>0", "p99.9 >= 1.5s", "target down != 0", "503=1", "max<1h", "", "!", "failed>0.001%"} {
		f.Add(seed)
	}
	l := run()
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse(text, reasons)
		if err != nil {
			return
		}
		var typed []string
		for _, c := range list {
			typed = append(typed, c.String())
			if c.bound == nil || c.bound.Sign() < 0 || c.what == 0 {
				t.Fatalf("%q became %+v", c, c)
			}
			if c.op == ">" { // then it is the opposite of <=
				opposite := c
				opposite.op = "<="
				if c.holds(big.NewRat(7, 3)) == opposite.holds(big.NewRat(7, 3)) {
					t.Fatalf("%q is as true as its opposite", c)
				}
			}
		}
		again, err := Parse(strings.Join(typed, ","), reasons)
		if err != nil || len(again) != len(list) {
			t.Fatalf("%q: %v", text, err)
		}
		if a, b := strings.Join(list.Passed(l), "\n"), strings.Join(again.Passed(l), "\n"); a != b {
			t.Fatalf("%q: %q, then %q", text, a, b)
		}
	})
}
