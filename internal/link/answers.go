package link

import (
	"errors"
	"os"
	"time"
)

// await reads the answer to the hello.
func (c *senderConn) await() (answer, error) {
	c.conn.SetReadDeadline(time.Now().Add(c.s.answerWait()))
	// Nothing is consumed before all of it is there, so that an answer may
	// still come in after the deadline.
	f, body, err := c.control()
	if err != nil {
		return answer{}, err
	}
	a, err := parseAnswer(f, body)
	if err == nil {
		c.s.peer.acknowledged()
	}
	return a, err
}

// answerWait is how long the answer to a hello may take. It grows while
// connections break that were silent, as those of a forwarder without a
// receiver do.
func (s *Sender) answerWait() time.Duration {
	if s.cfg.Plain == PlainNever || s.Acknowledged() {
		return s.cfg.SilenceWait
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	wait := s.cfg.AnswerWait
	for range s.suspicion {
		wait = min(2*wait, s.cfg.Trial)
	}
	return wait
}

// control reads one frame from the receiver. The body is valid until the next
// call. After an error nothing of the frame is consumed.
func (c *senderConn) control() (frame, []byte, error) {
	b, err := c.in.Peek(frameHead)
	if err != nil {
		return frame{}, nil, err
	}
	f := parseHead(b)
	if f.length > maxControl {
		return frame{}, nil, errFrame
	}
	if b, err = c.in.Peek(frameHead + f.length); err != nil {
		return frame{}, nil, err
	}
	if !f.intact(b) {
		return frame{}, nil, errFrame
	}
	c.in.Discard(len(b))
	return f, b[frameHead:], nil
}

// readAcks is the goroutine that hears the receiver.
func (c *senderConn) readAcks() {
	for {
		c.conn.SetReadDeadline(time.Now().Add(receiverSilence))
		f, _, err := c.control()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			c.fail(errSilent)
		case errors.Is(err, errFrame):
			c.fail(err)
		case err != nil:
			c.fail(lost(err))
		case f.kind == kindAck:
			c.ack(f.number)
			continue
		default:
			continue // of a later version
		}
		c.raw.Close() // a Write may hang
		return
	}
}

// ack releases what is acknowledged, as far as it is written: a message that
// the write in progress still reads must stay, whatever the receiver says.
func (c *senderConn) ack(number uint64) {
	c.s.mu.Lock()
	c.settled = max(c.settled, number)
	foreign := number >= c.s.window.next()
	number = min(c.settled, c.mark)
	c.s.mu.Unlock()
	if foreign {
		c.fail(errForeign)
		c.raw.Close()
		return
	}
	c.s.release(number)
	c.signal()
}
