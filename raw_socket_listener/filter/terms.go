package filter

import (
	"cmp"
	"fmt"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// qualifiers say what a value is: "tcp dst port" before 80.
type qualifiers struct {
	given bool   // there are some: behind "tcp" alone no value can follow
	word  string // of the protocol; empty for none
	proto protocol
	dir   direction
	kind  string // "host", which may be left out behind a direction, "net", "port", "portrange" or "proto"
}

// A direction says which of a packet's two addresses or ports counts.
type direction uint8

const (
	anyDirection direction = iota // not given: either
	sourceOnly
	destinationOnly
	eitherDirection
	bothDirections
)

func (d direction) of(source, destination condition) condition {
	switch d {
	case sourceOnly:
		return source
	case destinationOnly:
		return destination
	case bothDirections:
		return both{source, destination}
	}
	return either{source, destination}
}

// check refuses what does not go together, and would mean something else than
// it seems to.
func (q qualifiers) check() error {
	switch q.kind {
	case "port", "portrange":
		if q.word != "" && !q.proto.ports {
			return fmt.Errorf("%q has no ports: write \"%s and %s\"", q.word, q.word, q.kind)
		}
	default:
		if q.word != "" && q.proto.number != 0 {
			kind := cmp.Or(q.kind, "host")
			return fmt.Errorf("%q goes with port and portrange, not with %s: write \"%s and %s\", or \"%s port\"", q.word, kind, q.word, kind, q.word)
		}
	}
	return nil
}

// wanted is what has to follow.
func (q qualifiers) wanted() string {
	switch q.kind {
	case "net":
		return "a network such as 10.0.0.0/8"
	case "port":
		return "a port"
	case "portrange":
		return "a range of ports such as 8000-8010"
	case "proto":
		return "the number of a protocol"
	}
	return "a host"
}

// condition is the condition that a protocol's name alone is.
func (p protocol) condition() condition {
	if p.number == 0 {
		return isFamily(p.family)
	}
	return protocolTest(p.family, p.number)
}

// protocolTest holds for packets with a protocol over one or both families.
// Of the extension headers of IPv6 it looks behind that of a fragment only, as
// libpcap does.
func protocolTest(f family, n uint32) condition {
	v4 := both{isFamily(familyIPv4), equals(bytesAt(9, 1), n)}
	v6 := both{isFamily(familyIPv6), either{
		equals(bytesAt(6, 1), n),
		both{equals(bytesAt(6, 1), packet.ProtoFragment), equals(bytesAt(packet.IP6HeaderLen, 1), n)},
	}}
	switch f {
	case familyIPv4:
		return v4
	case familyIPv6:
		return v6
	}
	return either{v4, v6}
}

// test is the condition that a value with its qualifiers is.
func (p *parser) test(q qualifiers, t token) (condition, error) {
	switch q.kind {
	case "port":
		return p.portTest(q, t)
	case "portrange":
		return rangeTest(q, t)
	case "proto":
		return numberTest(q, t)
	case "net":
		return p.netTest(q, t)
	}
	return p.hostTest(q, t)
}
