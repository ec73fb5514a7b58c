package middleware

import (
	"syscall"
	"time"

	"github.com/buger/gor/internal/drain"
	"github.com/buger/gor/internal/queue"
)

const (
	// A middleware that does not exit when its stdin ends is ended: soon when
	// it has nothing of ours, later when it may be at work on something, or has
	// dropped it. One that has given nothing yet may still be starting, as a Java
	// program does on a machine that is busy: it has as long as fits into the 30
	// seconds that --drain-timeout is unless it is given.
	LingerEmpty = 500 * time.Millisecond
	lingerFull  = 5 * time.Second
	LingerFirst = 20 * time.Second

	// lingerKill is how long it has after SIGTERM.
	lingerKill = time.Second

	// answersQuiet is how long nothing must come from a middleware for what it
	// still has to count as dropped, when answers of the targets are on
	// their way to it.
	answersQuiet = time.Second
)

// Around is what the end of a middleware needs of the run that it is part of.
type Around struct {
	// Settle waits for the answers to all that came back from the middleware so far.
	Settle func(cancel <-chan struct{}) error

	// EndAnswers lets the answers that have come pass to the middleware, and takes
	// no more.
	EndAnswers func()

	// Returned waits until all that the middleware printed is with the outputs. It
	// returns only when its stdout has ended.
	Returned func()

	// LastProgress is when an output last made progress.
	LastProgress func() time.Time

	Logf func(format string, args ...any)
}

type answersPart struct {
	m      *Program
	around Around
}

// AnswersPart waits until every request that came back from the middleware has
// its answer, and the answers are with the middleware.
func (p *Program) AnswersPart(a Around) drain.Part { return &answersPart{p, a} }

func (s *answersPart) Drain(cancel <-chan struct{}) error {
	m := s.m
	for !queue.IsClosed(m.Exited()) {
		more := m.Back.Waits() // taken first: what comes while the outputs settle is not missed
		quiet := m.Back.Quiet(time.Now())
		still := answersQuiet
		if !m.Back.Begun() {
			still = LingerFirst
		}
		if quiet > 0 && (m.Inside() == 0 || quiet >= still) {
			if err := s.around.Settle(cancel); err != nil {
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
	s.around.EndAnswers()
	return nil
}

func (s *answersPart) LastProgress() time.Time { return s.m.lastProgress(s.around) }

type exitPart struct {
	m      *Program
	around Around
}

// ExitPart ends the middleware's stdin, and waits until everything that it prints
// then is with the outputs. A program that takes too long is ended.
func (p *Program) ExitPart(a Around) drain.Part { return &exitPart{p, a} }

func (s *exitPart) Drain(cancel <-chan struct{}) error {
	m := s.m
	m.CloseStdin()
	ended := make(chan struct{})
	go func() { s.around.Returned(); close(ended) }()
	patience := time.NewTimer(LingerEmpty)
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
					s.around.Logf("middleware %s: gave nothing for %s after the end of its stdin, and has %d messages that did not come back; ending it", m, most, inside)
				}
				m.Signal(syscall.SIGTERM)
				patience.Reset(lingerKill)
			default:
				patience.Reset(min(LingerEmpty, most-quiet))
			}
		}
	}
}

// linger is how long a middleware may give nothing after the end of its stdin,
// by whether it has given anything so far, and how many messages it has.
func linger(begun bool, inside uint64) time.Duration {
	switch {
	case inside == 0:
		return LingerEmpty
	case begun:
		return lingerFull
	}
	return LingerFirst
}

func (s *exitPart) LastProgress() time.Time { return s.m.lastProgress(s.around) }

// lastProgress is when the middleware last gave a message, or an output made
// progress.
func (p *Program) lastProgress(a Around) time.Time {
	last := p.Back.LastMessage()
	if t := a.LastProgress(); t.After(last) {
		last = t
	}
	return last
}
