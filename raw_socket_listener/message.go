package rawsocket

import (
	"bytes"

	"github.com/buger/gor/internal/http1"
)

// consume takes b, the next bytes of f, and returns those that must wait for
// the other direction, after which f is parked.
func (a *assembler) consume(c *conn, f *flow, b []byte, from *arrival) (rest []byte) {
	for len(b) > 0 {
		switch f.mode {
		case modeFraming:
			if h := f.h; f.response && h != nil && h.open && !h.claimed && from.start && c.sentAt(f.next) >= 0 && http1.CompleteHead(b, true) {
				// It has no body after all: the request that was missed was
				// a HEAD.
				a.conclude(c, f, h, LostUnpaired, nil)
			}
		case modeTurns:
			return a.turn(c, f, b, from)
		case modeOpaque, modeEnded:
			f.next = f.next.plus(len(b))
			return nil
		default:
			if !from.start || !f.resumes(b) {
				a.pass(c, f, b)
				return nil
			}
			f.mode = modeFraming
		}
		n := a.frame(c, f, b, from)
		if f.parked {
			return b[n:]
		}
		b = b[n:]
		from.start = false
	}
	return nil
}

// resumes reports whether b, which begins a segment, begins a message as well.
// On a connection that was established before the capture the first request
// may span segments, so its beginning will do; after a loss the bytes may be
// the content of an upload, and only a complete head is believed.
func (f *flow) resumes(b []byte) bool {
	switch f.mode {
	case modeJoining:
		// A word alone is as likely a piece of content.
		return bytes.IndexByte(b, ' ') > 0 && http1.LooksLikeHead(b, f.response)
	case modeConnected:
		return bytes.HasPrefix(b, []byte("CONNECT ")) && http1.CompleteHead(b, false)
	}
	return http1.CompleteHead(b, f.response)
}

// pass goes over bytes that belong to no message that can be had.
func (a *assembler) pass(c *conn, f *flow, b []byte) {
	if f.next == f.first && f.mode == modeJoining {
		if a.foreign(c, b) {
			return
		}
		// Once, for the message that the capture came upon.
		a.stats.Starts++
		a.stats.Lost[LostJoined]++
	}
	f.next = f.next.plus(len(b))
	a.stats.SkippedBytes += uint64(len(b))
}

// frame takes bytes of one message, at most up to its end, and returns how
// many.
func (a *assembler) frame(c *conn, f *flow, b []byte, from *arrival) int {
	h := a.halfOf(c, f)
	if !h.ready && !a.prepare(c, f, h) {
		f.parked = true
		return 0
	}
	if f.next == f.first && a.foreign(c, b) {
		return len(b)
	}
	lead := h.parser.Lead()
	n, done, err := h.parser.Feed(b)
	if err != nil {
		a.fail(c, f, h, b, from)
		return len(b)
	}
	f.next = f.next.plus(n)
	if !h.open {
		if !h.parser.Started() {
			return n
		}
		lead = h.parser.Lead() - lead
		a.start(c, f, h, from)
	} else {
		lead = 0
	}
	h.latest = max(h.latest, from.time)
	if !h.known && h.parser.Head() != nil {
		a.learn(f, h)
	}
	part := b[lead:n]
	switch {
	case h.lost != notLost:
	case h.buf.size+len(part) > a.cfg.MaxMessage:
		a.lose(h, LostTooLarge)
	case done && h.buf.size == 0:
		a.conclude(c, f, h, notLost, part)
		return n
	default:
		a.pool.add(&h.buf, part)
	}
	if done {
		a.conclude(c, f, h, notLost, nil)
	}
	return n
}

// prepare sets the parser for the next message of f, and reports false when
// that has to wait.
func (a *assembler) prepare(c *conn, f *flow, h *half) bool {
	if !f.response {
		if c.switching != modeUnseen {
			return false
		}
		h.parser.ResetRequest()
		h.ready = true
		return true
	}
	if !a.claim(c, f, h) {
		return false
	}
	h.parser.ResetResponse()
	if h.claimed {
		e := c.pending.at(0)
		h.parser.SetRequest(e.head, e.connect)
	}
	h.ready = true
	return true
}

// start notes the beginning of a message.
func (a *assembler) start(c *conn, f *flow, h *half, from *arrival) {
	h.open = true
	h.begun, h.latest = from.time, from.time
	a.stats.Starts++
	if !f.response {
		c.exchanges++
		h.request = exchange{ordinal: c.exchanges, ack: from.ack, acked: from.acked}
	}
}

// learn looks at a head that has just become complete.
func (a *assembler) learn(f *flow, h *half) {
	h.known = true
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
func (a *assembler) lose(h *half, why Loss) {
	if h.open && h.lost == notLost {
		h.lost = why
		a.pool.drop(&h.buf)
	}
}

// gap passes n bytes that will not come. Inside a body whose length is known
// that costs the message and nothing else.
func (a *assembler) gap(c *conn, f *flow, n int) {
	f.next = f.next.plus(n)
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
	h := f.h
	switch {
	case h == nil || !h.open:
		// At least one message lay in it.
		a.stats.Starts++
		a.stats.Lost[LostGap]++
		if h != nil {
			h.ready, h.claimed = false, false
		}
	case h.parser.Skip(int64(n)):
		a.miss(h, LostGap)
		if h.parser.Done() {
			a.conclude(c, f, h, notLost, nil)
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
	f.mode = modeResync
	c.unsure = true
}

// endFlow ends f: by its FIN when why is notLost, which may be what completes
// a message.
func (a *assembler) endFlow(c *conn, f *flow, why Loss) {
	switch h := f.h; {
	case h == nil || !h.open:
	case f.mode == modeTurns:
		switch {
		case f.fin && f.next == f.finAt:
			why = notLost
		case why == LostClosed || why == LostExpired:
			why = f.shortOf() // that ends it
		}
		a.endTurn(c, f, h, why)
	default:
		if why == notLost && !h.parser.End() {
			why = LostClosed
		}
		a.conclude(c, f, h, why, nil)
	}
	a.release(f)
	if f.mode == modeUnseen {
		f.answered = false // an acknowledgement says nothing about it
	}
	f.mode, f.parked = modeEnded, false
}

// verdict says whether the message under way, which is lost for why or for
// h.lost, is given all the same, as one with bytes missing. Without a whole head
// it is known of nothing what it is.
func (a *assembler) verdict(h *half, why Loss) Loss {
	switch {
	case h.lost != notLost:
		return h.lost
	case a.cfg.AllowIncomplete && (h.known || a.cfg.Binary) && why.missing():
		h.holed = true
		return notLost
	}
	return why
}

// emit gives a message, and returns why it could not.
func (a *assembler) emit(c *conn, h *half, whole []byte, ordinal uint32) Loss {
	n := max(h.buf.size, len(whole))
	b := a.out.room(n)
	if b == nil {
		a.notice.shed()
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
	if e.Response {
		e.Src, e.Dst = e.Dst, e.Src
	}
	if head := h.parser.Head(); head != nil && head.Flags&http1.Ambiguous != 0 {
		a.stats.Ambiguous++
	}
	if h.holed {
		a.stats.Incomplete++
	}
	return notLost
}
