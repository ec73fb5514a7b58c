// Package packet decodes one captured frame to the TCP segment in it, whatever
// its link type and the tunnels and tags around it. It decodes into a caller's
// value, keeps nothing and allocates nothing.
package packet

import (
	"encoding/binary"
	"net/netip"
)

// TCPFlags are the control bits of a TCP header (RFC 9293 section 3.1), in
// the header's own positions.
type TCPFlags uint8

// The control bits.
const (
	FlagFIN TCPFlags = 1 << iota
	FlagSYN
	FlagRST
	FlagPSH
	FlagACK
	FlagURG
	FlagECE
	FlagCWR
)

// Has reports whether any of the bits in x is set.
func (f TCPFlags) Has(x TCPFlags) bool { return f&x != 0 }

// A Segment is one TCP segment, decoded into a caller's value.
type Segment struct {
	Time     int64          // when the packet was seen, ns since 1970, from the packet's record
	Src, Dst netip.AddrPort // as in the packet: IPv4 addresses are 4 bytes, and there are no zones
	Seq, Ack uint32         // as in the header; Ack means something only when FlagACK is set
	Flags    TCPFlags
	Window   uint16 // not scaled
	Options  []byte // of the TCP header, as Payload is
	BadSum   bool   // the checksum of a RST is wrong; it is not looked at in other segments
	Payload  []byte // a part of the packet that was decoded, and valid as long
	// Missing is how many bytes of payload were on the wire behind those in
	// Payload and were not kept by the capture (its snap length); 0 normally.
	Missing int
}

// An IgnoreReason says why a packet gave no segment.
type IgnoreReason uint8

// Why a packet gave no segment. Each packet that a source received gave one
// segment or is counted under one of these.
const (
	IgnoredNotTCP      IgnoreReason = iota // another protocol, over IP or instead of it
	IgnoredFragment                        // part of a fragmented IP packet, not the first
	IgnoredShort                           // ends within its headers, or contradicts its own lengths
	IgnoredOther                           // TCP, but not to or from what is captured
	IgnoredUnknownLink                     // from a kind of link that is not understood
	IgnoredVNI                             // from a VXLAN network that is not wanted
	IgnoredFilter                          // not matched by the Filter; in the kernel such packets are not counted
	IgnoredVLAN                            // without a VLAN tag, or with one that is not wanted
	IgnoredInterface                       // from an interface that is not wanted
	IgnoredNested                          // in more tunnels and tags than MaxWraps
	IgnoredTorn                            // the capture file, or a part of it, ends within it
	IgnoreReasons      int          = iota

	// Decoded stands for no reason: there is a segment.
	Decoded IgnoreReason = 255
)

// String is the reason in the words of the ledger.
func (r IgnoreReason) String() string {
	switch r {
	case IgnoredNotTCP:
		return "not TCP"
	case IgnoredFragment:
		return "IP fragment"
	case IgnoredShort:
		return "short packet"
	case IgnoredOther:
		return "other address or port"
	case IgnoredUnknownLink:
		return "unknown link type"
	case IgnoredVNI:
		return "other VXLAN network"
	case IgnoredFilter:
		return "not matched by the filter"
	case IgnoredVLAN:
		return "other VLAN or none"
	case IgnoredInterface:
		return "ignored interface"
	case IgnoredNested:
		return "too many tunnels around it"
	case IgnoredTorn:
		return "cut by the end of a capture file"
	}
	return "unknown reason"
}

// MaxLen is the most bytes that one packet of a capture may have. The kernel
// makes none larger than 512 KiB (BIG TCP), tcpdump keeps at most 256 KiB.
const MaxLen = 1 << 20

// Protocol numbers of IANA that follow an IP header.
const (
	ProtoHopByHop    = 0
	ProtoIP4         = 4
	ProtoTCP         = 6
	ProtoUDP         = 17
	ProtoIP6         = 41
	ProtoRouting     = 43
	ProtoFragment    = 44
	ProtoGRE         = 47
	ProtoESP         = 50
	ProtoAH          = 51
	ProtoICMP6       = 58
	ProtoNone        = 59
	ProtoDestination = 60
	ProtoMobility    = 135
	ProtoHIP         = 139
	ProtoShim6       = 140
)

// AsReceived is what becomes of a packet that was received live and decoded to s
// with result r. One of which all wire bytes are there, and fewer than its IP
// header says, is taken by no host. In a capture file such a packet was cut
// without saying so.
func AsReceived(r IgnoreReason, s *Segment, got, wire int) IgnoreReason {
	if r == Decoded && s.Missing > 0 && got == wire {
		return IgnoredShort
	}
	return r
}

const (
	IP4HeaderLen = 20
	IP6HeaderLen = 40
	tcpHeaderLen = 20
)

// DecodeIP decodes a packet that begins with its IP header into s, whose Time
// it leaves alone. b is what was captured of it and wire, at least len(b), its
// length before the capture cut it. The length in the IP header counts for
// more than wire: what lies behind the IP packet, such as the padding of a
// short Ethernet frame, is in neither the payload nor Missing, and what some
// captures cut without saying so is in Missing. Checksums are looked at only
// where a packet without data ends a connection: see badSum.
//
// s is only valid when the result is decoded; s.Payload is a part of b.
func DecodeIP(b []byte, wire int, s *Segment) IgnoreReason {
	return decodeIPAt(b, wire, s, 0)
}

