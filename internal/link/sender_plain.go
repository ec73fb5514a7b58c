package link

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/buger/gor/internal/payload"
)

const (
	// plainStall is how long a plain receiver may take none of what is
	// written before the connection is given up for dead.
	plainStall = time.Minute

	// tlsStep is how much the peer has to take in that time when it speaks
	// TLS: one record of it.
	tlsStep = 16 << 10

	// lingerTime is how long the peer has to close its end when ours is done,
	// and lateLinger when there is no hurry, since all goes on elsewhere.
	lingerTime = 2 * time.Second
	lateLinger = time.Minute
)

// plain sends records until the connection or the source ends.
func (c *senderConn) plain(t *trouble, wg *sync.WaitGroup) error {
	s := c.s
	if lasted := t.over(); lasted > 0 {
		s.cfg.Logf("connected again after %s", lasted.Round(time.Millisecond))
	}
	s.cfg.Logf("the receiver does not acknowledge messages: sending the plain stream of Gor 0.10 and GoReplay; what a break of the connection swallows is not noticed")
	c.conn.SetReadDeadline(time.Time{})
	wg.Go(c.readPlain)
	err := c.writePlain()
	if errors.Is(err, errFinished) {
		c.halfClose(lingerTime, c.dead)
		select {
		case <-c.dead:
			if errors.Is(c.err, errLateAnswer) {
				// It may write again before it knows that this is the plain
				// stream; if we were gone then, it would lose what is in flight.
				c.halfClose(lateLinger, c.quiet)
			}
		default:
		}
	}
	if errors.Is(err, errLateAnswer) {
		s.mu.Lock()
		s.answered = true
		s.mu.Unlock()
		c.halfClose(lateLinger, c.quiet)
	}
	return err
}

// readPlain notices the end of the connection, and an answer that came late.
// It reads until the end, because unread bytes would reset the connection when
// it is closed and destroy what is in flight.
func (c *senderConn) readPlain() {
	f, body, err := c.control()
	if err == nil {
		_, err = parseAnswer(f, body)
	}
	switch {
	case err == nil:
		c.fail(errLateAnswer)
	case errors.Is(err, errFrame):
		c.fail(errors.New("the receiver speaks an unknown protocol"))
	default:
		c.fail(lost(err))
		c.raw.Close()
		return
	}
	io.Copy(io.Discard, c.in)
	close(c.quiet)
}

// halfClose says that no more will come, and gives the peer a moment to read
// what is in flight and to close its end, which closes ended.
func (c *senderConn) halfClose(wait time.Duration, ended <-chan struct{}) {
	if half, ok := c.conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		return
	}
	c.conn.SetReadDeadline(time.Now().Add(wait))
	select {
	case <-ended:
	case <-c.s.ctx.Done():
	}
}

// writePlain writes what is in the window and then what the source has.
func (c *senderConn) writePlain() error {
	s := c.s
	for {
		for {
			n := 0
			s.mu.Lock()
			first := s.window.first
			for size := 0; n < len(c.take) && n < s.window.count && size < writeBytes; n++ {
				sl := s.window.at(first + uint64(n))
				c.take[n] = sl.msg
				size += len(sl.msg)
			}
			s.mu.Unlock()
			if n == 0 {
				break
			}
			if err := c.writeRecords(c.take[:n], first); err != nil {
				return err
			}
		}
		s.mu.Lock()
		open := s.open
		s.mu.Unlock()
		if !open {
			return errFinished
		}
		if err := c.takeMore(); err != nil {
			return err
		}
	}
}

// writeRecords writes messages whose numbers begin at first, and releases
// those that are written whole.
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
	written, err := c.writeAll(c.out)
	if cap(c.out) > 16*writeBytes {
		c.out = nil // one large message must not cost its size for ever
	}
	whole := 0
	for whole < len(msgs) && ends[whole] <= written {
		whole++
	}
	s.release(first + uint64(whole) - 1)
	return err
}

// writeAll writes b, and gives up when the peer takes nothing for too long.
func (c *senderConn) writeAll(b []byte) (written int, err error) {
	most := len(b)
	if c.conn != c.raw {
		most = tlsStep // after a deadline there is no going on
	}
	for written < len(b) {
		c.conn.SetWriteDeadline(time.Now().Add(plainStall))
		n, err := c.conn.Write(b[written:min(len(b), written+most)])
		written += n
		if errors.Is(err, os.ErrDeadlineExceeded) && n > 0 {
			continue
		}
		if err != nil {
			return written, c.failed(err)
		}
	}
	return written, nil
}
