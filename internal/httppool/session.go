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
	w := s.newWorker(false)
	defer w.close()
	for {
		it, ok := ss.Take()
		if !ok {
			return
		}
		w.sendInOrder(it)
	}
}

// orderMost is the longest pause of a session between two attempts at a target that
// takes no more connections: until others end.
const orderMost = time.Second

// sendInOrder sends a request of a recorded connection, whose next one waits
// until this one is done with.
func (w *worker) sendInOrder(it queue.Item) {
	backoff := outbound.Backoff{Most: orderMost}
	for {
		// A target that ends what it has accepted is given time to do so before the
		// request is sent, which could not be sent again.
		if !w.attempt.Careful() || w.connect() == nil {
			_ = w.send(it)
			if !w.kept {
				return
			}
			it = w.it
		}
		if !backoff.Wait(w.s.ctx, nil) {
			w.s.account.unsent.Add(1)
			w.it = queue.Item{}
			w.s.q.Done(it, false)
			return
		}
	}
}
