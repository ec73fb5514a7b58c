package dispatch

import (
	"sync"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

// A SessionsConfig says where the messages of recorded connections come from,
// and who sends them. All of it must be set, but of Serve and Begin only one.
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

	// Begin returns who sends the messages of a session without a goroutine.
	Begin func(*Session) SessionSender

	// Ahead and Stands are for Prepare, and may be nil without it. Ahead reports
	// whether the target is good for another connection, and Stands whether there is
	// one.
	Ahead, Stands func() bool

	// Unsent counts a message that a session held when Done was closed.
	Unsent func()
}

// A SessionSender sends the messages of one session, one after the other.
type SessionSender interface {
	// Send begins to deal with a message. It must not wait: the session's Ready is
	// called when it is dealt with, before Send returns or later, by anybody.
	Send(it queue.Item)

	// Open makes the connection before the first message needs it. It may wait.
	Open()

	// End is called once, with no message under way, when the session is over. It
	// closes the connection, and calls the session's Left when it is closed, before
	// End returns or later.
	End()
}

// Sessions hand out each recorded connection's messages together, in their order.
// Whoever puts a message hands it to its session, and whoever has dealt with one
// goes on with the session's next.
type Sessions struct {
	cfg   SessionsConfig
	taker queue.Taker
	wg    sync.WaitGroup

	mu      sync.Mutex
	open    map[string]*Session
	idle    sessionList // those without a message, the longest idle first
	waiting int         // messages that sessions hold and have not begun
	over    bool        // no message will come any more

	// A message that found no room is held back, and those behind it in the queue
	// with it, until somebody makes room and goes on with it.
	held    queue.Item // valid iff stalled
	stalled bool
	crowded bool // the room that it wants is a session

	line     []*Session    // are to be opened ahead of their first message
	prepared chan struct{} // closed when the line was worked off; nil: there was none
	opening  bool          // somebody works it off
}

// waitingMost bounds the messages that wait in sessions, beside the
// queue's bound on bytes, which they count against until they are done: when a
// few slow connections hold so many, all wait for them.
const waitingMost = 16 << 10

// StartSessions begins to take messages from the queue.
func StartSessions(c SessionsConfig) *Sessions {
	s := &Sessions{cfg: c, open: make(map[string]*Session)}
	s.taker.Take = s.take
	s.wg.Add(1) // until close
	s.pump()
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

// pump gives messages to their sessions until there are none, or no room. Only
// one goroutine is about it at a time: so each connection's order stays.
func (s *Sessions) pump() {
	for {
		it, ok := s.cfg.Queue.Await(&s.taker)
		if !ok || !s.give(it) {
			return
		}
	}
}

// take is called by the queue.
func (s *Sessions) take(it queue.Item, ok bool) {
	switch {
	case !ok:
		s.close()
	case s.give(it):
		s.pump()
	}
}

// resume goes on with the message that was held back, for which there may be room.
func (s *Sessions) resume() {
	it := s.held
	s.held = queue.Item{}
	if s.give(it) {
		s.pump()
	}
}

// close ends the idle sessions. The others end when they have no message.
func (s *Sessions) close() {
	s.mu.Lock()
	s.over = true
	var ended []*Session
	for ss := s.idle.first; ss != nil; ss = s.idle.first {
		s.finish(ss)
		ended = append(ended, ss)
	}
	s.mu.Unlock()
	for _, ss := range ended {
		ss.sender.End()
	}
	s.wg.Done()
}

// give hands a message to its session. It returns false when there was no room for
// it: then somebody else goes on with it, or has done so already.
func (s *Sessions) give(it queue.Item) bool {
	if queue.IsClosed(s.cfg.Done) {
		s.unsent(it)
		return true
	}
	s.mu.Lock()
	ss, victim := s.place(it)
	if victim != nil {
		s.finish(victim)
		s.mu.Unlock()
		victim.sender.End()
		s.mu.Lock()
		ss, _ = s.place(it)
	}
	if ss == nil {
		s.held, s.stalled, s.crowded = it, true, s.waiting < waitingMost
		s.mu.Unlock()
		return false
	}
	if !s.idle.remove(ss) {
		ss.messages.push(it)
		s.waiting++
		s.mu.Unlock()
		return true
	}
	s.mu.Unlock()
	if ss.send(it) {
		ss.goOn()
	}
	return true
}

// place returns the session of a message, an idle one if it is new, or nil when
// there is no room for it. Then there may be a victim to end for it. Call with the
// lock held.
func (s *Sessions) place(it queue.Item) (ss, victim *Session) {
	if s.waiting >= waitingMost {
		return nil, nil
	}
	key := payload.ConnPart(payload.ID(it.Bytes))
	ss = s.open[string(key)]
	switch {
	case ss != nil && !ss.end:
		return ss, nil
	case ss == nil && len(s.open) >= s.cfg.Most:
		return nil, s.idle.first
	}
	return s.begin(key), nil
}

// begin makes an idle session. Call with the lock held.
func (s *Sessions) begin(key []byte) *Session {
	ss := &Session{of: s, key: string(key)}
	s.open[ss.key] = ss
	s.wg.Add(1)
	if s.cfg.Begin != nil {
		ss.sender = s.cfg.Begin(ss)
	} else {
		ss.sender = startServed(ss)
	}
	s.idle.push(ss)
	return ss
}

// EndIdle ends the session that has been idle for the longest, if there is one: for
// one that finds no room at the target.
func (s *Sessions) EndIdle() {
	s.mu.Lock()
	oldest := s.idle.first
	if oldest != nil {
		s.finish(oldest)
	}
	s.mu.Unlock()
	if oldest != nil {
		oldest.sender.End()
	}
}

// finish takes a session that has no message out of use, before its sender is told
// to End. Call with the lock held.
func (s *Sessions) finish(ss *Session) {
	s.idle.remove(ss)
	ss.end = true
	if ss.timer != nil {
		ss.timer.Stop()
	}
}

// unsent counts a message that nobody will send.
func (s *Sessions) unsent(it queue.Item) {
	s.cfg.Unsent()
	s.cfg.Queue.Done(it, false)
}

// after says how a session that has dealt with a message goes on: with the next
// one, at its end, or idle. With resume there is room for the message that was held
// back, and the caller goes on with that too.
func (s *Sessions) after(ss *Session) (it queue.Item, has, over, resume bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if queue.IsClosed(s.cfg.Done) {
		for ; ss.messages.len() > 0; s.waiting-- {
			s.unsent(ss.messages.pop())
		}
	}
	if ss.messages.len() > 0 {
		s.waiting--
		it, has = ss.messages.pop(), true
	} else if s.over || s.stalled && s.crowded {
		s.finish(ss)
		over = true
	} else {
		s.idle.push(ss)
		ss.rest(time.Now())
	}
	if s.stalled && !s.crowded && s.waiting < waitingMost {
		s.stalled, resume = false, true
	}
	return it, has, over, resume
}
