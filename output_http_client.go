package main

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/http1"
)

// A client sends requests over one kept connection and reads the answers to
// their end. It serves one worker.
type client struct {
	o *httpOutput

	conn       net.Conn    // nil: none
	tcp        net.Conn    // what conn stands on; conn itself without TLS
	look       *peek       // at tcp
	source     *tlsSource  // nil without TLS
	forgetConn func() bool // the end of the context ends conn no more
	used       time.Time   // when the last exchange on conn began
	armed      time.Time   // conn's deadline

	req    sentRequest
	parser http1.Parser // of the answer
	unsure bool         // the answer leaves open where the target stands; see end
	goOn   bool         // the target said 100 Continue
	in     []byte       // read buffer
	out    []byte       // the request's head, or all of it
	vector [2][]byte
	parts  net.Buffers // refers to vector

	taken    int               // bytes of o.answers; see account
	place    bool              // of o.places; see enough
	deadline time.Time         // of the exchange
	answer   []byte            // the final answer, as far as it is kept; see keep
	cut      bool              // it is longer than can be kept
	recorder *answers.Recorder // nil: nobody wants the answers
	asked    http1.Request     // scratch of reportTo
}

// forget gives back the memory of an answer that was kept.
func (c *client) forget() {
	if c.o.responses != nil {
		c.o.responses.GiveBack(c.answer)
	}
	c.answer, c.cut = c.answer[:0], false
	keep := keepAnswer
	if c.o.answers.Scarce() {
		keep = keepLeast
	}
	if cap(c.answer) > keep {
		c.answer = nil
	}
	if !c.account() {
		c.answer = nil
		c.account()
	}
}

const (
	// answersTotal bounds what the connections of all outputs hold of answers,
	// wanted or not: small heads in pieces, answers that are passed on, and what
	// is kept for the next.
	answersTotal = 8 << 20

	// answerPlaces is how many connections of all outputs may have more than
	// answerSmall of a head at one time. Each holds two of http1.MaxHead at most,
	// one in pieces and one that is kept, with the quarter that append takes
	// more: 8 MB in all. The others wait, and do not read meanwhile.
	answerPlaces = 12
	answerSmall  = 16 << 10

	// keepAnswer bounds the buffers that a client keeps for the next answer,
	// keepLeast when many clients do.
	keepAnswer = 16 << 10
	keepLeast  = 1 << 10
)

// account brings what is taken of the answers' memory to what the client holds,
// and reports false when there is not so much: the client must let go of some.
func (c *client) account() bool {
	holds := c.parser.Held() + cap(c.answer)
	if c.place { // which has room for a head; the rest of an answer is for the other outputs
		holds = 0
		if c.o.responses != nil {
			holds = cap(c.answer)
		}
	}
	if holds == c.taken {
		return true
	}
	if !c.o.answers.Resize(c.taken, holds) {
		return false
	}
	c.taken = holds
	return true
}

// enough takes the memory for what the client holds of an answer. For a large
// head, or when all hold much, it waits for a place, as long as the exchange may
// take. It reports false when there was none.
func (c *client) enough() bool {
	head := c.parser.Held()
	if c.o.responses == nil {
		head += cap(c.answer)
	}
	if head <= answerSmall && (c.account() || c.shrink()) {
		return true
	}
	if !c.place {
		if c.place = c.o.places.Take(c.o.ctx.Done(), c.deadline); !c.place {
			return false
		}
	}
	return c.account() || c.shrink()
}

// leave gives back the place, with all that lies in it.
func (c *client) leave() {
	if !c.place {
		return
	}
	if c.parser.Release(); c.parser.Held() > 0 { // in the middle of a head
		c.parser = http1.Parser{}
	}
	if c.o.responses == nil {
		c.answer = nil
	}
	c.place = false
	c.o.places.Leave()
	if !c.account() {
		c.shrink()
	}
}

// release closes the connection and gives back all that is held of answers.
func (c *client) release() {
	c.close()
	c.leave()
	c.answer, c.parser = nil, http1.Parser{}
	c.account()
	if c.recorder != nil {
		c.recorder.Release()
	}
}

