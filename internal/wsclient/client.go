// Package wsclient sends messages to a WebSocket server, each as one binary
// message.
//
// Nothing acknowledges a message: delivered means that it was written to the
// connection without an error. When the connection breaks, what the kernel or
// the network still held of these is lost without a trace. A message whose
// write failed was not received, and is sent again over the next connection.
package wsclient

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"
)

// A Config says where messages are sent and how.
type Config struct {
	Target *Target

	// TLS is how each connection speaks TLS with the server; nil without. CertificateHint is
	// what to type so that any certificate is taken.
	TLS             func() *tls.Config
	CertificateHint string

	// Dial makes the connections.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Stall is how long a server may take nothing of what is written before the
	// connection is given up for dead.
	Stall time.Duration

	// Drained is closed when nothing is left to send: a worker that waits for
	// its server ends then.
	Drained <-chan struct{}

	// Lost is told of each message that is not sent again. It must not keep it.
	Lost func(msg []byte)
}

// A Source is where a worker gets its messages, which are records.
type Source interface {
	// Take fills dst with messages and returns their number. It waits for the
	// first until cancel is closed. more is false when none will come any more.
	// The messages stay in use until Release or Expire.
	Take(dst [][]byte, cancel <-chan struct{}) (n int, more bool)

	// Release says that the n oldest are done with, and Expire the same of those
	// that made no progress.
	Release(n int)
	Expire(n int)
}

// Counts are what all workers of a Client count.
type Counts struct {
	Delivered   atomic.Uint64
	Unsent      atomic.Uint64 // taken, and not sent when the context ended
	SentAgain   atomic.Uint64 // messages that a connection was lost over
	Connections atomic.Uint64
}

// A Client is what all workers for one server share.
type Client struct {
	cfg    Config
	counts Counts
}

// New returns a Client that has no connection yet. All of the Config must be set
// but for what may be nil.
func New(c Config) *Client { return &Client{cfg: c} }

// Counts are the Client's counters, which go on.
func (c *Client) Counts() *Counts { return &c.counts }

// Run sends the source's messages over one connection at a time, which it opens
// again when it breaks, until all are sent or ctx ends. logf writes a line for
// people about this connection.
func (c *Client) Run(ctx context.Context, src Source, logf func(format string, args ...any)) {
	w := &worker{cfg: &c.cfg, counts: &c.counts, src: src, trouble: trouble{logf: logf}}
	w.run(ctx)
}
