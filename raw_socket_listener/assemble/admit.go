package assemble

import (
	"math/rand/v2"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// admit makes a connection of the first segment that is seen of it, nil when
// the segment is of no use. begun says that the SYN before it was seen.
func (a *Assembler) admit(k key, fromLow bool, s *packet.Segment, begun bool) *conn {
	if s.Flags.Has(packet.FlagRST) || len(s.Payload)+s.Missing > maxSegment {
		return nil
	}
	if !s.Flags.Has(packet.FlagSYN) && len(s.Payload)+s.Missing == 0 {
		return nil
	}
	fromClient, known := a.direction(s)
	if !known {
		return nil
	}
	if !fromClient && !a.cfg.TrackResponse {
		return nil
	}
	var end sequence
	again := false
	if !s.Flags.Has(packet.FlagSYN) && !begun {
		n := len(s.Payload) + s.Missing
		if end, again = a.late(&k, s, fromClient); again && !end.before(sequence(s.Seq).plus(n)) {
			a.stats.Retransmitted++
			return nil
		}
	}
	for len(a.conns) >= a.cfg.MaxConns {
		a.evict()
	}
	c := a.newConn()
	c.key, c.clientLow = k, fromClient == fromLow
	c.id, c.seen = rand.Uint64(), a.now
	c.rsp.response, c.rsp.silent = true, !a.cfg.TrackResponse
	c.sights = a.sights.first()
	a.conns[k] = c
	a.move(c, placeEmbryo)
	a.stats.Connections++
	if !s.Flags.Has(packet.FlagSYN) && !begun {
		a.stats.Joined++
		c.unsure = true
		if again {
			f, _ := c.flows(fromLow)
			a.join(c, f, end) // of s, what was not seen before
			f.syn = true
		}
	}
	return c
}

// exclude asks Config.Exclude of a connection, once and when its client begins
// to send: by then whoever made it knows its local port, which it does not know
// before connect has returned.
func (a *Assembler) exclude(c *conn) {
	c.known = true
	if a.cfg.Exclude != nil && a.cfg.Exclude(c.ends()) {
		a.stats.Excluded++
		c.ignored = true
	}
}

// direction says whether s comes from the client. Where the address leaves it
// open, the handshake tells, or what the segment begins with.
func (a *Assembler) direction(s *packet.Segment) (fromClient, known bool) {
	toServer, fromServer := a.cfg.Address.Match(s.Src, s.Dst)
	if toServer != fromServer {
		return toServer, true
	}
	switch {
	case !toServer && len(a.cfg.Address.Ports) > 0:
		a.stats.Unmatched++
		return false, false
	case s.Flags.Has(packet.FlagSYN):
		fromClient = !s.Flags.Has(packet.FlagACK)
	case a.traits.opaque:
		a.stats.Undirected++
		return false, false
	case a.framer.recognises(s.Payload, false):
		fromClient = true
	case a.framer.recognises(s.Payload, true):
	default:
		a.stats.Undirected++
		return false, false
	}
	server := s.Src
	if fromClient {
		server = s.Dst
	}
	if !a.cfg.Address.IsServer(server) {
		a.stats.Unmatched++
		return false, false
	}
	return fromClient, true
}
