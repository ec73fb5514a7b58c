package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/middleware"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/reach"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/status"
)

// sayPlan tells, a line for each plugin, what will happen.
func sayPlan(s *Settings, log *console.Console, plugs *plugins) {
	for i, group := range inputGroups(s.Inputs, nil) {
		log.Printf("from %s%s", plugs.inputs[i], limitWords(group[0]))
	}
	if plugs.middle != nil {
		log.Printf("through middleware %s", plugs.middle)
	}
	for i, arg := range s.Outputs {
		log.Printf("to %s%s", plugs.outputs[i], limitWords(arg))
	}
}

// limitWords is what the limit of a plugin does, in brackets.
func limitWords(arg pluginArg) string {
	_, limit, err := splitLimit(arg.Value)
	if words := limit.Words(findInput(arg.Flag).speed); err == nil && words != "" {
		return " (" + words + ")"
	}
	return ""
}

// sayRight ends --check: what would run.
func (s *Settings) sayRight(logf func(format string, args ...any)) {
	for _, arg := range s.Inputs {
		logf("from %s %s", arg.Flag, address.Redact(arg.Value))
	}
	inputGroups(s.Inputs, logf)
	if s.Middleware != "" {
		logf("through middleware %s", middleware.Shown(s.Middleware))
	}
	for _, arg := range s.Outputs {
		logf("to %s %s", arg.Flag, address.Redact(arg.Value))
	}
	logf("the settings are right")
}

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
		for i, group := range inputGroups(r.s.Inputs, nil) {
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

// showProgress draws a line below the log until done is closed, when a person
// looks and nothing else is drawn there: a bar when every input has an end.
func (r *runner) showProgress(done <-chan struct{}) {
	if !r.log.IsTerminal() || r.printsToTerminal() {
		return
	}
	r.log.ShowProgress(plugin.Overall(r.plugs.inputs).All, func() console.Progress {
		p := plugin.Overall(r.plugs.inputs)
		shown := takeLedger(r.em).Progress(len(r.plugs.inputs))
		shown.Done, shown.Lag = p.Done, p.Lag
		return shown
	}, done)
}

// told says how the run is told in one sentence.
func (r *runner) told() ledger.Run {
	all := func(is func(row inputPlugin) bool) bool {
		return !slices.ContainsFunc(r.s.Inputs, func(arg pluginArg) bool { return !is(findInput(arg.Flag)) })
	}
	run := ledger.Run{Came: "received", Noun: "messages", Inputs: len(r.plugs.inputs), Outputs: len(r.plugs.outputs), Took: time.Since(r.started)}
	captured := all(func(row inputPlugin) bool { return row.captures })
	switch {
	case captured:
		run.Came = "captured"
	case all(func(row inputPlugin) bool { return row.speed }):
		run.Came = ""
	}
	if captured && !r.s.raw.TrackResponse || r.s.answersAreLost() {
		run.Noun = "requests"
	}
	return run
}

// printsToTerminal reports whether messages are printed where a person looks.
func (r *runner) printsToTerminal() bool {
	return slices.ContainsFunc(r.s.Outputs, func(out pluginArg) bool { return findOutput(out.Flag).prints }) && console.IsTerminal(r.stdout)
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
				if advice := r.awayAdvice(); advice != "" {
					why += "; " + advice
				}
				r.unreached <- why
			}
		}
	}
	t := time.NewTicker(reach.Grain)
	defer t.Stop()
	reach.Watch(cfg, t.C, done)
}

// awayAdvice is what helps, of the outputs' flags, where a target is not there
// yet; "" when nothing does.
func (r *runner) awayAdvice() string {
	for _, out := range r.s.Outputs {
		if advice := findOutput(out.Flag).awayAdvice; advice != "" {
			return advice
		}
	}
	return ""
}

// finite reports whether the inputs end by themselves: recordings and capture
// files do.
func (r *runner) finite() bool {
	for i, group := range inputGroups(r.s.Inputs, nil) {
		ends := findInput(group[0].Flag).ends
		if ends == nil || !ends(r.plugs.inputs[i], r.s) {
			return false
		}
	}
	return true
}

// openPage opens the page of --metrics, or returns nil when there is none.
func openPage(s *Settings, logf func(format string, args ...any)) (*status.Page, error) {
	flag, addr := "http-pprof", s.HTTPPprof
	if s.Metrics != "" {
		flag, addr = "metrics", s.Metrics
	}
	switch {
	case s.Metrics != "" && s.HTTPPprof != "":
		return nil, asUsage(fmt.Errorf("--metrics %s and --http-pprof %s are one flag; leave one out", s.Metrics, s.HTTPPprof))
	case addr == "":
		return nil, nil
	}
	page, err := status.Open(addr, status.Config{Name: flag, Version: version, Build: versionString(), CommandLine: s.table().Shown(os.Args), Logf: logf})
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", flag, err)
	}
	return page, nil
}

// writeSummaryJSON writes the ledger to the file of --summary-json, which only
// its owner may read when it is new.
func writeSummaryJSON(name string, v ledger.Vars) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = disk.WriteFile(name, append(text, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("--summary-json: %w", err)
	}
	return nil
}
