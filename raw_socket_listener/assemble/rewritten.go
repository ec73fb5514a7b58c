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
// connection, and each of its requests would be given twice. So they would when
// two captures of a process, such as those of lo:80 and :80, see one connection.

const (
	// sightSets times sightWays is how many segments are remembered. A copy comes
	// within microseconds on the same ring and within a block's time, 64 ms at
	// most, on another, so that this is enough for a hundred thousand connections
	// a second. Several captures compare each segment of their clients: four times
	// as many are enough for as many segments.
	sightSets       = 1024
	sharedSightSets = 4096
	// sightWays is how many segments share a set: of these the oldest goes.
	sightWays = 4
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
	// allSights is for a connection that is known to be seen twice, or may be: its
	// second sight may be forgotten and joined again.
	allSights = 255
)

// A rewriteSight is a segment of a client's as it was seen last.
type rewriteSight struct {
	client, server netip.AddrPort
	capture        int // that saw it
	seq, ack       uint32
	stamps         uint64 // of TCP (RFC 7323 section 3), 0 for none
	content        uint64
	time           int64
}

// Sights recognises segments that are seen again, with rewritten addresses or by
// another capture. All assemblers of a capture share it, as the kernel gives the
// two sights of a connection to different rings; so do all captures of interfaces
// in a process.
type Sights struct {
	mu       sync.Mutex
	seed     maphash.Seed
	recent   []rewriteSight // sets of sightWays
	told     bool
	captures int
}

// Join adds a capture, and returns its number.
func (l *Sights) Join() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.captures++
	return l.captures
}

// first is how many of a connection's segments are compared.
func (l *Sights) first() uint8 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.captures > 1 {
		return allSights
	}
	return fewSights
}

// again notes a segment with data that a capture saw, and returns the connection
// that it was seen on before, if that was another one, or the same of another
// capture, with the same content, sequence number and
// acknowledgement. Two servers choose the same number once in 2^32 times, and
// that for the same content of the same client. A client with another address
// must have the same time stamps beside: packets that were made by hand often
// have the same numbers for all clients.
func (l *Sights) again(capture int, client, server netip.AddrPort, s *packet.Segment) (before rewriteSight, told, found bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	sets := sightSets
	if l.captures > 1 {
		sets = sharedSightSets
	}
	if len(l.recent) < sets*sightWays {
		l.recent, l.seed = make([]rewriteSight, sets*sightWays), maphash.MakeSeed()
	}
	now := rewriteSight{
		client: client, server: server, capture: capture, seq: s.Seq, ack: s.Ack, stamps: packet.Timestamps(s.Options), time: s.Time,
		content: maphash.Bytes(l.seed, s.Payload[:min(len(s.Payload), sightPrefix)]),
	}
	first := int((s.Seq^s.Ack*0x9e3779b1)%uint32(len(l.recent)/sightWays)) * sightWays
	set := l.recent[first : first+sightWays]
	slot, oldest := (*rewriteSight)(nil), &set[0]
	for i := range set {
		was := &set[i]
		if was.time < oldest.time {
			oldest = was
		}
		if was.seq != now.seq || was.ack != now.ack || was.content != now.content || !was.client.IsValid() {
			continue
		}
		if was.shows(&now) {
			told = l.told
			l.told = l.told || !was.sameEnds(&now)
			return *was, told, true
		}
		if was.sameEnds(&now) {
			slot = was // sent again
		}
	}
	if slot == nil {
		slot = oldest
	}
	*slot = now
	return rewriteSight{}, false, false
}

// shows reports whether now, of the same numbers and content, is another sight of
// the segment that was seen then, and not the segment again.
func (was *rewriteSight) shows(now *rewriteSight) bool {
	apart := max(now.time-was.time, was.time-now.time)
	switch {
	case was.sameEnds(now):
		return was.capture != now.capture && apart <= sightWindow
	case was.client == now.client && apart <= sightWindow:
		return true
	}
	return now.stamps != 0 && was.stamps == now.stamps && apart <= masqueradeWindow
}

func (was *rewriteSight) sameEnds(now *rewriteSight) bool {
	return was.client == now.client && was.server == now.server
}

// rewritten reports whether c is the second sight of another connection, as s,
// which the client of c sent, shows. That one goes on, this one is ignored.
func (a *Assembler) rewritten(c *conn, s *packet.Segment) bool {
	if c.sights < allSights {
		c.sights--
	}
	client, server := c.ends()
	first, told, found := a.sights.again(a.cfg.Capture, client, server, s)
	if !found {
		return false
	}
	if first.client == client && first.server == server {
		if a.stats.Shared++; a.stats.Shared == 1 {
			a.notice.Shared(client, server)
		}
		return true
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
