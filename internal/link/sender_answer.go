package link

import "time"

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
