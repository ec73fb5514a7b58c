package assemble

import (
	"bytes"

	"github.com/buger/gor/internal/http1"
)

// How a direction is entered where it is not known what its bytes belong to, and
// how a message that was none is taken back.

// interrupt ends the message under way in f when b, which begins a segment,
// shows that it is another one than was thought. It returns what belongs to that.
func (fr *http1Framer) interrupt(c *conn, f *flow, h *half, b []byte, from *arrival) []byte {
	m := h.http1()
	switch {
	case f.response && !h.matched && c.sentAt(f.next) >= 0 && http1.CompleteHead(b, true):
		// It has no body after all: the request that was missed was a HEAD.
		fr.end(c, f, h, m, LostUnpaired, nil)
	case m.trial != modeUnseen && !h.known && (!f.response && http1.BeginsRequest(b) && !h.inMethod(b) || f.response && http1.CompleteHead(b, true)):
		// A line that begins a segment is better than one that nothing
		// followed that could be a head.
		fr.abandon(c, f, h)
	case m.bare:
		begin := h.afterHead(b)
		if !h.refused(begin, from) {
			break
		}
		f.next = f.next.plus(len(b) - len(begin))
		fr.end(c, f, h, m, LostWithheld, nil)
		m.trial = modeResync
		return begin
	}
	return b
}

// inMethod reports whether b, which begins as a request, goes on with a method of
// which no more has come than a part: LOCK behind UN.
func (h *half) inMethod(b []byte) bool {
	if h.buf.size == 0 || h.buf.size >= http1.MayBeginLen || bytes.IndexByte(h.buf.prefix(), ' ') >= 0 {
		return false
	}
	var begin [http1.MayBeginLen]byte
	n := copy(begin[:], h.buf.prefix())
	n += copy(begin[n:], b)
	return http1.MayBegin(begin[:n], false)
}

// afterHead returns b with what is kept of the body under way before it.
func (h *half) afterHead(b []byte) []byte {
	n := h.buf.size - h.http1().parser.Head().HeadLen
	if h.lost != NotLost || n <= 0 {
		return b
	}
	whole := h.buf.appendTo(make([]byte, 0, h.buf.size+len(b)))
	return append(whole[h.buf.size-n:], b...)
}

// The lengths of what a server may say before a body comes.
const (
	// continueLen is that of the plain interim response that lets a client
	// send its body. Any final one is longer.
	continueLen = len("HTTP/1.1 100 Continue\r\n\r\n")
	// continueMost is that of one with the few headers that some servers add.
	continueMost = 2 * continueLen
)

// withoutBody reports whether the head that has just become complete with n bytes
// leaves its body for later and may leave it out.
func (h *half) withoutBody(n int) bool {
	head := h.http1().parser.Head()
	if !head.Expect100 {
		return false
	}
	if head.Chunked {
		return h.buf.size+n == head.HeadLen
	}
	return h.http1().parser.Remaining() == head.Length
}

// refused reports whether b begins another request where the body of one with
// Expect: 100-continue could begin (RFC 9110 section 10.1.1): the client has
// received more than leave to send it. Where acknowledgements say nothing, the
// bytes have to be a request line.
func (h *half) refused(b []byte, from *arrival) bool {
	if !from.acked || !h.request.acked {
		return http1.BeginsRequest(b)
	}
	n := from.ack.minus(h.request.ack)
	if n <= continueLen || n >= staleReach || !http1.MayBegin(b, false) {
		return false
	}
	// A word that is cut is as likely the beginning of a body. A method is not
	// when it begins a body in chunks.
	return n > continueMost && h.http1().parser.Head().Chunked || bytes.IndexByte(b, ' ') > 0
}

// resumes reports whether b, which begins a segment, may begin a message as
// well: the bytes may be the content of an upload, or the rest of a method.
// Whether it does shows when its head is whole.
func (f *flow) resumes(b []byte) bool {
	if f.mode == modeConnected && !connects(b) || f.blind && !f.response && http1.TailOfMethod(b) {
		return false
	}
	return http1.MayBegin(b, f.response)
}

// connects reports whether b is a CONNECT request, or may become one.
func connects(b []byte) bool {
	const connect = "CONNECT "
	n := min(len(b), len(connect))
	return string(b[:n]) == connect[:n]
}

