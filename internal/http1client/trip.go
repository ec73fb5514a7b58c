package http1client

import (
	"errors"
	"io"
	"net"
	"time"

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
	c.begin()
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

// receive reads to the end of the final answer.
func (c *conn) receive() (t trip) {
	if c.in == nil {
		c.in = make([]byte, readLeast)
	}
	for {
		n, err := c.conn.Read(c.in)
		rest, whole, terr := c.digest(c.in[:n])
		switch {
		case terr != nil:
			return t.fail(c, terr)
		case whole:
			return c.whole(rest > 0 || err != nil)
		}
		if n == len(c.in) && n < readMost {
			c.in = make([]byte, readMost)
		}
		switch {
		case err == nil:
		case errors.Is(err, io.EOF) && c.ended():
			return c.whole(true)
		default:
			return t.fail(c, err)
		}
	}
}

// digest is take, and waits for a place when the answer needs one. It returns how
// many bytes are left behind a whole answer.
func (c *conn) digest(b []byte) (rest int, whole bool, err error) {
	for {
		n, whole, err := c.take(b)
		b = b[n:]
		if err == errCrowded {
			if err = c.seated(c.awaitPlace()); err == nil {
				continue
			}
		}
		return len(b), whole, err
	}
}

func (t trip) fail(c *conn, err error) trip {
	t.got, t.err = c.got, err
	return t
}

// whole ends an exchange whose answer is complete; extra says that more came.
func (c *conn) whole(extra bool) trip {
	end, look := c.last(extra)
	switch {
	case end:
		c.close()
	case look:
		c.used = time.Time{}
	}
	return trip{got: true, status: c.parser.Head().Status}
}
