package main

import (
	"syscall"
	"time"
)

const (
	// A middleware that does not exit when its stdin ends is ended: soon when
	// it has nothing of ours, later when it may be at work on something, or has
	// dropped it.
	lingerEmpty = 500 * time.Millisecond
	lingerFull  = 5 * time.Second

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
func (r *runner) drainMiddleware(interrupted bool, began time.Time) drainEnd {
	m := r.plugs.middle
	if m == nil {
		return drainDone
	}
	stages := []drainer{m.feed}
	if len(r.em.echoes) > 0 {
		stages = append(stages, &answersStage{r}, m.feed)
	}
	stages = append(stages, &exitStage{r})
	end := drainDone
	for _, stage := range stages {
		end = max(end, r.drain([]drainer{stage}, interrupted, began))
		if end == drainAborted {
			return end
		}
		if end != drainDone {
			break // it has had its time
		}
	}
	if end == drainDone {
		m.mayExit(lingerEmpty) // it closed its stdout: its status is about to come
	}
	m.close()
	r.em.backing.Wait()
	m.fates.over(end != drainDone || m.died())
	return end
}

// answersStage ends when every request that came back from the middleware has
// its answer, and the answers are with the middleware.
type answersStage struct{ r *runner }

func (s *answersStage) Drain(cancel <-chan struct{}) error {
	for !s.answered() {
		if !sleep(cancel, 10*time.Millisecond) {
			return errCancelled
		}
	}
	s.r.em.endEchoes()
	return nil
}

func (s *answersStage) answered() bool {
	m := s.r.plugs.middle
	select {
	case <-m.exited:
		return true
	default:
	}
	if _, _, inside := m.fates.counts(); m.back.quiet(time.Now()) == 0 || inside > 0 && m.back.quiet(time.Now()) < answersQuiet {
		return false
	}
	for _, o := range s.r.em.outputs {
		if o.Responses() == nil {
			continue
		}
		known := o.shed.Load()
		for _, row := range o.Counts() {
			known += row.N
		}
		if known < o.offered.Load() {
			return false
		}
	}
	return true
}

func (s *answersStage) LastProgress() time.Time { return lastProgress(s.r) }

// exitStage ends the middleware's stdin, and ends when everything that it
// prints then is with the outputs.
type exitStage struct{ r *runner }

func (s *exitStage) Drain(cancel <-chan struct{}) error {
	m := s.r.plugs.middle
	m.closeStdin()
	ended := make(chan struct{})
	go func() { s.r.em.backing.Wait(); close(ended) }()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	told := time.Time{} // when SIGTERM was sent
	closed := time.Now()
	for {
		select {
		case <-ended:
			return nil
		case <-cancel:
			return errCancelled
		case now := <-look.C:
			quiet := min(m.back.quiet(now), now.Sub(closed))
			_, _, inside := m.fates.counts()
			switch {
			case !told.IsZero() && now.Sub(told) > lingerKill:
				m.signal(syscall.SIGKILL)
			case told.IsZero() && (quiet > lingerFull || inside == 0 && quiet > lingerEmpty):
				told = now
				m.signal(syscall.SIGTERM)
			}
		}
	}
}

func (s *exitStage) LastProgress() time.Time { return lastProgress(s.r) }

// lastProgress is when the middleware last gave a message, or an output made
// progress.
func lastProgress(r *runner) time.Time {
	last := time.Unix(0, r.plugs.middle.back.last.Load())
	for _, out := range r.plugs.outputs {
		if t := out.LastProgress(); t.After(last) {
			last = t
		}
	}
	return last
}
