package assemble

import (
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// fail ends a message that is not HTTP/1, in b. begun says that its start line
// came before. Nothing is ever given up as a whole: what follows is looked at as
// after a loss, which costs a stream of garbage a glance at each segment.
func (a http1Framer) fail(c *conn, f *flow, h *half, b []byte, from *arrival, begun bool) {
	if !h.open {
		a.start(c, f, h, from)
	}
	m := h.http1()
	var begin [24]byte // as long as the preface of HTTP/2
	n := copy(begin[:], h.buf.prefix())
	n += copy(begin[n:], b)
	if m.atFirst && a.foreign(c, begin[:n]) {
		return
	}
	back := modeResync
	if m.trial != modeUnseen {
		if !m.parser.StartRead() {
			a.abandon(c, f, h)
			a.pass(c, f, b)
			return
		}
		back = m.trial
	}
	f.next = f.next.plus(len(b))
	f.fresh, f.blind = false, false
	if !f.response {
		more := f.skipped.Count(b)
		if !begun && m.parser.StartRead() && more > 0 {
			more-- // its own
		}
		a.stats.SkippedStarts += more
	}
	a.end(c, f, h, m, LostMalformed, nil)
	f.mode = back
	c.unsure = true
}

// foreign recognises the first bytes of a connection that carries another
// protocol, which is ignored from then on.
func (a http1Framer) foreign(c *conn, b []byte) bool {
	switch http1.Sniff(b) {
	case http1.PrefaceTLS:
		a.stats.TLS++
		a.notice.TLS(c.server())
	case http1.PrefaceHTTP2:
		a.stats.HTTP2++
		a.notice.HTTP2(c.server())
	default:
		return false
	}
	a.ignore(c)
	return true
}

// ignore makes c one of which nothing is wanted. A message that was taken to
// begin was none.
func (a *Assembler) ignore(c *conn) {
	c.ignored = true
	a.dropPending(c)
	for _, f := range [...]*flow{&c.req, &c.rsp} {
		if f.h != nil && f.h.open {
			a.stats.Starts--
		}
		a.release(f)
		f.waitsForPeer, f.fresh = false, false
		if f.mode != modeUnseen {
			f.mode = modeOpaque
		}
	}
}

// overhear takes s, of f, on a connection of which nothing is wanted: how far it
// has come says what is of it, and when it is over.
func (a *Assembler) overhear(c *conn, f, other *flow, s *packet.Segment) {
	if c.multipath {
		a.countStarts(f, s.Payload)
	}
	seq := sequence(s.Seq)
	if s.Flags.Has(packet.FlagRST) {
		switch {
		case s.BadSum || f.mode == modeOpaque && seq != f.next:
			a.stats.Refused++
		default:
			a.move(c, placeClosing)
		}
		return
	}
	if n := len(s.Payload) + s.Missing; f.mode == modeOpaque && n > 0 {
		switch end := seq.plus(n); {
		case end.within(f.next, maxEarlyBytes), f.far.set && seq == f.far.at && end.within(f.next, maxAhead):
			f.next, f.far = end, mark{}
		case end.within(f.next, maxAhead):
			f.far = mark{end, true} // of the connection if another follows it
		}
	}
	if ack := sequence(s.Ack); s.Flags.Has(packet.FlagACK) && (!other.answered || ack.within(other.acked, maxAhead)) {
		other.acked, other.answered = ack, true
	}
	if s.Flags.Has(packet.FlagFIN) {
		a.move(c, placeClosing)
	}
}

// prefix returns the bytes of the buffer's first chunk.
func (b *buffer) prefix() []byte {
	if b.head == nil {
		return nil
	}
	return b.head.data
}
