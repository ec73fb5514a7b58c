package http1client

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/outbound"
)

const (
	// readLeast is a client's read buffer at first. 512 workers have 2 MB of
	// them, and an answer that fills it makes it grow to readMost: fewer calls
	// for large answers, 8 MB for all workers.
	readLeast = 4 << 10
	readMost  = 16 << 10

	// copyBody is the largest body that is copied behind its head to be sent
	// in one piece; a longer one is sent from where it lies. Two pieces cost
	// about as much as a copy of this size.
	copyBody = 4 << 10

	// splitBody is the size from which the answer is read while the request
	// is still being sent: a server may answer and close before it has read
	// all, and smaller requests fit into the sockets' buffers.
	splitBody = 64 << 10

	// keepOut bounds the buffer that a client keeps after a long head.
	keepOut = 16 << 10

	// lingerSend is for how long the rest of a request is still sent when its
	// answer has come.
	lingerSend = time.Second
)

// A trip is how far one exchange got on one connection.
type trip struct {
	wrote  bool // a byte of the request may have reached the target
	sent   bool // all of it was written
	got    bool // a byte of the answer came
	status int
	err    error
}

// roundTrip sends the prepared request and reads its final answer. When that
// leaves the connection unfit for another, it is closed.
func (c *conn) roundTrip(deadline time.Time) trip {
	c.parser.ResetResponse()
	c.parser.SetRequest(c.call.Head, false)
	c.unsure, c.goOn = c.call.Alone, false
	if len(c.call.Request.Body()) > splitBody {
		return c.roundTripSplit(deadline)
	}
	n, werr := c.send(c.conn)
	if n == 0 && werr != nil {
		return trip{err: werr}
	}
	// Also after an error: the target may have answered before it closed.
	t := c.receive()
	t.wrote, t.sent = true, werr == nil
	switch {
	case t.err == nil && (werr != nil || c.unsure):
		c.close()
	case t.err != nil && werr != nil && !t.got:
		t.err = werr
	}
	return t
}

// roundTripSplit sends beside the reading, so that a target that answers early
// does not leave both sides waiting for the other to read.
func (c *conn) roundTripSplit(deadline time.Time) trip {
	conn := c.conn
	c.armed = time.Time{} // what follows changes the deadline
	written := make(chan error, 1)
	go func() {
		_, err := c.send(conn)
		written <- err
	}()
	t := c.receive()
	t.wrote = true
	if t.err != nil {
		conn.SetWriteDeadline(time.Unix(1, 0)) // nobody will read the rest
	} else if linger := time.Now().Add(lingerSend); linger.Before(deadline) {
		conn.SetWriteDeadline(linger)
	}
	werr := <-written
	t.sent = werr == nil
	switch {
	case t.err == nil && (werr != nil || c.unsure):
		c.close() // after half a request nothing else can be said on it
	case werr != nil && !t.got && !outbound.IsTimeout(werr):
		t.err = werr
	}
	return t
}

// send writes the prepared request and returns how many bytes were written.
func (c *conn) send(conn net.Conn) (int64, error) {
	body := c.call.Request.Body()
	if len(body) <= copyBody {
		c.out = c.call.Request.AppendTo(c.out[:0])
		n, err := conn.Write(c.out)
		c.trim()
		return int64(n), err
	}
	c.out = c.call.Request.AppendHead(c.out[:0])
	c.vector = [2][]byte{c.out, body}
	c.parts = c.vector[:]
	n, err := c.parts.WriteTo(conn)
	c.vector, c.parts = [2][]byte{}, nil
	c.trim()
	return n, err
}

func (c *conn) trim() {
	if cap(c.out) > keepOut {
		c.out = nil
	}
}

// receive reads to the end of the final answer. What is read is framed and
// dropped.
func (c *conn) receive() (t trip) {
	if c.in == nil {
		c.in = make([]byte, readLeast)
	}
	head := 0 // bytes of it so far
	c.forget()
	for {
		n, err := c.conn.Read(c.in)
		for b := c.in[:n]; len(b) > 0; {
			t.got = true
			used, done, perr := c.parser.Feed(b)
			h := c.parser.Head()
			if h == nil {
				head += used
			} else {
				head = h.HeadLen
			}
			if perr != nil || head > c.cfg.HeadMost || h != nil && h.Fields > http1.MaxFields {
				return t.fail(outbound.ErrBadResponse)
			}
			if h != nil && c.parser.Held() > readLeast {
				c.parser.Release()
			}
			c.keep(b[:used], h != nil && len(c.call.Answer) >= h.HeadLen)
			if !c.enough() {
				c.parser = http1.Parser{}
				return t.fail(outbound.ErrAnswerMemory)
			}
			if h != nil && c.parser.Held()+cap(c.call.Answer) <= smallHead {
				c.leave()
			}
			b = b[used:]
			switch {
			case !done:
			case h.Interim():
				c.goOn = c.goOn || h.Status == 100
				c.unsure = c.unsure || h.Flags != 0
				c.forget()
				c.parser.ResetResponse()
				c.parser.SetRequest(c.call.Head, false)
				head = 0
			default:
				c.end(len(b) > 0 || err != nil)
				t.status = h.Status
				return t
			}
		}
		if n == len(c.in) && n < readMost {
			c.in = make([]byte, readMost)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) && c.parser.End():
			c.end(true)
			t.status = c.parser.Head().Status
			return t
		default:
			return t.fail(err)
		}
	}
}

func (t trip) fail(err error) trip {
	t.err = err
	return t
}

// end notes that an answer is complete. With extra bytes behind it, which
// nobody asked for, or when the target says so, the connection ends too. It
// ends after the request when the next answer on it might belong to something
// else: the answer's framing has two readings, or a target that was asked
// whether it wants the body has answered without saying so, and may take the
// body for requests (RFC 9110 section 10.1.1).
func (c *conn) end(extra bool) {
	h := c.parser.Head()
	if extra || h.CloseAfter || c.parser.Opaque() {
		c.close()
		return
	}
	c.unsure = c.unsure || h.Flags != 0 || c.call.Expects && !c.goOn
	if c.call.Head || h.Status == 204 || h.Status == 304 {
		c.used = time.Time{} // a target that sends a body all the same shows it when it is looked at
	}
}
