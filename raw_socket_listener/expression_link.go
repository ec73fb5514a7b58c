package rawsocket

import "encoding/binary"

// stripLink finds the packet that an expression sees behind the header of its
// link: what it is, and where it begins. Like the kernel for a socket, it takes
// the first VLAN tag for a part of that header. ok is false for links that
// decodeLink does not know, and for packets that end within the header.
func stripLink(link uint32, b []byte) (etherType uint16, header int, ok bool) {
	switch link {
	case linkEthernet:
		if len(b) < etherHeader {
			return 0, 0, false
		}
		etherType, header = binary.BigEndian.Uint16(b[12:]), etherHeader
		if etherType <= etherMaxLen && len(b) >= header+8 && string(b[header:header+6]) == "\xaa\xaa\x03\x00\x00\x00" {
			etherType, header = binary.BigEndian.Uint16(b[header+6:]), header+8 // SNAP
		}
		return stripTag(etherType, header, b)
	case linkSLL:
		if len(b) < sllHeader {
			return 0, 0, false
		}
		return stripTag(binary.BigEndian.Uint16(b[14:]), sllHeader, b)
	case linkSLL2:
		if len(b) < sll2Header {
			return 0, 0, false
		}
		return stripTag(binary.BigEndian.Uint16(b), sll2Header, b)
	case linkPPP, linkPPPSerial:
		return stripPPP(b, 0)
	case linkPPPoE:
		return stripPPP(b, pppoeHeader)
	}
	return stripOther(link, b)
}

// stripOther is for the links that linkHeader knows by itself.
func stripOther(link uint32, b []byte) (uint16, int, bool) {
	at := 0
	for range maxWraps {
		inner, etherType, n, r := linkHeader(link, b[at:])
		if r != decoded {
			return 0, 0, false
		}
		at += n
		switch {
		case inner == linkEthernet:
			etherType, n, ok := stripLink(inner, b[at:])
			return etherType, at + n, ok
		case inner != linkEtherType:
			link = inner
		case etherType == etherAny:
			return stripNothing(b, at)
		case etherType == etherPPP:
			return stripPPP(b, at)
		case etherType == etherPPPoE:
			return stripPPP(b, at+pppoeHeader)
		default:
			return stripTag(etherType, at, b)
		}
	}
	return 0, 0, false
}

func stripTag(etherType uint16, header int, b []byte) (uint16, int, bool) {
	if etherType != etherVLAN && etherType != etherQinQ {
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
		return etherIP4, header, true
	case 6:
		return etherIP6, header, true
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
	case pppIP4:
		return etherIP4, off + n, true
	case pppIP6:
		return etherIP6, off + n, true
	}
	return 0, off + n, true
}
