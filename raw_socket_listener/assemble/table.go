package assemble

const (
	// activeTime is how recently a connection that goes on must have carried
	// something, as exactly as that is known.
	activeTime = 2 * touchGrain
	// largeShare is the part of the memory for bytes from which on a message
	// is one that displaces others.
	largeShare = 4
	// reuseShare is the part of that memory that may be free chunks while the
	// rest is full: without any, each byte of a flood would become garbage.
	reuseShare = 8
)

// touch notes that c carried something.
func (a *Assembler) touch(c *conn) {
	if a.now-c.seen < int64(touchGrain) {
		return
	}
	c.seen = a.now
	a.placeOf(c).renew(&c.node)
}

func (a *Assembler) placeOf(c *conn) *list[conn] {
	switch c.place {
	case placeEmbryo:
		return &a.embryos
	case placeActive:
		return &a.active
	}
	return &a.closing
}

// move puts c into another list of the table, as its youngest.
func (a *Assembler) move(c *conn, to place) {
	if c.place == to {
		return
	}
	if c.place != placeNone {
		a.placeOf(c).remove(&c.node)
	}
	c.place, c.seen = to, a.now
	a.placeOf(c).push(&c.node, c)
}

// expire ends what has idled too long, or waited for something other than a hole
// to close.
func (a *Assembler) expire() {
	a.expireWaits(waitTurn)
	for c := a.closing.oldest(); c != nil && a.now-c.seen >= int64(lingerTime); c = a.closing.oldest() {
		a.forget(c)
	}
	for _, l := range [...]*list[conn]{&a.embryos, &a.active} {
		for c := l.oldest(); c != nil && a.now-c.seen >= int64(IdleTimeout); c = l.oldest() {
			a.finish(c, LostExpired)
			a.forget(c)
		}
	}
}

// expireWaits ends the waits of one kind that have lasted long enough.
func (a *Assembler) expireWaits(w wait) {
	limit := a.waitTime(w)
	for h := a.waits[w].oldest(); h != nil && a.now-h.since >= limit; h = a.waits[w].oldest() {
		a.giveUpOn(h)
	}
}

// giveUpOn goes on behind what h waits for.
func (a *Assembler) giveUpOn(h *half) {
	c := h.c
	a.giveUp(c, h.f)
	a.settle(c)
}

// evict makes room for a connection: of those that are over, of those that
// never carried data (a flood of SYNs displaces itself), of all others, in
// this order, the one that idled longest.
func (a *Assembler) evict() {
	if c := a.closing.oldest(); c != nil {
		a.forget(c)
		return
	}
	c := a.embryos.oldest()
	if c == nil {
		c = a.active.oldest()
	}
	a.stats.Evicted++
	a.blind = a.now
	a.finish(c, LostMemory)
	a.forget(c)
}

// finish ends both directions of c: what waits is used as far as it goes, and
// a message that is still open then is lost for the given reason.
func (a *Assembler) finish(c *conn, why Loss) {
	for _, f := range [...]*flow{&c.req, &c.rsp} {
		for f.h != nil && !f.h.store.empty() || a.short(f) > 0 {
			a.giveUp(c, f)
		}
		a.endFlow(c, f, why)
		a.settle(c)
	}
}

// forget takes c, whose directions have ended, out of the table.
func (a *Assembler) forget(c *conn) {
	if c.cut {
		a.finish(c, LostClosed)
	}
	for _, f := range [...]*flow{&c.req, &c.rsp} {
		a.release(f)
		if unseen := f.acked.minus(f.next); a.cfg.TrackResponse && f.answered && f.mode == modeEnded {
			if f.fin {
				unseen-- // a FIN counts as one
			}
			if unseen > 0 && unseen < staleReach {
				a.stats.UnseenBytes += uint64(unseen)
			}
		}
	}
	a.placeOf(c).remove(&c.node)
	delete(a.conns, c.key)
	a.remember(c)
	if c.token != 0 && a.tokens[c.token] == c {
		delete(a.tokens, c.token)
	}
	a.dropPending(c)
	*c = conn{pending: c.pending}
	a.freeConns = append(a.freeConns, c)
}

func (a *Assembler) newConn() *conn {
	n := len(a.freeConns)
	if n == 0 {
		return &conn{}
	}
	c := a.freeConns[n-1]
	a.freeConns = a.freeConns[:n-1]
	return c
}

// reclaim takes memory back from whoever held it longest, so that the bytes
// buffered stay below their ceiling. Connections count too, but leave a
// quarter to the bytes. The connection that is being served is spared: alone,
// it may exceed the ceiling by one message.
//
// When even the oldest is not idler, more is sent at the same time than there
// is room for. Then whoever holds most goes, so that bodies without an end
// displace themselves and not the requests beside them.
func (a *Assembler) reclaim(serving *conn) {
	room := max(a.cfg.MaxBuffered-connBytes*len(a.conns), a.cfg.MaxBuffered/4)
	a.pool.limit = room
	for a.pool.used > room-room/reuseShare {
		for _, h := range [...]*half{serving.req.h, serving.rsp.h} {
			if h != nil && (a.largest == nil || h.holds() > a.largest.holds()) {
				a.largest = h
			}
		}
		h := a.holders.oldest()
		for h != nil && h.c == serving {
			h = a.holders.after(&h.memory)
		}
		if h == nil {
			return
		}
		if a.now-h.c.seen < int64(activeTime) && a.largest != nil && a.largest.holds() > room/largeShare {
			h = a.largest
		}
		a.strip(h)
	}
}

// strip takes the memory of h back: the message under way is lost, and holes
// before waiting segments are given up. Who holds no more than the state of a
// lost message is forgotten as a whole.
func (a *Assembler) strip(h *half) {
	c, f := h.c, h.f
	if h.buf.size == 0 && h.store.empty() {
		a.stats.Evicted++
		a.blind = a.now
		a.finish(c, LostMemory)
		a.forget(c)
		return
	}
	a.lose(&h.partial, LostMemory)
	if h.prelude {
		h.prelude = false
		a.pool.drop(&h.buf)
		a.stats.Starts++
		a.stats.Lost[LostMemory]++
		f.mode, f.fresh = modeResync, false
	}
	for f.h == h && !h.store.empty() {
		a.giveUp(c, f)
		if f.h == h {
			a.lose(&h.partial, LostMemory)
		}
	}
	a.updateLists(c, f)
	a.settle(c)
}