// exchange sends one recorded request now and reads its answer. It uses the kept
// connection when there is one; a request that may be repeated is sent again
// on a new one when the old turns out to be closed before any answer.
func (c *client) exchange(ctx context.Context, raw []byte, now time.Time) outcome {
	if reason := c.req.prepare(raw); reason != sendable {
		return outcome{reason: reason}
	}
	if c.req.ambiguous {
		c.o.ambiguous.Add(1)
	}
	for hops := 0; ; hops++ {
		result := c.exchangeOnce(ctx, now, now.Add(c.o.s.HTTPTimeout))
		if result.reason != delivered || hops >= c.o.s.HTTPRedirects || !c.redirect(result.status) {
			return result
		}
	}
}

// freshFor is for how long after the start of an exchange its connection is
// taken to be good for another without a look, if the next request may be
// repeated. A look costs a tenth of an exchange.
const freshFor = 10 * time.Millisecond

// exchangeOnce sends the request that is prepared and reads its answer.
func (c *client) exchangeOnce(ctx context.Context, now, deadline time.Time) outcome {
	c.leave()
	c.deadline = deadline
	if c.conn != nil && (now.Sub(c.used) > freshFor || !c.req.repeatable()) {
		c.closeIfGone()
	}
	if c.conn != nil {
		c.used = now
		c.arm(deadline)
	}
	for {
		fresh := c.conn == nil
		if fresh {
			if reason := c.connect(ctx, deadline); reason != sendable {
				return outcome{reason: reason}
			}
			c.used = now
		}
		try := c.roundTrip(deadline)
		if try.err == nil {
			return outcome{status: try.status, reason: delivered, sent: true}
		}
		c.close()
		repeat := !try.wrote || c.req.repeatable()
		if fresh || try.got || !repeat || isTimeout(try.err) || ctx.Err() != nil {
			return outcome{reason: failure(try.err, try.sent, try.got), sent: try.sent}
		}
		if try.wrote {
			c.o.retried.Add(1)
		}
	}
}

// arm sets the connection's deadline, to a little later so that it will do for
// the next exchanges too: to set it costs more than to frame an answer.
func (c *client) arm(deadline time.Time) {
	if c.armed.Before(deadline) {
		c.armed = deadline.Add(c.o.s.HTTPTimeout / 16)
		c.conn.SetDeadline(c.armed)
	}
}

// connect opens a connection, as soon as the target's health lets it.
func (c *client) connect(ctx context.Context, deadline time.Time) (reason int) {
	open := func() error { return c.open(ctx, deadline) }
	return c.o.health.connect(ctx, deadline, open, c.o.tellHealth)
}

// open makes a connection, with TLS if the target has it.
func (c *client) open(ctx context.Context, deadline time.Time) error {
	dialing, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	tcp, err := c.o.dial(dialing, "tcp", c.o.t.dial)
	if err != nil {
		return err
	}
	c.o.connections.Add(1)
	c.forgetConn = context.AfterFunc(ctx, func() { tcp.Close() })
	tcp.SetDeadline(deadline)
	c.conn, c.tcp, c.look, c.source, c.armed = tcp, tcp, newPeek(tcp), nil, deadline
	if c.o.tls != nil {
		c.source = &tlsSource{Conn: tcp, look: c.look}
		secure := tls.Client(c.source, c.o.tls)
		c.conn = secure
		if err := secure.Handshake(); err != nil {
			c.close()
			return &tlsError{err}
		}
	}
	return nil
}

// closeIfGone ends a kept connection that can carry no request any more.
func (c *client) closeIfGone() {
	if c.conn != nil && c.gone() {
		c.close()
	}
}

// close ends the connection. With TLS it sends no close_notify, which could
// block: framing has told where the answer ended.
func (c *client) close() {
	if c.conn != nil {
		c.forgetConn()
		c.tcp.Close() // all that mattered was read
		c.conn, c.tcp, c.look, c.source = nil, nil, nil, nil
	}
}
