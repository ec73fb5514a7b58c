package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

// sessions replays each recorded connection on a connection of its own, its
// requests in their order. They stand in the place of the workers.
type sessions struct {
	q       *queue.Queue
	done    <-chan struct{} // closed when the output is
	most    int             // open at a time
	idleFor time.Duration   // after which one ends
	serve   func(ss *session)
	wg      *sync.WaitGroup
	unsent  *atomic.Uint64

	mu      sync.Mutex
	changed sync.Cond // a session ended, took a request, or has none
	open    map[string]*session
	idle    sessionList // those without a request, the longest idle first
	waiting int         // requests that sessions hold and have not begun
	over    bool        // no request will come any more
}

// maxSessionRequests bounds the requests that wait in sessions, beside the
// queue's bound on bytes, which they count against until they are done: when a
// few slow connections hold so many, all wait for them.
const maxSessionRequests = 16 << 10

// A session is one recorded connection. The lock of sessions guards it; take
// and more are for its goroutine.
type session struct {
	of         *sessions
	timer      *time.Timer
	key        string // the connection part of the requests' ids
	requests   []queue.Item
	wake       chan struct{} // a request came, or the session is to end
	end        bool          // to make room for another
	prev, next *session      // among the idle ones
	idle       bool
}

// start begins to take requests from the queue. Every session gets a goroutine,
// in which serve calls its take until there is none.
func (s *sessions) start() {
	s.open = make(map[string]*session)
	s.changed.L = &s.mu
	s.wg.Go(s.dispatch)
}

// dispatch gives each request to its session until the output ends.
func (s *sessions) dispatch() {
	for {
		it, ok := s.q.Get(s.done, 0)
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

// give waits for room, at most until the output is closed: then every session
// ends its requests at once.
func (s *sessions) give(it queue.Item) {
	key := payload.ConnPart(payload.ID(it.Bytes))
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.waiting >= maxSessionRequests {
		s.changed.Wait()
	}
	ss := s.open[string(key)]
	for ss == nil && len(s.open) >= s.most {
		if oldest := s.idle.first; oldest != nil {
			oldest.end = true
			s.idle.remove(oldest)
			oldest.signal()
		}
		s.changed.Wait()
	}
	if ss == nil || ss.end {
		ss = &session{of: s, key: string(key), wake: make(chan struct{}, 1), timer: time.NewTimer(s.idleFor)}
		s.open[ss.key] = ss
		s.wg.Go(func() {
			defer ss.timer.Stop()
			s.serve(ss)
			s.leave(ss)
		})
	}
	s.idle.remove(ss)
	ss.requests = append(ss.requests, it)
	s.waiting++
	ss.signal()
}

func (ss *session) signal() {
	select {
	case ss.wake <- struct{}{}:
	default:
	}
}

// take returns the session's next request, or false when it is over.
func (ss *session) take() (queue.Item, bool) {
	for {
		it, ok := ss.of.take(ss)
		if !ok {
			return it, false
		}
		if !halted(ss.of.done) {
			return it, true
		}
		ss.of.unsent.Add(1)
		ss.of.q.Done(it, false)
	}
}

// more reports whether the session has another request already.
func (ss *session) more() bool {
	ss.of.mu.Lock()
	defer ss.of.mu.Unlock()
	return len(ss.requests) > 0
}

// take returns the session's next request. It reports false, and the session
// is over, when none came for idleFor, or none will.
func (s *sessions) take(ss *session) (queue.Item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ss.timer.Reset(s.idleFor)
	expired := false
	for len(ss.requests) == 0 {
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
	it := ss.requests[0]
	ss.requests[0] = queue.Item{}
	ss.requests = ss.requests[1:]
	s.waiting--
	s.changed.Broadcast()
	return it, true
}

// leave makes room for another session, when the connection of this one is
// closed.
func (s *sessions) leave(ss *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[ss.key] == ss { // not one that took its place
		delete(s.open, ss.key)
	}
	s.changed.Broadcast()
}

// A sessionList is the idle sessions, the one that went idle first in front.
type sessionList struct {
	first, last *session
}

// push appends ss, unless it is listed already.
func (l *sessionList) push(ss *session) {
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
func (l *sessionList) remove(ss *session) {
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
