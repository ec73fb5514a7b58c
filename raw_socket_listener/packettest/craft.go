// Package packettest is what the tests of a capture's rooms share: packets that
// are built by hand, a sink that records, and what needs root.
package packettest

import (
	"encoding/binary"
	"net/netip"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// Seg is the TCP part of a crafted packet.
type Seg struct {
	Seq, Ack uint32
	Flags    packet.TCPFlags
	window   uint16
	Options  []byte // padded to a multiple of 4 with zeros
	Payload  []byte
}

// TCP is a TCP segment with a zero checksum.
func TCP(src, dst netip.AddrPort, s Seg) []byte {
	opt := append([]byte(nil), s.Options...)
	for len(opt)%4 != 0 {
		opt = append(opt, 0)
	}
	h := make([]byte, 20, 20+len(opt)+len(s.Payload))
	binary.BigEndian.PutUint16(h[0:], src.Port())
	binary.BigEndian.PutUint16(h[2:], dst.Port())
	binary.BigEndian.PutUint32(h[4:], s.Seq)
	binary.BigEndian.PutUint32(h[8:], s.Ack)
	h[12] = byte(5+len(opt)/4) << 4
	h[13] = byte(s.Flags)
	binary.BigEndian.PutUint16(h[14:], s.window)
	h = append(h, opt...)
	return append(h, s.Payload...)
}

// IP4 is an IPv4 packet without options and with a zero checksum.
func IP4(src, dst netip.Addr, proto byte, body []byte) []byte {
	h := make([]byte, 20, 20+len(body))
	h[0] = 0x45
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(body)))
	h[8], h[9] = 64, proto
	copy(h[12:], src.AsSlice())
	copy(h[16:], dst.AsSlice())
	return append(h, body...)
}

// IP6 is an IPv6 packet; next is what body begins with.
func IP6(src, dst netip.Addr, next byte, body []byte) []byte {
	h := make([]byte, 40, 40+len(body))
	h[0] = 0x60
	binary.BigEndian.PutUint16(h[4:], uint16(len(body)))
	h[6], h[7] = next, 64
	a, b := src.As16(), dst.As16()
	copy(h[8:], a[:])
	copy(h[24:], b[:])
	return append(h, body...)
}

// TCP4 is an IPv4 packet that holds a TCP segment.
func TCP4(src, dst string, s Seg) []byte {
	a, b := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	return IP4(a.Addr(), b.Addr(), 6, TCP(a, b, s))
}

// TCP6 is an IPv6 packet that holds a TCP segment.
func TCP6(src, dst string, s Seg) []byte {
	a, b := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	return IP6(a.Addr(), b.Addr(), 6, TCP(a, b, s))
}

// UDP is a UDP datagram with a zero checksum.
func UDP(src, dst uint16, body []byte) []byte {
	h := make([]byte, 8, 8+len(body))
	binary.BigEndian.PutUint16(h[0:], src)
	binary.BigEndian.PutUint16(h[2:], dst)
	binary.BigEndian.PutUint16(h[4:], uint16(8+len(body)))
	return append(h, body...)
}

// Ethernet is an Ethernet frame without check sequence, padded to 60 bytes
// as a network card pads it.
func Ethernet(etherType uint16, body []byte) []byte {
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

// VLAN is a VLAN tag behind its own EtherType, and what follows it.
func VLAN(vid, etherType uint16, body []byte) []byte {
	h := []byte{byte(vid >> 8), byte(vid), byte(etherType >> 8), byte(etherType)}
	return append(h, body...)
}

// Pcap is a little-endian capture file with microseconds, the packets
// one second apart from second 1 on.
func Pcap(link uint32, packets ...[]byte) []byte {
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
