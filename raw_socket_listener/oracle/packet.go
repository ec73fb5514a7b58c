package oracle

import (
	"encoding/binary"
	"net/netip"
)

// TCP's flags (RFC 9293 section 3.1).
const (
	FIN = 1 << 0
	SYN = 1 << 1
	RST = 1 << 2
	ACK = 1 << 4
)

// A Packet is a TCP segment as it was captured.
type Packet struct {
	Time     int64 // ns since 1970
	Src, Dst netip.AddrPort
	Seq, Ack uint32 // Ack is valid iff Flags has ACK
	Flags    byte
	Payload  []byte
	Missing  int // bytes behind Payload that the capture did not keep
}

// Link types (www.tcpdump.org/linktypes.html).
const (
	linkNull     = 0
	linkEthernet = 1
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkNFLOG    = 239
	linkSLL2     = 276
)

// decode reads a frame without tunnels. ok is false for what is not a TCP
// segment in one piece.
func decode(link uint32, b []byte, p *Packet) (ok bool) {
	switch link {
	case linkNull, linkLoop:
		return len(b) > 4 && decodeIP(b[4:], p)
	case linkRaw, linkIPv4, linkIPv6:
		return decodeIP(b, p)
	case linkSLL:
		return len(b) > 16 && decodeIP(b[16:], p)
	case linkNFLOG:
		return decodeNFLOG(b, p)
	case linkSLL2:
		return len(b) > 20 && decodeIP(b[20:], p)
	case linkEthernet:
	default:
		return false
	}
	for at := 12; at+2 <= len(b); at += 4 {
		switch binary.BigEndian.Uint16(b[at:]) {
		case 0x8100, 0x88A8, 0x9100: // a VLAN tag
			continue
		case 0x0800, 0x86DD:
			return decodeIP(b[at+2:], p)
		}
		return false
	}
	return false
}

// decodeNFLOG finds the packet among the values of a record of NFLOG: each has
// its length with its own 4 bytes of header, its type, and is padded to 4.
func decodeNFLOG(b []byte, p *Packet) bool {
	const payload = 9
	for at := 4; at+4 <= len(b); {
		n, kind := int(binary.LittleEndian.Uint16(b[at:])), binary.LittleEndian.Uint16(b[at+2:])
		if n < 4 || n > len(b)-at {
			return false
		}
		if kind == payload {
			return decodeIP(b[at+4:at+n], p)
		}
		at += (n + 3) &^ 3
	}
	return false
}

func decodeIP(b []byte, p *Packet) bool {
	if len(b) < 20 {
		return false
	}
	var src, dst netip.Addr
	var total, head int
	switch b[0] >> 4 {
	case 4:
		head, total = int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
		if fragment := binary.BigEndian.Uint16(b[6:]) & 0x3FFF; fragment != 0 || b[9] != 6 || head < 20 {
			return false
		}
		src, dst = netip.AddrFrom4([4]byte(b[12:16])), netip.AddrFrom4([4]byte(b[16:20]))
	case 6:
		if len(b) < 40 || b[6] != 6 {
			return false
		}
		head, total = 40, 40+int(binary.BigEndian.Uint16(b[4:]))
		src, dst = netip.AddrFrom16([16]byte(b[8:24])), netip.AddrFrom16([16]byte(b[24:40]))
	default:
		return false
	}
	if total <= head {
		total = len(b) // segmentation offload: the card fills the length in
	}
	if len(b) < head+20 || total < head+20 {
		return false
	}
	t := b[head:min(total, len(b))]
	offset := int(t[12]>>4) * 4
	if offset < 20 || offset > total-head {
		return false
	}
	p.Src = netip.AddrPortFrom(src, binary.BigEndian.Uint16(t))
	p.Dst = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(t[2:]))
	p.Seq, p.Ack, p.Flags = binary.BigEndian.Uint32(t[4:]), binary.BigEndian.Uint32(t[8:]), t[13]
	p.Payload = t[min(offset, len(t)):]
	p.Missing = total - head - offset - len(p.Payload)
	return true
}
