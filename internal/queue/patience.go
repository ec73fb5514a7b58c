package queue

import (
	"sync"
	"time"
)

// A Settler is what can be waited for: a Queue, or an output above one.
type Settler interface {
	// Settle returns nil when what was put before is done with, and an error
	// once cancel is closed.
	Settle(cancel <-chan struct{}) error

	// LastProgress is as Queue has it.
	LastProgress() time.Time
}

// Patience is Settle for those whom one that hangs must not stop: they wait
// as long as it goes on, and for Limit after its last progress. The zero value
// but for Limit is ready to use. Its methods are safe for concurrent use.
type Patience struct {
	// Limit is how long nothing may move.
	Limit time.Duration

	// Changed, unless nil, is told when the Settler is given up, and when it
	// is found to go on.
	Changed func(stuck bool)

	mu    sync.Mutex
	stuck bool
	since time.Time // its last progress when it was given up; valid iff stuck
}

// looks is how often a Settler is looked at while its Limit runs.
const looks = 20

// Settle returns nil when s is settled, or has made no progress for as long as
// the limit since this call began; while it makes none after that, further
// calls wait no more. settled says which it was. The error is s's own, or
// ErrCancelled when cancel was closed.
func (p *Patience) Settle(s Settler, cancel <-chan struct{}) (settled bool, err error) {
	began := time.Now()
	given := make(chan struct{})
	over := false
	if p.stillStuck(s) {
		over = true
		close(given)
	}
	ended := make(chan struct{})
	var watch sync.WaitGroup
	if !over {
		watch.Go(func() {
			look := time.NewTicker(max(p.Limit/looks, time.Millisecond))
			defer look.Stop()
			for {
				select {
				case <-ended:
					return
				case <-cancel:
					close(given)
					return
				case now := <-look.C:
					last := s.LastProgress()
					if last.Before(began) {
						last = began
					}
					if now.Sub(last) > p.Limit {
						over = true
						close(given)
						return
					}
				}
			}
		})
	}
	err = s.Settle(given)
	close(ended)
	watch.Wait()
	switch {
	case err == nil:
		p.note(s, false)
		return true, nil
	case over && !IsClosed(cancel):
		p.note(s, true)
		return false, nil
	}
	return false, err
}

// stillStuck reports whether s was given up and has not moved since.
func (p *Patience) stillStuck(s Settler) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stuck && s.LastProgress().Equal(p.since)
}

func (p *Patience) note(s Settler, stuck bool) {
	p.mu.Lock()
	changed := p.stuck != stuck
	p.stuck = stuck
	if stuck {
		p.since = s.LastProgress()
	}
	p.mu.Unlock()
	if changed && p.Changed != nil {
		p.Changed(stuck)
	}
}
