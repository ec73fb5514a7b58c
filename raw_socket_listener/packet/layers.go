package packet

import "encoding/binary"

// MaxWraps is how many tunnels and tags may lie around a packet. A host adds
// one or two; the bound keeps a forged packet from costing more than its bytes.
const MaxWraps = 8

// EtherTypes of IEEE 802 numbers.
const (
	EtherIP4       = 0x0800
	EtherIP6       = 0x86dd
	EtherVLAN      = 0x8100
	EtherQinQ      = 0x88a8
	EtherQinQOld   = 0x9100
	etherBridge    = 0x6558 // a whole Ethernet frame, in GRE and Geneve
	EtherPPPoE     = 0x8864
	EtherMPLS      = 0x8847
	etherERSPAN    = 0x88be // types I and II (draft-foschiano-erspan)
	etherERSPAN3   = 0x22eb
	EtherMaxLen    = 1500 // below it is the length of an IEEE 802.3 frame
	EtherHeaderLen = 14
	UDPHeaderLen   = 8
	PortVXLAN      = 4789 // RFC 7348
	PortVXLANOld   = 8472 // Linux before there was a number
	PortVXLANGPE   = 4790 // draft-ietf-nvo3-vxlan-gpe
	PortGeneve     = 6081 // RFC 8926
	PortTZSP       = 37008
	PPPIP4         = 0x0021
	PPPIP6         = 0x0057
	greChecksum    = 0x8000
	greRouting     = 0x4000
	greKey         = 0x2000
	greSequence    = 0x1000
	greVersion     = 0x0007
	VXLANHasVNI    = 0x08
	vxlanHasNext   = 0x04 // of VXLAN-GPE
	VXLANHeaderLen = 8
	geneveHeader   = 8
	PPPoEHeaderLen = 6
	pppoeSession   = 0x1100 // version 1, type 1, code 0 (RFC 2516 section 4)
	SLLHeaderLen   = 16
	SLL2HeaderLen  = 20
	nullHeader     = 4
	mplsLastLabel  = 0x100
)

// DecodeEther decodes an Ethernet frame in depth tunnels; otherwise it is as
// DecodeEtherType.
func DecodeEther(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if len(b) < EtherHeaderLen {
		return IgnoredShort
	}
	return DecodeEtherType(binary.BigEndian.Uint16(b[12:]), b[EtherHeaderLen:], wire-EtherHeaderLen, s, depth)
}

