package dispatch

import (
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/queue"
)

// A RunnerConfig says what a Runner does. All of it must be set.
type RunnerConfig struct {
	Queue *queue.Queue

	// Done is closed when nothing is to be sent any more.
	Done <-chan struct{}

	// Send begins to deal with a message. It must not wait: Ready is called when
	// it is dealt with, before Send returns or later, by anybody.
	Send func(it queue.Item)

	// Broken reports whether the worker has to end, after a message.
	Broken func() bool

	// IdleFor is after how long without a message Idle is asked whether the worker
	// ends.
	IdleFor time.Duration
	Idle    func() (end bool)

	// End is called once, when the worker has ended.
	End func(broken bool)
}

// A Runner is a worker without a goroutine: whoever puts a message sends it, if a
// Runner is free, and whoever hears of an answer sends the next.
type Runner struct {
	cfg   RunnerConfig
	taker queue.Taker
	timer *time.Timer
	phase atomic.Int32
	over  atomic.Bool
}

// Where a message stands, for Send and Ready, which may meet.
const (
	sending int32 = iota // Send has not returned
	sent                 // Send has returned: Ready goes on
	dealt                // Ready was called before: the caller of Send goes on
)

// never is long enough for a timer that is set again at once.
const never = time.Hour

// NewRunner returns a Runner that does nothing before Start.
func NewRunner(c RunnerConfig) *Runner {
	r := &Runner{cfg: c}
	r.taker.Take = r.take
	return r
}

// Start begins to take messages.
func (r *Runner) Start() {
	r.timer = time.AfterFunc(never, r.expired)
	r.timer.Reset(r.cfg.IdleFor) // not before the timer is there for it
	r.run()
}

// Ready is told that the message that was given to Send is dealt with.
func (r *Runner) Ready() {
	if !r.phase.CompareAndSwap(sending, dealt) {
		r.run()
	}
}

// run sends messages until one is under way, or there is none.
func (r *Runner) run() {
	for {
		if r.cfg.Broken() {
			r.end(true)
			return
		}
		select {
		case <-r.cfg.Done:
			r.end(false)
			return
		default:
		}
		it, ok := r.cfg.Queue.Await(&r.taker)
		if !ok || !r.send(it) {
			return
		}
	}
}

// send reports whether the message is dealt with already.
func (r *Runner) send(it queue.Item) bool {
	r.phase.Store(sending)
	r.cfg.Send(it)
	return !r.phase.CompareAndSwap(sending, sent)
}

// take is called by the queue.
func (r *Runner) take(it queue.Item, ok bool) {
	switch {
	case !ok:
		r.end(false)
	case r.send(it):
		r.run()
	}
}

// expired is called by the timer.
func (r *Runner) expired() {
	if r.over.Load() {
		return
	}
	left, ok := r.cfg.Queue.Withdraw(&r.taker, r.cfg.IdleFor)
	switch {
	case !ok:
		r.timer.Reset(r.cfg.IdleFor)
	case left > 0:
		r.timer.Reset(left)
	case r.cfg.Idle():
		r.end(false)
	default:
		r.timer.Reset(r.cfg.IdleFor)
		r.run()
	}
}

func (r *Runner) end(broken bool) {
	r.over.Store(true)
	r.timer.Stop()
	r.cfg.End(broken)
}
