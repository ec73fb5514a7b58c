package assemble

import "github.com/buger/gor/raw_socket_listener/packet"

// Bounds of the segments of one direction that came before their predecessors.
// What lies beyond says that the hole will not close.
const (
	// maxEarlyBytes is above the receive window that Linux grows to (6 MB), so
	// that no sender can have more under way behind one lost packet.
	maxEarlyBytes = 8 << 20
	// maxEarlyPieces is that window in packets of Ethernet's size; it bounds
	// what a search in the store costs.
	maxEarlyPieces = 4096
)

// An arrival is what is known of the bytes that go through a direction.
type arrival struct {
	time  int64
	ack   sequence
	acked bool // ack is meant
	start bool // they begin a segment
}

// receive takes a segment of f.
func (a *Assembler) receive(c *conn, f *flow, s *packet.Segment) {
	seq := sequence(s.Seq)
	n := len(s.Payload) + s.Missing
	switch {
	case s.Flags.Has(packet.FlagSYN):
		seq++
		if f.mode == modeUnseen {
			f.begin(seq, modeFraming)
			f.syn = true
		}
		if other := c.otherOf(f); s.Flags.Has(packet.FlagACK) && other.mode == modeUnseen {
			// The handshake's second packet names the position of the first.
			other.begin(sequence(s.Ack), modeFraming)
		}
	case f.mode == modeUnseen && n > 1:
		a.join(c, f, seq)
	case f.mode == modeUnseen && n == 1 && len(s.Payload) == 1 && s.Payload[0] != 0 && a.framer.recognises(s.Payload, f.response):
		a.join(c, f, seq)
	case f.mode == modeUnseen && n == 1:
		// A single byte on a connection that nothing is known of is a
		// keep-alive probe; what it carries has been received before.
		a.join(c, f, seq.plus(1))
	case f.mode == modeUnseen && s.Flags.Has(packet.FlagFIN):
		f.begin(seq, modeFraming)
	case f.mode == modeUnseen:
		return
	}
	if f.mode == modeEnded {
		if n > 0 && !f.next.before(seq.plus(n)) {
			a.stats.Retransmitted++
			a.countEarly(f, seq, s.Payload)
		} else {
			a.countStarts(f, s.Payload)
		}
		return
	}
	if n > maxSegment {
		a.stats.Far++
		a.countStarts(f, s.Payload)
		return
	}
	if end := seq.plus(n); s.Flags.Has(packet.FlagFIN) && !f.fin && end.within(f.next, maxAhead) {
		f.fin, f.finAt = true, end
	}
	if n > 0 && (c.place == placeEmbryo || c.place == placeClosing && !c.cut) {
		a.move(c, placeActive) // also one that was over, and has begun again below its FIN
	}
	switch {
	case f.mode == modeOpaque && (f.h == nil || f.h.store.empty()):
		// Order means nothing here.
		if end := seq.plus(n); f.next.before(end) {
			f.next = end
		}
		if f.fin {
			f.finAt = f.next
		}
	case n > 0:
		a.data(c, f, seq, s)
	default:
		a.framer.heard(c, f, seq, sequence(s.Ack), s.Flags.Has(packet.FlagACK))
	}
	a.updateLists(c, f)
}

// join begins a direction in the middle, at seq.
func (a *Assembler) join(c *conn, f *flow, seq sequence) {
	c.unsure = true
	a.framer.enter(c, f, seq, a.now-a.blind)
}

func (c *conn) otherOf(f *flow) *flow {
	if f == &c.req {
		return &c.rsp
	}
	return &c.req
}

// data sorts the payload of s, which begins at seq, into f.
func (a *Assembler) data(c *conn, f *flow, seq sequence, s *packet.Segment) {
	b, missing := s.Payload, s.Missing
	from := arrival{time: s.Time, ack: sequence(s.Ack), acked: s.Flags.Has(packet.FlagACK), start: true}
	if n := f.next.minus(seq); n > 0 {
		total := len(b) + missing
		if n == 1 && total == 1 {
			return // a keep-alive probe
		}
		a.stats.Retransmitted++
		a.countEarly(f, seq, b)
		if f.h != nil && !f.h.agrees(f.next, seq, b[:min(n, len(b))]) {
			a.stats.Conflicting++
		}
		if n >= total {
			return
		}
		missing -= max(0, n-len(b))
		b = b[min(n, len(b)):]
		seq, from.start = f.next, false
	}
	if len(b)+missing <= 0 {
		return
	}
	if seq == f.next && !f.waitsForPeer {
		a.inOrder(c, f, b, missing, from)
		return
	}
	if seq != f.next {
		a.stats.OutOfOrder++
	}
	h := a.halfOf(c, f)
	if a.keep(h, seq, b, missing, from) {
		a.stats.Conflicting++
	}
	// A hole in a body that is lost already need not be waited for.
	hopeless := h.open && h.lost != NotLost && h.state.remaining() >= int64(h.store.first.seq.minus(f.next))
	if h.store.full() || hopeless && !f.waitsForPeer {
		a.giveUp(c, f)
	}
}

