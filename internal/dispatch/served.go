package dispatch

import "github.com/buger/gor/internal/queue"

// served is the sender of a session that a goroutine serves.
type served struct {
	ss    *Session
	items chan queue.Item // at most one, which is under way then
	taken bool            // the goroutine has one and does not know yet what comes next
}

func startServed(ss *Session) *served {
	v := &served{ss: ss, items: make(chan queue.Item, 1)}
	ss.served = v
	go func() {
		ss.of.cfg.Serve(ss)
		ss.Left()
	}()
	return v
}

func (v *served) Send(it queue.Item) { v.items <- it }
func (v *served) Open()              {} // Serve does
func (v *served) End()               { close(v.items) }

// Take returns the session's next message, which is to be handed to the queue's
// Done, or false when the session is over. It is for Serve alone.
func (ss *Session) Take() (queue.Item, bool) {
	v := ss.served
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
