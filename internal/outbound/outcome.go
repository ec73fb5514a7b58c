package outbound

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/buger/gor/internal/stats"
)

// An Outcome is what became of one exchange with a target. The zero value is
// none.
type Outcome int

// The outcomes. Delivered means that an answer came, whatever its status; the
// others say why there is none.
const (
	_ Outcome = iota
	Delivered
	Malformed
	Connect
	Refused
	Unreachable
	NoSuchName
	BadTLS
	TooManyFiles
	ConnectTimeout
	Down
	WriteTimeout
	Timeout
	SlowAnswer
	Reset
	Closed
	CutAnswer
	BadResponse
	NoMemory
	NotRequest // the message is a response, which is not sent to anybody
	outcomes
)

// outcomeRows are the rows of the ledger.
var outcomeRows = [outcomes]stats.Count{
	Delivered:      {Name: "delivered", Kind: stats.Delivered},
	Malformed:      {Name: "malformed request", Kind: stats.Unfit},
	Connect:        {Name: "CONNECT not replayed", Kind: stats.Unfit},
	Refused:        {Name: "refused", Kind: stats.Failed},
	Unreachable:    {Name: "unreachable", Kind: stats.Failed},
	NoSuchName:     {Name: "name not found", Kind: stats.Failed},
	BadTLS:         {Name: "TLS", Kind: stats.Failed},
	TooManyFiles:   {Name: "too many open files", Kind: stats.Failed},
	ConnectTimeout: {Name: "connect timeout", Kind: stats.Failed},
	Down:           {Name: "target down", Kind: stats.Failed},
	WriteTimeout:   {Name: "timeout while sending", Kind: stats.Failed},
	Timeout:        {Name: "timeout", Kind: stats.Failed},
	SlowAnswer:     {Name: "timeout within the answer", Kind: stats.Failed},
	Reset:          {Name: "reset", Kind: stats.Failed},
	Closed:         {Name: "closed without an answer", Kind: stats.Failed},
	CutAnswer:      {Name: "answer cut short", Kind: stats.Failed},
	BadResponse:    {Name: "bad response", Kind: stats.Failed},
	NoMemory:       {Name: "no memory for the answer", Kind: stats.Failed},
	NotRequest:     {Name: stats.IgnoredRow, Kind: stats.Ignored},
}

// TimedOut reports whether all that was learnt is that time went by.
func (o Outcome) TimedOut() bool {
	switch o {
	case ConnectTimeout, WriteTimeout, Timeout, SlowAnswer:
		return true
	}
	return false
}

// String is the name of the outcome's row in the ledger.
func (o Outcome) String() string { return outcomeRows[o].Name }

// Names are the rows of exchanges that failed.
func Names() []string {
	var names []string
	for _, row := range outcomeRows {
		if row.Kind == stats.Failed || row.Kind == stats.Unfit {
			names = append(names, row.Name)
		}
	}
	return names
}

// Outcomes counts outcomes. Its methods are safe for concurrent use.
type Outcomes struct{ reasons *stats.Reasons }

// NewOutcomes returns Outcomes that are all zero.
func NewOutcomes() Outcomes { return Outcomes{stats.NewReasons(outcomeRows[:])} }

// Add counts one more exchange that ended so.
func (c Outcomes) Add(o Outcome) { c.reasons.Add(int(o)) }

// Get returns how many exchanges ended so.
func (c Outcomes) Get(o Outcome) uint64 { return c.reasons.Get(int(o)) }

// NonZero returns the rows that are not zero, in the order of the outcomes. The
// caller owns the slice.
func (c Outcomes) NonZero() []stats.Count { return c.reasons.NonZero() }

// ErrBadResponse is an answer that is not HTTP/1 response, or one with a head
// above the bound.
var ErrBadResponse = errors.New("bad response")

// ErrAnswerMemory is an answer that was given up because all connections
// together hold as much of answers as they may.
var ErrAnswerMemory = errors.New("no memory for the answer")

// IsTimeout reports whether an error of the network says that time ran out.
func IsTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// ExchangeOutcome names the reason for which an exchange failed with err. sent
// says that the whole request was written, got that a byte of an answer had come.
func ExchangeOutcome(err error, sent, got bool) Outcome {
	var op *net.OpError
	switch {
	case errors.Is(err, ErrBadResponse):
		return BadResponse
	case errors.Is(err, ErrAnswerMemory):
		return NoMemory
	case IsTimeout(err) && got:
		return SlowAnswer
	case IsTimeout(err) && !sent:
		return WriteTimeout
	case IsTimeout(err):
		return Timeout
	case errors.As(err, &op) && op.Op == "remote error": // an alert: crypto/tls says so in no other way
		return BadTLS
	case got:
		return CutAnswer
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return Closed
	default:
		return Reset
	}
}

// ConnectOutcome names the reason for which there is no connection.
func ConnectOutcome(err error) Outcome {
	var dns *net.DNSError
	var handshake *TLSError
	switch {
	case errors.Is(err, ErrDown):
		return Down
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return TooManyFiles
	case IsTimeout(err), errors.Is(err, context.DeadlineExceeded):
		return ConnectTimeout
	case errors.As(err, &dns):
		return NoSuchName
	case errors.As(err, &handshake):
		return BadTLS
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	default:
		return Unreachable
	}
}
