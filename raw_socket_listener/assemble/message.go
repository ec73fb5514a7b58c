package assemble

import (
	"bytes"

	"github.com/buger/gor/internal/http1"
)

// consume takes b, the next bytes of f, and returns those that must wait for
// the other direction, after which f waits for its peer.
func (a *Assembler) consume(c *conn, f *flow, b []byte, from *arrival) (rest []byte) {
	if f.fresh && len(b) > 0 && f.preludes(c, b) {
		var done bool
		if b, done = a.prelude(c, f, b); !done {
			return nil
		}
	}
	for len(b) > 0 {
		switch f.mode {
		case modeFraming:
			if h := f.h; h != nil && h.open {
				if from.start {
					b = a.interrupt(c, f, h, b, from)
				}
			} else if b[0] == '\r' || b[0] == '\n' {
				// Empty lines belong to no message. Where a response begins
				// says which request it answers, so they are passed before.
				n := leadOf(b)
				f.next = f.next.plus(n)
				b = b[n:]
				continue
			}
		case modeTurns:
			return a.turn(c, f, b, from)
		case modeOpaque, modeEnded:
			f.next = f.next.plus(len(b))
			return nil
		}
		if f.mode != modeFraming {
			if !from.start || !f.resumes(b) {
				a.pass(c, f, b)
				return nil
			}
			h := a.halfOf(c, f)
			h.trial, h.blind = f.mode, f.blind
			f.mode = modeFraming
		}
		n := a.frame(c, f, b, from)
		if f.waitsForPeer {
			return b[n:]
		}
		b = b[n:]
		from.start = from.start && n == 0
	}
	return nil
}

func leadOf(b []byte) (n int) {
	for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return n
}

// frame takes bytes of one message, at most up to its end, and returns how
// many. None are taken when what had begun proves to be no message.
func (a *Assembler) frame(c *conn, f *flow, b []byte, from *arrival) int {
	h := a.halfOf(c, f)
	if !h.ready && !a.prepare(c, f, h) {
		f.waitsForPeer = true
		return 0
	}
	if f.fresh && a.foreign(c, b) {
		return len(b)
	}
	if h.trial != modeUnseen && !f.plausible(h, b) {
		a.abandon(c, f, h)
		return 0
	}
	begun := h.parser.StartRead()
	n, done, err := h.parser.Feed(b)
	if err != nil {
		h.atFirst = h.atFirst || f.fresh
		a.fail(c, f, h, b, from, begun)
		return len(b)
	}
	f.next = f.next.plus(n)
	if !h.open {
		h.atFirst = f.fresh
		a.start(c, f, h, from)
	}
	f.fresh, f.blind = false, false
	h.latest = max(h.latest, from.time)
	if !h.known && h.parser.Head() != nil {
		a.learn(f, h)
		h.bare = !f.response && !done && h.withoutBody(n)
	} else if h.bare {
		begin := h.afterHead(b)
		h.bare = len(begin) < http1.MayBeginLen && bytes.IndexByte(begin, ' ') < 0 && http1.MayBegin(begin, false)
	}
	part := b[:n]
	switch {
	case h.lost != NotLost:
	case h.buf.size+len(part) > a.cfg.MaxMessage:
		a.lose(h, LostTooLarge)
	case done && h.buf.size == 0:
		a.conclude(c, f, h, NotLost, part)
		return n
	default:
		a.pool.add(&h.buf, part)
	}
	if done {
		a.conclude(c, f, h, NotLost, nil)
	}
	return n
}

// prepare sets the parser for the next message of f, and reports false when
// that has to wait.
func (a *Assembler) prepare(c *conn, f *flow, h *half) bool {
	if !f.response {
		if c.switching != modeUnseen {
			return false
		}
		h.parser.ResetRequest()
		h.ready = true
		return true
	}
	if !a.matchRequest(c, f, h) {
		return false
	}
	h.parser.ResetResponse()
	if h.matched {
		e := c.pending.at(0)
		h.parser.SetRequest(e.head, e.connect)
	}
	h.ready = true
	return true
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

// learn looks at a head that has just become complete.
func (a *Assembler) learn(f *flow, h *half) {
	h.known, h.trial = true, modeUnseen
	head := h.parser.Head()
	if !f.response {
		h.request.head, h.request.connect, h.request.upgrade = head.IsHead, head.IsConnect, head.Upgrade
	}
	if head.Fields > http1.MaxFields {
		a.lose(h, LostTooLarge) // whoever indexes it would need many times its memory
	}
	if head.Length > int64(a.cfg.MaxMessage-min(head.HeadLen, a.cfg.MaxMessage)) && !head.Chunked && h.parser.Remaining() > 0 {
		a.lose(h, LostTooLarge)
	}
	if h.parser.Held() > smallChunk {
		h.parser.Release()
	}
}

// lose gives up the message under way; its end is still looked for.
func (a *Assembler) lose(h *half, why Loss) {
	if h.open && h.lost == NotLost {
		h.lost = why
		a.pool.drop(&h.buf)
	}
}

// gap passes n bytes that will not come. Inside a body whose length is known
// that costs the message and nothing else.
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
	switch f.mode {
	case modeFraming:
	case modeTurns:
		a.missTurn(c, f, n)
		return
	default:
		return
	}
	h, back := f.h, modeResync
	if h != nil && h.trial == modeConnected {
		back = modeConnected
	}
	switch {
	case h == nil || !h.open:
		// At least one message lay in it.
		a.stats.Starts++
		a.stats.Lost[LostGap]++
		if h != nil {
			h.ready, h.matched = false, false
		}
	case h.parser.Skip(int64(n)):
		a.miss(h, LostGap)
		if h.parser.Done() {
			a.conclude(c, f, h, NotLost, nil)
		}
		return
	default:
		if rest := h.parser.Remaining(); rest > 0 && int64(n) > rest && a.cfg.AllowIncomplete {
			// The message is given, and at least one that followed is lost.
			a.stats.Starts++
			a.stats.Lost[LostGap]++
		}
		a.conclude(c, f, h, LostGap, nil)
	}
	f.mode = back
	c.unsure = true
}

// endFlow ends f: by its FIN when why is NotLost, which may be what completes
// a message.
func (a *Assembler) endFlow(c *conn, f *flow, why Loss) {
	switch h := f.h; {
	case h == nil || !h.open:
	case f.mode == modeTurns:
		switch {
		case f.fin && f.next == f.finAt:
			why = NotLost
		case why == LostClosed || why == LostExpired:
			why = f.shortOf() // that ends it
		}
		a.endTurn(c, f, h, why)
	default:
		if why == NotLost && !h.parser.End() {
			why = LostClosed
		}
		a.conclude(c, f, h, why, nil)
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
	case a.cfg.AllowIncomplete && (h.known || a.cfg.Binary) && why.missing():
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
	if head := h.parser.Head(); head != nil && head.Flags&http1.Ambiguous != 0 {
		a.stats.Ambiguous++
	}
	if h.holed {
		a.stats.Incomplete++
	}
	return NotLost
}
