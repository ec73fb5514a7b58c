package assemble

import (
	"hash/maphash"
	"time"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// A connection that is over and forgotten leaves a trace, so that what was given
// is not given again: TCP sends the last data and the FIN for a minute and a
// half when nobody acknowledges them (Linux: eight times, from 0.2 s on, twice
// as late each time), while the capture has long forgotten the connection.
const (
	// traceTime is how long a trace is believed: that minute and a half, and
	// the delay of a merged or mirrored copy.
	traceTime = 120 * time.Second
	// traceReach is how far before the end of a connection a late copy may
	// begin: what can be under way at once (see maxEarlyBytes).
	traceReach = maxEarlyBytes
	// traceShare is how many traces there are for each connection that may be
	// known, and traceWays how many share a place: of these the oldest goes.
	traceShare = 2
	traceWays  = 4

	traceBytes = 20 // what a trace takes of memory
)

// A trace is what is kept of a connection: 32 bits of its ports' hash beside
// those that choose the place, so that two are confused once in 2^32.
type trace struct {
	tag      uint32
	at       uint32 // when it was forgotten, in s since 1970; 0: there is none
	req, rsp uint32 // the byte behind the last
	sides    uint8  // which of them are known: 1 req, 2 rsp
}

type traces struct {
	seed maphash.Seed
	list []trace
}

// of returns the place for traces of k, and its tag.
func (t *traces) of(k *key) ([]trace, uint32) {
	h := maphash.Comparable(t.seed, *k)
	i := int(h%uint64(len(t.list)/traceWays)) * traceWays
	return t.list[i : i+traceWays], uint32(h >> 32)
}

// remember keeps the trace of c.
func (a *Assembler) remember(c *conn) {
	if c.req.first == c.req.next && (c.rsp.silent || c.rsp.first == c.rsp.next) {
		return // it carried nothing, and that of the one before it is of use
	}
	t := &a.traces
	if t.list == nil {
		t.seed = maphash.MakeSeed()
		t.list = make([]trace, traceWays*max(1, a.cfg.MaxConns*traceShare/traceWays))
	}
	place, tag := t.of(&c.key)
	to := room(place, tag, c.req.next)
	*to = trace{tag: tag, at: uint32(a.now / int64(time.Second)), req: uint32(c.req.next), rsp: uint32(c.rsp.next)}
	if c.req.first != c.req.next {
		to.sides |= 1
	}
	if c.rsp.first != c.rsp.next && !c.rsp.silent {
		to.sides |= 2
	}
}

// room returns which of the traces in a place is overwritten by one that ends at
// req: that of the same connection, the older of two between the same ports, or
// the oldest of all. Two are kept, for a stranger's segment may have been taken
// for the next connection.
func room(place []trace, tag uint32, req sequence) *trace {
	oldest, same := &place[0], (*trace)(nil)
	twins := 0
	for i := range place {
		p := &place[i]
		if p.at < oldest.at {
			oldest = p
		}
		if p.at == 0 || p.tag != tag {
			continue
		}
		if n := sequence(p.req).minus(req); n <= traceReach && n >= -traceReach {
			return p
		}
		twins++
		if same == nil || p.at < same.at {
			same = p
		}
	}
	if twins > 1 {
		return same
	}
	return oldest
}

// isLate reports whether s, of f, holds only bytes before end that came before,
// on an earlier connection between the same ports.
func (a *Assembler) isLate(c *conn, f *flow, s *packet.Segment, end sequence) bool {
	known, late := a.late(&c.key, s, !f.response)
	return late && !known.before(end)
}

// late returns where the bytes of s begin that were not seen before its
// connection was forgotten, and whether it is known to be a late copy.
func (a *Assembler) late(k *key, s *packet.Segment, fromClient bool) (end sequence, known bool) {
	t := &a.traces
	if t.list == nil {
		return 0, false
	}
	place, tag := t.of(k)
	now := uint32(a.now / int64(time.Second))
	for i := range place {
		p := &place[i]
		if p.at == 0 || p.tag != tag || now-p.at > uint32(traceTime/time.Second) {
			continue
		}
		side, end := uint8(1), sequence(p.req)
		if !fromClient {
			side, end = 2, sequence(p.rsp)
		}
		if n := end.minus(sequence(s.Seq)); p.sides&side != 0 && n > 0 && n <= traceReach {
			return end, true
		}
	}
	return 0, false
}
