package source

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// Bounds of a survey: so few packets and so little time cost a busy host
// nothing that shows, and are enough to see where its requests go.
const (
	surveyPackets = 1000
	surveyTime    = time.Second

	// surveySnap is what is looked at of a packet: the headers of a tunnel
	// and of what is in it, and a request line of the usual length.
	surveySnap = 1024
)

// A Survey is what the packets of all interfaces show while a capture gets
// none: the kernel filter lets nobody see what it holds back.
type Survey struct {
	addr    filter.Address                     // what is captured
	tunnels bool                               // so are the insides of tunnels
	ignored []string                           // interfaces that are not captured, by name or pattern
	vxlan   bool                               // the capture is the end of a VXLAN tunnel and takes nothing else
	exclude func(src, dst netip.AddrPort) bool // Gor's own connections; nil: none
	name    func(iface int) string             // of an interface; nil: the packets are a file's
	most    int                                // packets
	longest time.Duration

	anything bool // of a capture file: what is captured is not HTTP

	packets int
	took    time.Duration
	ifaces  map[int]int     // packets by interface
	sights  map[sight]int   // packets by what they showed, without those that are captured
	plain   map[uint16]bool // ports to which requests went outside of tunnels
	more    int             // packets that showed something else than maxSights others
}

// maxSights bounds what a survey keeps: a forged capture file may go to every
// port.
const maxSights = 4096

// A sight is something that a packet showed.
type sight struct {
	what  sightKind
	port  uint16 // to which it went
	wrap  wrap
	iface int
}

type sightKind uint8

const (
	sightData     sightKind = iota // data over TCP that is none of the following
	sightHTTP1                     // the beginning of a request
	sightTLS                       // the ClientHello
	sightHTTP2                     // the connection preface
	sightQUIC                      // a packet of HTTP/3, over UDP
	sightResponse                  // the beginning of a response; its port is the server's, from which it came
)

// A wrap is what lies around an IP packet.
type wrap uint8

const (
	unwrapped wrap = iota
	wrapVLAN       // a tag beyond the one that the kernel takes away
	wrapPPPoE
	wrapMPLS
	wrapIP
	wrapGRE
	wrapVXLAN
	wrapGeneve
	wrapTZSP
)

func (w wrap) String() string {
	return [...]string{"", "a second VLAN tag", "PPPoE", "MPLS", "IP-in-IP", "GRE", "VXLAN", "Geneve", "TZSP"}[w]
}

// A SurveyConfig says of what a capture takes, so that a survey tells what else
// there is.
type SurveyConfig struct {
	Address   filter.Address
	Tunnels   bool                               // the insides of tunnels too
	Ignore    []string                           // not these interfaces, by name or pattern
	VXLANPort int                                // the packets of a VXLAN tunnel and nothing else; 0: those of interfaces
	Exclude   func(src, dst netip.AddrPort) bool // not these connections, by their client and server; nil: none
}

// NewSurvey returns a survey that has seen nothing.
func NewSurvey(c SurveyConfig) *Survey {
	return &Survey{
		addr: c.Address, tunnels: c.Tunnels, ignored: c.Ignore, vxlan: c.VXLANPort != 0, exclude: c.Exclude, name: interfaceName,
		most: surveyPackets, longest: surveyTime,
		ifaces: make(map[int]int), sights: make(map[sight]int), plain: make(map[uint16]bool),
	}
}

// take looks at a packet of an interface, whose link's header was followed by
// etherType. b begins behind that header, and is not kept.
func (s *Survey) take(iface int, etherType uint16, b []byte) {
	s.packets++
	s.ifaces[iface]++
	w := wrapOf(etherType, b)
	var seg packet.Segment
	if packet.DecodeEtherType(etherType, b, len(b), &seg, 0) != packet.Decoded {
		if port, is := quicPort(b); is && w == unwrapped && isIP(etherType) {
			s.see(sight{sightQUIC, port, w, iface})
		}
		return
	}
	if len(seg.Payload) == 0 || s.exclude != nil && s.exclude(seg.Src, seg.Dst) {
		return
	}
	port := seg.Dst.Port()
	what := recognise(seg.Payload)
	if what == sightHTTP1 && w == unwrapped {
		s.plain[port] = true
	}
	known := goesToClient(seg.Src.Port(), port)
	if what != sightData {
		known = s.captures(iface, w, &seg)
	}
	if !known {
		s.see(sight{what, port, w, iface})
	}
}

// see counts a packet by what it showed.
func (s *Survey) see(g sight) {
	if _, known := s.sights[g]; !known && len(s.sights) >= maxSights {
		s.more++
		return
	}
	s.sights[g]++
}

