package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/reach"
	"github.com/buger/gor/internal/recording"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/threshold"
	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// takeLedger gives what became of every message so far: the inputs in the order
// of the command line, then what came back from outputs and from a middleware.
func takeLedger(e *emitter) ledger.Ledger {
	var l ledger.Ledger
	flows, outlets := slices.Concat(e.flows, e.answerFlows), e.outputs
	if e.toMiddleware != nil {
		flows, outlets = append(flows, e.fromMiddleware), append([]*plugin.Outlet{e.toMiddleware}, outlets...)
	}
	for _, f := range flows {
		l.Inputs = append(l.Inputs, ledger.NewInput(f.in, f.passed.Load()))
	}
	for _, o := range outlets {
		l.Outputs = append(l.Outputs, ledger.NewOutput(o.Output, o.Offered, o.Shed))
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
			if findInput(group[0].Flag).captures {
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

// progressGrain is how often a progress bar is drawn: as often as a person
// can read it.
const progressGrain = 250 * time.Millisecond

// showProgress draws a bar below the log until done is closed, when a person
// looks and every input has an end.
func (r *runner) showProgress(done <-chan struct{}) {
	if !r.log.IsTerminal() {
		return
	}
	_, all := r.progress()
	if all == 0 {
		return
	}
	bar := progressbar.NewOptions64(all,
		progressbar.OptionSetWriter(r.log.BarWriter()),
		progressbar.OptionSetWidth(20),
		progressbar.OptionShowBytes(false),
		progressbar.OptionSetPredictTime(false), // see timeLeft
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionThrottle(0),
		progressbar.OptionClearOnFinish(),
	)
	r.log.SetBar(bar)
	defer r.log.SetBar(nil)
	t := time.NewTicker(progressGrain)
	defer t.Stop()
	began := time.Now()
	before, last := uint64(0), began
	for {
		select {
		case <-done:
			return
		case <-t.C:
		}
		p, _ := r.progress()
		messages, failed := r.progressCounts()
		now := time.Now()
		rate := float64(messages-before) / now.Sub(last).Seconds()
		before, last = messages, now
		elapsed := now.Sub(began)
		text := fmt.Sprintf("[%s:%s] %d done %.0f/s lag %s errors %d", elapsed.Round(time.Second), timeLeft(elapsed, p.Done, all), messages, rate, p.Lag.Round(100*time.Microsecond), failed)
		r.log.Draw(func() {
			bar.Describe(text)
			_ = bar.Set64(min(p.Done, all-1)) // at all it ends, and is cleared
		})
	}
}

// timeLeft is how long it will still take, "?" when nothing is done yet. It goes
// by all of the time that has passed: the bar's own guess goes by the last seconds.
func timeLeft(elapsed time.Duration, done, all int64) string {
	if done <= 0 {
		return "?"
	}
	left := float64(elapsed) / float64(done) * float64(max(all-done, 0))
	return time.Duration(left).Round(time.Second).String()
}

// progressParts is how finely progress is measured: each input has a unit of its
// own.
const progressParts = 1_000_000

// progress is how far the inputs have got, in parts of all: as far as the one
// that has the most before it. all is zero when one of them has no end.
func (r *runner) progress() (least plugin.Progress, all int64) {
	for _, in := range r.plugs.inputs {
		p := in.Progress()
		if p.All == 0 {
			return least, 0
		}
		done := int64(float64(p.Done) / float64(p.All) * progressParts)
		if all == 0 || done < least.Done {
			least.Done = done
		}
		least.Lag = max(least.Lag, p.Lag)
		all = progressParts
	}
	return least, all
}

// progressCounts is how many messages the inputs gave, and how many an output
// failed to deliver.
func (r *runner) progressCounts() (messages, failed uint64) {
	l := takeLedger(r.em)
	for _, in := range l.Inputs {
		messages += in.Read
	}
	for _, out := range l.Outputs {
		failed += out.Shed + out.Failed()
	}
	return messages, failed
}

// watchPeers says of each output that it reaches nobody, and ends a replay that
// has an end when none does.
func (r *runner) watchPeers(done <-chan struct{}) {
	cfg := reach.Config{
		Outputs:  func() []ledger.Output { return takeLedger(r.em).Outputs },
		Patience: max(r.s.DrainTimeout, r.s.http.Timeout, r.s.binary.Timeout),
		Tell:     func(sentence string) { r.log.Printf("%s", sentence) },
	}
	if r.finite() {
		cfg.Stop = func(alone bool) {
			// Other outputs go on, unless they are there for the answers.
			if alone || r.s.http.TrackResponse || r.s.binary.TrackResponse {
				why := "ending, since nothing of what is replayed would arrive"
				if r.s.has("output-http") {
					why += "; --output-http-wait 30s waits for the target first"
				}
				r.unreached <- why
			}
		}
	}
	t := time.NewTicker(reach.Grain)
	defer t.Stop()
	reach.Watch(cfg, t.C, done)
}

// finite reports whether the inputs end by themselves: recordings and capture
// files do.
func (r *runner) finite() bool {
	for i, group := range inputGroups(r.s.Inputs) {
		switch group[0].Flag {
		case "input-file":
			if r.s.fileInput.Loop {
				return false
			}
		case "input-raw":
			if r.plugs.inputs[i].Live() {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// failOnValue collects conditions.
type failOnValue struct{ list *threshold.List }

func (v *failOnValue) String() string { return "" }
func (v *failOnValue) IsList() bool   { return true }

func (v *failOnValue) Set(text string) error {
	list, err := threshold.Parse(text, slices.Concat(outbound.Names(), recording.Failures(), rawsocket.Losses()))
	*v.list = append(*v.list, list...)
	return err
}
