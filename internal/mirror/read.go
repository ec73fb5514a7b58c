package mirror

import (
	"errors"
	"net"
	"os"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/http1"
)

// The memory that a request is read into.

func (c *conn) release() {
	c.buf = nil
	c.leave()
	c.s.giveBack(c.reserved)
	c.reserved = 0
}

// hold takes the Server's memory for what the parser holds of a head in pieces.
func (c *conn) hold() bool {
	more := c.parser.Held() - c.parsing
	if more <= 0 {
		return true
	}
	if !c.s.reserve(c.reserved, more) {
		return false
	}
	c.reserved += more
	c.parsing += more
	return true
}

// read gets more bytes, behind those that there are.
func (c *conn) read() error {
	if c.skipped > skipMost {
		return errFar
	}
	if c.got == len(c.buf) && !c.grow() {
		c.giveUp(lostMemory)
	}
	now := time.Now()
	wait := c.s.cfg.IdleWait - now.Sub(c.since)
	switch {
	case c.began.IsZero():
	case now.Sub(c.began) > wholeWait:
		return errSlow
	case c.parser.Head() == nil:
		wait = c.s.cfg.HeadWait - now.Sub(c.began)
	default:
		wait = bodyWait
	}
	_ = c.c.SetReadDeadline(now.Add(wait))
	select {
	case <-c.s.closing: // which sets the deadline once
		return net.ErrClosed
	default:
	}
	n, err := c.c.Read(c.buf[c.got:])
	c.got += n
	switch {
	case n > 0:
		c.place.Active(time.Now())
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded) && c.began.IsZero():
		return errIdle
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlow
	}
	return err
}

// grow doubles the buffer, if the Server has memory for it. When it has not, the
// client waits: one request after the other gets a buffer beside that memory,
// which is as large as it wants. So those that hold a part do not wait for each
// other, and small ones go on beside an upload.
func (c *conn) grow() bool {
	size := 2 * len(c.buf)
	most := headerRoom + c.s.cfg.Limit + smallBuffer
	if len(c.buf) < most {
		size = min(size, most)
	}
	if !c.alone && c.s.reserve(notAlone, size-len(c.buf)) {
		c.reserved += size - len(c.buf)
		c.move(make([]byte, size))
		return true
	}
	if !c.alone {
		c.alone = c.s.turn.Take(c.s.closing, time.Now().Add(c.s.cfg.MemoryWait))
		if !c.alone {
			return false
		}
		c.s.giveBack(c.reserved - c.parsing)
		c.reserved = c.parsing
	}
	// At once, where its length is known: pages that are not written take no memory.
	if left := c.parser.Remaining(); left > 0 {
		size = int(min(int64(c.got)+left, int64(most)))
	}
	before := c.block
	c.block = buffers.NewBlock(max(size, len(c.buf)+1))
	c.move(c.block.Bytes)
	before.Free()
	return true
}

// waits reports whether there is time left until then.
func (c *conn) waits(until time.Time) bool {
	select {
	case <-c.s.closing:
		return false
	default:
		return time.Now().Before(until)
	}
}

func (c *conn) move(larger []byte) {
	copy(larger[headerRoom:], c.buf[headerRoom:c.got])
	c.buf = larger
}

// finish gives and answers the request that has been read, and reports whether
// another may come.
func (c *conn) finish() bool {
	h := c.parser.Head()
	old := h.Minor == 0
	last := h.CloseAfter
	status := noContent
	odd := c.isAmbiguous()
	switch {
	case h.IsConnect:
		c.s.counts.Add(lostConnect)
		status, last = "501 Not Implemented", true
	case c.why == lostTooLarge && h.Fields > http1.MaxFields:
		c.s.counts.Add(lostTooLarge)
		status = "431 Request Header Fields Too Large"
	case c.why == lostTooLarge:
		c.s.counts.Add(lostTooLarge)
		status = "413 Content Too Large"
	case c.why == lostMemory:
		c.s.counts.Add(lostMemory)
		status = "503 Service Unavailable"
	default:
		c.give()
	}
	if odd {
		c.s.counts.Add(ambiguous)
		last = true // what follows may not be what we take it for
	}
	if !c.answer(status, last, old) || last {
		return false
	}
	c.start()
	return true
}
