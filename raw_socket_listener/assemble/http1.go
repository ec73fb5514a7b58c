package assemble

import (
	"bytes"

	"github.com/buger/gor/internal/http1"
)

// http1Framer finds the messages of HTTP/1.
type http1Framer struct{ *Assembler }

func (a http1Framer) opaque() bool { return false }

func (a http1Framer) recognises(b []byte, response bool) bool { return http1.MayBegin(b, response) }

func (a http1Framer) enter(_ *conn, f *flow, seq sequence) { f.begin(seq, modeJoining) }

func (a http1Framer) frame(c *conn, f *flow, b []byte, from arrival) (rest []byte, start bool) {
	if f.fresh && len(b) > 0 && f.preludes(c, b) {
		var done bool
		if b, done = a.prelude(c, f, b); !done {
			return nil, from.start
		}
	}
	for len(b) > 0 {
		switch f.mode {
		case modeFraming:
			if h := f.h; h != nil && h.open {
				if from.start {
					b = a.interrupt(c, f, h, b, &from)
				}
			} else if b[0] == '\r' || b[0] == '\n' {
				// Empty lines belong to no message. Where a response begins
				// says which request it answers, so they are passed before.
				n := leadOf(b)
				f.next = f.next.plus(n)
				b = b[n:]
				continue
			}
		case modeOpaque, modeEnded:
			f.next = f.next.plus(len(b))
			return nil, from.start
		}
		if f.mode != modeFraming {
			if !from.start || !f.resumes(b) {
				a.pass(c, f, b)
				return nil, from.start
			}
			h := a.halfOf(c, f)
			h.trial, h.blind = f.mode, f.blind
			f.mode = modeFraming
		}
		n := a.feed(c, f, b, &from)
		if f.waitsForPeer {
			return b[n:], from.start
		}
		b = b[n:]
		from.start = from.start && n == 0
	}
	return nil, from.start
}

func leadOf(b []byte) (n int) {
	for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
		n++
	}
	return n
}

// missed passes bytes that will not come. Inside a body whose length is known
// that costs the message and nothing else.
func (a http1Framer) missed(c *conn, f *flow, n int) {
	if f.mode != modeFraming {
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

// heard does nothing: a message ends where its bytes say so.
func (a http1Framer) heard(*conn, *flow, sequence, sequence, bool) {}

func (a http1Framer) endsInQuiet() bool { return false }

func (a http1Framer) quiet(*conn, *flow) {}

func (a http1Framer) ended(c *conn, f *flow, h *half, why Loss) {
	if why == NotLost && !h.parser.End() {
		why = LostClosed
	}
	a.conclude(c, f, h, why, nil)
}

func (a http1Framer) answerable(c *conn) bool { return c.pending.len() > 0 }

// feed takes bytes of one message, at most up to its end, and returns how
// many. None are taken when what had begun proves to be no message.
func (a *Assembler) feed(c *conn, f *flow, b []byte, from *arrival) int {
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
	if h.trial != modeUnseen && !h.known && h.parser.Head() != nil && !h.likely(b[:n]) {
		if !h.open {
			h.atFirst = f.fresh
			a.start(c, f, h, from)
		}
		a.abandon(c, f, h)
		a.pass(c, f, b[:n])
		return n
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
