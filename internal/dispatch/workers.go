// Package dispatch hands a queue's messages to who sends them: to workers whose
// number follows the queue, to one goroutine for each recorded connection, or to
// a fixed number of senders that keep each recorded connection's order.
package dispatch

import (
	"sync"
	"sync/atomic"
)

// Workers are goroutines that take messages from a queue. Their number follows
// the length of the queue. Its methods are safe for concurrent use.
type Workers struct {
	least, most int64
	work        func()

	running  atomic.Int64
	starting atomic.Int64 // of those, not yet at their first message

	wg     sync.WaitGroup
	mu     sync.Mutex
	closed bool
}

// growAbove is the length of the queue from which more workers start: as
// many as it is long. Users know the rule from Gor 0.9.
const growAbove = 10

// NewWorkers returns Workers of which none runs yet. There will be least to
// most of them, 1 <= least <= most. Each is a call of work, which calls Started
// once, when it has its first message or ends without one, and ends when its
// queue is over, or when it found nothing to do and MayEnd.
func NewWorkers(least, most int, work func()) *Workers {
	return &Workers{least: int64(least), most: int64(most), work: work}
}

// Grow starts workers when a queue of that length wants them: the fewest at
// the first message, later as many as the queue is long, but none while some
// that were started have not come to a message. It is called after each write.
func (w *Workers) Grow(waiting int) {
	if running := w.running.Load(); running >= w.least && (waiting <= growAbove || running >= w.most || w.starting.Load() > 0) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	running := w.running.Load()
	n := w.least - running
	if waiting > growAbove && w.starting.Load() == 0 {
		n = max(n, min(int64(waiting), w.most-running))
	}
	if n <= 0 || w.closed {
		return
	}
	w.running.Add(n)
	w.starting.Add(n)
	for range n {
		w.wg.Go(w.work)
	}
}

// Started notes that a worker has come to its first message, or to its end.
func (w *Workers) Started() { w.starting.Add(-1) }

// MayEnd reports whether a worker that found nothing to do may end, and takes
// it off the count if so.
func (w *Workers) MayEnd() bool {
	for {
		n := w.running.Load()
		if n <= w.least {
			return false
		}
		if w.running.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// Running is how many workers there are.
func (w *Workers) Running() int { return int(w.running.Load()) }

// Close lets no worker start any more.
func (w *Workers) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
}

// Wait returns when every worker has ended. Call it after Close.
func (w *Workers) Wait() { w.wg.Wait() }
