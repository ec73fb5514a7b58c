package main

import (
	"slices"
	"time"

	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/stats"
)

// takeLedger gives what became of every message so far: the inputs in the order
// of the command line, then what came back from outputs and from a middleware.
func takeLedger(e *emitter) ledger.Ledger {
	var l ledger.Ledger
	flows, outlets := slices.Concat(e.flows, e.answerFlows), e.outputs
	if e.toMiddleware != nil {
		flows, outlets = append(flows, e.fromMiddleware), append([]*outlet{e.toMiddleware}, outlets...)
	}
	for _, f := range flows {
		l.Inputs = append(l.Inputs, ledger.NewInput(f.in, f.passed.Load()))
	}
	for _, o := range outlets {
		l.Outputs = append(l.Outputs, ledger.NewOutput(o.Output, o.offered.Load, o.shed.Load))
	}
	return l
}

// ignoredRow names the row of what an output has no use for: it is neither
// delivered nor failed.
const ignoredRow = stats.IgnoredRow

// printStats prints the counts so far every five seconds until done.
func (r *runner) printStats(done <-chan struct{}) {
	every(stats.GaugePeriod, done, func() {
		l := takeLedger(r.em)
		for _, in := range l.Inputs {
			r.log.Printf("stats: %s: %s", in.Name, in.Equation())
		}
		for _, out := range l.Outputs {
			r.log.Printf("stats: %s: %s", out.Name, out.Equation())
		}
	})
}

// printCaptures prints what the captures have counted, as often.
func (r *runner) printCaptures(done <-chan struct{}) {
	every(stats.GaugePeriod, done, func() {
		l := takeLedger(r.em)
		for i, group := range inputGroups(r.s.Inputs) {
			if group[0].Flag == "input-raw" {
				r.log.Printf("%s", l.Inputs[i].Line())
			}
		}
	})
}

// every calls f after each period until done.
func every(period time.Duration, done <-chan struct{}, f func()) {
	t := time.NewTicker(period)
	defer t.Stop()
	for {
		select {
		case <-done:
			return
		case <-t.C:
			f()
		}
	}
}
