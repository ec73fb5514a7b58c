package ledger

import (
	"testing"
	"time"

	"github.com/buger/gor/internal/stats"
)

func TestSentence(t *testing.T) {
	fates := func(delivered, failed, unsent, kept, ignored uint64) []stats.Count {
		return []stats.Count{
			{Name: "delivered", Kind: stats.Delivered, N: delivered}, {Name: "timeout", Kind: stats.Failed, N: failed}, {Name: "unsent", Kind: stats.Unsent, N: unsent},
			{Name: "kept", Kind: stats.Kept, N: kept}, {Name: stats.IgnoredRow, Kind: stats.Ignored, N: ignored},
		}
	}
	file, raw := Input{Name: "input-file x.gor", Read: 1240}, Input{Name: "input-raw :80", Read: 1240}
	lossy := raw
	lossy.Before = []stats.Count{{Name: "packets", Kind: stats.Note, N: 9}, {Name: "lost: gap", Kind: stats.Lost, N: 2}}
	limited := Input{Name: "input-file x.gor", Read: 1240, Limited: 240, Filtered: 500}
	http := func(delivered, failed, unsent, shed uint64) Output {
		return Output{Name: "output-http http://a", Offered: delivered + failed + unsent + shed, Shed: shed, Fates: fates(delivered, failed, unsent, 0, 0)}
	}
	for _, tt := range []struct {
		l    Ledger
		run  Run
		want string
	}{
		{Ledger{[]Input{file}, []Output{http(1240, 0, 0, 0)}}, Run{Noun: "requests"}, "replayed all 1,240 requests in 20s"},
		{Ledger{[]Input{file}, []Output{http(1234, 3, 0, 3)}}, Run{Noun: "requests"}, "replayed 1,234 of 1,240 requests in 20s: 3 failed, 3 shed"},
		{Ledger{[]Input{limited}, []Output{http(400, 0, 100, 0)}}, Run{Noun: "requests"}, "replayed 400 of 1,240 requests in 20s: 500 filtered, 240 over a limit, 100 unsent"},
		{Ledger{[]Input{{Read: 20}}, []Output{{Offered: 20, Fates: fates(10, 0, 0, 0, 10)}}}, Run{Noun: "requests"}, "replayed all 10 requests in 20s"},
		{Ledger{[]Input{{}}, []Output{http(0, 0, 0, 0)}}, Run{Noun: "requests"}, "replayed nothing in 20s"},
		{Ledger{[]Input{raw}, []Output{http(1240, 0, 0, 0)}}, Run{Came: "captured", Noun: "requests"}, "captured 1,240 requests in 20s, delivered all"},
		{Ledger{[]Input{lossy}, []Output{http(1200, 40, 0, 0)}}, Run{Came: "captured", Noun: "requests"}, "captured 1,240 requests in 20s, delivered 1,200: 40 failed, 2 lost: gap"},
		{Ledger{[]Input{raw}, []Output{{Offered: 1240, Fates: fates(1000, 0, 0, 240, 0)}}}, Run{Came: "captured", Noun: "requests"},
			"captured 1,240 requests in 20s, delivered all: 240 kept on disk"},
		{Ledger{[]Input{lossy}, []Output{http(1200, 40, 0, 0), {Name: "output-file \x1b.gor", Offered: 1240, Fates: fates(1240, 0, 0, 0, 0)}}}, Run{Came: "captured", Noun: "requests", Outputs: 2},
			`captured 1,240 requests in 20s: 2 lost: gap; output-http http://a: 1,200 delivered (40 failed), output-file \x1b.gor: all delivered`},
		{Ledger{[]Input{file, {Name: "middleware", Read: 1000, Filtered: 10}}, []Output{{Name: "middleware", Offered: 1240, Shed: 40, Fates: fates(1200, 0, 0, 0, 0)}, http(990, 0, 0, 0)}}, Run{Noun: "requests"},
			"replayed 990 of 1,240 requests in 20s: 200 not returned by the middleware, 40 shed, 10 filtered"},
	} {
		tt.run.Inputs, tt.run.Outputs, tt.run.Took = 1, max(1, tt.run.Outputs), 20*time.Second
		if got := tt.l.Sentence(tt.run); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}

func TestProgressOfTheLedger(t *testing.T) {
	l := Ledger{
		Inputs:  []Input{{Read: 10, Before: []stats.Count{{Kind: stats.Lost, N: 2}, {Kind: stats.Note, N: 9}}}, {Read: 5}},
		Outputs: []Output{{Offered: 10, Shed: 1, Fates: []stats.Count{{Kind: stats.Delivered, N: 4}, {Kind: stats.Failed, N: 2}}}},
	}
	if p := l.Progress(1); p.Messages != 10 || p.Lost != 3 || p.Failed != 2 || p.Queued != 3 {
		t.Errorf("got %+v", p)
	}
}
