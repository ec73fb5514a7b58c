package dispatch

import (
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/queue"
)

// A Session is one recorded connection. The lock of Sessions guards it.
type Session struct {
	of         *Sessions
	sender     SessionSender
	served     *served // what sender is, with Serve
	key        string  // the connection part of the messages' ids
	messages   itemList
	end        bool         // it is over; what comes for it gets another
	phase      atomic.Int32 // of the message under way; see Runner
	timer      *time.Timer  // calls expired
	armed      bool         // it runs
	since      time.Time    // when it became idle; valid iff idle
	prev, next *Session     // among the idle ones
	idle       bool
}

// send reports whether the message is dealt with already.
func (ss *Session) send(it queue.Item) bool {
	ss.phase.Store(sending)
	ss.sender.Send(it)
	return !ss.phase.CompareAndSwap(sending, sent)
}

// Ready is told that the message that was given to Send is dealt with.
func (ss *Session) Ready() {
	if !ss.phase.CompareAndSwap(sending, dealt) {
		ss.goOn()
	}
}

// goOn sends the session's messages until one is under way, or there is none.
func (ss *Session) goOn() {
	for {
		it, has, over, resume := ss.of.after(ss)
		isDealt := false
		if has {
			isDealt = ss.send(it)
		}
		if over {
			ss.sender.End()
		}
		if resume {
			ss.of.resume()
		}
		if !isDealt {
			return
		}
	}
}

// rest notes that the session is idle from now on. A timer that runs is left as it
// is. Call with the lock held.
func (ss *Session) rest(now time.Time) {
	ss.since = now
	if ss.armed {
		return
	}
	ss.armed = true
	if ss.timer == nil {
		ss.timer = time.AfterFunc(ss.of.cfg.IdleFor, ss.expired)
	} else {
		ss.timer.Reset(ss.of.cfg.IdleFor)
	}
}

// expired is called by the timer.
func (ss *Session) expired() {
	s := ss.of
	s.mu.Lock()
	ss.armed = false
	over := false
	if ss.idle && !ss.end {
		if left := s.cfg.IdleFor - time.Since(ss.since); left > 0 {
			ss.armed = true
			ss.timer.Reset(left)
		} else {
			s.finish(ss)
			over = true
		}
	}
	s.mu.Unlock()
	if over {
		ss.sender.End()
	}
}

// More reports whether the session has another message already.
func (ss *Session) More() bool {
	ss.of.mu.Lock()
	defer ss.of.mu.Unlock()
	return ss.messages.len() > 0
}

// Left is told that the connection of a session that has ended is closed. That makes
// room for another.
func (ss *Session) Left() {
	s := ss.of
	s.mu.Lock()
	if s.open[ss.key] == ss { // not one that took its place
		delete(s.open, ss.key)
	}
	resume := s.stalled && s.crowded
	if resume {
		s.stalled = false
	}
	s.mu.Unlock()
	if resume {
		s.resume()
	}
	s.wg.Done()
}
