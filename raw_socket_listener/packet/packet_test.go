package packet_test

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"unsafe"

	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

func TestDecodeIP(t *testing.T) {
	edit := func(p []byte, f func(p []byte)) []byte { f(p); return p }
	ip4 := func() []byte { return packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Sample()) }
	ip6 := func() []byte { return packettest.TCP6(packettest.Client6, packettest.Server6, packettest.Sample()) }
	a6, b6 := netip.MustParseAddrPort(packettest.Client6), netip.MustParseAddrPort(packettest.Server6)
	tcp6 := packettest.TCP(a6, b6, packettest.Sample())
	ext := func(first byte, headers ...string) []byte {
		var body []byte
		for _, h := range headers {
			body = append(body, h...)
		}
		return packettest.IP6(a6.Addr(), b6.Addr(), first, append(body, tcp6...))
	}
	whole := len(packettest.Sample().Payload)
	zeroLength := func(p []byte) {
		if p[0]>>4 == 4 {
			p[2], p[3] = 0, 0
		} else {
			p[4], p[5] = 0, 0
		}
	}
	big := func(craft func(src, dst string, s packettest.Seg) []byte, src, dst string) []byte {
		s := packettest.Sample()
		s.Payload = make([]byte, 200<<10) // its length wraps in the header
		return edit(craft(src, dst, s), zeroLength)
	}

	for _, tt := range []struct {
		name    string
		packet  []byte
		wire    int // 0: the packet was kept whole
		want    packet.IgnoreReason
		payload int
		missing int
	}{
		{"v4", ip4(), 0, packet.Decoded, whole, 0},
		{"v6", ip6(), 0, packet.Decoded, whole, 0},
		{"v4 with padding", append(ip4(), 1, 2, 3), 0, packet.Decoded, whole, 0},
		{"v6 with padding", append(ip6(), 1, 2, 3), 0, packet.Decoded, whole, 0},
		{"v4 length 0", edit(ip4(), zeroLength), 0, packet.Decoded, whole, 0},
		{"v6 length 0", edit(ip6(), zeroLength), 0, packet.Decoded, whole, 0},
		{"v4 of 200 KiB", big(packettest.TCP4, packettest.Client4, packettest.Server4), 0, packet.Decoded, 200 << 10, 0},
		{"v6 of 200 KiB", big(packettest.TCP6, packettest.Client6, packettest.Server6), 0, packet.Decoded, 200 << 10, 0},
		{"v4 cut", ip4()[:50], len(ip4()), packet.Decoded, 6, whole - 6},
		{"v6 cut", ip6()[:70], len(ip6()), packet.Decoded, 6, whole - 6},
		{"v4 cut, length 0", edit(ip4()[:50], zeroLength), len(ip4()), packet.Decoded, 6, whole - 6},
		{"v4 cut in TCP's options", ip4()[:42], len(ip4()), packet.Decoded, 0, whole},
		{"v4 cut in TCP's header", ip4()[:39], len(ip4()), packet.IgnoredShort, 0, 0},
		{"v4 shorter than it says", ip4()[:50], 0, packet.Decoded, 6, whole - 6},
		{"v6 shorter than it says", ip6()[:70], 0, packet.Decoded, 6, whole - 6},
		{"nothing", nil, 0, packet.IgnoredShort, 0, 0},
		{"v6 cut in its header", ip6()[:39], len(ip6()), packet.IgnoredShort, 0, 0},
		{"IP header too small", edit(ip4(), func(p []byte) { p[0] = 0x44 }), 0, packet.IgnoredShort, 0, 0},
		{"IP header beyond the packet", edit(ip4(), func(p []byte) { p[0] = 0x4f; p[3] = 59 }), 0, packet.IgnoredShort, 0, 0},
		{"IP length within the header", edit(ip4(), func(p []byte) { p[3] = 19 }), 0, packet.IgnoredShort, 0, 0},
		{"TCP header too small", edit(ip4(), func(p []byte) { p[32] = 0x40 }), 0, packet.IgnoredShort, 0, 0},
		{"TCP header beyond the packet", craftTCPHeaderBeyond(), 0, packet.IgnoredShort, 0, 0},
		{"IP version 5", edit(ip4(), func(p []byte) { p[0] = 0x55 }), 0, packet.IgnoredNotTCP, 0, 0},
		{"UDP", edit(ip4(), func(p []byte) { p[9] = packet.ProtoUDP }), 0, packet.IgnoredNotTCP, 0, 0},
		{"first fragment", edit(ip4(), func(p []byte) { p[6] = 0x20 }), 0, packet.Decoded, whole, 0},
		{"later fragment", edit(ip4(), func(p []byte) { p[7] = 1 }), 0, packet.IgnoredFragment, 0, 0},
		{"don't fragment", edit(ip4(), func(p []byte) { p[6] = 0x40 }), 0, packet.Decoded, whole, 0},
		{"hop-by-hop", ext(packet.ProtoHopByHop, "\x06\x00\x01\x04\x00\x00\x00\x00"), 0, packet.Decoded, whole, 0},
		{"four extension headers", ext(packet.ProtoHopByHop,
			"\x2b\x00\x01\x04\x00\x00\x00\x00",                                 // hop-by-hop, then routing
			"\x3c\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", // 16 bytes, then destination
			"\x33\x00\x01\x04\x00\x00\x00\x00",                                 // then authentication
			"\x06\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", // (2+2)*4 bytes, then TCP
		), 0, packet.Decoded, whole, 0},
		{"first fragment6", ext(packet.ProtoFragment, "\x06\x00\x00\x01\x00\x00\x00\x09"), 0, packet.Decoded, whole, 0},
		{"later fragment6", ext(packet.ProtoFragment, "\x06\x00\x00\x08\x00\x00\x00\x09"), 0, packet.IgnoredFragment, 0, 0},
		{"no next header", ext(packet.ProtoNone), 0, packet.IgnoredNotTCP, 0, 0},
		{"encrypted", ext(packet.ProtoESP), 0, packet.IgnoredNotTCP, 0, 0},
		{"extension beyond the packet", ext(packet.ProtoHopByHop, "\x06\xff\x01\x04\x00\x00\x00\x00"), 0, packet.IgnoredShort, 0, 0},
		{"v4 authenticated", edit(packettest.IP4(packettest.MustAddr("192.0.2.1"), packettest.MustAddr("10.0.0.5"), packet.ProtoAH,
			append([]byte("\x06\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01"), ip4()[20:]...)), func([]byte) {}), 0, packet.Decoded, whole, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wire := tt.wire
			if wire == 0 {
				wire = len(tt.packet)
			}
			var s packet.Segment
			r := packet.DecodeIP(tt.packet, wire, &s)
			if r != tt.want {
				t.Fatalf("got %q, want %q", r, tt.want)
			}
			if r != packet.Decoded {
				return
			}
			checkSample(t, &s, tt.packet[0]>>4 == 6)
			if len(s.Payload) != tt.payload || s.Missing != tt.missing {
				t.Errorf("%d bytes of payload, %d missing; want %d, %d", len(s.Payload), s.Missing, tt.payload, tt.missing)
			}
		})
	}
}

