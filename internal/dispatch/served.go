package dispatch

import "github.com/buger/gor/internal/queue"

// served is the sender of a session that a goroutine serves.
type served struct {
	ss    *Session
	items chan queue.Item // at most one, which is under way then
	taken bool            // the goroutine has one and does not know yet what comes next

	begun chan struct{} // closed by the first Take
	began bool
	open  func() // nil: there is nothing to open; valid when begun is closed
}

func startServed(ss *Session) *served {
	v := &served{ss: ss, items: make(chan queue.Item, 1), begun: make(chan struct{})}
	ss.served = v
	go func() {
		ss.of.cfg.Serve(ss) // which calls Take until that returns false
		ss.Left()
	}()
	return v
}

func (v *served) Send(it queue.Item) { v.items <- it }
func (v *served) End()               { close(v.items) }

// Open calls what Serve gave for it while the goroutine waits in Take.
func (v *served) Open() {
	<-v.begun
	if v.open != nil {
		v.open()
	}
}

// OpenWith gives what makes the connection ahead of the first message. It is for
// Serve alone, which calls it before the first Take, during which open is called.
func (ss *Session) OpenWith(open func()) { ss.served.open = open }

// Take returns the session's next message, which is to be handed to the queue's
// Done, or false when the session is over. It is for Serve alone.
func (ss *Session) Take() (queue.Item, bool) {
	v := ss.served
	if !v.began {
		v.began = true
		close(v.begun)
	}
	for {
		if v.taken {
			v.taken = false
			ss.Ready()
		}
		it, ok := <-v.items
		if !ok {
			return it, false
		}
		v.taken = true
		if !queue.IsClosed(ss.of.cfg.Done) {
			return it, true
		}
		ss.of.unsent(it)
	}
}
