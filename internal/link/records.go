package link

import (
	"errors"
	"os"
	"time"

	"github.com/buger/gor/internal/payload"
)

// writePlain writes what is in the window and then what the source has.
func (c *senderConn) writePlain() error {
	s := c.s
	for {
		n, blocked := 0, false
		s.mu.Lock()
		first := c.mark + 1
		for size := 0; n < len(c.take) && first+uint64(n) < s.window.next() && size < writeBytes; n++ {
			blocked = c.onTrial(first+uint64(n), size)
			if blocked {
				break
			}
			c.take[n] = s.window.at(first + uint64(n)).msg
			size += len(c.take[n])
		}
		open := s.open
		full := s.window.bytes >= s.cfg.WindowBytes || s.window.count >= s.cfg.WindowCount
		s.mu.Unlock()
		var err error
		switch {
		case n > 0:
			err = c.writeRecords(c.take[:n], first)
			c.releaseTaken()
		case blocked || open && full:
			select {
			case <-c.wake:
			case <-c.dead:
				err = c.err
			}
		case !open:
			return errFinished
		default:
			err = c.takeMore()
		}
		if err != nil {
			return err
		}
	}
}

// onTrial reports whether the message of that number, behind size bytes that
// are about to be written, has to wait until the receiver has shown life. Call
// with the lock held.
func (c *senderConn) onTrial(number uint64, size int) bool {
	if c.state.alive || number == c.cursor {
		return false
	}
	return number-c.cursor >= trialCount || c.state.bytes+size >= trialBytes
}

// writeRecords writes messages whose numbers begin at first, and marks those
// that are written whole.
func (c *senderConn) writeRecords(msgs [][]byte, first uint64) error {
	s := c.s
	c.out = c.out[:0]
	var ends [takeCount]int
	for i, msg := range msgs {
		before := len(c.out)
		what := delivered
		if payload.HasSeparator(msg) {
			// The receiver would take the rest for records of their own and
			// replay requests that nobody sent.
			what = separated
		} else if c.out = payload.AppendOldRecord(c.out, msg); len(c.out) == before {
			what = malformed
		}
		ends[i] = len(c.out)
		s.mu.Lock()
		s.window.at(first + uint64(i)).fate = what
		s.mu.Unlock()
	}
	s.mu.Lock()
	start := c.state.wire
	s.mu.Unlock()
	whole := 0
	err := c.writeAll(c.out, func(written int) {
		s.mu.Lock()
		defer s.mu.Unlock()
		c.state.wire = start + uint64(written)
		if c.counted != nil {
			// What lies encrypted in the socket has other lengths: the end of
			// the last step stands for all messages that ended in it.
			c.state.wire = c.counted.n.Load()
		}
		for whole < len(msgs) && ends[whole] <= written {
			sl := s.window.at(first + uint64(whole))
			sl.end = c.state.wire
			if c.counted == nil {
				sl.end = start + uint64(ends[whole])
			}
			whole++
		}
		c.mark = first + uint64(whole) - 1
	})
	s.mu.Lock()
	c.state.bytes += len(c.out)
	s.mu.Unlock()
	if cap(c.out) > 16*writeBytes {
		c.out = nil // one large message must not cost its size for ever
	}
	return err
}

// writeAll writes b, and gives up when the peer takes nothing for too long. It
// tells note how much is written.
func (c *senderConn) writeAll(b []byte, note func(written int)) error {
	most := len(b)
	if c.conn != c.raw {
		most = tlsStep // after a deadline there is no going on
	}
	note(0) // what makes no record has its end there
	for written := 0; written < len(b); {
		c.conn.SetWriteDeadline(time.Now().Add(plainStall))
		n, err := c.conn.Write(b[written:min(len(b), written+most)])
		written += n
		note(written)
		if errors.Is(err, os.ErrDeadlineExceeded) && n > 0 {
			continue
		}
		if err != nil {
			return c.failed(err)
		}
	}
	return nil
}
