package dispatch

import (
	"hash/maphash"
	"sync"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

// Shares divide a queue's messages among senders: all of one recorded connection
// go to the same one, responses to that of their requests, so that their order
// stays.
type Shares struct {
	q       *queue.Queue
	list    []*Share
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

// A Share is what one sender gets.
type Share struct {
	all   *Shares
	wake  chan struct{} // something came, or it is over
	items itemList      // that wait; under all.mu
	given givenItems
}

// NewShares returns n shares of what comes through q.
func NewShares(q *queue.Queue, n int) *Shares {
	s := &Shares{q: q, seed: maphash.MakeSeed(), stop: make(chan struct{})}
	s.room.L = &s.mu
	for range n {
		s.list = append(s.list, &Share{all: s, wake: make(chan struct{}, 1)})
	}
	return s
}

// A Sender's messages come from a Source or a Share.
type Sender interface {
	Take(dst [][]byte, cancel <-chan struct{}) (n int, more bool)
	Release(n int)
	Expire(n int)
}

// Divide gives what comes through q to n senders. The Shares are those that they
// have it from, nil when one sender has it from the queue itself.
func Divide(q *queue.Queue, n int) ([]Sender, *Shares) {
	if n <= 1 {
		return []Sender{NewSource(q)}, nil
	}
	shares := NewShares(q, n)
	list := make([]Sender, n)
	for i, share := range shares.list {
		list[i] = share
	}
	shares.Start()
	return list, shares
}

// Start begins to take messages off the queue.
func (s *Shares) Start() { s.running.Go(s.distribute) }

// distribute is the goroutine that takes messages off the queue.
func (s *Shares) distribute() {
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
func (s *Shares) end() {
	s.over = true
	s.room.Broadcast()
	for _, share := range s.list {
		share.signal()
	}
}

// Close drops what no sender has taken, and returns how many messages that
// were. The senders are closed. A nil *Shares has none.
func (s *Shares) Close() (n int) {
	if s == nil {
		return 0
	}
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

func (s *Share) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Take is as that of a Source.
func (s *Share) Take(dst [][]byte, cancel <-chan struct{}) (n int, more bool) {
	for {
		s.all.mu.Lock()
		if len(dst) == 0 {
			defer s.all.mu.Unlock()
			return 0, !s.all.over || s.items.len() > 0
		}
		n = min(len(dst), s.items.len())
		if n > 0 {
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

// Release ends the use of the n oldest messages that were taken.
func (s *Share) Release(n int) { s.given.release(s.all.q, n, true) }

// Expire is Release for messages that only ran into a timeout or were given up.
func (s *Share) Expire(n int) { s.given.release(s.all.q, n, false) }
