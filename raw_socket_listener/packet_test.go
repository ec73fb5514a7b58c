package rawsocket

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"unsafe"
)

func TestDecodeIP(t *testing.T) {
	edit := func(p []byte, f func(p []byte)) []byte { f(p); return p }
	ip4 := func() []byte { return craftTCP4(client4, server4, sampleSeg()) }
	ip6 := func() []byte { return craftTCP6(client6, server6, sampleSeg()) }
	a6, b6 := netip.MustParseAddrPort(client6), netip.MustParseAddrPort(server6)
	tcp6 := craftTCP(a6, b6, sampleSeg())
	ext := func(first byte, headers ...string) []byte {
		var body []byte
		for _, h := range headers {
			body = append(body, h...)
		}
		return craftIP6(a6.Addr(), b6.Addr(), first, append(body, tcp6...))
	}
	whole := len(sampleSeg().payload)
	zeroLength := func(p []byte) {
		if p[0]>>4 == 4 {
			p[2], p[3] = 0, 0
		} else {
			p[4], p[5] = 0, 0
		}
	}
	big := func(craft func(src, dst string, s craftSeg) []byte, src, dst string) []byte {
		s := sampleSeg()
		s.payload = make([]byte, 200<<10) // its length wraps in the header
		return edit(craft(src, dst, s), zeroLength)
	}

	for _, tt := range []struct {
		name    string
		packet  []byte
		wire    int // 0: the packet was kept whole
		want    IgnoreReason
		payload int
		missing int
	}{
		{"v4", ip4(), 0, decoded, whole, 0},
		{"v6", ip6(), 0, decoded, whole, 0},
		{"v4 with padding", append(ip4(), 1, 2, 3), 0, decoded, whole, 0},
		{"v6 with padding", append(ip6(), 1, 2, 3), 0, decoded, whole, 0},
		{"v4 length 0", edit(ip4(), zeroLength), 0, decoded, whole, 0},
		{"v6 length 0", edit(ip6(), zeroLength), 0, decoded, whole, 0},
		{"v4 of 200 KiB", big(craftTCP4, client4, server4), 0, decoded, 200 << 10, 0},
		{"v6 of 200 KiB", big(craftTCP6, client6, server6), 0, decoded, 200 << 10, 0},
		{"v4 cut", ip4()[:50], len(ip4()), decoded, 6, whole - 6},
		{"v6 cut", ip6()[:70], len(ip6()), decoded, 6, whole - 6},
		{"v4 cut, length 0", edit(ip4()[:50], zeroLength), len(ip4()), decoded, 6, whole - 6},
		{"v4 cut in TCP's options", ip4()[:42], len(ip4()), decoded, 0, whole},
		{"v4 cut in TCP's header", ip4()[:39], len(ip4()), IgnoredShort, 0, 0},
		{"v4 shorter than it says", ip4()[:50], 0, decoded, 6, whole - 6},
		{"v6 shorter than it says", ip6()[:70], 0, decoded, 6, whole - 6},
		{"nothing", nil, 0, IgnoredShort, 0, 0},
		{"v6 cut in its header", ip6()[:39], len(ip6()), IgnoredShort, 0, 0},
		{"IP header too small", edit(ip4(), func(p []byte) { p[0] = 0x44 }), 0, IgnoredShort, 0, 0},
		{"IP header beyond the packet", edit(ip4(), func(p []byte) { p[0] = 0x4f; p[3] = 59 }), 0, IgnoredShort, 0, 0},
		{"IP length within the header", edit(ip4(), func(p []byte) { p[3] = 19 }), 0, IgnoredShort, 0, 0},
		{"TCP header too small", edit(ip4(), func(p []byte) { p[32] = 0x40 }), 0, IgnoredShort, 0, 0},
		{"TCP header beyond the packet", craftTCPHeaderBeyond(), 0, IgnoredShort, 0, 0},
		{"IP version 5", edit(ip4(), func(p []byte) { p[0] = 0x55 }), 0, IgnoredNotTCP, 0, 0},
		{"UDP", edit(ip4(), func(p []byte) { p[9] = protoUDP }), 0, IgnoredNotTCP, 0, 0},
		{"first fragment", edit(ip4(), func(p []byte) { p[6] = 0x20 }), 0, decoded, whole, 0},
		{"later fragment", edit(ip4(), func(p []byte) { p[7] = 1 }), 0, IgnoredFragment, 0, 0},
		{"don't fragment", edit(ip4(), func(p []byte) { p[6] = 0x40 }), 0, decoded, whole, 0},
		{"hop-by-hop", ext(protoHopByHop, "\x06\x00\x01\x04\x00\x00\x00\x00"), 0, decoded, whole, 0},
		{"four extension headers", ext(protoHopByHop,
			"\x2b\x00\x01\x04\x00\x00\x00\x00",                                 // hop-by-hop, then routing
			"\x3c\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", // 16 bytes, then destination
			"\x33\x00\x01\x04\x00\x00\x00\x00",                                 // then authentication
			"\x06\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", // (2+2)*4 bytes, then TCP
		), 0, decoded, whole, 0},
		{"first fragment6", ext(protoFragment, "\x06\x00\x00\x01\x00\x00\x00\x09"), 0, decoded, whole, 0},
		{"later fragment6", ext(protoFragment, "\x06\x00\x00\x08\x00\x00\x00\x09"), 0, IgnoredFragment, 0, 0},
		{"no next header", ext(protoNone), 0, IgnoredNotTCP, 0, 0},
		{"encrypted", ext(protoESP), 0, IgnoredNotTCP, 0, 0},
		{"extension beyond the packet", ext(protoHopByHop, "\x06\xff\x01\x04\x00\x00\x00\x00"), 0, IgnoredShort, 0, 0},
		{"v4 authenticated", edit(craftIP4(mustAddr("192.0.2.1"), mustAddr("10.0.0.5"), protoAH,
			append([]byte("\x06\x01\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01"), ip4()[20:]...)), func([]byte) {}), 0, decoded, whole, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wire := tt.wire
			if wire == 0 {
				wire = len(tt.packet)
			}
			var s Segment
			r := decodeIP(tt.packet, wire, &s)
			if r != tt.want {
				t.Fatalf("got %q, want %q", r, tt.want)
			}
			if r != decoded {
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
	p := craftTCP4(client4, server4, craftSeg{})
	p[32] = 0x60
	return p
}

// checkSample checks the fields of sampleSeg other than its payload.

func checkSample(t *testing.T, s *Segment, v6 bool) {
	t.Helper()
	src, dst := client4, server4
	if v6 {
		src, dst = client6, server6
	}
	if s.Src != netip.MustParseAddrPort(src) || s.Dst != netip.MustParseAddrPort(dst) {
		t.Errorf("from %s to %s, want from %s to %s", s.Src, s.Dst, src, dst)
	}
	if s.Seq != 1<<31 || s.Ack != 7 || s.Flags != FlagPSH|FlagACK || s.Window != 512 {
		t.Errorf("seq %d ack %d flags %s window %d", s.Seq, s.Ack, s.Flags, s.Window)
	}
}

func TestFlagsString(t *testing.T) {
	if got := (FlagSYN | FlagACK).String(); got != "SYN,ACK" {
		t.Error(got)
	}
	if got := TCPFlags(0).String(); got != "none" {
		t.Error(got)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	for name, packet := range map[string][]byte{
		"v4": craftTCP4(client4, server4, sampleSeg()),
		"v6": craftTCP6(client6, server6, sampleSeg()),
	} {
		var s Segment
		if n := testing.AllocsPerRun(100, func() { decodeIP(packet, len(packet), &s) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
		frame := craftEther(etherVLAN, craftVLAN(5, etherTypeOf(packet), packet))
		if n := testing.AllocsPerRun(100, func() { decodeLink(linkEthernet, frame, len(frame), &s) }); n != 0 {
			t.Errorf("%s on Ethernet: %v allocations", name, n)
		}
	}
}

func etherTypeOf(ip []byte) uint16 {
	if ip[0]>>4 == 6 {
		return etherIP6
	}
	return etherIP4
}

func BenchmarkDecode(b *testing.B) {
	for _, bb := range []struct {
		name   string
		packet []byte
	}{
		{"ip4", craftTCP4(client4, server4, sampleSeg())},
		{"ip6", craftTCP6(client6, server6, sampleSeg())},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var s Segment
			b.ReportAllocs()
			for b.Loop() {
				decodeIP(bb.packet, len(bb.packet), &s)
			}
		})
	}
	frame := craftEther(etherVLAN, craftVLAN(5, etherIP4, craftTCP4(client4, server4, sampleSeg())))
	b.Run("ethernet-vlan-ip4", func(b *testing.B) {
		var s Segment
		b.ReportAllocs()
		for b.Loop() {
			decodeLink(linkEthernet, frame, len(frame), &s)
		}
	})
}

// FuzzDecode checks that whatever bytes come, a payload lies within them and
// no more is missing than IP has lengths for or was cut.
func FuzzDecode(f *testing.F) {
	seg := craftSeg{payload: []byte("GET / HTTP/1.1\r\n\r\n")}
	ip4, ip6 := craftTCP4(client4, server4, seg), craftTCP6(client6, server6, seg)
	f.Add(uint16(linkRaw), uint16(0), ip4)
	f.Add(uint16(linkRaw), uint16(9), ip6)
	f.Add(uint16(linkEthernet), uint16(0), craftEther(etherIP4, ip4))
	f.Add(uint16(linkEthernet), uint16(0), craftEther(etherQinQ, craftVLAN(1, etherVLAN, craftVLAN(2, etherIP6, ip6))))
	for _, tt := range linkCases() {
		f.Add(uint16(tt.link), uint16(0), tt.packet)
	}
	f.Fuzz(func(t *testing.T, link, cut uint16, b []byte) {
		var s Segment
		wire := len(b) + int(cut)
		if decodeLink(uint32(link), b, wire, &s) != decoded {
			return
		}
		_ = timestamps(s.Options)
		if len(s.Payload) > 0 {
			at := uintptr(unsafe.Pointer(unsafe.SliceData(s.Payload))) - uintptr(unsafe.Pointer(unsafe.SliceData(b)))
			if at+uintptr(len(s.Payload)) > uintptr(len(b)) {
				t.Fatalf("the payload is at %d of %d bytes", at, len(b))
			}
		}
		if s.Missing < 0 || s.Missing > max(int(cut), 1<<16) {
			t.Fatalf("%d bytes are missing, of %d that were cut", s.Missing, cut)
		}
		if !s.Src.IsValid() || !s.Dst.IsValid() || s.Src.Addr().Is4In6() && len(b) < ip6HeaderLen {
			t.Fatalf("from %s to %s", s.Src, s.Dst)
		}
	})
}

// decoding a segment twice into one value leaves nothing of the first.
func TestDecodeOverwrites(t *testing.T) {
	var s Segment
	p := craftTCP4(client4, server4, sampleSeg())
	decodeIP(p[:50], len(p), &s)
	q := craftTCP6(client6, server6, craftSeg{})
	if r := decodeIP(q, len(q), &s); r != decoded {
		t.Fatal(r)
	}
	if s.Missing != 0 || len(s.Payload) != 0 || s.Seq != 0 || s.Src.Addr().Is4() {
		t.Errorf("got %+v", s)
	}
	binary.BigEndian.PutUint32(q[44:], 9)
	if decodeIP(q, len(q), &s); s.Seq != 9 {
		t.Errorf("sequence number %d", s.Seq)
	}
}
