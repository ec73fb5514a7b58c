package link

// writeFrames writes what is in the window behind the cursor.
func (c *senderConn) writeFrames() error {
	s := c.s
	for {
		n := 0
		s.mu.Lock()
		for size := 0; n < len(c.take) && c.cursor+uint64(n) < s.window.next() && size < writeBytes; n++ {
			sl := s.window.at(c.cursor + uint64(n))
			sl.fate = delivered
			if len(sl.msg) > c.limit {
				sl.fate = tooLarge
				c.take[n] = nil
				continue
			}
			c.take[n] = sl.msg
			size += len(sl.msg)
		}
		s.mu.Unlock()
		if n == 0 {
			return nil
		}
		if err := c.writeBatch(c.take[:n]); err != nil {
			return err
		}
		c.cursor += uint64(n)
		s.mu.Lock()
		c.mark = c.cursor - 1
		done := min(c.settled, c.mark)
		waits := s.window.first <= done
		s.mu.Unlock()
		if waits {
			s.release(done)
		}
	}
}

// writeBatch frames and writes messages whose numbers begin at the cursor. A
// nil message is one that is left out.
func (c *senderConn) writeBatch(msgs [][]byte) error {
	c.out = c.out[:0]
	var err error
	if c.pack != nil {
		err = c.appendPacked(msgs)
	} else {
		err = c.appendFrames(msgs, c.cursor)
	}
	if err != nil {
		return err
	}
	// Acknowledgments come by the clock, and this often when that is too
	// slow for the window.
	if c.pushed >= c.s.cfg.WindowBytes/8 {
		c.pushed = 0
		c.out = appendHead(c.out, kindPush, c.cursor+uint64(len(msgs))-1, nil)
	}
	return c.flush()
}

// appendFrames frames messages whose numbers begin at number. Large ones are
// written, with all before them.
func (c *senderConn) appendFrames(msgs [][]byte, number uint64) error {
	for i, msg := range msgs {
		if msg == nil {
			c.out = appendHead(c.out, kindSkip, number+uint64(i), nil)
			continue
		}
		c.out = appendHead(c.out, kindMessage, number+uint64(i), msg)
		if len(msg) < writtenAlone {
			c.out = append(c.out, msg...)
		} else {
			if err := c.flush(); err != nil {
				return err
			}
			if _, err := c.conn.Write(msg); err != nil {
				return c.failed(err)
			}
		}
		c.pushed += len(msg)
	}
	return nil
}

func (c *senderConn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.conn.Write(c.out)
	if cap(c.out) > 16*writeBytes {
		c.out = nil // one large message must not cost its size for ever
	}
	c.out = c.out[:0]
	if err != nil {
		return c.failed(err)
	}
	return nil
}

// beginPacking compresses from now on, if the receiver can take it.
func (c *senderConn) beginPacking(a answer) {
	if a.version < packedVersion {
		c.s.cfg.Logf("the receiver is of a version that knows no compression: messages go as they are")
		return
	}
	c.pack = newPacker()
}

// appendPacked frames messages whose numbers begin at the cursor, runs of them
// compressed. What is not shorter then goes as it is, and so does the mark of a
// message that is left out.
func (c *senderConn) appendPacked(msgs [][]byte) error {
	for from := 0; from < len(msgs); {
		to, size := from, 0 // no message of a run is empty
		for to < len(msgs) && len(msgs[to]) > 0 && (to == from || size+len(msgs[to]) <= packBytes) {
			c.pack.add(msgs[to])
			size += len(msgs[to])
			to++
		}
		number := c.cursor + uint64(from)
		var body []byte
		if to == from {
			to++
		} else {
			body = c.pack.pack()
		}
		if body != nil {
			c.out = appendFrame(c.out, kindPacked, number, body)
			c.pushed += size
		} else if err := c.appendFrames(msgs[from:to], number); err != nil {
			return err
		}
		if len(c.out) >= writeBytes {
			if err := c.flush(); err != nil {
				return err
			}
		}
		from = to
	}
	return nil
}
