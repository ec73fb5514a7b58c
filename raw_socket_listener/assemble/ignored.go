package assemble

import (
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// Connections that are ignored: they carry another protocol, were refused, or are
// the second sight of one that is followed.

func (a *Assembler) foreign(c *conn, protocol http1.Preface) {
	switch protocol {
	case http1.PrefaceTLS:
		a.stats.TLS++
		a.notice.TLS(c.server())
	case http1.PrefaceHTTP2:
		a.stats.HTTP2++
		a.notice.HTTP2(c.server())
	}
	a.ignore(c)
}

// ignore takes no more messages from c. One that seemed to have begun was not a
// message.
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

// overhear takes s, of f, on a connection that is ignored: its position says which
// later segments belong to it, and when it is over.
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
