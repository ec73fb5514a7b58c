package dispatch

import (
	"sync"
	"time"
)

// Prepare opens the session of a recorded connection that a message is coming of,
// unless it is open or there is no room for it. It does not wait.
func (s *Sessions) Prepare(key []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.open[string(key)] != nil || len(s.open) >= s.cfg.Most || !s.cfg.Ahead() {
		return
	}
	ss := s.begin(key)
	ss.rest(time.Now()) // it ends if no message comes after all
	s.line = append(s.line, ss)
	if !s.opening {
		s.opening, s.prepared = true, make(chan struct{})
		s.wg.Add(1)
		go s.workOff(s.prepared)
	}
}

// Ready returns a channel that is closed when all that was prepared so far has its
// connection, or is known not to get one.
func (s *Sessions) Ready() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared == nil {
		s.prepared = make(chan struct{})
		close(s.prepared)
	}
	return s.prepared
}

// workOff opens the sessions of the line, one after the other, or one each
// prepareEvery where the target takes connections and is far away, and closes done
// at the end.
func (s *Sessions) workOff(done chan struct{}) {
	defer s.wg.Done()
	late := time.NewTimer(prepareEvery)
	defer late.Stop()
	var opening sync.WaitGroup
	for {
		ss, empty := s.nextInLine()
		if empty {
			opening.Wait()
			if s.endOfLine(done) {
				return
			}
			continue
		}
		if ss == nil {
			continue
		}
		opened := make(chan struct{})
		opening.Go(func() {
			defer close(opened)
			ss.sender.Open()
			ss.goOn()
		})
		var passed <-chan time.Time
		if s.cfg.Stands() {
			late.Reset(prepareEvery)
			passed = late.C
		}
		select {
		case <-opened:
		case <-passed:
		}
	}
}

// nextInLine takes the next session off the line. It is nil when that needs no
// opening any more: a message has come, or it has ended.
func (s *Sessions) nextInLine() (ss *Session, empty bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.line) == 0 {
		return nil, true
	}
	ss = s.line[0]
	s.line[0] = nil
	s.line = s.line[1:]
	if !s.idle.remove(ss) {
		return nil, false
	}
	return ss, false
}

// endOfLine reports whether the line is still empty, and notes that nobody works it
// off any more.
func (s *Sessions) endOfLine(done chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.line) > 0 {
		return false
	}
	s.opening = false
	close(done)
	return true
}
