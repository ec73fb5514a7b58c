// Package queue is what stands between an output's Write, which never blocks,
// and the workers that do the output's I/O: a queue of copies of messages,
// bounded by number and by bytes.
package queue

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/stats"
)

var (
	// ErrFull is what Put returns when there is no room; nothing was taken.
	ErrFull = errors.New("queue full")

	// ErrClosed is what Put returns after Close; nothing was taken.
	ErrClosed = errors.New("queue closed")

	// ErrCancelled is what Settle returns when it was cancelled.
	ErrCancelled = errors.New("cancelled")
)

// An Item is one message on its way through a worker, who must hand it to Done
// exactly once.
type Item struct {
	// Bytes is the message. It belongs to the worker until Done.
	Bytes []byte

	// At is when the message was put, since the queue was made.
	At time.Duration

	buf   []byte        // what Bytes is a part of; its whole capacity
	large *buffers.Copy // in the place of buf for a large message
	size  int           // of the message with its overhead, as it was counted
	epoch uint64

	// Returned is how often the message was taken and handed back. Sent says that
	// it may have been received all the same; whoever returns it sets that.
	Returned int
	Sent     bool
}

// A Queue hands copies of messages from one or more writers to workers.
// The bytes bound holds until Done, and counts ItemOverhead for each message
// beside its length. The items bound, if there is one, is for messages that no
// worker has yet. A message larger than the byte bound is admitted alone. All
// methods are safe for concurrent use.
type Queue struct {
	items, bytes int // no bound on items: a number that the bytes never reach
	start        time.Time
	length       atomic.Int64 // count, for Len without the lock
	short        atomic.Int64 // see Short

	mu       sync.Mutex
	ring     []Item // grows up to items
	head     int    // index of the oldest
	count    int    // messages in ring
	promised int    // places that a Put takes while it copies
	held     int    // bytes of all messages not yet Done, with their overhead
	heldCap  int    // capacity of their buffers
	free     buffers.Free
	epochs   epochs
	progress time.Duration // see LastProgress
	started  bool
	closed   bool
	refused  int // size of the message that the last Put refused
	gauge    *stats.Gauge
	large    *buffers.Copies // nil: large messages are bounded as others are
	lacking  bool            // the last Put was refused by large

	halfFull func() // nil: nobody wants to know

	getters list // workers that wait for a message
	waiting int  // how many those are
	waking  int  // workers that were taken off that list and are not yet running
	putters list // writers that wait for room
	idle    *waiter
}

// ItemOverhead is what a message in a Queue takes beside its own bytes: two
// places in a ring that may be half empty (an Item is 80 bytes), and what its
// buffer is larger than it.
const ItemOverhead = 256

// New returns a Queue for messages that are not yet Done of at most so many
// bytes, at least one, their overhead included. Of those that wait there are
// items at most; zero or less is no such bound.
func New(items, bytes int) *Queue {
	bytes = max(bytes, 1)
	if items <= 0 {
		items = bytes/ItemOverhead + 1
	}
	return &Queue{items: items, bytes: bytes, start: time.Now()}
}

// Watch has every Put record the length of the queue with g. Call it before
// the first Put.
func (q *Queue) Watch(g *stats.Gauge) {
	q.mu.Lock()
	q.gauge = g
	q.mu.Unlock()
}

// OnHalfFull has f called after every Put that leaves the queue half full or more. f
// must not wait. Call it before the first Put.
func (q *Queue) OnHalfFull(f func()) {
	q.mu.Lock()
	q.halfFull = f
	q.mu.Unlock()
}

// Share has the copies of large messages, from buffers.LargeFrom on, made by c,
// which several queues share: each would otherwise admit one that is alone.
// Call it before the first Put.
func (q *Queue) Share(c *buffers.Copies) {
	q.mu.Lock()
	q.large = c
	q.mu.Unlock()
}

// fits reports whether a message of n bytes may come in. Call with the lock
// held.
func (q *Queue) fits(n int) bool {
	if q.count+q.promised >= q.items {
		return false
	}
	return q.held == 0 || q.held+n+ItemOverhead <= q.bytes
}

