package http1client

import (
	"bytes"
	"io"
	"time"

	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/outbound"
)

// What a connection of the event loop reads.

// Ready is called by the loop.
func (c *loopConn) Ready(buf []byte, ended bool) {
	c.mu.Lock()
	defer c.unlock()
	if c.sock == nil {
		return
	}
	switch c.stage {
	case idle:
		if !c.sock.Quiet() {
			c.drop() // it ended, or sent what nobody asked for
		}
	case exchanging:
		if c.out != nil {
			c.push()
		}
		if c.stage == exchanging && c.sock != nil {
			c.pull(buf, ended)
		}
	case crowded:
		c.ended = c.ended || ended
	case lingering:
		c.ended = c.ended || ended
		c.push()
	}
}

// pull reads what came of the answer.
func (c *loopConn) pull(buf []byte, ended bool) {
	for {
		n, err := c.sock.Read(buf)
		switch {
		case err == evloop.ErrWait:
			return
		case err == io.EOF && c.answer.ended():
			c.whole(true)
			return
		case err != nil:
			c.fail(err)
			return
		}
		c.digest(buf[:n], ended)
		if c.stage != exchanging || n < len(buf) && !ended {
			return
		}
	}
}

// digest takes what was read. For an answer that has to wait for memory another
// goroutine waits, and nothing is read meanwhile.
func (c *loopConn) digest(b []byte, ended bool) {
	n, whole, err := c.take(b)
	switch {
	case err == errCrowded:
		c.stage, c.rest, c.ended = crowded, bytes.Clone(b[n:]), ended
		go c.awaitSeat()
	case err != nil:
		c.fail(err)
	case whole:
		c.ended = ended
		c.whole(n < len(b))
	}
}

func (c *loopConn) awaitSeat() {
	place := c.awaitPlace()
	c.mu.Lock()
	defer c.unlock()
	rest := c.rest
	c.rest, c.stage = nil, exchanging
	if err := c.seated(place); err != nil {
		c.fail(err)
		return
	}
	c.arm(c.call.Deadline)
	c.digest(rest, c.ended)
	if c.stage == exchanging {
		c.sock.Again() // to read on
	}
}

// whole is told that the answer is complete, and whether more came behind it.
func (c *loopConn) whole(extra bool) {
	end, look := c.last(extra)
	c.look, c.proven = look, true
	switch {
	case end:
		c.drop()
	case c.out != nil:
		c.stage = lingering
		limit := time.Now().Add(lingerSend)
		if c.call.Deadline.Before(limit) {
			limit = c.call.Deadline
		}
		c.arm(limit)
		return
	}
	c.linger()
}

// linger ends an exchange whose answer is whole, when its request is sent or
// never will be.
func (c *loopConn) linger() {
	if c.werr != nil || c.unsure || c.ended {
		c.drop() // after half a request nothing else can be said on it
	}
	c.call.Status, c.call.Sent = c.parser.Head().Status, true
	c.finish(outbound.Delivered)
}
