package main

import (
	"slices"
	"syscall"
	"time"

	"github.com/buger/gor/internal/drain"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/middleware"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
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

const (
	// A middleware that does not exit when its stdin ends is ended: soon when
	// it has nothing of ours, later when it may be at work on something, or has
	// dropped it. One that has given nothing yet may still be starting, as a Java
	// program does on a machine that is busy: it has as long as fits into the 30
	// seconds that --drain-timeout is unless it is given.
	lingerEmpty = 500 * time.Millisecond
	lingerFull  = 5 * time.Second
	lingerFirst = 20 * time.Second

	// lingerKill is how long it has after SIGTERM.
	lingerKill = time.Second

	// answersQuiet is how long nothing must come from a middleware for what it
	// still has to count as dropped, when answers of the targets are on
	// their way to it.
	answersQuiet = time.Second
)

// drainMiddleware lets the middleware finish, before the outputs do: it gets
// what is queued for it, and the answers of the targets, and then the end of
// its stdin.
func (r *runner) drainMiddleware(d *drain.Drain) {
	m := r.plugs.middle
	if m == nil {
		return
	}
	stages := []drain.Part{m.Feed}
	if len(r.em.answerFlows) > 0 {
		stages = append(stages, &answersStage{r}, m.Feed)
	}
	stages = append(stages, &exitStage{r})
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
		m.AwaitExit(lingerEmpty) // it closed its stdout: its status is about to come
	}
	m.Close()
	r.em.returning.Wait()
	m.Settle(end != drain.Done || m.Died())
}

// answersStage ends when every request that came back from the middleware has
// its answer, and the answers are with the middleware.
type answersStage struct{ r *runner }

func (s *answersStage) Drain(cancel <-chan struct{}) error {
	m := s.r.plugs.middle
	for !queue.IsClosed(m.Exited()) {
		more := m.Back.Waits() // taken first: what comes while the outputs settle is not missed
		quiet := m.Back.Quiet(time.Now())
		still := answersQuiet
		if !m.Back.Begun() {
			still = lingerFirst
		}
		if quiet > 0 && (m.Inside() == 0 || quiet >= still) {
			if err := s.settle(cancel); err != nil {
				return err
			}
			if m.Back.Quiet(time.Now()) > 0 && !queue.IsClosed(more) {
				break
			}
			continue
		}
		late := time.NewTimer(max(still-quiet, time.Millisecond))
		select {
		case <-more:
		case <-late.C:
		case <-m.Exited():
		case <-cancel:
			late.Stop()
			return queue.ErrCancelled
		}
		late.Stop()
	}
	s.r.em.endAnswers()
	return nil
}

// settle waits for the answers to all that came back from the middleware so far.
func (s *answersStage) settle(cancel <-chan struct{}) error {
	for _, o := range s.r.em.outputs {
		if o.Responses() == nil {
			continue
		}
		if err := o.Settle(cancel); err != nil {
			return err
		}
	}
	return nil
}

func (s *answersStage) LastProgress() time.Time { return lastProgress(s.r) }

// exitStage ends the middleware's stdin, and ends when everything that it
// prints then is with the outputs.
type exitStage struct{ r *runner }

func (s *exitStage) Drain(cancel <-chan struct{}) error {
	m := s.r.plugs.middle
	m.CloseStdin()
	ended := make(chan struct{})
	go func() { s.r.em.returning.Wait(); close(ended) }()
	patience := time.NewTimer(lingerEmpty)
	defer patience.Stop()
	told := false // SIGTERM was sent
	closed := time.Now()
	for {
		select {
		case <-ended:
			return nil
		case <-cancel:
			return queue.ErrCancelled
		case now := <-patience.C:
			quiet, inside := min(m.Back.Quiet(now), now.Sub(closed)), m.Inside()
			most := linger(m.Back.Begun(), inside)
			switch {
			case told:
				m.Signal(syscall.SIGKILL)
				patience.Reset(lingerKill)
			case quiet >= most:
				if told = true; inside > 0 {
					s.r.log.Printf("middleware %s: gave nothing for %s after the end of its stdin, and has %d messages that did not come back; ending it", m, most, inside)
				}
				m.Signal(syscall.SIGTERM)
				patience.Reset(lingerKill)
			default:
				patience.Reset(min(lingerEmpty, most-quiet))
			}
		}
	}
}

// linger is how long a middleware may give nothing after the end of its stdin,
// by whether it has given anything so far, and how many messages it has.
func linger(begun bool, inside uint64) time.Duration {
	switch {
	case inside == 0:
		return lingerEmpty
	case begun:
		return lingerFull
	}
	return lingerFirst
}

func (s *exitStage) LastProgress() time.Time { return lastProgress(s.r) }

// lastProgress is when the middleware last gave a message, or an output made
// progress.
func lastProgress(r *runner) time.Time {
	last := r.plugs.middle.Back.LastMessage()
	for _, out := range r.plugs.outputs {
		if t := out.LastProgress(); t.After(last) {
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