func craftTCPHeaderBeyond() []byte {
	p := packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Seg{})
	p[32] = 0x60
	return p
}

// checkSample checks the fields of packettest.Sample other than its payload.

func checkSample(t *testing.T, s *packet.Segment, v6 bool) {
	t.Helper()
	src, dst := packettest.Client4, packettest.Server4
	if v6 {
		src, dst = packettest.Client6, packettest.Server6
	}
	if s.Src != netip.MustParseAddrPort(src) || s.Dst != netip.MustParseAddrPort(dst) {
		t.Errorf("from %s to %s, want from %s to %s", s.Src, s.Dst, src, dst)
	}
	if s.Seq != 1<<31 || s.Ack != 7 || s.Flags != packet.FlagPSH|packet.FlagACK || s.Window != 512 {
		t.Errorf("seq %d ack %d flags %#x window %d", s.Seq, s.Ack, s.Flags, s.Window)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	for name, p := range map[string][]byte{
		"v4": packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Sample()),
		"v6": packettest.TCP6(packettest.Client6, packettest.Server6, packettest.Sample()),
	} {
		var s packet.Segment
		if n := testing.AllocsPerRun(100, func() { packet.DecodeIP(p, len(p), &s) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		frame := packettest.Ethernet(packet.EtherVLAN, packettest.VLAN(5, etherTypeOf(p), p))
		if n := testing.AllocsPerRun(100, func() { packet.DecodeLink(packet.LinkEthernet, frame, len(frame), &s) }); n != 0 {
			t.Errorf("%s on Ethernet: %v allocations", name, n)
		}
	}
}

func etherTypeOf(ip []byte) uint16 {
	if ip[0]>>4 == 6 {
		return packet.EtherIP6
	}
	return packet.EtherIP4
}

func BenchmarkDecode(b *testing.B) {
	for _, bb := range []struct {
		name   string
		packet []byte
	}{
		{"ip4", packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Sample())},
		{"ip6", packettest.TCP6(packettest.Client6, packettest.Server6, packettest.Sample())},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var s packet.Segment
			b.ReportAllocs()
			for b.Loop() {
				packet.DecodeIP(bb.packet, len(bb.packet), &s)
			}
		})
	}
	frame := packettest.Ethernet(packet.EtherVLAN, packettest.VLAN(5, packet.EtherIP4, packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Sample())))
	b.Run("ethernet-vlan-ip4", func(b *testing.B) {
		var s packet.Segment
		b.ReportAllocs()
		for b.Loop() {
			packet.DecodeLink(packet.LinkEthernet, frame, len(frame), &s)
		}
	})
}

