package assemble

import (
	"bytes"

	"github.com/buger/gor/internal/http1"
)

// http1Framer finds the messages of HTTP/1.
type http1Framer struct {
	to              messageSink
	maxMessage      int  // Config.MaxMessage
	allowIncomplete bool // Config.AllowIncomplete
}

func (fr *http1Framer) traits() traits { return traits{} }

func (fr *http1Framer) newState() state { return &http1State{} }

func (fr *http1Framer) recognises(b []byte, response bool) bool { return http1.MayBegin(b, response) }

func (fr *http1Framer) enter(_ *conn, f *flow, seq sequence, _ int64) { f.begin(seq, modeJoining) }

func (fr *http1Framer) frame(c *conn, f *flow, b []byte, from arrival) (rest []byte, start bool) {
	if f.fresh && len(b) > 0 && f.preludes(c, b) {
		var done bool
		if b, done = fr.prelude(c, f, b); !done {
			return nil, from.start
		}
	}
	for len(b) > 0 {
		switch f.mode {
		case modeFraming:
			if h := f.h; h != nil && h.open {
				if from.start {
					b = fr.interrupt(c, f, h, b, &from)
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
				fr.pass(c, f, b)
				return nil, from.start
			}
			h := fr.to.halfOf(c, f)
			m := h.http1()
			m.trial, m.blind = f.mode, f.blind
			f.mode = modeFraming
		}
		n := fr.feed(c, f, b, &from)
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
func (fr *http1Framer) missed(c *conn, f *flow, n int, _ int64) {
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
		fr.to.loseUnseen(LostGap)
		if h != nil {
			h.http1().ready, h.matched = false, false
		}
	case h.http1().parser.Skip(int64(n)):
		fr.to.miss(&h.partial, LostGap)
		if h.http1().parser.Done() {
			fr.end(c, f, h, h.http1(), NotLost, nil)
		}
		return
	default:
		if rest := h.state.remaining(); rest > 0 && int64(n) > rest && fr.allowIncomplete {
			// The message is given, and at least one that followed is lost.
			fr.to.loseUnseen(LostGap)
		}
		fr.end(c, f, h, h.http1(), LostGap, nil)
	}
	f.mode = back
	c.unsure = true
}

// heard does nothing: a message ends where its bytes say so.
func (fr *http1Framer) heard(*conn, *flow, sequence, sequence, bool) {}

func (fr *http1Framer) quiet(*conn, *flow) {}

func (fr *http1Framer) ended(c *conn, f *flow, h *half, why Loss) {
	if why == NotLost && !h.http1().parser.End() {
		why = LostClosed
	}
	fr.end(c, f, h, h.http1(), why, nil)
}

func (fr *http1Framer) answerable(c *conn) bool { return c.pending.len() > 0 }

// feed takes bytes of one message, at most up to its end, and returns how
// many. None are taken when what had begun proves to be no message.
func (fr *http1Framer) feed(c *conn, f *flow, b []byte, from *arrival) int {
	h := fr.to.halfOf(c, f)
	m := h.http1()
	if !m.ready && !fr.prepare(c, f, h, m) {
		f.waitsForPeer = true
		return 0
	}
	if f.fresh && fr.foreign(c, b) {
		return len(b)
	}
	if m.trial != modeUnseen && !f.plausible(h, b) {
		fr.abandon(c, f, h)
		return 0
	}
	begun := m.parser.StartRead()
	n, done, err := m.parser.Feed(b)
	if err != nil {
		m.atFirst = m.atFirst || f.fresh
		fr.fail(c, f, h, b, from, begun)
		return len(b)
	}
	if m.trial != modeUnseen && !h.known && m.parser.Head() != nil && !h.likely(b[:n]) {
		if !h.open {
			m.atFirst = f.fresh
			fr.to.start(c, f, &h.partial, *from)
		}
		fr.abandon(c, f, h)
		fr.pass(c, f, b[:n])
		return n
	}
	f.next = f.next.plus(n)
	if !h.open {
		m.atFirst = f.fresh
		fr.to.start(c, f, &h.partial, *from)
	}
	f.fresh, f.blind = false, false
	h.latest = max(h.latest, from.time)
	if !h.known && m.parser.Head() != nil {
		fr.learn(f, h, m)
		m.bare = !f.response && !done && h.withoutBody(n)
	} else if m.bare {
		begin := h.afterHead(b)
		m.bare = len(begin) < http1.MayBeginLen && bytes.IndexByte(begin, ' ') < 0 && http1.MayBegin(begin, false)
	}
	part := b[:n]
	switch {
	case h.lost != NotLost:
	case h.buf.size+len(part) > fr.maxMessage:
		fr.to.lose(&h.partial, LostTooLarge)
	case done && h.buf.size == 0:
		fr.end(c, f, h, m, NotLost, part)
		return n
	default:
		fr.to.add(&h.partial, part)
	}
	if done {
		fr.end(c, f, h, m, NotLost, nil)
	}
	return n
}

// prepare sets the parser for the next message of f, and reports false when
// that has to wait.
func (fr *http1Framer) prepare(c *conn, f *flow, h *half, m *http1State) bool {
	if !f.response {
		if c.switching != modeUnseen {
			return false
		}
		m.parser.ResetRequest()
		m.ready = true
		return true
	}
	if !fr.to.matchRequest(c, f, &h.partial) {
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
func (fr *http1Framer) learn(f *flow, h *half, m *http1State) {
	h.known, m.trial = true, modeUnseen
	head := m.parser.Head()
	if !f.response {
		h.request.head, h.request.connect, h.request.upgrade = head.IsHead, head.IsConnect, head.Upgrade
	}
	if head.Fields > http1.MaxFields {
		fr.to.lose(&h.partial, LostTooLarge) // whoever indexes it would need many times its memory
	}
	if head.Length > int64(fr.maxMessage-min(head.HeadLen, fr.maxMessage)) && !head.Chunked && m.parser.Remaining() > 0 {
		fr.to.lose(&h.partial, LostTooLarge)
	}
	if m.parser.Held() > smallChunk {
		m.parser.Release()
	}
}
