// Package stats counts what happens to messages: rows of the ledger, latency
// histograms, and the queue line that Gor prints every five seconds.
package stats

import "sync/atomic"

// A Count is one row of the ledger: how many messages ended in the state Name.
type Count struct {
	Name string
	N    uint64
}

// Sum adds up the rows' numbers.
func Sum(rows []Count) uint64 {
	var n uint64
	for _, r := range rows {
		n += r.N
	}
	return n
}

// Reasons is a fixed set of named counters, addressed by their place in the
// list that NewReasons was given. All methods are safe for concurrent use.
type Reasons struct {
	names  []string
	counts []atomic.Uint64
}

// NewReasons returns counters with these names, all zero.
func NewReasons(names ...string) *Reasons {
	return &Reasons{
		names:  append([]string(nil), names...),
		counts: make([]atomic.Uint64, len(names)),
	}
}

// Add counts one more message for reason i. An i outside the list panics: a
// message counted nowhere would break the sums.
func (r *Reasons) Add(i int) { r.counts[i].Add(1) }

// AddN counts n more messages for reason i.
func (r *Reasons) AddN(i int, n uint64) { r.counts[i].Add(n) }

// Get returns how many messages reason i has.
func (r *Reasons) Get(i int) uint64 { return r.counts[i].Load() }

// Name returns the name of reason i.
func (r *Reasons) Name(i int) string { return r.names[i] }

// Len returns the number of reasons.
func (r *Reasons) Len() int { return len(r.names) }

// Total returns the sum over all reasons.
func (r *Reasons) Total() uint64 {
	var n uint64
	for i := range r.counts {
		n += r.counts[i].Load()
	}
	return n
}

// Rows returns all counters in order, zeros too. The caller owns the slice.
func (r *Reasons) Rows() []Count {
	rows := make([]Count, len(r.names))
	for i, name := range r.names {
		rows[i] = Count{Name: name, N: r.counts[i].Load()}
	}
	return rows
}

// NonZero returns the counters that are not zero, in order. The caller owns
// the slice.
func (r *Reasons) NonZero() []Count {
	var rows []Count
	for i, name := range r.names {
		if n := r.counts[i].Load(); n > 0 {
			rows = append(rows, Count{Name: name, N: n})
		}
	}
	return rows
}
