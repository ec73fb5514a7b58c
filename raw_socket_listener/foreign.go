package rawsocket

import "github.com/buger/gor/internal/http1"

// maxFaults is how many malformed messages one direction may begin until it is
// taken for something other than HTTP/1: a client whose bytes we misread once
// gets another chance, a stream of garbage costs no more than this.
const maxFaults = 4

// fail ends a message that is not HTTP/1.
func (a *assembler) fail(c *conn, f *flow, h *half, b []byte, from *arrival) {
	if !h.open {
		a.start(c, f, h, from)
	}
	var begin [24]byte // as long as the preface of HTTP/2
	n := copy(begin[:], h.buf.prefix())
	n += copy(begin[n:], b)
	first := f.next.minus(f.first) == h.buf.size
	if first && a.foreign(c, begin[:n]) {
		return
	}
	f.next = f.next.plus(len(b))
	a.conclude(c, f, h, LostMalformed, nil)
	if f.faults++; f.faults < maxFaults {
		f.mode = modeResync
		c.unsure = true
	} else {
		f.mode = modeOpaque
	}
}

// foreign recognises the first bytes of a connection that carries another
// protocol, which is ignored from then on.
func (a *assembler) foreign(c *conn, b []byte) bool {
	switch http1.Sniff(b) {
	case http1.PrefaceTLS:
		a.stats.TLS++
		a.notice.tls(c)
	case http1.PrefaceHTTP2:
		a.stats.HTTP2++
		a.notice.http2(c)
	default:
		return false
	}
	a.ignore(c)
	return true
}

// ignore makes c one of which nothing is wanted. A message that was taken to
// begin was none.
func (a *assembler) ignore(c *conn) {
	c.ignored = true
	a.dropPending(c)
	for _, f := range [...]*flow{&c.req, &c.rsp} {
		if f.h != nil && f.h.open {
			a.stats.Starts--
		}
		a.release(f)
		f.mode, f.parked = modeOpaque, false
	}
}

// prefix returns the bytes of the buffer's first chunk.
func (b *buffer) prefix() []byte {
	if b.head == nil {
		return nil
	}
	return b.head.data
}
