package buffers

import "time"

// Places are a fixed number of shares of memory, each enough for the largest
// thing of its kind. Whoever needs much takes one before, and then nothing more
// bit by bit: users that each hold a part and wait for the rest would wait for
// each other. They are given in the order in which they were asked for. Nil Places
// have no bound. All methods are safe for concurrent use.
type Places chan struct{}

// NewPlaces returns n Places that are free.
func NewPlaces(n int) Places { return make(Places, max(n, 1)) }

// Take waits for a place, and reports false when there was none until the
// deadline, or until done was closed.
func (p Places) Take(done <-chan struct{}, deadline time.Time) bool {
	if p == nil {
		return true
	}
	if p.Try() {
		return true
	}
	timer := time.NewTimer(time.Until(deadline))
	defer timer.Stop()
	select {
	case p <- struct{}{}:
		return true
	case <-timer.C:
	case <-done:
	}
	return false
}

// Try is Take without the wait.
func (p Places) Try() bool {
	if p == nil {
		return true
	}
	select {
	case p <- struct{}{}:
		return true
	default:
		return false
	}
}

// Leave gives a place back that Take or Try gave.
func (p Places) Leave() {
	if p != nil {
		<-p
	}
}