// Put takes a copy of p, or nothing and returns ErrFull or ErrClosed. It never
// blocks. It does not keep p.
func (q *Queue) Put(p []byte) error {
	n, at := len(p), time.Since(q.start)
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return ErrClosed
	}
	if !q.fits(n) {
		q.refused, q.lacking = n, false
		q.mu.Unlock()
		return ErrFull
	}
	idle := q.held == 0 && q.count == 0
	size := n + ItemOverhead
	q.held += size
	q.refused, q.lacking = 0, false
	buf := q.free.Get(n)
	var large *buffers.Copy
	if buf == nil || n > copiedLocked {
		// The place is taken first and the bytes are copied without the lock, so
		// that a long message holds up nobody.
		q.promised++
		q.mu.Unlock()
		if n >= buffers.LargeFrom {
			large = q.large.Take(p)
			if large == nil {
				q.mu.Lock()
				q.promised--
				q.held -= size
				q.refused, q.lacking = n, true
				q.mu.Unlock()
				return ErrFull
			}
			buf = large.Bytes
		} else {
			if buf == nil {
				buf = buffers.New(n)
			}
			copy(buf, p)
		}
		q.mu.Lock()
		q.promised--
		if q.closed {
			q.held -= size
			q.mu.Unlock()
			large.Free()
			return ErrClosed
		}
	} else {
		copy(buf, p)
	}
	whole := buf
	if large != nil {
		whole = nil // it is never kept
	}
	q.heldCap += cap(whole)
	q.trim()
	if idle && at > q.progress || !q.started {
		q.progress, q.started = at, true
	}
	q.push(Item{Bytes: buf[:n], buf: whole, large: large, size: size, At: at, epoch: q.epochs.add()})
	if q.gauge != nil {
		q.gauge.Record(q.count)
	}
	tell := q.halfFull
	if tell != nil && !q.pastHalf() {
		tell = nil
	}
	w := q.wake()
	q.mu.Unlock()
	w.notify()
	if tell != nil {
		tell()
	}
	return nil
}

// copiedLocked is the largest message that is copied under the lock: that is
// quicker than to take the lock twice.
const copiedLocked = 2 << 10

// wake takes a worker off the list, to be sent a token once the lock is free.
// At most one is on its way at a time, and wakes the next when it finds more:
// a worker that is running anyway often takes the message first, and then the
// others need not have been woken.
func (q *Queue) wake() *waiter {
	w := q.getters.head
	if w == nil || q.waking > 0 || q.count == 0 {
		return nil
	}
	q.removeGetter(w)
	if w.taker != nil {
		w.it = q.pop()
		return w
	}
	q.waking++
	return w
}

// removeGetter takes w off the workers that wait. Call with the lock held.
func (q *Queue) removeGetter(w *waiter) {
	q.getters.remove(w)
	q.waiting--
}

// Done ends the worker's use of it and its buffer. progressed is false for a
// message that only timed out: it does not count for LastProgress.
func (q *Queue) Done(it Item, progressed bool) {
	now := time.Duration(0)
	if progressed {
		now = q.Now()
	}
	q.DoneAt(it, now)
}

// DoneAt is Done for a message that progressed at now, as Now has it, or did not,
// when that is zero: for a worker that has read the clock already.
func (q *Queue) DoneAt(it Item, now time.Duration) {
	q.mu.Lock()
	q.finish(&it)
	if now > q.progress {
		q.progress = now
	}
	q.wakePutters()
	q.mu.Unlock()
}

// DoneBatch is Done for each of items, which it clears.
func (q *Queue) DoneBatch(items []Item, progressed bool) {
	if len(items) == 0 {
		return
	}
	now := time.Duration(0)
	if progressed {
		now = time.Since(q.start)
	}
	q.mu.Lock()
	for i := range items {
		q.finish(&items[i])
		items[i] = Item{}
	}
	q.progress = max(q.progress, now)
	q.wakePutters()
	q.mu.Unlock()
}

// finish takes it out of all sums. Call with the lock held.
func (q *Queue) finish(it *Item) {
	q.epochs.done(it.epoch)
	q.held -= it.size
	q.heldCap -= cap(it.buf)
	q.free.Put(it.buf)
	it.large.Free()
	q.trim()
}

// Discard drops what no worker has taken yet and returns how many messages
// that were.
func (q *Queue) Discard() int {
	q.mu.Lock()
	n := q.count
	for q.count > 0 {
		it := q.pop()
		q.finish(&it)
	}
	q.wakePutters()
	q.mu.Unlock()
	return n
}

// Close ends the queue: Put takes no more, Get hands out the rest and then
// returns false. It may be called again.
func (q *Queue) Close() {
	q.mu.Lock()
	var takers []*Taker
	if !q.closed {
		q.closed = true
		for q.getters.head != nil {
			w := q.getters.head
			q.removeGetter(w)
			if w.taker != nil {
				takers = append(takers, w.taker)
				continue
			}
			q.waking++
			w.ch <- struct{}{}
		}
		q.wakePutters()
	}
	q.counted()
	q.mu.Unlock()
	for _, t := range takers {
		t.Take(Item{}, false)
	}
}

// Settle returns nil when all that was put before the call is Done or was
// discarded, whatever is put meanwhile, or ErrCancelled once cancel is closed.
func (q *Queue) Settle(cancel <-chan struct{}) error {
	q.mu.Lock()
	s := q.epochs.settle()
	q.mu.Unlock()
	if s == nil {
		return nil
	}
	select {
	case <-s.done:
		return nil
	case <-cancel:
	}
	q.mu.Lock()
	q.epochs.forget(s)
	q.mu.Unlock()
	return ErrCancelled
}
