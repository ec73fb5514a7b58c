package main

import (
	"hash/maphash"
	"slices"
	"sync"

	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// linkWorkers are the connections that empty a queue. Each is a sender of its
// own, with its own identity and numbers.
type linkWorkers struct {
	senders []*link.Sender
	shares  *linkShares // nil when there is one sender
}

func startLinkWorkers(q *queue.Queue, n int, config func(i int) link.SenderConfig) *linkWorkers {
	w := &linkWorkers{}
	if n == 1 {
		w.senders = []*link.Sender{link.NewSender(config(0), &linkSource{q: q})}
		return w
	}
	w.shares = newLinkShares(q, n)
	for i := range n {
		w.senders = append(w.senders, link.NewSender(config(i), w.shares.list[i]))
	}
	w.shares.running.Go(w.shares.distribute)
	return w
}

// finish gives connections time to end in good order, once the queue is
// closed and settled.
func (w *linkWorkers) finish(cancel <-chan struct{}) {
	for _, s := range w.senders {
		if !s.Connected() {
			continue
		}
		select {
		case <-s.Done():
		case <-cancel:
			return
		}
	}
}

// onTrial reports whether a sender waits for its receiver to show life.
func (w *linkWorkers) onTrial() bool {
	return slices.ContainsFunc(w.senders, (*link.Sender).OnTrial)
}

// close ends all connections and returns how many messages were taken off the
// queue and not delivered. The queue is closed.
func (w *linkWorkers) close() (unsent int) {
	var closing sync.WaitGroup
	left := make([]int, len(w.senders))
	for i, s := range w.senders {
		closing.Go(func() { left[i] = s.Close() })
	}
	closing.Wait()
	for _, n := range left {
		unsent += n
	}
	if w.shares != nil {
		unsent += w.shares.close()
	}
	return unsent
}

// counts sums up what the senders count, row by row.
func (w *linkWorkers) counts() []stats.Count {
	rows := w.senders[0].Counts()
	for _, s := range w.senders[1:] {
		for i, row := range s.Counts() {
			rows[i].N += row.N
		}
	}
	return rows
}

// linkShares divides a queue's messages among senders: all of one recorded
// connection go to the same one, responses to that of their requests, so that
// their order stays.
type linkShares struct {
	q       *queue.Queue
	list    []*linkShare
	seed    maphash.Seed
	stop    chan struct{}
	running sync.WaitGroup

	mu      sync.Mutex
	room    sync.Cond // fewer wait, or it is over
	waiting int       // messages that the shares hold and no sender has taken
	over    bool      // none will come any more
}

// shareWaiting bounds the messages that were taken off the queue and wait for
// their sender. Their bytes count against the queue's bound until they are
// done with. When one sender cannot take its own, all wait for it, so that it
// has to be more than what comes between two looks of a sender that is well.
const shareWaiting = 8 << 10

// A linkShare is what one sender gets.
type linkShare struct {
	all   *linkShares
	wake  chan struct{} // something came, or it is over
	items itemList      // that wait; under all.mu
	given givenItems
}

var _ link.Source = (*linkShare)(nil)

func newLinkShares(q *queue.Queue, n int) *linkShares {
	s := &linkShares{q: q, seed: maphash.MakeSeed(), stop: make(chan struct{})}
	s.room.L = &s.mu
	for range n {
		s.list = append(s.list, &linkShare{all: s, wake: make(chan struct{}, 1)})
	}
	return s
}

// distribute is the goroutine that takes messages off the queue.
func (s *linkShares) distribute() {
	batch := make([]queue.Item, 256)
	for {
		n := s.q.GetBatch(batch, s.stop, 0)
		s.mu.Lock()
		for s.waiting >= shareWaiting && !s.over {
			s.room.Wait()
		}
		for _, it := range batch[:n] {
			share := s.list[maphash.Bytes(s.seed, payload.ConnPart(payload.ID(it.Bytes)))%uint64(len(s.list))]
			share.items.push(it)
			share.signal()
		}
		s.waiting += n
		if n == 0 {
			s.end()
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
		clear(batch[:n])
	}
}

// end tells everyone that it is over. Call with the lock held.
func (s *linkShares) end() {
	s.over = true
	s.room.Broadcast()
	for _, share := range s.list {
		share.signal()
	}
}

// close drops what no sender has taken, and returns how many messages that
// were. The senders are closed.
func (s *linkShares) close() (n int) {
	close(s.stop)
	s.mu.Lock()
	s.end() // distribute may wait for room
	s.mu.Unlock()
	s.running.Wait()
	for _, share := range s.list {
		left := share.items.len()
		s.q.DoneBatch(share.items.oldest(left), false)
		share.items.drop(left)
		n += left
	}
	return n
}

func (s *linkShare) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *linkShare) Take(dst [][]byte, cancel <-chan struct{}) (n int, more bool) {
	for {
		s.all.mu.Lock()
		if len(dst) == 0 {
			defer s.all.mu.Unlock()
			return 0, !s.all.over || s.items.len() > 0
		}
		if n = min(len(dst), s.items.len()); n > 0 {
			items := s.items.oldest(n)
			s.given.give(dst, items)
			clear(items)
			s.items.drop(n)
			s.all.waiting -= n
			s.all.room.Signal()
			s.all.mu.Unlock()
			return n, true
		}
		over := s.all.over
		s.all.mu.Unlock()
		if over {
			return 0, false
		}
		select {
		case <-s.wake:
		case <-cancel:
			return 0, true
		}
	}
}

func (s *linkShare) Release(n int) { s.given.release(s.all.q, n, true) }

// Expire is Release for messages that only ran into a timeout or were given up.
func (s *linkShare) Expire(n int) { s.given.release(s.all.q, n, false) }
