// Package plugin states what Gor's inputs and outputs promise to whoever moves
// messages between them.
//
// A message is one record without its separator: a header line, LF, and the
// raw HTTP bytes (internal/payload has the format). Inputs give messages,
// outputs take them, both in the words of package io, and each call moves
// exactly one.
//
// Whatever plugins have in common is in these two interfaces. Nothing is found
// by type assertion, because a wrapper would hide it.
package plugin

import (
	"fmt"
	"io"
	"time"

	"github.com/buger/gor/internal/stats"
)

// An Input gives one message per Read.
//
// Read fills p with one whole message. When p is too small it returns
// io.ErrShortBuffer, keeps the message, and gives it to the next call. After
// its last message a finite input returns io.EOF; any other error says why
// the input cannot go on. Read is called by one goroutine.
//
// Close may be called at any time, by any goroutine, and more than once. It
// makes a pending Read and every later one return io.EOF, after the messages
// that the input already held.
type Input interface {
	io.ReadCloser
	fmt.Stringer

	// Live reports that the input cannot wait, as traffic on a wire cannot:
	// what an output has no room for is shed. Other inputs wait a while.
	Live() bool

	// Counts gives, by reason, what the input lost or passed over before it
	// became a message. It may be called at any time.
	Counts() []stats.Count

	// Progress says how far an input that has an end has got. It may be called
	// at any time.
	Progress() Progress

	// Report says what the summary should have of this input beyond its
	// counts, and may say nothing.
	Report(r *Report)
}

// An Output takes one message per Write.
//
// Write neither keeps nor changes p, does no I/O and does not block: it
// copies the message into the output's queue. It returns queue.ErrFull and
// takes nothing when the queue has no room. Write is called by several
// goroutines at once.
//
// Drain is called once, after the last Write. Close is idempotent and ends
// whatever the output still does; messages that it still held are counted as
// unsent.
type Output interface {
	io.WriteCloser
	fmt.Stringer

	// Room waits until the queue may have room, at most d, and reports
	// whether it may. It returns false at once when cancel is closed.
	Room(cancel <-chan struct{}, d time.Duration) bool

	// LastProgress is when a message last left the output, whether delivered
	// or failed, but not by running into a timeout. Before that it is when
	// the first message came; zero when none did.
	LastProgress() time.Time

	// Settle returns when everything written before the call is out of the
	// process's hands: write(2) returned for a file, handed to a connection
	// or counted as lost for the rest. It returns an error when cancelled.
	Settle(cancel <-chan struct{}) error

	// Drain sends what is queued and flushes it. It returns an error when
	// cancelled, and then what is left stays to be counted as unsent.
	Drain(cancel <-chan struct{}) error

	// Responses gives what came back for the messages, as an input for the
	// other outputs; nil when nothing does. Whoever opened the output closes
	// it once the output is drained.
	Responses() Input

	// Counts gives the fate of every message that Write took: delivered,
	// failed by reason, unsent after Close. The rows sum to the writes.
	Counts() []stats.Count

	// Report says what the summary should have of this output beyond its
	// counts (statuses, latencies), and may say nothing.
	Report(r *Report)
}

// A Progress is how far an input has got.
type Progress struct {
	Done, All int64         // in a unit of the input's; All is zero when there is no end, or nobody knows it
	Lag       time.Duration // behind the plan, at the last message
}