// inOrder takes the bytes at f.next, up to where waiting segments begin; what
// overlaps with those goes to the store, which knows what it has.
func (a *Assembler) inOrder(c *conn, f *flow, b []byte, missing int, from arrival) {
	if f.h != nil && !f.h.store.empty() {
		hole := f.h.store.first.seq.minus(f.next)
		if len(b) > hole {
			rest := from
			rest.start = false
			if a.keep(f.h, f.next.plus(hole), b[hole:], missing, rest) {
				a.stats.Conflicting++
			}
			b, missing = b[:hole], 0
		}
		missing = min(missing, hole-len(b))
	}
	rest := a.consume(c, f, b, &from)
	switch {
	case len(rest) > 0:
		a.keep(a.halfOf(c, f), f.next, rest, missing, from)
	case missing > 0:
		a.gap(c, f, missing)
	}
	a.drain(c, f)
}

// drain takes what waits in the store as far as it follows.
func (a *Assembler) drain(c *conn, f *flow) {
	for !f.waitsForPeer && f.h != nil && !f.h.store.empty() && !f.next.before(f.h.store.first.seq) {
		p := f.h.store.unlink()
		if n := f.next.minus(p.seq); n > 0 { // a hole was given up beyond its begin
			n = min(n, p.data.size-p.skip)
			p.skip += n
			p.seq = p.seq.plus(n)
			p.from.start = false
		}
		if a.consumePiece(c, f, p) {
			missing := p.missing
			a.freePiece(p)
			if f.h != nil && !f.h.store.empty() {
				missing = min(missing, f.h.store.first.seq.minus(f.next))
			}
			if missing > 0 {
				a.gap(c, f, missing)
			}
			continue
		}
		a.halfOf(c, f).store.link(nil, p)
	}
}

// consumePiece takes the bytes of p, which is in no store, and reports whether
// that were all of them.
func (a *Assembler) consumePiece(c *conn, f *flow, p *piece) bool {
	skip := p.skip
	for ch := p.data.head; ch != nil; ch = ch.next {
		b := ch.data[min(skip, len(ch.data)):]
		skip -= len(ch.data) - len(b)
		rest := a.consume(c, f, b, &p.from)
		p.skip += len(b) - len(rest)
		p.seq = p.seq.plus(len(b) - len(rest))
		if len(rest) > 0 {
			return false
		}
	}
	return true
}

// giveUp goes on although what f waits for did not come.
func (a *Assembler) giveUp(c *conn, f *flow) {
	switch {
	case f.waitsForPeer:
		f.waitsForPeer, f.forced = false, f.response
		if !f.response {
			f.mode, c.switching = c.switching, modeUnseen
		}
	case f.h != nil && !f.h.store.empty():
		if n := f.h.store.first.seq.minus(f.next); n > 0 {
			f.gapBefore = LostGap // what follows may begin in it
			if n > maxEarlyBytes {
				a.remember(c) // what lies behind may be none of it
			}
			a.gap(c, f, n)
		}
	case a.short(f) > 0:
		a.gap(c, f, a.short(f))
	case f.mode != modeOpaque && f.h != nil && f.h.open && a.traits.endsInQuiet:
		a.framer.quiet(c, f)
	}
	a.drain(c, f)
	a.updateLists(c, f)
}

// settle lets each direction go on that waited for the other.
func (a *Assembler) settle(c *conn) {
	for {
		switch {
		case c.rsp.waitsForPeer && a.framer.answerable(c):
			c.rsp.waitsForPeer = false
			a.drain(c, &c.rsp)
			a.updateLists(c, &c.rsp)
		case c.req.waitsForPeer && c.switching == modeUnseen:
			c.req.waitsForPeer = false
			a.drain(c, &c.req)
			a.updateLists(c, &c.req)
		case a.close(c):
		default:
			return
		}
	}
}

// close ends the directions that are complete, and the connection with them;
// it reports whether there were any.
func (a *Assembler) close(c *conn) (ended bool) {
	if c.ignored {
		return false
	}
	for _, f := range [...]*flow{&c.req, &c.rsp} {
		if f.mode == modeEnded || !f.fin && !f.rst.set {
			continue
		}
		switch {
		case f.fin && f.next == f.finAt:
			a.endFlow(c, f, NotLost)
			ended = true
		case f.fin && f.finAt.before(f.next):
			// Bytes in sequence went beyond it: the receiver did not take it.
			f.fin = false
			a.stats.Refused++
		case f.rst.set && f.next == f.rst.at:
			f.rst = mark{}
			a.cut(c)
		case f.rst.set && f.rst.at.before(f.next):
			f.rst = mark{}
		}
	}
	if c.place != placeClosing && c.req.mode == modeEnded && (c.rsp.mode == modeEnded || !a.cfg.TrackResponse) {
		a.move(c, placeClosing)
	}
	return ended
}
