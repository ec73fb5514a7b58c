package pace

import "sync/atomic"

// A Forecast is how inputs that read ahead tell outputs when messages are due, so
// that what those need is there by then. A nil Forecast tells nobody. Its methods
// but Follow are safe for concurrent use.
type Forecast struct {
	followers []func(due int64)
	given     atomic.Uint64
}

// ForecastLead is how long before its time a message is announced: long enough to
// open a hundred connections to a host that is near, one after the other.
const ForecastLead = second / 10

// Follow has f called with the time of each message that is announced, in ns on
// CLOCK_MONOTONIC. f must not wait. Call Follow before the first Announce.
func (f *Forecast) Follow(follower func(due int64)) { f.followers = append(f.followers, follower) }

// Announce tells when a message is due. The times need not be in order.
func (f *Forecast) Announce(due int64) {
	for _, follower := range f.followers {
		follower(due)
	}
}

// Gave notes that a message that was announced is given to the outputs, if
// nothing in between drops it.
func (f *Forecast) Gave() {
	if f != nil {
		f.given.Add(1)
	}
}
