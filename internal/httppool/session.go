package httppool

import (
	"time"

	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/queue"
)

// serve is the life of one session: it sends the requests of a recorded
// connection.
func (s *shared) serve(ss *dispatch.Session) {
	w := s.newWorker()
	w.sender = s.client.NewSender(w.done)
	defer w.close()
	ss.OpenWith(w.openAhead)
	for {
		it, ok := ss.Take()
		if !ok {
			return
		}
		for backoff := newBackoff(); w.sendInOrder(it, &backoff); it = w.it {
		}
	}
}

// openAhead makes the connection before the first request, unless only that says
// which host to ask for. Of a target that takes none only the first session finds
// that out.
func (w *worker) openAhead() {
	if w.s.cfg.NameByHost || (w.s.away.Load() && w.s.client.Standing() == 0) {
		return
	}
	_ = w.connect() // the request finds out too
	w.s.away.Store(!w.sender.Connected())
}

// orderMost is the longest pause of a session between two attempts at a target that
// takes no more connections: until others end.
const orderMost = time.Second

func newBackoff() outbound.Backoff { return outbound.Backoff{Most: orderMost} }

// sendInOrder sends a request of a recorded connection, whose next one waits
// until this one is done with. It reports whether that request, which is w.it then,
// is to be sent again: it could not be sent over the connection that there was.
func (w *worker) sendInOrder(it queue.Item, backoff *outbound.Backoff) (again bool) {
	w.it, w.kept = it, true
	// A target that ends what it has accepted is given time to do so before the
	// request is sent, which could not be sent again.
	if !w.attempt.Careful() || w.connect() == nil {
		if w.start(it); !w.kept {
			return false
		}
	}
	return w.awaitTurn(backoff)
}

// awaitTurn waits before another attempt at the request that was kept, and reports
// whether there is to be one.
func (w *worker) awaitTurn(backoff *outbound.Backoff) bool {
	if backoff.Wait(w.s.ctx, nil) {
		return true
	}
	it := w.it
	w.it, w.kept = queue.Item{}, false
	w.s.account.unsent.Add(1)
	w.s.q.Done(it, false)
	return false
}

// A loopSession sends the requests of a recorded connection, and event loops keep
// it going. Only while it has to wait for a connection a goroutine is about.
type loopSession struct {
	*worker
	ss      *dispatch.Session
	backoff outbound.Backoff
}

// mayOpenAhead reports whether the target is good for connections that nothing is
// sent on yet: not when it is known to take only so many.
func (s *shared) mayOpenAhead() bool {
	allowed, _ := s.takes.Allow(time.Now(), s.cfg.Most)
	return allowed >= s.cfg.Most
}

// begin makes what sends the requests of a session without a goroutine.
func (s *shared) begin(ss *dispatch.Session) dispatch.SessionSender {
	l := &loopSession{worker: s.newWorker(), ss: ss, backoff: newBackoff()}
	l.sender = s.client.NewLoopSender(l.done, l.ready)
	return l
}

// Open makes the connection ahead of the first request.
func (l *loopSession) Open() { l.openAhead() }

func (l *loopSession) Send(it queue.Item) {
	l.backoff.Reset()
	if !l.attempt.Careful() {
		l.start(it)
		return
	}
	l.it = it
	go l.connectFirst()
}

// connectFirst waits for the connection, and then sends the request.
func (l *loopSession) connectFirst() {
	for l.attempt.Careful() && l.connect() != nil {
		if !l.awaitTurn(&l.backoff) {
			l.ss.Ready()
			return
		}
	}
	l.start(l.it)
}

// ready is told that the request was dealt with, if it was not kept.
func (l *loopSession) ready() {
	if !l.kept {
		l.ss.Ready()
		return
	}
	go func() {
		if l.awaitTurn(&l.backoff) {
			l.connectFirst()
		} else {
			l.ss.Ready()
		}
	}()
}

// End closes the connection.
func (l *loopSession) End() {
	l.close()
	l.ss.Left()
}
