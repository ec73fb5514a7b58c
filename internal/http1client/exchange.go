package http1client

import (
	"context"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/outbound"
)

// A Call is one exchange with a target: what its caller gives, and what comes of
// it.
type Call struct {
	// Request is what is sent, with its changes. It stays in use until Done.
	Request *http1.Request

	// ServerName is what TLS asks for in place of the target's; "" for that. Only
	// with Config.ByHost.
	ServerName string

	// Begun is when the exchange begins, and Deadline when it has failed.
	Begun, Deadline time.Time

	// Repeatable says that the request may be sent again on another connection
	// when the one it was sent on ends before an answer comes.
	Repeatable bool

	// Alone says that the target may see another end of the request than we do:
	// the request is the last on its connection.
	Alone bool

	Head    bool // the answer has no body, because it answers HEAD
	Expects bool // the request has a body and asks for 100 Continue

	// Done is called once for each Start, when the fields below are valid.
	Done func()

	Outcome outbound.Outcome
	Status  int  // of the answer; valid iff Outcome is Delivered
	Sent    bool // all of the request was written to a connection

	// Unserved says that no connection could be had for it, or that the one that
	// was new ended before it gave any answer. Again says that the request may then
	// be sent over another one, and Wrote that a byte of it may have reached the
	// target all the same. Valid unless Outcome is Delivered; Wrote iff Again.
	Unserved, Again, Wrote bool

	// Answer is what is kept of the final answer, as it was on the wire. It is
	// valid until the next Start, or Forget.
	Answer []byte
	Cut    bool // the answer is longer than Answer
}

// An Exchange makes exchanges with a target, one at a time. There may be several
// clients behind it: one with a goroutine for each connection, which is here,
// and one that waits for many connections at once.
type Exchange interface {
	// Start begins the exchange. Done is called when it is over: before Start
	// returns, or later by another goroutine. Until then no other may be started.
	// When ctx ends, which must be the same for every call, the exchange fails.
	Start(ctx context.Context, call *Call)

	// Open makes the connection before the first request needs it, if there is
	// none. It may wait until the deadline, or less while others stand, and returns
	// why there is none. Not while an exchange is under way.
	Open(ctx context.Context, deadline time.Time) error

	// Connected reports whether there is a connection, as far as is known.
	Connected() bool

	// Forget gives back the memory of the last call's Answer.
	Forget()

	// Idle is told that there was nothing to send for a while: a connection that
	// can carry no request any more is closed.
	Idle()

	// Close ends the connection and gives back all memory.
	Close()
}