// plausible reports whether the message that may have begun in f goes on with b
// as one can. What it began with is in h.buf.
func (f *flow) plausible(h *half, b []byte) bool {
	if h.buf.size == 0 || h.buf.size >= http1.MayBeginLen || h.http1().parser.StartRead() {
		return true
	}
	var begin [http1.MayBeginLen]byte
	n := copy(begin[:], h.buf.prefix())
	n += copy(begin[n:], b)
	if h.http1().trial == modeConnected && !connects(begin[:n]) || h.http1().blind && !f.response && http1.TailOfMethod(begin[:n]) {
		return false
	}
	return http1.MayBegin(begin[:n], f.response)
}

// likely reports whether the head that b completes is one, and not content of
// which a line happens to look like the first of a head.
func (h *half) likely(b []byte) bool {
	n := h.http1().parser.Head().HeadLen
	if h.lost != NotLost || h.buf.size == 0 {
		return h.lost != NotLost || http1.LikelyHead(b[:min(n, len(b))])
	}
	whole := append(h.buf.appendTo(make([]byte, 0, h.buf.size+len(b))), b...)
	return http1.LikelyHead(whole[:min(n, len(whole))])
}

// abandon takes back that a message began in f: what it began with is passed
// over, and the direction goes on as before. Of one that is lost nothing is kept
// that could be counted when it is passed over: it stays lost.
func (fr *http1Framer) abandon(c *conn, f *flow, h *half) {
	m := h.http1()
	f.mode, f.fresh = m.trial, false
	if h.lost != NotLost {
		fr.end(c, f, h, m, NotLost, nil)
		c.unsure = true
		return
	}
	fr.to.takeBack(c, f, &h.partial)
	if m.atFirst && f.mode == modeJoining {
		fr.to.loseUnseen(LostJoined)
	}
	m.over()
}

// pass goes over bytes that belong to no message that can be had.
func (fr *http1Framer) pass(c *conn, f *flow, b []byte) {
	if f.fresh && f.mode == modeJoining {
		if fr.foreign(c, b) {
			return
		}
		// Once, for the message that the capture came upon.
		fr.to.loseUnseen(LostJoined)
	}
	f.fresh, f.blind = false, false
	f.next = f.next.plus(len(b))
	starts := 0
	if !f.response {
		starts = int(f.skipped.Count(b))
	}
	fr.to.skipped(len(b), starts)
}

// fail ends a message that is not HTTP/1, in b. begun says that its start line
// came before. Nothing is ever given up as a whole: what follows is looked at as
// after a loss, which costs a stream of garbage a glance at each segment.
func (fr *http1Framer) fail(c *conn, f *flow, h *half, b []byte, from *arrival, begun bool) {
	if !h.open {
		fr.to.start(c, f, &h.partial, *from)
	}
	m := h.http1()
	var begin [24]byte // as long as the preface of HTTP/2
	n := copy(begin[:], h.buf.prefix())
	n += copy(begin[n:], b)
	if m.atFirst && fr.foreign(c, begin[:n]) {
		return
	}
	back := modeResync
	if m.trial != modeUnseen {
		if !m.parser.StartRead() {
			fr.abandon(c, f, h)
			fr.pass(c, f, b)
			return
		}
		back = m.trial
	}
	f.next = f.next.plus(len(b))
	f.fresh, f.blind = false, false
	if !f.response {
		rest := b
		if !begun && m.parser.StartRead() {
			rest = b[bytes.IndexByte(b, '\n')+1:] // behind its own line, whose begin may have come before
		}
		f.skipped = http1.StartCounter{}
		fr.to.skipped(0, int(f.skipped.Count(rest)))
	}
	fr.end(c, f, h, m, LostMalformed, nil)
	f.mode = back
	c.unsure = true
}

// foreign recognises the first bytes of a connection that carries another
// protocol, which is ignored from then on.
func (fr *http1Framer) foreign(c *conn, b []byte) bool {
	switch protocol := http1.Sniff(b); protocol {
	case http1.PrefaceTLS, http1.PrefaceHTTP2:
		fr.to.foreign(c, protocol)
		return true
	}
	return false
}
