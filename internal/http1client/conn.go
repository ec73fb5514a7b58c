package http1client

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/outbound"
)

// A conn makes exchanges over one kept connection, in the goroutine of its
// caller.
type conn struct {
	answer
	conn   net.Conn    // nil: none
	tcp    net.Conn    // what conn stands on; conn itself without TLS
	look   *peek       // at tcp
	source *tlsSource  // nil without TLS
	keepOn func() bool // has the end of the context end tcp no more
	name   string      // that TLS asks for; "": the target's
	given  time.Time   // when it was left to others; valid while it is idle
	stands bool        // conn is ready for use, and health knows of it
	proven bool        // it gave an answer
	used   time.Time   // when the last exchange on conn began
	armed  time.Time   // conn's deadline

	in     []byte // read buffer
	out    []byte // the request's head, or all of it
	vector [2][]byte
	parts  net.Buffers // refers to vector
}

var _ Exchange = (*conn)(nil)

// Start makes the exchange and calls its Done. It uses the kept connection when
// there is one; a request that may be repeated is sent again on a new one when
// the old turns out to be closed before any answer.
func (c *conn) Start(ctx context.Context, call *Call) {
	c.ctx, c.call = ctx, call
	c.exchange(ctx)
	call.Done()
}

// Forget gives back the memory of an answer that was kept.
func (c *conn) Forget() {
	c.forget()
	c.leave()
}

// Idle closes a connection that can carry no request any more.
func (c *conn) Idle() { c.closeIfStale() }

// Close closes the connection and gives back all that is held of answers.
func (c *conn) Close() {
	c.close()
	c.leave()
	c.call.Answer, c.parser = nil, http1.Parser{}
	c.account()
}

// freshFor is for how long after the start of an exchange its connection is
// taken to be good for another without a look, if the next request may be
// repeated. A look costs a tenth of an exchange.
const freshFor = 10 * time.Millisecond

// exchange sends the call's request, reads its answer, and sets what came of it.
func (c *conn) exchange(ctx context.Context) {
	call := c.call
	call.Outcome, call.Status, call.Sent, call.Unserved, call.Again = 0, 0, false, false, false
	c.leave()
	if c.conn != nil && (call.Begun.Sub(c.used) > freshFor || !call.Repeatable) {
		c.closeIfStale()
	}
	if c.conn != nil {
		c.used = call.Begun
		c.arm(call.Deadline)
	}
	before := false // a byte of it may have reached the target over another connection
	for {
		fresh := c.conn == nil
		if fresh {
			if err := c.connect(ctx, call.Deadline); err != nil {
				another := !c.refused(err) // might be had
				call.Outcome, call.Unserved, call.Again = outbound.ConnectOutcome(err), another, another
				call.Wrote = before
				return
			}
			c.used = call.Begun
			c.arm(call.Deadline) // the connect may have had less time
		}
		unproven := !c.proven
		try := c.roundTrip(call.Deadline)
		if try.err == nil {
			c.proven = true
			call.Outcome, call.Status, call.Sent = outbound.Delivered, try.status, true
			return
		}
		c.close()
		repeat := !try.wrote || call.Repeatable && !before
		timeout := outbound.IsTimeout(try.err)
		// A new one that was opened before is as good as one that is opened now.
		fresh = fresh || unproven
		if fresh || try.got || !repeat || timeout || ctx.Err() != nil {
			call.Outcome, call.Sent = outbound.ExchangeOutcome(try.err, try.sent, try.got), try.sent
			call.Unserved = unproven && !try.got && !timeout
			call.Again, call.Wrote = call.Unserved && repeat, before || try.wrote
			return
		}
		if try.wrote {
			before = true
			c.counts.SentAgain.Add(1)
		}
	}
}

// arm sets the connection's deadline, to a little later so that it will do for
// the next exchanges too: to set it costs more than to frame an answer.
func (c *conn) arm(deadline time.Time) {
	if c.armed.Before(deadline) {
		c.armed = deadline.Add(c.cfg.Timeout / 16)
		c.conn.SetDeadline(c.armed)
	}
}

// connect opens a connection, as soon as the target's health lets it.
func (c *conn) connect(ctx context.Context, deadline time.Time) error {
	if c.name != "" {
		return c.connectByHost(ctx, deadline)
	}
	open := func(deadline time.Time) error { return c.open(ctx, deadline) }
	return c.health.Connect(ctx, deadline, open, c.cfg.Tell)
}

// Open makes the connection before the first request needs it.
func (c *conn) Open(ctx context.Context, deadline time.Time) error {
	c.ctx = ctx
	open := func(deadline time.Time) error { return c.open(ctx, deadline) }
	return c.health.Open(ctx, deadline, open, c.cfg.Tell)
}

// Connected reports whether there is a connection.
func (c *conn) Connected() bool { return c.conn != nil }

// open makes a connection, with TLS if the target has it.
func (c *conn) open(ctx context.Context, deadline time.Time) error {
	if c.cfg.byHost() {
		c.makeRoom()
	}
	dialing, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	tcp, err := c.cfg.Dial(dialing, "tcp", c.cfg.Target.dial)
	if err != nil {
		c.leaveRoom()
		return err
	}
	c.counts.Connections.Add(1)
	c.keepOn = context.AfterFunc(ctx, func() { tcp.Close() })
	tcp.SetDeadline(deadline)
	c.conn, c.tcp, c.look, c.source, c.armed = tcp, tcp, newPeek(tcp), nil, deadline
	if c.cfg.TLS != nil {
		c.source = &tlsSource{Conn: tcp, look: c.look}
		config := c.cfg.TLS()
		if c.name != "" {
			config = c.named(config)
		}
		secure := tls.Client(c.source, config)
		c.conn = secure
		if err := secure.Handshake(); err != nil {
			c.close()
			return &outbound.TLSError{Err: err, Name: c.name, Hint: c.cfg.CertificateHint}
		}
	}
	if !c.counts.Reached.Load() { // all connections write here: seldom
		c.counts.Reached.Store(true)
	}
	c.stands, c.proven = true, false
	c.health.Opened()
	return nil
}

// closeIfStale ends a kept connection that can carry no request any more.
func (c *conn) closeIfStale() {
	if c.conn != nil && c.stale() {
		c.close()
	}
}

// close ends the connection. With TLS it sends no close_notify, which could
// block: framing has told where the answer ended.
func (c *conn) close() {
	if c.conn != nil {
		if c.stands {
			c.stands = false
			c.health.Closed()
		}
		c.keepOn()
		c.tcp.Close() // all that mattered was read
		c.conn, c.tcp, c.look, c.source = nil, nil, nil, nil
		c.leaveRoom()
	}
}
