package filter

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/bpf"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// portTest compares ports. A service that only one protocol has is its port of
// that protocol.
func (p *parser) portTest(q qualifiers, t token) (condition, error) {
	if t.kind == tokenWord && isNumeral(t.text) {
		n, err := portNumber(t)
		if err != nil {
			return nil, err
		}
		return portsTest(q.protocols(), q.dir, n, n), nil
	}
	if first, _, _ := strings.Cut(t.text, "-"); isNumeral(first) {
		return nil, fmt.Errorf("%q is not a port: write \"portrange %s\"", t.text, t.text)
	}
	list := q.protocols()
	var n int
	var err error
	if q.word != "" {
		n, err = p.service(q.word, t.text)
	} else {
		tcp, tcpErr := p.service("tcp", t.text)
		udp, udpErr := p.service("udp", t.text)
		switch {
		case tcpErr == nil && udpErr == nil && tcp == udp:
			n = tcp
		case tcpErr == nil:
			n, list = tcp, []uint32{packet.ProtoTCP}
		case udpErr == nil:
			n, list = udp, []uint32{packet.ProtoUDP}
		default:
			err = tcpErr
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%q is not a port, a known service or a keyword: write the number of the port", t.text)
	}
	return portsTest(list, q.dir, uint32(n), uint32(n)), nil
}

// rangeTest reads 8000-8010; a range of one port, and a range upside down, are
// as good.
func rangeTest(q qualifiers, t token) (condition, error) {
	first, last, found := strings.Cut(t.text, "-")
	if !found {
		last = first
	}
	var ports []uint32
	for _, s := range []string{first, last} {
		if t.kind != tokenWord || !isNumeral(s) {
			return nil, fmt.Errorf("%q is not a range of ports: write for example 8000-8010", t.text)
		}
		n, err := portNumber(token{kind: tokenWord, text: s})
		if err != nil {
			return nil, err
		}
		ports = append(ports, n)
	}
	return portsTest(q.protocols(), q.dir, slices.Min(ports), slices.Max(ports)), nil
}

func portNumber(t token) (uint32, error) {
	n, err := t.number()
	if err == nil && n > 65535 {
		err = fmt.Errorf("%q is not a port: at most 65535", t.text)
	}
	return n, err
}

// protocols are those whose ports are compared.
func (q qualifiers) protocols() []uint32 {
	if q.word != "" {
		return []uint32{q.proto.number}
	}
	return []uint32{packet.ProtoTCP, packet.ProtoUDP, protoSCTP}
}

// portsTest holds for packets with ports from low to high. As in libpcap those
// of IPv6 count only when no extension header is before them.
func portsTest(protocols []uint32, dir direction, low, high uint32) condition {
	oneOf := func(v value) condition {
		n := equals(v, protocols[0])
		for _, proto := range protocols[1:] {
			n = either{n, equals(v, proto)}
		}
		return n
	}
	port := func(v value) condition {
		if low == high {
			return equals(v, low)
		}
		return both{compare{bpf.JumpGreaterOrEqual, v, number(low)}, compare{bpf.JumpLessOrEqual, v, number(high)}}
	}
	behind := func(off int) value { return field{transport: true, at: number(off), size: 2} }
	return either{
		both{isFamily(familyIPv4), both{oneOf(bytesAt(9, 1)), both{firstFragment(), dir.of(port(behind(0)), port(behind(2)))}}},
		both{isFamily(familyIPv6), both{oneOf(bytesAt(6, 1)), dir.of(port(bytesAt(packet.IP6HeaderLen, 2)), port(bytesAt(packet.IP6HeaderLen+2, 2)))}},
	}
}

// numberTest reads the number of a protocol, or its name, which is behind a
// backslash as it is a keyword too.
func numberTest(q qualifiers, t token) (condition, error) {
	if t.kind == tokenWord && isNumeral(t.text) {
		n, err := t.number()
		if err != nil {
			return nil, err
		}
		if n > 255 {
			return nil, fmt.Errorf("%q is not the number of a protocol: at most 255", t.text)
		}
		return protocolTest(q.proto.family, n), nil
	}
	if proto, ok := protocolOf(t.text); ok && proto.number != 0 {
		return protocolTest(q.proto.family, proto.number), nil
	}
	if t.text == "gre" {
		return protocolTest(q.proto.family, packet.ProtoGRE), nil
	}
	return nil, fmt.Errorf("%q is not a protocol: write its number", t.text)
}
