package main

import (
	"sync"

	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/queue"
)

// linkSource gives the queue's messages to the link's one sender.
type linkSource struct {
	q     *queue.Queue
	batch []queue.Item
	given givenItems
}

var _ link.Source = (*linkSource)(nil)

func (s *linkSource) Take(dst [][]byte, cancel <-chan struct{}) (n int, more bool) {
	if len(s.batch) < len(dst) {
		s.batch = make([]queue.Item, len(dst))
	}
	n = s.q.GetBatch(s.batch[:len(dst)], cancel, 0)
	s.given.give(dst, s.batch[:n])
	clear(s.batch[:n])
	return n, n > 0 || !s.q.Drained()
}

func (s *linkSource) Release(n int) { s.given.release(s.q, n, true) }

// Expire is Release for messages that only ran into a timeout or were given up.
func (s *linkSource) Expire(n int) { s.given.release(s.q, n, false) }

// givenItems remembers, in order, which messages a sender was given.
type givenItems struct {
	mu   sync.Mutex
	list itemList
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

// drop takes off the n oldest, which their user has cleared.
func (l *itemList) drop(n int) {
	l.head += n
	if l.head > len(l.items)/2 {
		l.items = l.items[:copy(l.items, l.items[l.head:])]
		l.head = 0
	}
}
