package assemble

import (
	"hash/maphash"
	"net/netip"
	"sync"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// A packet that a host forwards is seen on two of its interfaces, and between
// them the host may rewrite its addresses: a container's published port is DNAT,
// what leaves a cluster is masqueraded. To the table the second sight is another
// connection, and each of its requests would be given twice.

const (
	// sightSlots is how many segments are remembered. A copy comes within
	// microseconds on the same ring and within a block's time on another, so
	// that this is enough for a hundred thousand connections a second.
	sightSlots = 4096
	// sightPrefix is how much of a segment is compared: a head, whose end may
	// be cut otherwise on the other interface.
	sightPrefix = 256
	// sightWindow is how far apart the two sights may be in packet time: both
	// are of the same host, and a queue on its way is shorter.
	sightWindow = int64(1e9)
	// masqueradeWindow is for a client that has another address, of which
	// less can be the same.
	masqueradeWindow = int64(1e8)
	// fewSights is how many of a connection's first segments with data are
	// compared: the first, and some more as that may have been lost, or seen
	// only once when the capture began between its sights.
	fewSights = 4
	// allSights is for a connection that is known to be seen twice: its second
	// sight may be forgotten and joined again.
	allSights = 255
)

// A rewriteSight is a segment of a client's as it was seen last.
type rewriteSight struct {
	client, server netip.AddrPort
	seq, ack       uint32
	stamps         uint64 // of TCP (RFC 7323 section 3), 0 for none
	content        uint64
	time           int64
}

// Sights recognises segments that are seen again with rewritten addresses. All
// assemblers of a capture share it, as the kernel gives the two sights of a
// connection to different rings.
type Sights struct {
	mu     sync.Mutex
	seed   maphash.Seed
	recent []rewriteSight
	told   bool
}

// again notes a segment with data, and returns the connection that it was seen
// on before, if that was another one with the same content, sequence number and
// acknowledgement. Two servers choose the same number once in 2^32 times, and
// that for the same content of the same client. A client with another address
// must have the same time stamps beside: packets that were made by hand often
// have the same numbers for all clients.
func (l *Sights) again(client, server netip.AddrPort, s *packet.Segment) (first rewriteSight, told, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.recent == nil {
		l.recent, l.seed = make([]rewriteSight, sightSlots), maphash.MakeSeed()
	}
	now := rewriteSight{
		client: client, server: server, seq: s.Seq, ack: s.Ack, stamps: packet.Timestamps(s.Options), time: s.Time,
		content: maphash.Bytes(l.seed, s.Payload[:min(len(s.Payload), sightPrefix)]),
	}
	slot := &l.recent[(s.Seq^s.Ack*0x9e3779b1)%sightSlots]
	was := *slot
	apart := max(now.time-was.time, was.time-now.time)
	same := was.seq == now.seq && was.ack == now.ack && was.content == now.content && was.client.IsValid()
	switch {
	case !same, was.client == client && was.server == server:
	case was.client == client && apart <= sightWindow,
		now.stamps != 0 && was.stamps == now.stamps && apart <= masqueradeWindow:
		told = l.told
		l.told = true
		return was, told, true
	}
	*slot = now
	return rewriteSight{}, false, false
}

// rewritten reports whether c is the second sight of another connection, as s,
// which the client of c sent, shows. That one goes on, this one is ignored.
func (a *Assembler) rewritten(c *conn, s *packet.Segment) bool {
	if c.sights < allSights {
		c.sights--
	}
	client, server := c.ends()
	first, told, found := a.sights.again(client, server, s)
	if !found {
		return false
	}
	if k, _ := keyOf(&packet.Segment{Src: first.client, Dst: first.server}); a.conns[k] != nil {
		a.conns[k].sights = allSights
	}
	a.stats.Rewritten++
	if !told {
		a.notice.Rewritten(first.client, first.server, client, server)
	}
	return true
}
