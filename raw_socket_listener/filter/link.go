package filter

import (
	"encoding/binary"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// stripLink finds the packet that an expression sees behind the header of its
// link: what it is, and where it begins. Like the kernel for a socket, it takes
// the first VLAN tag for a part of that header. ok is false for links that
// packet.DecodeLink does not know, and for packets that end within the header.
func stripLink(link uint32, b []byte) (etherType uint16, header int, ok bool) {
	switch link {
	case packet.LinkEthernet:
		if len(b) < packet.EtherHeaderLen {
			return 0, 0, false
		}
		etherType, header = binary.BigEndian.Uint16(b[12:]), packet.EtherHeaderLen
		if etherType <= packet.EtherMaxLen && len(b) >= header+8 && string(b[header:header+6]) == "\xaa\xaa\x03\x00\x00\x00" {
			etherType, header = binary.BigEndian.Uint16(b[header+6:]), header+8 // SNAP
		}
		return stripTag(etherType, header, b)
	case packet.LinkSLL:
		if len(b) < packet.SLLHeaderLen {
			return 0, 0, false
		}
		return stripTag(binary.BigEndian.Uint16(b[14:]), packet.SLLHeaderLen, b)
	case packet.LinkSLL2:
		if len(b) < packet.SLL2HeaderLen {
			return 0, 0, false
		}
		return stripTag(binary.BigEndian.Uint16(b), packet.SLL2HeaderLen, b)
	case packet.LinkPPP, packet.LinkPPPSerial:
		return stripPPP(b, 0)
	case packet.LinkPPPoE:
		return stripPPP(b, packet.PPPoEHeaderLen)
	}
	return stripOther(link, b)
}

// stripOther is for the links that packet.LinkHeader knows by itself.
func stripOther(link uint32, b []byte) (uint16, int, bool) {
	at := 0
	for range packet.MaxWraps {
		inner, etherType, n, r := packet.LinkHeader(link, b[at:])
		if r != packet.Decoded {
			return 0, 0, false
		}
		at += n
		switch {
		case inner == packet.LinkEthernet:
			etherType, n, ok := stripLink(inner, b[at:])
			return etherType, at + n, ok
		case inner != packet.LinkEtherType:
			link = inner
		case etherType == packet.EtherAny:
			return stripNothing(b, at)
		case etherType == packet.EtherPPP:
			return stripPPP(b, at)
		case etherType == packet.EtherPPPoE:
			return stripPPP(b, at+packet.PPPoEHeaderLen)
		default:
			return stripTag(etherType, at, b)
		}
	}
	return 0, 0, false
}

func stripTag(etherType uint16, header int, b []byte) (uint16, int, bool) {
	if etherType != packet.EtherVLAN && etherType != packet.EtherQinQ {
		return etherType, header, true
	}
	if len(b) < header+4 {
		return 0, 0, false
	}
	return binary.BigEndian.Uint16(b[header+2:]), header + 4, true
}

// stripNothing is for links whose packets say themselves what they are.
func stripNothing(b []byte, header int) (uint16, int, bool) {
	if len(b) <= header {
		return 0, 0, false
	}
	switch b[header] >> 4 {
	case 4:
		return packet.EtherIP4, header, true
	case 6:
		return packet.EtherIP6, header, true
	}
	return 0, header, true
}

// stripPPP does for PPP at off what decodePPP does.
func stripPPP(b []byte, off int) (uint16, int, bool) {
	if len(b) >= off+2 && b[off] == 0xff && b[off+1] == 0x03 {
		off += 2
	}
	if len(b) < off+2 {
		return 0, 0, false
	}
	proto, n := binary.BigEndian.Uint16(b[off:]), 2
	if b[off]&1 != 0 {
		proto, n = uint16(b[off]), 1
	}
	switch proto {
	case packet.PPPIP4:
		return packet.EtherIP4, off + n, true
	case packet.PPPIP6:
		return packet.EtherIP6, off + n, true
	}
	return 0, off + n, true
}
