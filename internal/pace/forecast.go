package pace

import "sync/atomic"

// A Forecast is how inputs that read ahead tell outputs when messages are due, so
// that what those need is there by then. A nil Forecast tells nobody. Its methods
// but those that begin with Follow are safe for concurrent use.
type Forecast struct {
	followers   []func(due int64)
	connections []func(conn []byte)
	given       atomic.Uint64
}

// ForecastLead is how long before its time a message is announced: long enough to
// open a hundred connections to a host that is near, one after the other.
const ForecastLead = second / 10

// Follow has f called with the time of each message that is announced, in ns on
// CLOCK_MONOTONIC. f must not wait. Call Follow before the first Announce.
func (f *Forecast) Follow(follower func(due int64)) { f.followers = append(f.followers, follower) }

// FollowConnections has f called with the recorded connection of each message that
// is announced, as payload.ConnPart has it. f must not wait, and does not keep conn.
// Call it before the first Announce, and before an input is opened.
func (f *Forecast) FollowConnections(follower func(conn []byte)) {
	f.connections = append(f.connections, follower)
}

// NamesConnections reports whether anybody wants to know them.
func (f *Forecast) NamesConnections() bool { return len(f.connections) > 0 }

// Announce tells when a message is due, and of which recorded connection it is if
// somebody wants to know. The times need not be in order.
func (f *Forecast) Announce(due int64, conn []byte) {
	for _, follower := range f.followers {
		follower(due)
	}
	for _, follower := range f.connections {
		follower(conn)
	}
}

// Gave notes that a message that was announced is given to the outputs, if
// nothing in between drops it.
func (f *Forecast) Gave() {
	if f != nil {
		f.given.Add(1)
	}
}