func decodeIPAt(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if len(b) < IP4HeaderLen {
		return IgnoredShort
	}
	switch b[0] >> 4 {
	case 4:
		return decodeIP4(b, wire, s, depth)
	case 6:
		return decodeIP6(b, wire, s, depth)
	}
	return IgnoredNotTCP
}

// decodeIP4 expects at least IP4HeaderLen bytes (RFC 791 section 3.1).
func decodeIP4(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	header := int(b[0]&0x0f) * 4
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 {
		// Larger than 64 KiB, or not cut yet by segmentation offload.
		total = wire
	}
	if header < IP4HeaderLen || header > len(b) || header > total {
		return IgnoredShort
	}
	if binary.BigEndian.Uint16(b[6:])&0x1fff != 0 {
		return IgnoredFragment
	}
	b = b[:min(total, len(b))]
	if proto := b[9]; proto != ProtoTCP {
		if proto == ProtoAH && len(b) >= header+8 { // RFC 4302 section 2
			proto, header = b[header], header+(int(b[header+1])+2)*4
			if header > len(b) {
				return IgnoredShort
			}
		}
		if proto != ProtoTCP {
			return decodeProto(proto, b[header:], total-header, s, depth)
		}
	}
	src := netip.AddrFrom4([4]byte(b[12:16]))
	dst := netip.AddrFrom4([4]byte(b[16:20]))
	return decodeTCP(src, dst, b[header:], total-header, s)
}

// decodeIP6 decodes an IPv6 packet (RFC 8200 section 3).
func decodeIP6(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if len(b) < IP6HeaderLen {
		return IgnoredShort
	}
	total := IP6HeaderLen + int(binary.BigEndian.Uint16(b[4:]))
	if total == IP6HeaderLen {
		total = wire // a jumbogram, or BIG TCP without its hop-by-hop header
	}
	b = b[:min(total, len(b))]
	proto, header := b[6], IP6HeaderLen
	if proto != ProtoTCP {
		var r IgnoreReason
		proto, header, r = SkipExtensions(b)
		if r != Decoded {
			return r
		}
		if proto != ProtoTCP {
			return decodeProto(proto, b[header:], total-header, s, depth)
		}
	}
	src := netip.AddrFrom16([16]byte(b[8:24]))
	dst := netip.AddrFrom16([16]byte(b[24:40]))
	return decodeTCP(src, dst, b[header:], total-header, s)
}

// SkipExtensions finds what follows the extension headers of an IPv6 packet
// and where. Every header is at least eight bytes long, so that their number
// is bounded by the packet.
func SkipExtensions(b []byte) (proto byte, header int, r IgnoreReason) {
	proto, header = b[6], IP6HeaderLen
	for {
		var length int
		switch proto {
		case ProtoHopByHop, ProtoRouting, ProtoDestination, ProtoMobility, ProtoHIP, ProtoShim6:
			if len(b) < header+8 {
				return 0, 0, IgnoredShort
			}
			length = (int(b[header+1]) + 1) * 8
		case ProtoAH:
			if len(b) < header+8 {
				return 0, 0, IgnoredShort
			}
			length = (int(b[header+1]) + 2) * 4 // RFC 4302 section 2.2
		case ProtoFragment:
			if len(b) < header+8 {
				return 0, 0, IgnoredShort
			}
			if binary.BigEndian.Uint16(b[header+2:])&0xfff8 != 0 {
				return 0, 0, IgnoredFragment
			}
			length = 8
		default:
			return proto, header, Decoded
		}
		if header+length > len(b) {
			return 0, 0, IgnoredShort
		}
		proto = b[header]
		header += length
	}
}

// decodeTCP decodes a segment (RFC 9293 section 3.1). size is the length of
// the segment on the wire, and b what was captured of it.
func decodeTCP(src, dst netip.Addr, b []byte, size int, s *Segment) IgnoreReason {
	if len(b) < tcpHeaderLen {
		return IgnoredShort
	}
	data := int(b[12]>>4) * 4
	if data < tcpHeaderLen || data > size {
		return IgnoredShort
	}
	s.Src = netip.AddrPortFrom(src, binary.BigEndian.Uint16(b[0:]))
	s.Dst = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(b[2:]))
	s.Seq = binary.BigEndian.Uint32(b[4:])
	s.Ack = binary.BigEndian.Uint32(b[8:])
	s.Flags = TCPFlags(b[13])
	s.Window = binary.BigEndian.Uint16(b[14:])
	// A capture may have been cut within the options.
	s.Options = b[tcpHeaderLen:min(data, len(b))]
	s.Payload = b[min(data, len(b)):]
	s.Missing = size - data - len(s.Payload)
	s.BadSum = s.Flags.Has(FlagRST) && len(b) == size && badSum(src, dst, b)
	return Decoded
}
