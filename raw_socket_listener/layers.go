package rawsocket

import "encoding/binary"

// maxWraps is how many tunnels and tags may lie around a packet. A host adds
// one or two; the bound keeps a forged packet from costing more than its bytes.
const maxWraps = 8

// EtherTypes of IEEE 802 numbers.
const (
	etherIP4      = 0x0800
	etherIP6      = 0x86dd
	etherVLAN     = 0x8100
	etherQinQ     = 0x88a8
	etherQinQOld  = 0x9100
	etherBridge   = 0x6558 // a whole Ethernet frame, in GRE and Geneve
	etherPPPoE    = 0x8864
	etherMPLS     = 0x8847
	etherMaxLen   = 1500 // below it is the length of an IEEE 802.3 frame
	etherHeader   = 14
	udpHeaderLen  = 8
	portVXLAN     = 4789 // RFC 7348
	portVXLANOld  = 8472 // Linux before there was a number
	portGeneve    = 6081 // RFC 8926
	pppIP4        = 0x0021
	pppIP6        = 0x0057
	greChecksum   = 0x8000
	greRouting    = 0x4000
	greKey        = 0x2000
	greSequence   = 0x1000
	greVersion    = 0x0007
	vxlanHasVNI   = 0x08
	vxlanHeader   = 8
	geneveHeader  = 8
	pppoeHeader   = 6
	pppoeSession  = 0x1100 // version 1, type 1, code 0 (RFC 2516 section 4)
	sllHeader     = 16
	sll2Header    = 20
	nullHeader    = 4
	mplsLastLabel = 0x100
)

func decodeEther(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if len(b) < etherHeader {
		return IgnoredShort
	}
	return decodeEtherType(binary.BigEndian.Uint16(b[12:]), b[etherHeader:], wire-etherHeader, s, depth)
}

// decodeEtherType decodes what an EtherType announced.
func decodeEtherType(t uint16, b []byte, wire int, s *Segment, depth int) IgnoreReason {
	for ; depth <= maxWraps; depth++ {
		switch t {
		case etherIP4, etherIP6:
			return decodeIPAt(b, wire, s, depth)
		case etherVLAN, etherQinQ, etherQinQOld:
			if len(b) < 4 {
				return IgnoredShort
			}
			t, b, wire = binary.BigEndian.Uint16(b[2:]), b[4:], wire-4
		case etherMPLS:
			for last := false; !last; b, wire = b[4:], wire-4 {
				if len(b) < 4 {
					return IgnoredShort
				}
				last = binary.BigEndian.Uint32(b)&mplsLastLabel != 0
			}
			// The label's value says what follows only to those who gave it.
			return decodeIPAt(b, wire, s, depth)
		case etherPPPoE:
			return decodePPPoE(b, wire, s, depth)
		case etherBridge:
			return decodeEther(b, wire, s, depth+1)
		default:
			if t > etherMaxLen || len(b) < 8 || string(b[:6]) != "\xaa\xaa\x03\x00\x00\x00" {
				return IgnoredNotTCP
			}
			// IEEE 802.2 with SNAP (RFC 1042): the EtherType comes behind.
			t, b, wire = binary.BigEndian.Uint16(b[6:]), b[8:], wire-8
		}
	}
	return IgnoredNested
}

// decodePPPoE decodes a session packet of PPP over Ethernet (RFC 2516).
func decodePPPoE(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if len(b) < pppoeHeader {
		return IgnoredShort
	}
	if binary.BigEndian.Uint16(b) != pppoeSession {
		return IgnoredNotTCP
	}
	return decodePPP(b[pppoeHeader:], wire-pppoeHeader, s, depth+1)
}

// decodePPP decodes a PPP frame (RFC 1661 section 2), whose address and
// control bytes and whose first protocol byte may be left out.
func decodePPP(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if len(b) >= 2 && b[0] == 0xff && b[1] == 0x03 {
		b, wire = b[2:], wire-2
	}
	if len(b) < 2 {
		return IgnoredShort
	}
	proto, n := binary.BigEndian.Uint16(b), 2
	if b[0]&1 != 0 {
		proto, n = uint16(b[0]), 1
	}
	if proto != pppIP4 && proto != pppIP6 {
		return IgnoredNotTCP
	}
	return decodeIPAt(b[n:], wire-n, s, depth)
}

// decodeProto decodes what an IP packet holds other than TCP.
func decodeProto(proto byte, b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if depth++; depth > maxWraps {
		return IgnoredNested
	}
	switch proto {
	case protoIP4, protoIP6:
		return decodeIPAt(b, wire, s, depth)
	case protoGRE:
		return decodeGRE(b, wire, s, depth)
	case protoUDP:
		return decodeUDP(b, wire, s, depth)
	}
	return IgnoredNotTCP
}

// decodeGRE decodes RFC 2784 with the key and sequence number of RFC 2890.
func decodeGRE(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if len(b) < 4 {
		return IgnoredShort
	}
	flags, n := binary.BigEndian.Uint16(b), 4
	if flags&(greVersion|greRouting) != 0 {
		return IgnoredNotTCP // PPTP, or the source routes that RFC 2784 took away
	}
	for _, field := range [...]uint16{greChecksum, greKey, greSequence} {
		if flags&field != 0 {
			n += 4
		}
	}
	if len(b) < n {
		return IgnoredShort
	}
	return decodeEtherType(binary.BigEndian.Uint16(b[2:]), b[n:], wire-n, s, depth)
}

// decodeUDP decodes the tunnels that run over UDP, which only the port tells
// apart from anything else: their fixed bits have to be right as well.
func decodeUDP(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if len(b) < udpHeaderLen+vxlanHeader {
		return IgnoredNotTCP
	}
	t := b[udpHeaderLen:]
	switch binary.BigEndian.Uint16(b[2:]) {
	case portVXLAN, portVXLANOld:
		if t[0] != vxlanHasVNI || t[7] != 0 {
			return IgnoredNotTCP
		}
		n := udpHeaderLen + vxlanHeader
		return decodeEther(b[n:], wire-n, s, depth)
	case portGeneve:
		if t[0]>>6 != 0 || t[7] != 0 {
			return IgnoredNotTCP
		}
		n := udpHeaderLen + geneveHeader + int(t[0]&0x3f)*4
		if len(b) < n {
			return IgnoredShort
		}
		return decodeEtherType(binary.BigEndian.Uint16(t[2:]), b[n:], wire-n, s, depth)
	}
	return IgnoredNotTCP
}