// captures reports whether the capture takes the segment itself.
func (s *Survey) captures(iface int, w wrap, seg *packet.Segment) bool {
	if len(s.ignored) > 0 && !s.vxlan && filter.MatchesAny(s.ignored, s.name(iface)) {
		return false
	}
	takes := w == unwrapped || s.tunnels
	if s.vxlan {
		takes = w == wrapVXLAN
	}
	return takes && s.addr.Wants(seg.Src, seg.Dst, false) &&
		(s.addr.EveryInterface() || s.addr.TakesInterface(s.name(iface))) // a name is a system call
}

// recognise says what a segment's payload begins.
func recognise(b []byte) sightKind {
	switch http1.Sniff(b) {
	case http1.PrefaceTLS:
		const handshake, clientHello = 22, 1 // RFC 8446 sections 5.1 and 4
		if len(b) > 5 && b[0] == handshake && b[5] == clientHello {
			return sightTLS
		}
	case http1.PrefaceHTTP2:
		return sightHTTP2
	case http1.PrefaceHTTP1:
		if beginsRequest(b) {
			return sightHTTP1
		}
	}
	return sightData
}

// beginsRequest is strict, as a word, a space and more words are in all kinds
// of traffic: the request line must be complete, or longer than any sentence.
func beginsRequest(b []byte) bool {
	const longLine = 256
	return (len(b) > longLine || bytes.IndexByte(b, '\n') > 0) && http1.LooksLikeHead(b, false)
}

// goesToClient guesses whether data goes to the side that opened its
// connection, from the ports that Linux gives to such sides when nobody asks
// for others (ip_local_port_range of ip(7)).
func goesToClient(src, dst uint16) bool {
	given := func(port uint16) bool { return port >= 32768 && port <= 60999 }
	return given(dst) && !given(src)
}

func isIP(etherType uint16) bool { return etherType == packet.EtherIP4 || etherType == packet.EtherIP6 }

// wrapOf says what lies outermost around an IP packet.
func wrapOf(etherType uint16, b []byte) wrap {
	switch etherType {
	case packet.EtherVLAN, packet.EtherQinQ, packet.EtherQinQOld:
		return wrapVLAN
	case packet.EtherPPPoE:
		return wrapPPPoE
	case packet.EtherMPLS:
		return wrapMPLS
	case packet.EtherIP4, packet.EtherIP6:
	default:
		return unwrapped
	}
	proto, b := ipBody(b)
	switch proto {
	case packet.ProtoIP4, packet.ProtoIP6:
		return wrapIP
	case packet.ProtoGRE:
		return wrapGRE
	case packet.ProtoUDP:
		if len(b) < packet.UDPHeaderLen {
			return unwrapped
		}
		switch binary.BigEndian.Uint16(b[2:]) {
		case packet.PortVXLAN, packet.PortVXLANOld, packet.PortVXLANGPE:
			return wrapVXLAN
		case packet.PortGeneve:
			return wrapGeneve
		case packet.PortTZSP:
			return wrapTZSP
		}
	}
	return unwrapped
}

// ipBody returns what an IP packet that is not a later fragment holds; packet.ProtoNone
// when there is nothing to be found. The body is a part of b.
func ipBody(b []byte) (proto byte, body []byte) {
	if len(b) < packet.IP4HeaderLen {
		return packet.ProtoNone, nil
	}
	switch b[0] >> 4 {
	case 4:
		header := int(b[0]&0x0f) * 4
		if header < packet.IP4HeaderLen || header > len(b) || binary.BigEndian.Uint16(b[6:])&0x1fff != 0 {
			return packet.ProtoNone, nil
		}
		return b[9], b[header:]
	case 6:
		if len(b) < packet.IP6HeaderLen {
			return packet.ProtoNone, nil
		}
		proto, header, r := packet.SkipExtensions(b)
		if r != packet.Decoded || header > len(b) {
			return packet.ProtoNone, nil
		}
		return proto, b[header:]
	}
	return packet.ProtoNone, nil
}

// Versions of QUIC (RFC 9000 section 15, RFC 9369 section 3.1).
const (
	quicVersion1 = 1
	quicVersion2 = 0x6b3343cf
	quicUsual    = 443 // where HTTP/3 is, whose later packets show no version
)

// quicPort reports whether an IP packet is one of QUIC to a server (RFC 9000
// section 17), and its port.
func quicPort(b []byte) (port uint16, is bool) {
	proto, b := ipBody(b)
	if proto != packet.ProtoUDP || len(b) <= packet.UDPHeaderLen+5 {
		return 0, false
	}
	const fixedBit, longHeader = 0x40, 0x80
	first := b[packet.UDPHeaderLen]
	port = binary.BigEndian.Uint16(b[2:])
	if first&fixedBit == 0 || goesToClient(binary.BigEndian.Uint16(b), port) {
		return 0, false
	}
	version := binary.BigEndian.Uint32(b[packet.UDPHeaderLen+1:])
	known := version == quicVersion1 || version == quicVersion2
	return port, port == quicUsual || first&longHeader != 0 && known
}