// FuzzDecode checks that whatever bytes come, a payload lies within them and
// no more is missing than IP has lengths for or was cut.
func FuzzDecode(f *testing.F) {
	seg := packettest.Seg{Payload: []byte("GET / HTTP/1.1\r\n\r\n")}
	ip4, ip6 := packettest.TCP4(packettest.Client4, packettest.Server4, seg), packettest.TCP6(packettest.Client6, packettest.Server6, seg)
	f.Add(uint16(packet.LinkRaw), uint16(0), ip4)
	f.Add(uint16(packet.LinkRaw), uint16(9), ip6)
	f.Add(uint16(packet.LinkEthernet), uint16(0), packettest.Ethernet(packet.EtherIP4, ip4))
	f.Add(uint16(packet.LinkEthernet), uint16(0), packettest.Ethernet(packet.EtherQinQ, packettest.VLAN(1, packet.EtherVLAN, packettest.VLAN(2, packet.EtherIP6, ip6))))
	for _, tt := range packettest.LinkCases() {
		f.Add(uint16(tt.Link), uint16(0), tt.Packet)
	}
	f.Fuzz(func(t *testing.T, link, cut uint16, b []byte) {
		var s packet.Segment
		wire := len(b) + int(cut)
		if packet.DecodeLink(uint32(link), b, wire, &s) != packet.Decoded {
			return
		}
		_ = packet.Timestamps(s.Options)
		if len(s.Payload) > 0 {
			at := uintptr(unsafe.Pointer(unsafe.SliceData(s.Payload))) - uintptr(unsafe.Pointer(unsafe.SliceData(b)))
			if at+uintptr(len(s.Payload)) > uintptr(len(b)) {
				t.Fatalf("the payload is at %d of %d bytes", at, len(b))
			}
		}
		if s.Missing < 0 || s.Missing > max(int(cut), 1<<16) {
			t.Fatalf("%d bytes are missing, of %d that were cut", s.Missing, cut)
		}
		if !s.Src.IsValid() || !s.Dst.IsValid() || s.Src.Addr().Is4In6() && len(b) < packet.IP6HeaderLen {
			t.Fatalf("from %s to %s", s.Src, s.Dst)
		}
	})
}

// decoding a segment twice into one value leaves nothing of the first.
func TestDecodeOverwrites(t *testing.T) {
	var s packet.Segment
	p := packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Sample())
	packet.DecodeIP(p[:50], len(p), &s)
	q := packettest.TCP6(packettest.Client6, packettest.Server6, packettest.Seg{})
	if r := packet.DecodeIP(q, len(q), &s); r != packet.Decoded {
		t.Fatal(r)
	}
	if s.Missing != 0 || len(s.Payload) != 0 || s.Seq != 0 || s.Src.Addr().Is4() {
		t.Errorf("got %+v", s)
	}
	binary.BigEndian.PutUint32(q[44:], 9)
	if packet.DecodeIP(q, len(q), &s); s.Seq != 9 {
		t.Errorf("sequence number %d", s.Seq)
	}
}
