package assemble

// consume takes b, the next bytes of f, and returns those that must wait for
// the other direction, after which f waits for its peer.
func (a *Assembler) consume(c *conn, f *flow, b []byte, from *arrival) (rest []byte) {
	rest, from.start = a.framer.frame(c, f, b, *from)
	return rest
}

// start notes the beginning of a message.
func (a *Assembler) start(c *conn, f *flow, h *half, from *arrival) {
	h.open = true
	h.begun, h.latest = from.time, from.time
	a.stats.Starts++
	if !f.response {
		c.exchanges++
		h.request = exchange{ordinal: c.exchanges, ack: from.ack, acked: from.acked}
	}
}

// lose gives up the message under way; its end is still looked for.
func (a *Assembler) lose(h *half, why Loss) {
	if h.open && h.lost == NotLost {
		h.lost = why
		a.pool.drop(&h.buf)
	}
}

// miss notes that bytes of the message under way are missing.
func (a *Assembler) miss(h *half, why Loss) {
	if a.cfg.AllowIncomplete {
		h.hole()
		return
	}
	a.lose(h, why)
}

// gap passes n bytes that will not come. What they cost the framer says.
func (a *Assembler) gap(c *conn, f *flow, n int) {
	f.next = f.next.plus(n)
	f.fresh, f.blind = false, true
	if h := f.h; h != nil && h.prelude {
		a.pool.drop(&h.buf)
		h.prelude = false
	}
	if f.mode == modeOpaque || f.mode == modeEnded {
		return
	}
	a.stats.Gaps++
	a.stats.MissingBytes += uint64(n)
	a.framer.missed(c, f, n)
}

// endFlow ends f: by its FIN when why is NotLost, which may be what completes
// a message.
func (a *Assembler) endFlow(c *conn, f *flow, why Loss) {
	if h := f.h; h != nil && h.open {
		a.framer.ended(c, f, h, why)
	}
	a.countStored(f)
	a.release(f)
	if f.mode == modeUnseen {
		f.answered = false // an acknowledgement says nothing about it
	}
	f.mode, f.waitsForPeer = modeEnded, false
}

// verdict says whether the message under way, which is lost for why or for
// h.lost, is given all the same, as one with bytes missing. Without a whole head
// it is known of nothing what it is.
func (a *Assembler) verdict(h *half, why Loss) Loss {
	switch {
	case h.lost != NotLost:
		return h.lost
	case a.cfg.AllowIncomplete && h.known && why.missing():
		h.holed = true
		return NotLost
	}
	return why
}

// emit gives a message, and returns why it could not.
func (a *Assembler) emit(c *conn, h *half, whole []byte, ordinal uint32) Loss {
	n := max(h.buf.size, len(whole))
	b := a.out.room(n)
	if b == nil {
		a.notice.Shed()
		return LostShed
	}
	from := len(b.arena)
	if whole != nil {
		b.arena = append(b.arena, whole...)
	} else {
		b.arena = h.buf.appendTo(b.arena)
	}
	e := b.next()
	e.from, e.to = from, len(b.arena)
	e.Response, e.Incomplete, e.Conn, e.Ordinal = h.f.response, h.holed, c.id, ordinal
	e.Time, e.Duration = h.begun, max(0, h.latest-h.begun)
	e.Src, e.Dst = c.ends()
	e.Client = c.client
	if e.Response {
		e.Src, e.Dst = e.Dst, e.Src
	}
	if h.holed {
		a.stats.Incomplete++
	}
	return NotLost
}
