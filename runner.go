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
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/recording"
	"github.com/buger/gor/internal/signals"
	"github.com/buger/gor/internal/threshold"
	rawsocket "github.com/buger/gor/raw_socket_listener"
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
		close(r.over)
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

// generalFlags are about the whole run.
func (s *Settings) generalFlags() flagGroup {
	return flagGroup{"General", []string{"general"}, []flagDef{
		{"config", "FILE", "read flags from a TOML file, named as here: input-raw = \":80\"; those that may be given several times take a list. The command line, the environment (GOR_INPUT_RAW) and the " +
			"file are used in that order of precedence",
			"gor --config gor.toml", flags.Only(flags.Once(&s.Config), flags.FromLine|flags.FromEnvironment)},
		{"check", "", "check the flags, the environment and the file without opening anything, and exit",
			"gor --input-raw :80 --output-file requests.gor --check", flags.Only(flags.Bool(&s.Check), flags.FromLine|flags.FromEnvironment)},
		{"exit-after", "DURATION", "stop after this time, as if interrupted",
			"sudo gor --input-raw :80 --output-file x.gor --exit-after 30s", flags.Duration(&s.ExitAfter, 0)},
		{"drain-timeout", "DURATION", "after the inputs have ended, how long an output may make no progress before the rest is given up", "",
			flags.Duration(&s.DrainTimeout, time.Millisecond)},
		{"copy-buffer-size", "SIZE", "largest message; larger ones are dropped and counted, never cut", "",
			flags.Size(&s.MessageLimit, 4<<10, maxMessageLimit)},
		{"debug", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--verbose 3 names every message")},
		{"stats", "", "print the counts so far every 5 seconds", "", flags.Bool(&s.Stats)},
		{"verbose", "0-3", "log more to stderr: 1 each request that was filtered or not answered, 2 each response, 3 each message", "", flags.Level(&s.Verbose)},
		{"log-format", "auto|text|json", "the form of the lines on stderr: text begins each with the time (what a middleware writes and the statistics stay as they are); " +
			"json makes each an object of time and msg; auto is text with times in a file, and without them on a terminal and in a pipe or a journal, whose reader adds its own",
			"sudo gor --input-raw :80 --output-http staging.com --log-format json", flags.OneOf(&s.LogFormat, string(console.Auto), string(console.Text), string(console.JSON))},
		{"summary-json", "FILE", "also write the summary at the end as JSON",
			"gor --input-file requests.gor --output-http staging.com --summary-json summary.json", flags.String(&s.SummaryJSON)},
		{"fail-on", "CONDITIONS", "exit with code 3 when one of these is true of an input or output at the end: failed, shed, lost, unsent, " +
			"delivered and the other sums of the summary, its reasons (refused, timeout ...), statuses (5xx, 503, or different from " +
			"the recorded ones) and latencies (p50, p99.9, mean, max), each compared (> >= < <= = !=) with a number, a percentage or " +
			"a duration",
			"gor --input-file requests.gor --output-http staging.com --fail-on \"failed>1%,5xx>0,p99>500ms\"", flags.Each(s.failOn)},
		{"cpuprofile", "FILE", "write a CPU profile", "", flags.String(&s.CPUProfile)},
		{"memprofile", "FILE", "write a heap profile at the end", "", flags.String(&s.MemProfile)},
		{"metrics", "ADDRESS", "listen on ADDRESS, such as :8181 or 127.0.0.1:8181, and serve the counts under /metrics (for " +
			"Prometheus) and /debug/vars (JSON), /healthz for probes, and profiles under /debug/pprof/",
			"sudo gor --input-raw :80 --output-http staging.com --metrics 127.0.0.1:8181", flags.Listen(&s.Metrics)},
		{"http-pprof", "ADDRESS", "older name of --metrics", "", flags.Listen(&s.HTTPPprof)},
		{"version", "", "print the version and exit", "", flags.Alone(flags.Only(flags.Bool(&s.Version), flags.FromLine))},
	}}
}

// failOn takes conditions of --fail-on.
func (s *Settings) failOn(text string) error {
	list, err := threshold.Parse(text, slices.Concat(outbound.Names(), recording.Failures(), rawsocket.Losses()))
	s.FailOn = append(s.FailOn, list...)
	return err
}
