package queue

import (
	"time"
)

// How full a queue is, and since when.

// Drained reports whether the queue is closed and no message waits: a Get that
// returned false will do so for ever.
func (q *Queue) Drained() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && q.count == 0
}

// LastProgress returns when the queue last moved: the last Done that
// progressed, or when it last got a message after having none, whichever is
// later, so that a queue that was idle is not taken for one that hangs. Zero
// before the first Put.
func (q *Queue) LastProgress() time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.started {
		return time.Time{}
	}
	return q.start.Add(q.progress)
}

// Age returns how long ago it was put.
func (q *Queue) Age(it Item) time.Duration { return q.Now() - it.At }

// Now returns how long ago the queue was made, as an Item's At is, and Time what
// the clock showed then: a worker that knows the one need not ask for the other.
func (q *Queue) Now() time.Duration { return time.Since(q.start) }

func (q *Queue) Time(now time.Duration) time.Time { return q.start.Add(now) }

// Len returns how many messages wait for a worker.
func (q *Queue) Len() int { return int(q.length.Load()) }

// Short returns how many messages more than workers wait: for so many there is
// nobody who would take them now. It is below zero when workers are idle.
func (q *Queue) Short() int { return int(q.short.Load()) }

// HalfFull reports whether more than half of either bound is taken.
func (q *Queue) HalfFull() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.pastHalf()
}

// pastHalf is HalfFull. Call with the lock held.
func (q *Queue) pastHalf() bool { return 2*q.held > q.bytes || 2*q.count > q.items }
