package rawsocket

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
func (a *assembler) remember(c *conn) {
	if c.req.first == c.req.next && (c.rsp.silent || c.rsp.first == c.rsp.next) {
		return // it carried nothing, and that of the one before it is of use
	}
	t := &a.traces
	if t.list == nil {
		t.seed = maphash.MakeSeed()
		t.list = make([]trace, traceWays*max(1, a.cfg.MaxConns*traceShare/traceWays))
	}
	place, tag := t.of(&c.key)
	to := &place[0]
	for i := range place {
		p := &place[i]
		if p.tag == tag {
			to = p
			break
		}
		if p.at < to.at {
			to = p
		}
	}
	*to = trace{tag: tag, at: uint32(a.now / int64(time.Second)), req: uint32(c.req.next), rsp: uint32(c.rsp.next)}
	if c.req.first != c.req.next {
		to.sides |= 1
	}
	if c.rsp.first != c.rsp.next && !c.rsp.silent {
		to.sides |= 2
	}
}

// late returns where the bytes of s begin that were not seen before its
// connection was forgotten, and whether it is known to be a late copy.
func (a *assembler) late(k *key, s *packet.Segment, fromClient bool) (end sequence, known bool) {
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
		if p.sides&side == 0 {
			return 0, false
		}
		n := end.minus(sequence(s.Seq))
		return end, n > 0 && n <= traceReach
	}
	return 0, false
}
