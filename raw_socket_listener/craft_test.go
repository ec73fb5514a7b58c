package rawsocket

import (
	"encoding/binary"
	"net/netip"
)

// Packets for tests, built by hand so that each field can be made wrong.

// craftSeg is the TCP part of a crafted packet.
type craftSeg struct {
	seq, ack uint32
	flags    TCPFlags
	window   uint16
	options  []byte // padded to a multiple of 4 with zeros
	payload  []byte
}

func craftTCP(src, dst netip.AddrPort, s craftSeg) []byte {
	opt := append([]byte(nil), s.options...)
	for len(opt)%4 != 0 {
		opt = append(opt, 0)
	}
	h := make([]byte, 20, 20+len(opt)+len(s.payload))
	binary.BigEndian.PutUint16(h[0:], src.Port())
	binary.BigEndian.PutUint16(h[2:], dst.Port())
	binary.BigEndian.PutUint32(h[4:], s.seq)
	binary.BigEndian.PutUint32(h[8:], s.ack)
	h[12] = byte(5+len(opt)/4) << 4
	h[13] = byte(s.flags)
	binary.BigEndian.PutUint16(h[14:], s.window)
	h = append(h, opt...)
	return append(h, s.payload...)
}

// craftIP4 is an IPv4 packet without options and with a zero checksum.
func craftIP4(src, dst netip.Addr, proto byte, body []byte) []byte {
	h := make([]byte, 20, 20+len(body))
	h[0] = 0x45
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(body)))
	h[8], h[9] = 64, proto
	copy(h[12:], src.AsSlice())
	copy(h[16:], dst.AsSlice())
	return append(h, body...)
}

// craftIP6 is an IPv6 packet; next is what body begins with.
func craftIP6(src, dst netip.Addr, next byte, body []byte) []byte {
	h := make([]byte, 40, 40+len(body))
	h[0] = 0x60
	binary.BigEndian.PutUint16(h[4:], uint16(len(body)))
	h[6], h[7] = next, 64
	a, b := src.As16(), dst.As16()
	copy(h[8:], a[:])
	copy(h[24:], b[:])
	return append(h, body...)
}

// craftTCP4 is an IPv4 packet that holds a TCP segment.
func craftTCP4(src, dst string, s craftSeg) []byte {
	a, b := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	return craftIP4(a.Addr(), b.Addr(), 6, craftTCP(a, b, s))
}

// craftTCP6 is an IPv6 packet that holds a TCP segment.
func craftTCP6(src, dst string, s craftSeg) []byte {
	a, b := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	return craftIP6(a.Addr(), b.Addr(), 6, craftTCP(a, b, s))
}

// craftUDP is a UDP datagram with a zero checksum.
func craftUDP(src, dst uint16, body []byte) []byte {
	h := make([]byte, 8, 8+len(body))
	binary.BigEndian.PutUint16(h[0:], src)
	binary.BigEndian.PutUint16(h[2:], dst)
	binary.BigEndian.PutUint16(h[4:], uint16(8+len(body)))
	return append(h, body...)
}

// craftEther is an Ethernet frame without check sequence, padded to 60 bytes
// as a network card pads it.
func craftEther(etherType uint16, body []byte) []byte {
	h := []byte{
		2, 0, 0, 0, 0, 2, // destination
		2, 0, 0, 0, 0, 1, // source
		byte(etherType >> 8), byte(etherType),
	}
	h = append(h, body...)
	for len(h) < 60 {
		h = append(h, 0xEE) // padding that would show, were it taken for data
	}
	return h
}

// craftVLAN is a VLAN tag behind its own EtherType, and what follows it.
func craftVLAN(vid, etherType uint16, body []byte) []byte {
	h := []byte{byte(vid >> 8), byte(vid), byte(etherType >> 8), byte(etherType)}
	return append(h, body...)
}

// craftPcap is a little-endian capture file with microseconds, the packets
// one second apart from second 1 on.
func craftPcap(link uint32, packets ...[]byte) []byte {
	le := binary.LittleEndian
	f := le.AppendUint32(nil, 0xA1B2C3D4)
	f = le.AppendUint16(f, 2)
	f = le.AppendUint16(f, 4)
	f = append(f, make([]byte, 8)...)
	f = le.AppendUint32(f, 262144)
	f = le.AppendUint32(f, link)
	for i, p := range packets {
		f = le.AppendUint32(f, uint32(i+1))
		f = le.AppendUint32(f, 0)
		f = le.AppendUint32(f, uint32(len(p)))
		f = le.AppendUint32(f, uint32(len(p)))
		f = append(f, p...)
	}
	return f
}
