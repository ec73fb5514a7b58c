package assemble

const (
	halfBytes  = 768 // what a half takes of memory beside what it holds
	keepHalves = 512 // halves kept for reuse; each may keep 4 KiB in its state
)

// A half is what a direction needs while a message is under way in it, or
// while segments wait in it.
type half struct {
	halfFields
	state state // what the framer keeps of the message; apart, since its memory is used again
}

// halfFields are zero in the hands of a half's next user.
type halfFields struct {
	memory  node[half] // in assembler.holders while it holds memory
	wait    node[half] // in assembler.waits
	since   int64      // when the wait began
	waitFor wait       // what the wait began for
	waitIn  wait       // in which of the lists it is
	c       *conn
	f       *flow

	store store

	partial          // the message under way
	held    int      // what state holds, as counted in assembler.used
	holeAt  sequence // where flow.next stood when the wait began
}

// A partial is a message whose end has not come yet.
type partial struct {
	open    bool     // it has begun
	lost    Loss     // why it will not be given
	known   bool     // what it is; that is told by its head, where there are heads
	prelude bool     // buf holds no message but what came of a PROXY protocol header
	queued  bool     // a request that is in conn.pending already
	matched bool     // a response that answers the first of conn.pending
	holed   bool     // bytes of it are missing, and it is given all the same
	buf     buffer   // the message so far, unless lost
	solid   int      // where in buf the bytes behind the last hole begin
	begun   int64    // time of its first packet
	latest  int64    // time of its last packet
	request exchange // the request itself; of a response, the one it answers unless matched
}

// A wait is what a direction waits for, and how long.
type wait uint8

const (
	waitNone  wait = iota
	waitTurn       // the other direction, or more of a message of which nobody knows the end: Config.Expire
	waitHole       // a retransmission: backoffTime, or Config.Expire if that is longer
	waitDoubt      // the same, when the sender has heard from the receiver since: Config.Expire
	waitKnown      // a hole that the receiver acknowledged: reorderGrace
	waitKinds
)

// waitTime is how long a wait lasts, in ns.
func (a *Assembler) waitTime(w wait) int64 {
	switch w {
	case waitHole:
		return int64(max(backoffTime, a.cfg.Expire))
	case waitKnown:
		return int64(min(reorderGrace, a.cfg.Expire))
	}
	return int64(a.cfg.Expire)
}

// updateLists brings the lists up to date with what f waits for and what it holds,
// and frees its half when that is nothing.
func (a *Assembler) updateLists(c *conn, f *flow) {
	torn := a.short(f) > 0
	if f.h == nil && !torn {
		return
	}
	h := a.halfOf(c, f)
	w := waitNone
	switch {
	case !f.waitsForPeer && (torn || !h.store.empty()):
		w = waitHole
	case f.waitsForPeer && !h.store.empty(), h.open && a.traits.endsInQuiet:
		w = waitTurn
	}
	a.await(h, w)
	if !h.open && h.store.empty() && !torn && !h.prelude {
		a.release(f)
		return
	}
	held := h.state.held()
	a.pool.used += held - h.held
	h.held = held
	if h.memory.listed() {
		a.holders.renew(&h.memory)
	} else {
		a.holders.push(&h.memory, h)
	}
}

// short is how many bytes behind the last one of f are known to be missing: before
// its FIN, or of those that its receiver acknowledged. One more may be a FIN.
func (a *Assembler) short(f *flow) int {
	if !f.fin && !f.answered || f.silent || f.mode == modeUnseen || f.mode == modeOpaque || f.mode == modeEnded {
		return 0
	}
	if f.fin {
		return max(0, f.finAt.minus(f.next))
	}
	if n := f.acked.minus(f.next); n > 1 && n <= maxAhead && !a.traits.endsInQuiet {
		return n
	}
	return 0
}

// await enters h into the list of those who wait for w, or takes it out.
// Progress begins the wait anew: the next hole has its own time.
func (a *Assembler) await(h *half, w wait) {
	if h.wait.listed() && (w != h.waitFor || h.holeAt != h.f.next) {
		a.waits[h.waitIn].remove(&h.wait)
	}
	if w != waitNone && !h.wait.listed() {
		h.waitFor, h.holeAt = w, h.f.next
		a.waitIn(h, w)
	}
	if w == waitHole {
		a.hasten(h)
	}
}

// waitIn enters h, which is in no list, into that of w.
func (a *Assembler) waitIn(h *half, w wait) {
	h.waitIn, h.since = w, a.now
	a.waits[w].push(&h.wait, h)
}

// hasten shortens the wait for a hole by what is known of its receiver: that it
// acknowledged what is missing, or that the sender has received something since
// it sent what lies behind, most likely the answer to that.
func (a *Assembler) hasten(h *half) {
	f, w := h.f, h.waitIn
	first := h.store.first
	switch {
	case f.answered && first != nil && !f.acked.before(first.seq), f.answered && first == nil && f.acked.minus(f.next) > 1:
		w = waitKnown
	case first != nil && first.from.acked && h.store.last.from.acked && first.from.ack.before(h.store.last.from.ack) && w == waitHole:
		w = waitDoubt
	}
	if w != h.waitIn && h.waitIn != waitKnown {
		a.waits[h.waitIn].remove(&h.wait)
		a.waitIn(h, w)
	}
}

// halfOf returns the half of f, which it makes when there is none.
func (a *Assembler) halfOf(c *conn, f *flow) *half {
	if f.h != nil {
		return f.h
	}
	var h *half
	if n := len(a.freeHalves); n > 0 {
		h = a.freeHalves[n-1]
		a.freeHalves = a.freeHalves[:n-1]
	} else {
		h = &half{state: a.framer.newState()}
	}
	h.c, h.f, f.h = c, f, h
	a.pool.used += halfBytes
	return h
}

// release frees the half of f, with whatever it holds.
func (a *Assembler) release(f *flow) {
	h := f.h
	if h == nil {
		return
	}
	f.h = nil
	if a.largest == h {
		a.largest = nil
	}
	a.await(h, waitNone)
	if h.memory.listed() {
		a.holders.remove(&h.memory)
	}
	for !h.store.empty() {
		a.freePiece(h.store.unlink())
	}
	a.pool.drop(&h.buf)
	a.pool.used -= halfBytes + h.held
	if len(a.freeHalves) < keepHalves {
		h.state.reset()
		h.halfFields = halfFields{}
		a.freeHalves = append(a.freeHalves, h)
	}
}

// holds is how many bytes are kept for the direction.
func (h *half) holds() int { return h.buf.size + h.store.bytes + h.held }

// agrees reports whether b, which was at seq before, is the same as what is
// still there of the message under way, whose last byte is before next.
func (m *partial) agrees(next, seq sequence, b []byte) bool {
	offset := m.buf.size - next.minus(seq)
	if m.buf.size == 0 || offset+len(b) <= 0 {
		return true
	}
	if skip := m.solid - offset; skip > 0 {
		if skip >= len(b) {
			return true
		}
		b, offset = b[skip:], m.solid
	}
	return m.buf.equal(offset, b)
}

// hole notes that bytes are missing behind those in buf.
func (m *partial) hole() {
	m.holed, m.solid = true, m.buf.size
}

// over makes m ready for the next message.
func (m *partial) over() {
	m.open, m.known, m.queued, m.matched, m.lost = false, false, false, false, NotLost
	m.holed, m.solid, m.prelude = false, 0, false
}
