// Package dispatch hands a queue's messages to who sends them: to as many workers
// as messages are under way, to one session for each recorded connection, or to a fixed number of senders that keep each recorded
// connection's order.
package dispatch

import (
	"sync"
	"sync/atomic"
	"time"
)

// A WorkersConfig says how many workers there are, and what they do. All fields
// must be set, except for those that may be nil.
type WorkersConfig struct {
	// Least and Most are how many there are, 1 <= Least <= Most.
	Least, Most int

	// Work is the life of one worker. It calls Started once, when it is ready to
	// take a message, and ends with End, or when MayEnd, or with its queue.
	Work func()

	// Short is how many more messages than workers wait; see queue.Queue.Short.
	Short func() int

	// Allow is how many workers the target is good for at the moment, at most
	// most, and after how long that may be more, if it is fewer.
	Allow func(most int) (n int, again time.Duration)

	// Stands and Wanted are for Prepare, and may be nil without it. Stands reports
	// whether the target takes connections: nothing is prepared for one that does
	// not. Wanted is how many workers there are to be for what is coming.
	Stands func() bool
	Wanted func() int
}

// Workers are goroutines that take messages from a queue. One is started for
// each message that finds none free, so that no message waits for another's
// answer. Its methods are safe for concurrent use.
type Workers struct {
	cfg WorkersConfig

	running  atomic.Int64
	starting atomic.Int64 // of those, not yet ready for a message

	preparing atomic.Bool
	ready     chan struct{} // a token when a worker is ready
	prepared  chan struct{} // closed when what was prepared last is ready

	wg      sync.WaitGroup
	mu      sync.Mutex
	closed  bool
	look    *time.Timer // calls Grow when more may be allowed
	looking bool
	stood   chan struct{} // closed when no worker is starting for the first time
	once    sync.Once
}

// NewWorkers returns Workers, none of which runs yet.
func NewWorkers(c WorkersConfig) *Workers {
	return &Workers{cfg: c, stood: make(chan struct{}), ready: make(chan struct{}, 1)}
}

// Begin starts the fewest workers before there is a message: see Ready.
func (w *Workers) Begin() { w.Grow() }

// lacking is how many messages wait without a worker that is free or starting.
func (w *Workers) lacking() int64 { return int64(w.cfg.Short()) - w.starting.Load() }

// Grow starts the workers that are needed. It is called after each message that
// was put into the queue.
func (w *Workers) Grow() {
	if w.running.Load() >= int64(w.cfg.Least) && w.lacking() <= 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	running := w.running.Load()
	least, most := int64(w.cfg.Least), int64(w.cfg.Most)
	n := max(least-running, min(w.lacking(), most-running))
	if n <= 0 || w.closed {
		return
	}
	allowed, again := w.cfg.Allow(w.cfg.Most)
	if int64(allowed)-running < n {
		n = int64(allowed) - running
		w.lookAgain(again)
	}
	w.start(int(n))
}

// start starts n workers. Call with the lock held.
func (w *Workers) start(n int) {
	for range n {
		w.running.Add(1)
		w.starting.Add(1)
		w.wg.Go(w.cfg.Work)
	}
}

// lookAgain has Grow called after a while. Call with the lock held.
func (w *Workers) lookAgain(after time.Duration) {
	if w.looking || after <= 0 {
		return
	}
	w.looking = true
	if w.look != nil {
		w.look.Reset(after)
		return
	}
	w.look = time.AfterFunc(after, func() {
		w.mu.Lock()
		w.looking = false
		w.mu.Unlock()
		w.Grow()
	})
}

// Started notes that a worker is ready for a message, or came to its end before.
// It may have taken one already: a message that came meanwhile, and for which it
// seemed to be on its way, needs another.
func (w *Workers) Started() {
	if w.starting.Add(-1) <= 0 {
		w.once.Do(func() { close(w.stood) })
	}
	select {
	case w.ready <- struct{}{}:
	default: // whoever prepares will look
	}
	w.Grow()
}

// MayEnd reports whether a worker that found nothing to do may end, and takes
// it off the count if so.
func (w *Workers) MayEnd() bool {
	for {
		n := w.running.Load()
		if n <= int64(w.cfg.Least) {
			return false
		}
		if w.running.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// End notes the end of a worker that cannot work. Another may take its place.
func (w *Workers) End() {
	w.running.Add(-1)
	w.Grow()
}

// Stay is called by a worker whose life goes on when Work returns. It calls Leave
// at its end.
func (w *Workers) Stay() { w.wg.Add(1) }

// Leave is the end of a worker that called Stay.
func (w *Workers) Leave() { w.wg.Done() }

// Running is how many workers there are.
func (w *Workers) Running() int { return int(w.running.Load()) }

// Close lets no worker start any more.
func (w *Workers) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.look != nil {
		w.look.Stop()
	}
}

// Wait returns when every worker has ended. Call it after Close.
func (w *Workers) Wait() { w.wg.Wait() }