// DecodeEtherType decodes what an EtherType announced.
func DecodeEtherType(t uint16, b []byte, wire int, s *Segment, depth int) IgnoreReason {
	for ; depth <= MaxWraps; depth++ {
		switch t {
		case EtherIP4, EtherIP6:
			return decodeIPAt(b, wire, s, depth)
		case EtherVLAN, EtherQinQ, EtherQinQOld:
			if len(b) < 4 {
				return IgnoredShort
			}
			t, b, wire = binary.BigEndian.Uint16(b[2:]), b[4:], wire-4
		case EtherMPLS:
			for last := false; !last; b, wire = b[4:], wire-4 {
				if len(b) < 4 {
					return IgnoredShort
				}
				last = binary.BigEndian.Uint32(b)&mplsLastLabel != 0
			}
			// The label's value says what follows only to those who gave it.
			return decodeIPAt(b, wire, s, depth)
		case EtherPPPoE:
			return decodePPPoE(b, wire, s, depth)
		case etherBridge:
			return DecodeEther(b, wire, s, depth+1)
		default:
			if t > EtherMaxLen || len(b) < 8 || string(b[:6]) != "\xaa\xaa\x03\x00\x00\x00" {
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
	if len(b) < PPPoEHeaderLen {
		return IgnoredShort
	}
	if binary.BigEndian.Uint16(b) != pppoeSession {
		return IgnoredNotTCP
	}
	return decodePPP(b[PPPoEHeaderLen:], wire-PPPoEHeaderLen, s, depth+1)
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
	if proto != PPPIP4 && proto != PPPIP6 {
		return IgnoredNotTCP
	}
	return decodeIPAt(b[n:], wire-n, s, depth)
}

// decodeProto decodes what an IP packet holds other than TCP.
func decodeProto(proto byte, b []byte, wire int, s *Segment, depth int) IgnoreReason {
	depth++
	if depth > MaxWraps {
		return IgnoredNested
	}
	switch proto {
	case ProtoIP4, ProtoIP6:
		return decodeIPAt(b, wire, s, depth)
	case ProtoGRE:
		return decodeGRE(b, wire, s, depth)
	case ProtoUDP:
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
	proto := binary.BigEndian.Uint16(b[2:])
	b, wire = b[n:], wire-n
	switch {
	case proto == etherERSPAN && flags&greSequence == 0:
		return DecodeEther(b, wire, s, depth) // type I has no header of its own
	case proto == etherERSPAN, proto == etherERSPAN3:
		return decodeERSPAN(b, wire, s, depth)
	}
	return DecodeEtherType(proto, b, wire, s, depth)
}

// Lengths of the headers of ERSPAN (draft-foschiano-erspan sections 4.2 and 4.3).
const (
	erspan2Header    = 8
	erspan3Header    = 12
	erspan3Platform  = 8 // more, when the last bit of the header is set
	erspanVersion2   = 1
	erspanVersion3   = 2
	erspanFrameIP    = 2 // the type of what is mirrored; 0 is Ethernet
	erspanFrameShift = 2
)

// decodeERSPAN decodes what a switch has mirrored, types II and III.
func decodeERSPAN(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if len(b) < erspan2Header {
		return IgnoredShort
	}
	switch b[0] >> 4 {
	case erspanVersion2:
		return DecodeEther(b[erspan2Header:], wire-erspan2Header, s, depth)
	case erspanVersion3:
	default:
		return IgnoredNotTCP
	}
	if len(b) < erspan3Header {
		return IgnoredShort
	}
	n := erspan3Header
	if b[11]&1 != 0 {
		n += erspan3Platform
	}
	if len(b) < n {
		return IgnoredShort
	}
	// P is the bit before the type, which has five.
	switch kind := b[10] >> erspanFrameShift & 0x1f; kind {
	case 0:
		return DecodeEther(b[n:], wire-n, s, depth)
	case erspanFrameIP:
		return decodeIPAt(b[n:], wire-n, s, depth)
	}
	return IgnoredNotTCP
}

// What stands in the header of TZSP, TaZmen Sniffer Protocol.
const (
	tzspHeader     = 4 // version, type, two bytes of what it carries
	tzspVersion    = 1
	tzspReceived   = 0
	tzspTransmit   = 1
	tzspEthernet   = 1
	tzspTagPadding = 0
	tzspTagEnd     = 1
)

// decodeTZSP decodes what a router of Mikrotik, or an access point, has
// mirrored.
func decodeTZSP(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if len(b) < tzspHeader || b[0] != tzspVersion || b[1] != tzspReceived && b[1] != tzspTransmit {
		return IgnoredNotTCP
	}
	if binary.BigEndian.Uint16(b[2:]) != tzspEthernet {
		return IgnoredNotTCP // Wi-Fi
	}
	for at := tzspHeader; at < len(b); {
		switch b[at] {
		case tzspTagPadding:
			at++
		case tzspTagEnd:
			at++
			return DecodeEther(b[at:], wire-at, s, depth)
		default: // its length, and that many bytes
			if at+2 > len(b) {
				return IgnoredShort
			}
			at += 2 + int(b[at+1])
		}
	}
	return IgnoredShort
}

// decodeGPE decodes VXLAN that may carry other things than Ethernet, which the
// header says when it has the P bit.
func decodeGPE(next byte, b []byte, wire int, s *Segment, depth int) IgnoreReason {
	switch next {
	case 1, 2:
		return decodeIPAt(b, wire, s, depth)
	case 3:
		return DecodeEther(b, wire, s, depth)
	}
	return IgnoredNotTCP
}

// decodeUDP decodes the tunnels that run over UDP, which only the port tells
// apart from anything else: the bits that a receiver has to look at have to be
// right as well. Those that it has to ignore (RFC 7348 section 5, RFC 8926
// section 3.4) are set by extensions, such as the group policy of VXLAN.
func decodeUDP(b []byte, wire int, s *Segment, depth int) IgnoreReason {
	if len(b) < UDPHeaderLen+VXLANHeaderLen {
		return IgnoredNotTCP
	}
	port := binary.BigEndian.Uint16(b[2:])
	t, wire := b[UDPHeaderLen:], wire-UDPHeaderLen
	switch port {
	case PortVXLAN, PortVXLANOld, PortVXLANGPE:
		if t[0]&VXLANHasVNI == 0 {
			return IgnoredNotTCP
		}
		if port == PortVXLANGPE && t[0]&vxlanHasNext != 0 {
			return decodeGPE(t[3], t[VXLANHeaderLen:], wire-VXLANHeaderLen, s, depth)
		}
		return DecodeEther(t[VXLANHeaderLen:], wire-VXLANHeaderLen, s, depth)
	case PortGeneve:
		if t[0]>>6 != 0 { // version
			return IgnoredNotTCP
		}
		n := geneveHeader + int(t[0]&0x3f)*4
		if len(t) < n {
			return IgnoredShort
		}
		return DecodeEtherType(binary.BigEndian.Uint16(t[2:]), t[n:], wire-n, s, depth)
	case PortTZSP:
		return decodeTZSP(t, wire, s, depth)
	}
	return IgnoredNotTCP
}
