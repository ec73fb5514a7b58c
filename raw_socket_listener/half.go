package rawsocket

import "github.com/buger/gor/internal/http1"

const (
	halfBytes  = 768 // what a half takes of memory beside what it holds
	keepHalves = 512 // halves kept for reuse; each may keep 4 KiB in its parser
)

// A half is what a direction needs while a message is under way in it, or
// while segments wait in it.
type half struct {
	memory  node[half] // in assembler.holders while it holds memory
	wait    node[half] // in assembler.waiting or assembler.acked
	since   int64      // when the wait began
	early   bool       // it is in assembler.acked: the hole was acknowledged
	forHole bool       // the wait is for a hole to close
	c       *conn
	f       *flow

	store store

	parser  http1.Parser
	ready   bool     // the parser is set for the next message
	open    bool     // a message has begun
	lost    Loss     // why it will not be given
	known   bool     // its head is complete
	queued  bool     // a request that is in conn.pending already
	claimed bool     // a response that answers the first of conn.pending
	holed   bool     // bytes of it are missing, and it is given all the same
	buf     buffer   // the message so far, unless lost
	held    int      // what the parser holds, as counted in assembler.used
	holeAt  sequence // where flow.next stood when the wait began
	solid   int      // where in buf the bytes behind the last hole begin
	begun   int64    // time of its first packet
	latest  int64    // time of its last packet
	request exchange
}

// rest brings the lists up to date with what f waits for and what it holds,
// and frees its half when that is nothing.
func (a *assembler) rest(c *conn, f *flow) {
	torn := f.torn()
	if f.h == nil && !torn {
		return
	}
	h := a.halfOf(c, f)
	hole := torn || !h.store.empty()
	a.await(h, hole || h.open && f.mode == modeTurns, hole)
	if !h.open && h.store.empty() && !torn {
		a.release(f)
		return
	}
	held := h.parser.Held()
	a.pool.used += held - h.held
	h.held = held
	if h.memory.listed() {
		a.holders.renew(&h.memory)
	} else {
		a.holders.push(&h.memory, h)
	}
}

// torn reports whether bytes before the FIN of f have not come.
func (f *flow) torn() bool {
	return f.fin && f.mode != modeEnded && f.mode != modeOpaque && f.next.before(f.finAt)
}

// await enters h into the list of those who wait, or takes it out: for a hole to
// close, or for more of a message of which nobody knows the end. Progress begins
// the wait anew: the next hole has its own time.
func (a *assembler) await(h *half, waits, hole bool) {
	if h.wait.listed() {
		if waits && h.holeAt == h.f.next && h.forHole == hole {
			return
		}
		if h.early {
			a.acked.remove(&h.wait)
		} else {
			a.waiting.remove(&h.wait)
		}
	}
	if waits {
		h.early, h.since, h.holeAt, h.forHole = false, a.now, h.f.next, hole
		a.waiting.push(&h.wait, h)
	}
}

// halfOf returns the half of f, which it makes when there is none.
func (a *assembler) halfOf(c *conn, f *flow) *half {
	if f.h != nil {
		return f.h
	}
	var h *half
	if n := len(a.freeHalves); n > 0 {
		h = a.freeHalves[n-1]
		a.freeHalves = a.freeHalves[:n-1]
	} else {
		h = &half{}
	}
	h.c, h.f, f.h = c, f, h
	a.pool.used += halfBytes
	return h
}

// release frees the half of f, with whatever it holds.
func (a *assembler) release(f *flow) {
	h := f.h
	if h == nil {
		return
	}
	f.h = nil
	if a.largest == h {
		a.largest = nil
	}
	a.await(h, false, false)
	if h.memory.listed() {
		a.holders.remove(&h.memory)
	}
	for !h.store.empty() {
		a.freePiece(h.store.unlink())
	}
	a.pool.drop(&h.buf)
	a.pool.used -= halfBytes + h.held
	h.parser.ResetRequest()
	if len(a.freeHalves) < keepHalves {
		parser := h.parser
		*h = half{parser: parser}
		a.freeHalves = append(a.freeHalves, h)
	}
}

// holds is how many bytes are kept for the direction.
func (h *half) holds() int { return h.buf.size + h.store.bytes + h.held }

// agrees reports whether b, which was at seq before, is the same as what is
// still there of the message under way, whose last byte is before next.
func (h *half) agrees(next, seq sequence, b []byte) bool {
	offset := h.buf.size - next.minus(seq)
	if h.buf.size == 0 || offset+len(b) <= 0 {
		return true
	}
	if skip := h.solid - offset; skip > 0 {
		if skip >= len(b) {
			return true
		}
		b, offset = b[skip:], h.solid
	}
	return h.buf.equal(offset, b)
}

// hole notes that bytes are missing behind those in buf.
func (h *half) hole() {
	h.holed, h.solid = true, h.buf.size
}

// over makes h ready for the next message.
func (h *half) over() {
	h.ready, h.open, h.known, h.queued, h.claimed, h.lost = false, false, false, false, false, notLost
	h.holed, h.solid = false, 0
}
