package assemble

import (
	"net/netip"
	"time"

	"github.com/buger/gor/raw_socket_listener/filter"
)

// Defaults of a Config.
const (
	// DefaultExpire is how long GoReplay waits for a message to become whole.
	DefaultExpire = 2 * time.Second
	// DefaultMaxMessage is above what servers accept as an upload unless they
	// are told to.
	DefaultMaxMessage = 16 << 20
	// DefaultMaxBuffered is the share of the program's memory that is for
	// reassembly.
	DefaultMaxBuffered = 12 << 20
	// DefaultMaxConns takes little more than half of that. An idle connection that is forgotten
	// is joined again at its next request, which is whole.
	DefaultMaxConns = 16384
)

// Config says what messages to make of segments and how much that may
// cost.
type Config struct {
	Address       filter.Address // which end of a connection is the server
	TrackResponse bool           // give responses too

	// Expire is how long, in packet time, a hole in a stream is waited for of
	// which its sender has probably heard, until what lies behind it is used
	// without it, and all holes when it is longer than TCP takes to send again
	// (see the package comment); and how long a response waits for its request
	// to be complete.
	Expire time.Duration

	MaxMessage  int // bytes; longer messages are lost, and the next one is whole
	MaxBuffered int // bytes of all torn messages, early segments and connections; one message is admitted beyond it
	MaxConns    int // connections known at the same time

	// Binary takes what each side sends until it hears from the other for a
	// message, whatever it is, and not HTTP. One that is longer than MaxMessage
	// is given in several.
	Binary bool

	// AllowIncomplete gives messages of which bytes are missing too, without
	// those bytes, unless their head is not whole.
	AllowIncomplete bool

	// Capture is the number of the capture whose assembler it is, as Sights.Join
	// gave it.
	Capture int

	// Exclude is asked once for each new connection and refuses it with true.
	// src is the client. Nil refuses none.
	Exclude func(src, dst netip.AddrPort) bool
}

// WithDefaults returns c with a default for each bound that is not above zero.
func (c Config) WithDefaults() Config {
	if c.Expire <= 0 {
		c.Expire = DefaultExpire
	}
	if c.MaxMessage <= 0 {
		c.MaxMessage = DefaultMaxMessage
	}
	if c.MaxBuffered <= 0 {
		c.MaxBuffered = DefaultMaxBuffered
	}
	if c.MaxConns <= 0 {
		c.MaxConns = DefaultMaxConns
	}
	return c
}

// A Message is one message as it was on the wire.
type Message struct {
	Response   bool
	Incomplete bool           // bytes of it are missing
	Conn       uint64         // names its connection; random
	Ordinal    uint32         // of the exchange in the connection, from 1; a response has its request's
	Time       int64          // of its first packet, ns since 1970
	Duration   int64          // from its first packet to its last, ns
	Src, Dst   netip.AddrPort // who sent it to whom
	Client     netip.Addr     // the client, if a PROXY protocol header in front of the connection named one
	Data       []byte         // the reader's memory, valid until the next call of Next
}

// Observer hears of what people should know before the end. Assemblers call it
// from their goroutines.
type Observer interface {
	// TLS and HTTP2 say that a connection of that server carries another
	// protocol.
	TLS(server netip.AddrPort)
	HTTP2(server netip.AddrPort)

	// Rewritten says that the first connection was seen again as the second,
	// with rewritten addresses.
	Rewritten(firstClient, firstServer, client, server netip.AddrPort)

	// Shared says that another capture has seen the connection before.
	Shared(client, server netip.AddrPort)

	// Shed says that a message was lost because nobody read it in time.
	Shed()

	// Look says that the ledger may have changed. now is packet time, ns since
	// 1970.
	Look(now int64)
}
