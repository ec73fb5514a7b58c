// Package drain lets what holds messages finish at the end of a run: each part
// for as long as it makes progress, and after a signal for a bounded time.
package drain

import (
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A Part is what has something to finish: an output, or a stage of the
// middleware's end.
type Part interface {
	// Drain finishes. It returns an error when it could not, such as after
	// cancel was closed.
	Drain(cancel <-chan struct{}) error

	// LastProgress is when the part last finished something; zero when it
	// never did.
	LastProgress() time.Time
}

// An End is how a drain ended. A later one is worse.
type End int

const (
	Done        End = iota // every part finished
	Interrupted            // a signal bounded it, and a part did not finish in that time
	Stuck                  // a part made no progress for as long as it may
	Aborted                // a signal came while the drain was bounded already
)

// A Config says how long parts may take.
type Config struct {
	// Patience is how long a part may make no progress before it is given up.
	Patience time.Duration

	// Bound is how long everything may take once it is bounded.
	Bound time.Duration

	// Bounded says that it is from the beginning.
	Bounded bool

	// Signals bounds the drain with the first that it gives, and aborts it with
	// the next; when it is bounded already, with the first.
	Signals <-chan os.Signal

	// Told is called with the signal that bounds the drain.
	Told func(sig os.Signal)
}

// A Drain drains groups of parts one after another. It is used by one goroutine.
type Drain struct {
	cfg     Config
	bounded bool
	began   time.Time // the group, or what is bounded
	end     End
}

// New returns a Drain that begins now.
func New(cfg Config) *Drain { return &Drain{cfg: cfg, bounded: cfg.Bounded, began: time.Now()} }

// End is the worst end of a group so far.
func (d *Drain) End() End { return d.end }

// Run drains a group of parts at the same time and says how that ended. One
// that hangs holds up no other, and one that goes on saves none that hangs.
// After Aborted it does nothing.
func (d *Drain) Run(group ...Part) End {
	if d.end == Aborted {
		return Aborted
	}
	if !d.bounded {
		d.began = time.Now()
	}
	end := d.run(group)
	d.end = max(d.end, end)
	return end
}

func (d *Drain) run(group []Part) End {
	var running sync.WaitGroup
	drains := make([]*draining, len(group))
	for i, part := range group {
		drains[i] = &draining{part: part, cancel: make(chan struct{})}
		running.Go(drains[i].run)
	}
	finished := make(chan struct{})
	go func() { running.Wait(); close(finished) }()

	for {
		timeUp := time.NewTimer(time.Until(d.nextDeadline(drains)))
		select {
		case <-finished:
			timeUp.Stop()
			return d.endOf(drains)
		case sig := <-d.cfg.Signals:
			timeUp.Stop()
			if d.bounded {
				return Aborted
			}
			d.cfg.Told(sig)
			d.bounded, d.began = true, time.Now()
		case <-timeUp.C:
			for _, one := range drains {
				if one.goesOn() && !time.Now().Before(d.deadline(one.part)) {
					one.gaveUp = true
					close(one.cancel)
				}
			}
		}
	}
}

// endOf is the end of a group whose parts have all ended.
func (d *Drain) endOf(drains []*draining) End {
	for _, one := range drains {
		switch {
		case !one.failed.Load():
		case d.bounded:
			return Interrupted
		default:
			return Stuck
		}
	}
	return Done
}

// deadline is when a part is given up unless it makes progress before.
func (d *Drain) deadline(part Part) time.Time {
	last := d.began
	if t := part.LastProgress(); t.After(last) {
		last = t
	}
	stuck := last.Add(d.cfg.Patience)
	if bound := d.began.Add(d.cfg.Bound); d.bounded && bound.Before(stuck) {
		return bound
	}
	return stuck
}

// nextDeadline is the first deadline of those that are waited for, far away
// when there is none.
func (d *Drain) nextDeadline(drains []*draining) time.Time {
	next := time.Now().Add(time.Hour)
	for _, one := range drains {
		if at := d.deadline(one.part); one.goesOn() && at.Before(next) {
			next = at
		}
	}
	return next
}

// draining is one part's drain.
type draining struct {
	part   Part
	cancel chan struct{} // closed to give up
	gaveUp bool          // by Run's goroutine
	ended  atomic.Bool
	failed atomic.Bool
}

func (d *draining) run() {
	err := d.part.Drain(d.cancel)
	d.failed.Store(err != nil)
	d.ended.Store(true)
}

// goesOn reports whether the drain goes on and was not given up.
func (d *draining) goesOn() bool { return !d.gaveUp && !d.ended.Load() }
