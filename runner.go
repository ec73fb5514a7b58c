package main

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/console"
)

// errCancelled is what waiting for outputs ends with when nobody waits any
// more.
var errCancelled = errors.New("cancelled")

// A runner takes one run from the first message to the summary.
type runner struct {
	s         *Settings
	log       *console.Console
	plugs     *plugins
	em        *emitter
	signals   <-chan os.Signal
	finish    <-chan string // why a plugin wants the run to end
	unreached chan string   // why a replay is ended that reaches nobody
	started   time.Time
	over      chan struct{} // closed when all is sent that will be
}

// run carries messages until the inputs have ended, a signal came, or
// --exit-after passed; then it drains.
func (r *runner) run() error {
	carried := make(chan bool, 1)
	go func() { carried <- r.em.run() }()

	var timeUp <-chan time.Time
	if r.s.ExitAfter > 0 {
		t := time.NewTimer(r.s.ExitAfter)
		defer t.Stop()
		timeUp = t.C
	}

	inputsWell, ended, interrupted, hopeless := true, false, false, false
	select {
	case inputsWell = <-carried:
		ended = true
	case sig := <-r.signals:
		r.log.Printf("%s: sending what is queued; again to stop at once", signalName(sig))
		interrupted = true
	case why := <-r.finish:
		r.log.Printf("%s: ending", why)
	case why := <-r.unreached:
		r.log.Printf("%s", why)
		hopeless = true
	case <-timeUp:
	case <-r.em.broken:
	}
	if !ended && !r.stopInputs(carried) {
		return exitCode(exitInterrupted)
	}

	end := r.drainAll(interrupted || hopeless) // for what is hopeless nobody waits long
	close(r.over)
	if end == drainAborted {
		return exitCode(exitInterrupted)
	}
	r.plugs.middle.Close()
	for _, out := range r.plugs.outputs {
		out.Close() // what it still holds becomes "unsent"
	}
	for _, in := range r.plugs.inputs {
		in.Close()
	}
	final := takeLedger(r.em)
	r.log.Last(func(w io.Writer, dropped uint64) { final.Write(w, time.Since(r.started), dropped) })
	undelivered, passed := final.Undelivered(interrupted || end == drainInterrupted && !hopeless), r.s.FailOn.Passed(final)
	if r.s.SummaryJSON != "" {
		v := final.Vars(versionString(), r.started)
		v.Unread, v.Undelivered, v.FailOn = r.log.Dropped(), undelivered, passed
		if err := writeSummaryJSON(r.s.SummaryJSON, v); err != nil {
			return err
		}
	}
	for _, sentence := range undelivered {
		r.log.Printf("%s", sentence)
	}
	for _, condition := range passed {
		r.log.Printf("--fail-on %s", condition)
	}
	switch {
	case end == drainStuck:
		return errors.New("gave up on what is counted as unsent: an output made no progress for " + r.s.DrainTimeout.String() + " (--drain-timeout)")
	case !inputsWell || r.em.isBroken() || len(undelivered) > 0:
		return exitCode(exitFailed)
	case len(passed) > 0:
		return exitCode(exitThreshold)
	}
	return nil
}

// stopInputs closes the inputs and waits until their last messages are with
// the outputs. It reports false when another signal came meanwhile.
func (r *runner) stopInputs(carried <-chan bool) bool {
	for _, in := range r.plugs.inputs {
		in.Close()
	}
	r.em.halt()
	select {
	case <-carried:
		return true
	case <-r.signals:
		return false
	}
}

// drainEnd is how a drain ended.
type drainEnd int

const (
	drainDone        drainEnd = iota // every output sent all it had
	drainInterrupted                 // a signal bounded it
	drainStuck                       // an output made no progress for --drain-timeout
	drainAborted                     // a signal after that one
)

// A drainer is what has something to finish: an output, or a stage of the
// middleware's end.
type drainer interface {
	Drain(cancel <-chan struct{}) error
	LastProgress() time.Time
}

// A draining is one drainer's drain.
type draining struct {
	out    drainer
	cancel chan struct{} // closed to give up
	gaveUp bool
	ended  atomic.Bool
	failed atomic.Bool
}

// drainAll lets the outputs finish, first those from which something comes
// back for the others.
func (r *runner) drainAll(interrupted bool) drainEnd {
	var first, rest []drainer
	for _, out := range r.plugs.outputs {
		if out.Responses() != nil {
			first = append(first, out)
		} else {
			rest = append(rest, out)
		}
	}
	began := time.Now()
	end := r.drainMiddleware(interrupted, began)
	if end == drainAborted {
		return end
	}
	if interrupted = interrupted || end == drainInterrupted; !interrupted {
		began = time.Now()
	}
	if len(first) > 0 {
		if end = max(end, r.drain(first, interrupted, began)); end == drainAborted {
			return end
		}
		r.em.endAnswers()
		if interrupted = interrupted || end == drainInterrupted; !interrupted {
			began = time.Now()
		}
	}
	return max(end, r.drain(rest, interrupted, began))
}

// drain lets outputs finish: after a signal for a bounded time since began,
// else each for as long as it makes progress itself. One that hangs holds up
// no other, and one that goes on saves none that hangs.
func (r *runner) drain(outputs []drainer, interrupted bool, began time.Time) drainEnd {
	var wg sync.WaitGroup
	drains := make([]*draining, len(outputs))
	for i, out := range outputs {
		d := &draining{out: out, cancel: make(chan struct{})}
		drains[i] = d
		wg.Go(func() {
			d.failed.Store(d.out.Drain(d.cancel) != nil)
			d.ended.Store(true)
		})
	}
	finished := make(chan struct{})
	go func() { wg.Wait(); close(finished) }()

	for {
		timeUp := time.NewTimer(time.Until(r.nextDeadline(drains, interrupted, began)))
		select {
		case <-finished:
			timeUp.Stop()
			for _, d := range drains {
				switch {
				case !d.failed.Load():
				case interrupted:
					return drainInterrupted
				default:
					return drainStuck
				}
			}
			return drainDone
		case sig := <-r.signals:
			timeUp.Stop()
			if interrupted {
				return drainAborted
			}
			r.log.Printf("%s: sending what is queued; again to stop at once", signalName(sig))
			interrupted, began = true, time.Now()
		case <-timeUp.C:
			for _, d := range drains {
				if d.waitedFor() && !time.Now().Before(r.deadline(d.out, interrupted, began)) {
					d.gaveUp = true
					close(d.cancel)
				}
			}
		}
	}
}

// waitedFor reports whether the drain goes on and was not given up.
func (d *draining) waitedFor() bool { return !d.gaveUp && !d.ended.Load() }

// deadline is when an output's drain, which began then, is given up unless it
// makes progress before.
func (r *runner) deadline(out drainer, interrupted bool, began time.Time) time.Time {
	last := began
	if t := out.LastProgress(); t.After(last) {
		last = t
	}
	stuck := last.Add(r.s.DrainTimeout)
	if bound := began.Add(interruptDrain); interrupted && bound.Before(stuck) {
		return bound
	}
	return stuck
}

// nextDeadline is the first deadline of those that are waited for, far away
// when there is none.
func (r *runner) nextDeadline(drains []*draining, interrupted bool, began time.Time) time.Time {
	next := time.Now().Add(time.Hour)
	for _, d := range drains {
		if at := r.deadline(d.out, interrupted, began); d.waitedFor() && at.Before(next) {
			next = at
		}
	}
	return next
}
