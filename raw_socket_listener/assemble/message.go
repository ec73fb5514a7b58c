package assemble

// consume takes b, the next bytes of f, and returns those that must wait for
// the other direction, after which f waits for its peer.
func (a *Assembler) consume(c *conn, f *flow, b []byte, from *arrival) (rest []byte) {
	rest, from.start = a.framer.frame(c, f, b, *from)
	return rest
}

func (a *Assembler) add(m *partial, b []byte) { a.pool.add(&m.buf, b) }

func (a *Assembler) drop(m *partial) { a.pool.drop(&m.buf) }

func (a *Assembler) start(c *conn, f *flow, m *partial, from arrival) {
	m.open = true
	m.begun, m.latest = from.time, from.time
	a.stats.Starts++
	if !f.response {
		c.exchanges++
		m.request = exchange{ordinal: c.exchanges, ack: from.ack, acked: from.acked}
	}
}

func (a *Assembler) takeBack(c *conn, f *flow, m *partial) {
	a.stats.Starts--
	if !f.response {
		c.exchanges--
	}
	starts := 0
	if !f.response {
		for ch := m.buf.head; ch != nil; ch = ch.next {
			starts += int(f.skipped.Count(ch.data))
		}
	}
	a.skipped(m.buf.size, starts)
	a.pool.drop(&m.buf)
	m.over()
}

func (a *Assembler) lose(m *partial, why Loss) {
	if m.open && m.lost == NotLost {
		m.lost = why
		a.pool.drop(&m.buf)
	}
}

func (a *Assembler) miss(m *partial, why Loss) {
	if a.cfg.AllowIncomplete {
		m.hole()
		return
	}
	a.lose(m, why)
}

func (a *Assembler) loseUnseen(why Loss) {
	a.stats.Starts++
	a.stats.Lost[why]++
}

func (a *Assembler) skipped(bytes, starts int) {
	a.stats.SkippedBytes += uint64(bytes)
	a.stats.SkippedStarts += uint64(starts)
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
	a.framer.missed(c, f, n, a.now)
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

// lossOf returns why m, which ends for why, is not given; NotLost when it is, with
// bytes missing if the configuration allows that and it is known what it is.
func (a *Assembler) lossOf(m *partial, why Loss) Loss {
	switch {
	case m.lost != NotLost:
		return m.lost
	case a.cfg.AllowIncomplete && m.known && why.missing():
		m.holed = true
		return NotLost
	}
	return why
}

// emit gives a message, and returns why it could not.
func (a *Assembler) emit(c *conn, f *flow, m *partial, whole []byte, ordinal uint32) Loss {
	n := max(m.buf.size, len(whole))
	b := a.out.room(n)
	if b == nil {
		a.notice.Shed()
		return LostShed
	}
	from := len(b.arena)
	if whole != nil {
		b.arena = append(b.arena, whole...)
	} else {
		b.arena = m.buf.appendTo(b.arena)
	}
	e := b.next()
	e.from, e.to = from, len(b.arena)
	e.Response, e.Incomplete, e.Conn, e.Ordinal = f.response, m.holed, c.id, ordinal
	e.Time, e.Duration = m.begun, max(0, m.latest-m.begun)
	e.Src, e.Dst = c.ends()
	e.Client = c.client
	if e.Response {
		e.Src, e.Dst = e.Dst, e.Src
	}
	if m.holed {
		a.stats.Incomplete++
	}
	return NotLost
}
