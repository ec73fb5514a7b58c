// Package http1client sends recorded HTTP/1 requests to a target, byte for byte
// but for what must differ there, and reads the answers to their end.
package http1client

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/outbound"
)

// A Config says where requests are sent and how.
type Config struct {
	Target *Target

	// TLS is how each connection speaks TLS with the target; nil for plain HTTP.
	// CertificateHint is what to type when the certificate is not trusted.
	TLS             func() *tls.Config
	CertificateHint string

	// ByHost, with TLS and KeepHost, has connections ask for the hosts of their
	// requests; nil has all ask for the target's.
	ByHost *ByHost

	// Dial makes the connections.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Timeout is for how long an exchange may go on, from the moment the request
	// is sent.
	Timeout time.Duration

	// HeadMost is the longest head of an answer, in bytes.
	HeadMost int

	// Redirects is how many redirections within the target are followed for one
	// request; none when it is zero.
	Redirects int

	// KeepHost sends the recorded Host, and KeepConnection the recorded
	// Connection: our connections live and end with the recorded ones.
	KeepHost, KeepConnection bool

	// Keeper keeps whole answers; nil when nobody wants them. KeepHeads keeps
	// their heads all the same.
	Keeper    outbound.Keeper
	KeepHeads bool

	// Memory is what all connections of all clients have for answers, wanted or
	// not; nil has no bound. Places are for their large heads, which take no part
	// of Memory; see AnswerPlaces.
	Memory *buffers.Budget
	Places buffers.Places

	// Loops wait for the connections of plain HTTP, where there are such; nil has
	// each wait in the goroutine of its caller, as connections with TLS do.
	Loops *evloop.Loops

	// Tell is told why there is no connection to the target, or nil when there
	// is one again.
	Tell func(error)
}

func (c *Config) byHost() bool     { return c.ByHost != nil && c.TLS != nil }
func (c *Config) keepsHeads() bool { return c.Redirects > 0 || c.KeepHeads }

// Counts are what a Client counts.
type Counts struct {
	Connections atomic.Uint64
	Reached     atomic.Bool   // a connection was ready, with TLS where the target has it
	SentAgain   atomic.Uint64 // after the connection ended before an answer
	Ambiguous   atomic.Uint64 // requests whose end the target may see elsewhere
	Redirected  atomic.Uint64 // redirections that were followed
	Foreign     atomic.Uint64 // redirections to other hosts, which were not followed
	MadeRoom    atomic.Uint64 // idle connections that ended so that there could be one for another host
}

// A Client is what all connections to one target share.
type Client struct{ shared shared }

type shared struct {
	cfg      Config
	health   outbound.Health
	counts   Counts
	requests sync.Pool // of *request
	hosts    hosts
}

// New returns a Client that has no connection yet. All of the Config must be set
// but for what may be nil or zero.
func New(c Config) *Client { return &Client{shared: shared{cfg: c}} }

// Standing is how many connections there are.
func (c *Client) Standing() int { return c.shared.health.Standing() }

// Looped reports whether event loops may wait for the connections: see
// NewLoopSender.
func (c *Client) Looped() bool {
	return c.shared.cfg.Loops != nil && c.shared.cfg.TLS == nil && evloop.Supported
}

// Close ends the connections that no Sender has. Call it when all are closed.
func (c *Client) Close() { c.shared.hosts.close() }

// Counts are the Client's counters, which go on.
func (c *Client) Counts() *Counts { return &c.shared.counts }
