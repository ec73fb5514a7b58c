package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/drain"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/signals"
)

// A runner takes one run from the first message to the summary.
type runner struct {
	s         *Settings
	log       *console.Console
	plugs     *plugins
	em        *emitter
	signals   <-chan os.Signal
	finish    <-chan string // why a plugin wants the run to end
	unreached chan string   // why a replay is ended that reaches nobody
	stdout    io.Writer
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
		r.sayInterrupted(sig)
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

	end := r.drain(interrupted || hopeless).End() // for what is hopeless nobody waits long
	close(r.over)
	if end == drain.Aborted {
		return exitCode(exitInterrupted)
	}
	r.plugs.middle.Close()
	for _, out := range r.plugs.outputs {
		out.Close() // what it still holds becomes "unsent"
	}
	for _, in := range r.plugs.inputs {
		in.Close()
	}
	final, person := takeLedger(r.em), r.log.IsTerminal()
	r.log.Last(func(w io.Writer, dropped uint64) {
		if person {
			fmt.Fprintf(w, "gor: %s\n", final.Sentence(r.told()))
		}
		final.Write(w, time.Since(r.started), dropped)
	})
	undelivered, passed := final.Undelivered(interrupted || end == drain.Interrupted && !hopeless), r.s.FailOn.Passed(final)
	findings := final.Findings()
	if r.s.SummaryJSON != "" {
		v := final.Vars(versionString(), r.started)
		v.Unread, v.Undelivered, v.FailOn = r.log.Dropped(), undelivered, slices.Concat(passed, findings)
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
	for _, sentence := range findings {
		r.log.Printf("%s", sentence)
	}
	switch {
	case end == drain.Stuck:
		return errors.New("gave up on what is counted as unsent: an output made no progress for " + r.s.DrainTimeout.String() + " (--drain-timeout)")
	case !inputsWell || r.em.isBroken() || len(undelivered) > 0:
		return exitCode(exitFailed)
	case len(passed)+len(findings) > 0:
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

// drain lets the outputs finish, first those from which something comes
// back for the others.
func (r *runner) drain(bounded bool) *drain.Drain {
	d := drain.New(drain.Config{
		Patience: r.s.DrainTimeout,
		Bound:    interruptDrain,
		Bounded:  bounded,
		Signals:  r.signals,
		Told:     r.sayInterrupted,
	})
	r.drainMiddleware(d)
	var first, rest []drain.Part
	for _, out := range r.plugs.outputs {
		if out.Responses() != nil {
			first = append(first, out)
		} else {
			rest = append(rest, out)
		}
	}
	if len(first) > 0 && d.Run(first...) != drain.Aborted {
		r.em.endAnswers()
	}
	d.Run(rest...)
	return d
}

func (r *runner) sayInterrupted(sig os.Signal) {
	r.log.Printf("%s: sending what is queued; again to stop at once", signals.Name(sig))
}

// openGrace is how long plugins that are being opened may take to end after a
// signal: what waits in the kernel, as the opening of a pipe to which nobody
// writes, is left behind.
const openGrace = time.Second

// openInterruptibly is openPlugins, which a signal ends.
func openInterruptibly(s *Settings, env *plugin.Env, end <-chan os.Signal) (*plugins, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	env.Context = ctx
	type opened struct {
		plugs *plugins
		err   error
	}
	done := make(chan opened, 1)
	go func() {
		plugs, err := openPlugins(s, env)
		done <- opened{plugs, err}
	}()
	select {
	case o := <-done:
		return o.plugs, o.err
	case sig := <-end:
		env.Logf("%s: before everything was open; nothing was sent", signals.Name(sig))
		cancel()
	}
	grace := time.NewTimer(openGrace)
	defer grace.Stop()
	select {
	case o := <-done:
		if o.err == nil {
			o.plugs.close()
		}
	case <-end:
	case <-grace.C:
	}
	return nil, exitCode(exitInterrupted)
}
