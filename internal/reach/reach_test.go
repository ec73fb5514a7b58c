package reach

import (
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

func output(name string, offered uint64, peer plugin.Peer, fates ...stats.Count) ledger.Output {
	return ledger.Output{Name: name, Offered: offered, Fates: fates, Report: func(r *plugin.Report) {
		if peer != plugin.NoPeer {
			r.Peer(peer == plugin.Reached)
		}
	}}
}

func fate(kind stats.Kind, n uint64) stats.Count { return stats.Count{Name: "x", Kind: kind, N: n} }

// TestWatch: what is found out, after how many seconds of the same state.
func TestWatch(t *testing.T) {
	failing := output("failing", 9, plugin.Unreached, fate(stats.Failed, 9))
	waiting := output("waiting", 9, plugin.Unreached)
	for _, tt := range []struct {
		name    string
		outputs []ledger.Output
		after   int // seconds until all is known; -1: never
		tells   string
		stops   string
	}{
		{"refused", []ledger.Output{failing}, 5, "failing: not reached once in 5s: 9 offered", "alone"},
		{"a link waits for longer", []ledger.Output{waiting}, 30, "waiting: not reached once in 30s", "alone"},
		{"reached, and failing since", []ledger.Output{output("h", 9, plugin.Reached, fate(stats.Failed, 9))}, 5, "", ""},
		{"delivered", []ledger.Output{output("h", 9, plugin.Reached, fate(stats.Delivered, 1), fate(stats.Failed, 8))}, 0, "", ""},
		{"a file beside it", []ledger.Output{failing, output("file", 9, plugin.NoPeer, fate(stats.Delivered, 9))}, 5, "failing: not", "beside others"},
		{"another target that is reached", []ledger.Output{failing, output("h", 9, plugin.Reached, fate(stats.Delivered, 9))}, 5, "failing: not", ""},
		{"no message yet", []ledger.Output{output("h", 0, plugin.Unreached)}, -1, "", ""},
		{"only what no target would get", []ledger.Output{output("h", 9, plugin.Unreached, fate(stats.Unfit, 9))}, -1, "", ""},
		{"only files", []ledger.Output{output("file", 9, plugin.NoPeer)}, 0, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var told, stopped string
			cfg := Config{
				Outputs: func() []ledger.Output { return tt.outputs }, Patience: 30 * time.Second,
				Tell: func(s string) { told += s },
				Stop: func(alone bool) {
					stopped += map[bool]string{true: "alone", false: "beside others"}[alone]
				},
			}
			ticks, done, ended := make(chan time.Time), make(chan struct{}), make(chan struct{})
			go func() { Watch(cfg, ticks, done); close(ended) }()
			after := -1
			start := time.Now()
			for i := range 100 {
				select {
				case ticks <- start.Add(time.Duration(i) * time.Second):
					continue
				case <-ended:
					after = i - 1
				}
				break
			}
			close(done)
			<-ended
			if after != tt.after || !strings.HasPrefix(told, tt.tells) || tt.tells == "" && told != "" || stopped != tt.stops {
				t.Errorf("after %d s: told %q, stopped %q", after, told, stopped)
			}
		})
	}
}
