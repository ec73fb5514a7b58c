// Package stats counts what happens to messages: rows of the ledger, latency
// histograms, and the queue line that Gor prints every five seconds.
package stats

import (
	"slices"
	"sync/atomic"
)

// A Kind says in which sum of the ledger a row counts.
type Kind uint8

// LimitedRow names the row of what a limit behind an address has dropped.
const LimitedRow = "limited"

// The kinds of rows. Those of an input are Note, Lost, Limited or Filtered; those
// of an output are the rest and Limited.
const (
	_ Kind = iota // a row without a kind is a mistake

	Note     // counted, and in no sum: packets, connections, what was passed over
	Lost     // seen to begin, or taken from the wire or a file, and did not become a message
	Limited  // dropped by a limit behind the address
	Filtered // dropped by a rule

	Delivered // written, or answered whatever the status
	Failed    // neither written nor answered; the name says why
	Unfit     // the same for what the message is, or by a bound that the user set: no way to a target is to blame
	Unsent    // still held at the end
	Kept      // kept on disk for the next start
	Ignored   // of no use to the output: neither delivered nor failed
)

// IgnoredRow names the row of what an output has no use for: it is neither
// delivered nor failed.
const IgnoredRow = "responses ignored"

// A Count is one row of the ledger: how many messages ended in the state Name.
type Count struct {
	Name string
	Kind Kind
	N    uint64
}

// List returns rows of one kind, all zero, for NewReasons.
func List(kind Kind, names ...string) []Count {
	rows := make([]Count, len(names))
	for i, name := range names {
		rows[i] = Count{Name: name, Kind: kind}
	}
	return rows
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
	rows   []Count // their numbers stay zero
	counts []atomic.Uint64
}

// NewReasons returns counters with the rows' names and kinds, all zero.
func NewReasons(rows []Count) *Reasons {
	return &Reasons{rows: slices.Clone(rows), counts: make([]atomic.Uint64, len(rows))}
}

// Add counts one more message for reason i. An i outside the list panics: a
// message counted nowhere would break the sums.
func (r *Reasons) Add(i int) { r.counts[i].Add(1) }

// AddN counts n more messages for reason i.
func (r *Reasons) AddN(i int, n uint64) { r.counts[i].Add(n) }

// Get returns how many messages reason i has.
func (r *Reasons) Get(i int) uint64 { return r.counts[i].Load() }

// Name returns the name of reason i.
func (r *Reasons) Name(i int) string { return r.rows[i].Name }

// Rows returns all counters in order, zeros too. The caller owns the slice.
func (r *Reasons) Rows() []Count {
	rows := slices.Clone(r.rows)
	for i := range rows {
		rows[i].N = r.counts[i].Load()
	}
	return rows
}

// NonZero returns the counters that are not zero, in order. The caller owns
// the slice.
func (r *Reasons) NonZero() []Count {
	return slices.DeleteFunc(r.Rows(), func(row Count) bool { return row.N == 0 })
}
