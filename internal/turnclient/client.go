// Package turnclient sends messages of a protocol that it does not understand:
// over a connection for each recorded one, each message when the one before it
// has begun to be answered.
package turnclient

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/outbound"
)

// A Target is a host and a port to connect to.
type Target string

// Parse reads HOST:PORT.
func Parse(addr string) (Target, error) {
	host, port, err := net.SplitHostPort(addr)
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || perr != nil || n == 0 {
		return "", fmt.Errorf("%q is not a target; it is written staging.com:9000 or [::1]:9000", addr)
	}
	return Target(addr), nil
}

// A Config says where messages are sent and how.
type Config struct {
	Target Target

	// Dial makes the connections.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Timeout is for how long a message may be written, for how long the first
	// byte of its answer is waited for, and for how long the rest.
	Timeout time.Duration

	// Keeper keeps whole answers; nil when nobody wants them.
	Keeper outbound.Keeper

	// Tell is told why there is no connection to the target, or nil when there
	// is one again. TellCeiling is told, once, why the target takes no more
	// connections than it has.
	Tell, TellCeiling func(error)

	// MakeRoom ends a connection that is not in use, if there is one, for one that
	// the target did not take beside it.
	MakeRoom func()
}

// A Client is what all connections to one target share.
type Client struct {
	ctx    context.Context
	cfg    Config
	health outbound.Health
	takes  outbound.Ceiling // how many connections the target takes

	sent, connections atomic.Uint64
}

// New returns a Client that has no connection yet. When ctx ends its connections
// do, and what waits for an answer fails.
func New(ctx context.Context, c Config) *Client { return &Client{ctx: ctx, cfg: c} }

// Sent is how many messages were written whole.
func (c *Client) Sent() uint64 { return c.sent.Load() }

// Connections is how many connections were opened.
func (c *Client) Connections() uint64 { return c.connections.Load() }

// Refused is how many connections the target did not take while it had others.
func (c *Client) Refused() uint64 { return c.takes.Refused() }

// NewConn returns a Conn, which connects when it has something to send.
func (c *Client) NewConn() *Conn { return &Conn{client: c} }
