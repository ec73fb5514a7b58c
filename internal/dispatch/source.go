package dispatch

import (
	"sync"

	"github.com/buger/gor/internal/queue"
)

// A Source gives a queue's messages to one sender, which has done with them in
// the order in which it took them.
type Source struct {
	q     *queue.Queue
	batch []queue.Item
	given givenItems
}

// NewSource returns a Source of all that comes through q.
func NewSource(q *queue.Queue) *Source { return &Source{q: q} }

// Take waits for messages and puts as many as there are into dst. It returns
// zero when cancel is closed, and more false when no message will ever come
// again; with an empty dst it only says the latter. A message is the caller's
// until Release or Expire.
func (s *Source) Take(dst [][]byte, cancel <-chan struct{}) (n int, more bool) {
	s.given.setTaking(true)
	defer s.given.setTaking(false)
	if len(s.batch) < len(dst) {
		s.batch = make([]queue.Item, len(dst))
	}
	n = s.q.GetBatch(s.batch[:len(dst)], cancel, 0)
	s.given.give(dst, s.batch[:n])
	clear(s.batch[:n])
	return n, n > 0 || !s.q.Drained()
}

// Release ends the use of the n oldest messages that were taken.
func (s *Source) Release(n int) { s.given.release(s.q, n, true) }

// Expire is Release for messages that only ran into a timeout or were given up.
func (s *Source) Expire(n int) { s.given.release(s.q, n, false) }

// Oldest returns the n oldest messages that are not released, taken or not, or
// as many as there are. While a Take is under way, those that are not yet taken
// may be missing. They are valid until they are released.
func (s *Source) Oldest(n int) (list [][]byte) {
	s.given.mu.Lock()
	defer s.given.mu.Unlock()
	for _, it := range s.given.list.oldest(min(n, s.given.list.len())) {
		list = append(list, it.Bytes)
	}
	if !s.given.taking {
		s.q.Each(func(msg []byte) {
			if len(list) < n {
				list = append(list, msg)
			}
		})
	}
	return list
}

// givenItems remembers, in order, which messages a sender was given.
type givenItems struct {
	mu     sync.Mutex
	list   itemList
	taking bool // messages may be on their way from the queue to the list
}

func (g *givenItems) setTaking(yes bool) {
	g.mu.Lock()
	g.taking = yes
	g.mu.Unlock()
}

// give puts the messages of items into dst.
func (g *givenItems) give(dst [][]byte, items []queue.Item) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, it := range items {
		dst[i] = it.Bytes
	}
	g.list.push(items...)
}

// release hands the n oldest back to q, as its Done has it.
func (g *givenItems) release(q *queue.Queue, n int, progressed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	q.DoneBatch(g.list.oldest(n), progressed) // clears them
	g.list.drop(n)
}

// itemList is a list that grows at its end and shrinks at its beginning.
type itemList struct {
	items []queue.Item
	head  int // of the oldest
}

func (l *itemList) len() int                  { return len(l.items) - l.head }
func (l *itemList) push(items ...queue.Item)  { l.items = append(l.items, items...) }
func (l *itemList) oldest(n int) []queue.Item { return l.items[l.head : l.head+n] }

// pop takes off the oldest and returns it.
func (l *itemList) pop() queue.Item {
	it := l.items[l.head]
	l.items[l.head] = queue.Item{}
	l.drop(1)
	return it
}

// drop takes off the n oldest, which their user has cleared.
func (l *itemList) drop(n int) {
	l.head += n
	if l.head > len(l.items)/2 {
		l.items = l.items[:copy(l.items, l.items[l.head:])]
		l.head = 0
	}
}
