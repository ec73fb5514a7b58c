package main

import (
	"slices"
	"time"

	"github.com/buger/gor/internal/drain"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/middleware"
	"github.com/buger/gor/internal/plugin"
)

// startMiddleware starts the program of --middleware, or returns nil when
// there is none.
func startMiddleware(s *Settings, env *plugin.Env) (*middleware.Program, error) {
	if s.Middleware == "" {
		return nil, nil
	}
	return middleware.Start(middleware.Config{
		Command:      s.Middleware,
		MessageLimit: s.MessageLimit,
		QueueBytes:   env.QueueBytes,
		Large:        env.Large,
		Stderr:       env.Stderr,
		Logf:         prefixed(env.Logf, "middleware: "),
	})
}

// putBetween leads inputs and answers into the middleware, and what comes back
// to the outputs. Filters and rewrites follow it; --prettify-http comes before,
// so that the program has plain bodies too, and again behind it.
func (e *emitter) putBetween(m *middleware.Program, inputs []plugin.Input, s *Settings) {
	e.toMiddleware = &plugin.Outlet{Output: m.Feed}
	for _, in := range inputs {
		in = prettifyInput(describeInput(in, s, e.logf), s)
		e.flows = append(e.flows, &flow{in: in, outlets: []*plugin.Outlet{e.toMiddleware}, waiting: waitingOf(in, true, s)})
	}
	for _, f := range e.answerFlows {
		f.outlets = []*plugin.Outlet{e.toMiddleware}
	}
	e.fromMiddleware = e.newFlow(m.Back, s, true)
	e.broken = make(chan struct{})
}

// isBroken reports whether the middleware ended by itself, or with an error.
func (e *emitter) isBroken() bool {
	select {
	case <-e.broken: // nil without a middleware
		return true
	default:
		return false
	}
}

// drainMiddleware lets the middleware finish, before the outputs do: it gets
// what is queued for it, and the answers of the targets, and then the end of
// its stdin.
func (r *runner) drainMiddleware(d *drain.Drain) {
	m := r.plugs.middle
	if m == nil {
		return
	}
	around := middleware.Around{
		Settle:       r.em.settleAnswers,
		EndAnswers:   r.em.endAnswers,
		Returned:     r.em.returning.Wait,
		LastProgress: r.em.lastProgress,
		Logf:         r.log.Printf,
	}
	stages := []drain.Part{m.Feed}
	if len(r.em.answerFlows) > 0 {
		stages = append(stages, m.AnswersPart(around), m.Feed)
	}
	stages = append(stages, m.ExitPart(around))
	end := drain.Done
	for _, stage := range stages {
		end = d.Run(stage)
		if end != drain.Done {
			break // it has had its time
		}
	}
	switch end {
	case drain.Aborted:
		return
	case drain.Done:
		m.AwaitExit(middleware.LingerEmpty) // it closed its stdout: its status is about to come
	}
	m.Close()
	r.em.returning.Wait()
	m.Settle(end != drain.Done || m.Died())
}

// settleAnswers waits for the answers to all that was written to outputs so far.
func (e *emitter) settleAnswers(cancel <-chan struct{}) error {
	for _, o := range e.outputs {
		if o.Responses() == nil {
			continue
		}
		if err := o.Settle(cancel); err != nil {
			return err
		}
	}
	return nil
}

// lastProgress is when an output last made progress.
func (e *emitter) lastProgress() (last time.Time) {
	for _, o := range e.outputs {
		if t := o.LastProgress(); t.After(last) {
			last = t
		}
	}
	return last
}

// middlewareFlags are those of programs and decodings between inputs and outputs.
func (s *Settings) middlewareFlags() flagGroup {
	return flagGroup{"Middleware", []string{"middleware"}, []flagDef{
		{"middleware", "COMMAND", "pass every message through a program of yours: each is a line of hex on its stdin; what it prints in the same " +
			"form goes on, the rest is dropped",
			"gor --input-tcp :28020 --middleware \"node redact.js\" --output-http staging.com", flags.Shown(flags.String(&s.Middleware), middleware.Shown)},
		{"prettify-http", "", "decode chunked and gzip-compressed bodies; what cannot be decoded stays as it is",
			"sudo gor --input-raw :80 --input-raw-track-response --prettify-http --output-stdout", flags.Bool(&s.modifier.Prettify)},
	}}
}

// queues is how many queues share the memory: those of the outputs and the
// middleware's.
func (s *Settings) queues() int {
	if s.Middleware != "" {
		return len(s.Outputs) + 1
	}
	return len(s.Outputs)
}

// answersAreLost reports whether nothing could use what targets answer: no
// middleware, and no output.
func (s *Settings) answersAreLost() bool {
	return s.Middleware == "" && len(s.Outputs) > 0 && !slices.ContainsFunc(s.Outputs, func(out pluginArg) bool { return !findOutput(out.Flag).onlyRequests })
}
