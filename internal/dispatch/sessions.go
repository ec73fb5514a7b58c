package dispatch

import (
	"sync"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

// A SessionsConfig says where the messages of recorded connections come from,
// and who sends them. All of it must be set.
type SessionsConfig struct {
	Queue *queue.Queue

	// Done is closed when nothing is to be sent any more.
	Done <-chan struct{}

	// Most is how many sessions may be open at a time, at least one. When more
	// are needed, the longest idle one ends.
	Most int

	// IdleFor is after how long without a message a session ends.
	IdleFor time.Duration

	// Serve is the life of one session, in a goroutine of its own: it calls Take
	// until that returns false.
	Serve func(*Session)

	// Unsent counts a message that a session held when Done was closed.
	Unsent func()
}

// Sessions hand out each recorded connection's messages together, in their
// order.
type Sessions struct {
	cfg SessionsConfig
	wg  sync.WaitGroup

	mu      sync.Mutex
	changed sync.Cond // a session ended, took a message, or has none
	open    map[string]*Session
	idle    sessionList // those without a message, the longest idle first
	waiting int         // messages that sessions hold and have not begun
	over    bool        // no message will come any more
}

// waitingMost bounds the messages that wait in sessions, beside the
// queue's bound on bytes, which they count against until they are done: when a
// few slow connections hold so many, all wait for them.
const waitingMost = 16 << 10

// A Session is one recorded connection. The lock of Sessions guards it; Take
// and More are for its goroutine.
type Session struct {
	of         *Sessions
	timer      *time.Timer
	key        string // the connection part of the messages' ids
	messages   []queue.Item
	wake       chan struct{} // a message came, or the session is to end
	end        bool          // to make room for another
	prev, next *Session      // among the idle ones
	idle       bool
}

// StartSessions begins to take messages from the queue.
func StartSessions(c SessionsConfig) *Sessions {
	s := &Sessions{cfg: c, open: make(map[string]*Session)}
	s.changed.L = &s.mu
	s.wg.Go(s.dispatch)
	return s
}

// Open is how many sessions there are.
func (s *Sessions) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Wait returns when every session has ended. Call it when the queue and Done are
// closed.
func (s *Sessions) Wait() { s.wg.Wait() }

// dispatch gives each message to its session until Done is closed.
func (s *Sessions) dispatch() {
	for {
		it, ok := s.cfg.Queue.Get(s.cfg.Done, 0)
		if !ok {
			break
		}
		s.give(it)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	for _, ss := range s.open {
		ss.signal()
	}
}

// give waits for room, at most until Done is closed: then every session
// ends its messages at once.
func (s *Sessions) give(it queue.Item) {
	key := payload.ConnPart(payload.ID(it.Bytes))
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.waiting >= waitingMost {
		s.changed.Wait()
	}
	ss := s.open[string(key)]
	for ss == nil && len(s.open) >= s.cfg.Most {
		s.endIdle()
		s.changed.Wait()
	}
	if ss == nil || ss.end {
		ss = &Session{of: s, key: string(key), wake: make(chan struct{}, 1), timer: time.NewTimer(s.cfg.IdleFor)}
		s.open[ss.key] = ss
		s.wg.Go(func() {
			defer ss.timer.Stop()
			s.cfg.Serve(ss)
			s.leave(ss)
		})
	}
	s.idle.remove(ss)
	ss.messages = append(ss.messages, it)
	s.waiting++
	ss.signal()
}

// EndIdle ends the session that has been idle for the longest, if there is one: for
// one that finds no room at the target.
func (s *Sessions) EndIdle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endIdle()
}

// endIdle is EndIdle. Call with the lock held.
func (s *Sessions) endIdle() {
	if oldest := s.idle.first; oldest != nil {
		oldest.end = true
		s.idle.remove(oldest)
		oldest.signal()
	}
}

func (ss *Session) signal() {
	select {
	case ss.wake <- struct{}{}:
	default:
	}
}

// Take returns the session's next message, which is to be handed to the queue's
// Done, or false when the session is over.
func (ss *Session) Take() (queue.Item, bool) {
	for {
		it, ok := ss.of.take(ss)
		if !ok {
			return it, false
		}
		select {
		case <-ss.of.cfg.Done:
			ss.of.cfg.Unsent()
			ss.of.cfg.Queue.Done(it, false)
		default:
			return it, true
		}
	}
}

// More reports whether the session has another message already.
func (ss *Session) More() bool {
	ss.of.mu.Lock()
	defer ss.of.mu.Unlock()
	return len(ss.messages) > 0
}

// take returns the session's next message. It reports false, and the session
// is over, when none came for idleFor, or none will.
func (s *Sessions) take(ss *Session) (queue.Item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ss.timer.Reset(s.cfg.IdleFor)
	expired := false
	for len(ss.messages) == 0 {
		if ss.end || s.over || expired {
			s.idle.remove(ss)
			ss.end = true // what comes for it now gets another
			return queue.Item{}, false
		}
		s.idle.push(ss)
		s.changed.Broadcast() // it may have to make room
		s.mu.Unlock()
		select {
		case <-ss.wake:
		case <-ss.timer.C:
			expired = true
		}
		s.mu.Lock()
	}
	s.idle.remove(ss)
	it := ss.messages[0]
	ss.messages[0] = queue.Item{}
	ss.messages = ss.messages[1:]
	s.waiting--
	s.changed.Broadcast()
	return it, true
}

// leave makes room for another session, when the connection of this one is
// closed.
func (s *Sessions) leave(ss *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[ss.key] == ss { // not one that took its place
		delete(s.open, ss.key)
	}
	s.changed.Broadcast()
}

// A sessionList is the idle sessions, the one that went idle first in front.
type sessionList struct {
	first, last *Session
}

// push appends ss, unless it is listed already.
func (l *sessionList) push(ss *Session) {
	if ss.idle {
		return
	}
	ss.idle, ss.prev, ss.next = true, l.last, nil
	if l.last != nil {
		l.last.next = ss
	} else {
		l.first = ss
	}
	l.last = ss
}

// remove takes ss off the list, if it is there.
func (l *sessionList) remove(ss *Session) {
	if !ss.idle {
		return
	}
	if ss.prev != nil {
		ss.prev.next = ss.next
	} else {
		l.first = ss.next
	}
	if ss.next != nil {
		ss.next.prev = ss.prev
	} else {
		l.last = ss.prev
	}
	ss.idle, ss.prev, ss.next = false, nil, nil
}
