package assemble

import (
	"bytes"

	"github.com/buger/gor/internal/http1"
)

// http1Framer finds the messages of HTTP/1.
type http1Framer struct{ *Assembler }

func (a http1Framer) traits() traits { return traits{} }

func (a http1Framer) newState() state { return &http1State{} }

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
			m := h.http1()
			m.trial, m.blind = f.mode, f.blind
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
	if h != nil && h.http1().trial == modeConnected {
		back = modeConnected
	}
	switch {
	case h == nil || !h.open:
		// At least one message lay in it.
		a.stats.Starts++
		a.stats.Lost[LostGap]++
		if h != nil {
			h.http1().ready, h.matched = false, false
		}
	case h.http1().parser.Skip(int64(n)):
		a.miss(h, LostGap)
		if h.http1().parser.Done() {
			a.end(c, f, h, h.http1(), NotLost, nil)
		}
		return
	default:
		if rest := h.state.remaining(); rest > 0 && int64(n) > rest && a.cfg.AllowIncomplete {
			// The message is given, and at least one that followed is lost.
			a.stats.Starts++
			a.stats.Lost[LostGap]++
		}
		a.end(c, f, h, h.http1(), LostGap, nil)
	}
	f.mode = back
	c.unsure = true
}

// heard does nothing: a message ends where its bytes say so.
func (a http1Framer) heard(*conn, *flow, sequence, sequence, bool) {}

func (a http1Framer) quiet(*conn, *flow) {}

func (a http1Framer) ended(c *conn, f *flow, h *half, why Loss) {
	if why == NotLost && !h.http1().parser.End() {
		why = LostClosed
	}
	a.end(c, f, h, h.http1(), why, nil)
}

func (a http1Framer) answerable(c *conn) bool { return c.pending.len() > 0 }

// feed takes bytes of one message, at most up to its end, and returns how
// many. None are taken when what had begun proves to be no message.
func (a http1Framer) feed(c *conn, f *flow, b []byte, from *arrival) int {
	h := a.halfOf(c, f)
	m := h.http1()
	if !m.ready && !a.prepare(c, f, h, m) {
		f.waitsForPeer = true
		return 0
	}
	if f.fresh && a.foreign(c, b) {
		return len(b)
	}
	if m.trial != modeUnseen && !f.plausible(h, b) {
		a.abandon(c, f, h)
		return 0
	}
	begun := m.parser.StartRead()
	n, done, err := m.parser.Feed(b)
	if err != nil {
		m.atFirst = m.atFirst || f.fresh
		a.fail(c, f, h, b, from, begun)
		return len(b)
	}
	if m.trial != modeUnseen && !h.known && m.parser.Head() != nil && !h.likely(b[:n]) {
		if !h.open {
			m.atFirst = f.fresh
			a.start(c, f, h, from)
		}
		a.abandon(c, f, h)
		a.pass(c, f, b[:n])
		return n
	}
	f.next = f.next.plus(n)
	if !h.open {
		m.atFirst = f.fresh
		a.start(c, f, h, from)
	}
	f.fresh, f.blind = false, false
	h.latest = max(h.latest, from.time)
	if !h.known && m.parser.Head() != nil {
		a.learn(f, h, m)
		m.bare = !f.response && !done && h.withoutBody(n)
	} else if m.bare {
		begin := h.afterHead(b)
		m.bare = len(begin) < http1.MayBeginLen && bytes.IndexByte(begin, ' ') < 0 && http1.MayBegin(begin, false)
	}
	part := b[:n]
	switch {
	case h.lost != NotLost:
	case h.buf.size+len(part) > a.cfg.MaxMessage:
		a.lose(h, LostTooLarge)
	case done && h.buf.size == 0:
		a.end(c, f, h, m, NotLost, part)
		return n
	default:
		a.pool.add(&h.buf, part)
	}
	if done {
		a.end(c, f, h, m, NotLost, nil)
	}
	return n
}

// prepare sets the parser for the next message of f, and reports false when
// that has to wait.
func (a http1Framer) prepare(c *conn, f *flow, h *half, m *http1State) bool {
	if !f.response {
		if c.switching != modeUnseen {
			return false
		}
		m.parser.ResetRequest()
		m.ready = true
		return true
	}
	if !a.matchRequest(c, f, h) {
		return false
	}
	m.parser.ResetResponse()
	if h.matched {
		e := c.pending.at(0)
		m.parser.SetRequest(e.head, e.connect)
	}
	m.ready = true
	return true
}

// learn looks at a head that has just become complete.
func (a http1Framer) learn(f *flow, h *half, m *http1State) {
	h.known, m.trial = true, modeUnseen
	head := m.parser.Head()
	if !f.response {
		h.request.head, h.request.connect, h.request.upgrade = head.IsHead, head.IsConnect, head.Upgrade
	}
	if head.Fields > http1.MaxFields {
		a.lose(h, LostTooLarge) // whoever indexes it would need many times its memory
	}
	if head.Length > int64(a.cfg.MaxMessage-min(head.HeadLen, a.cfg.MaxMessage)) && !head.Chunked && m.parser.Remaining() > 0 {
		a.lose(h, LostTooLarge)
	}
	if m.parser.Held() > smallChunk {
		m.parser.Release()
	}
}
