package link

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
