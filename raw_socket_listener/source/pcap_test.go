package source

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// craftBlock is a block of a pcapng file.
func craftBlock(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint32(b, uint32(12+len(body)))
	b = append(b, body...)
	return order.AppendUint32(b, uint32(12+len(body)))
}

func craftSection(order binary.AppendByteOrder) []byte {
	b := order.AppendUint32(nil, 0x1a2b3c4d)
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0)
	return craftBlock(order, blockSection, order.AppendUint64(b, math.MaxUint64))
}

// craftInterface declares an interface; options are pairs of code and value.
func craftInterface(order binary.AppendByteOrder, link uint16, snap uint32, options ...any) []byte {
	b := order.AppendUint16(nil, link)
	b = order.AppendUint16(b, 0)
	b = order.AppendUint32(b, snap)
	for i := 0; i < len(options); i += 2 {
		v := options[i+1].(string)
		b = order.AppendUint16(b, uint16(options[i].(int)))
		b = order.AppendUint16(b, uint16(len(v)))
		b = append(b, v...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	return craftBlock(order, blockInterface, b)
}

func craftEnhanced(order binary.AppendByteOrder, id uint32, units uint64, wire int, data []byte) []byte {
	b := order.AppendUint32(nil, id)
	b = order.AppendUint32(b, uint32(units>>32))
	b = order.AppendUint32(b, uint32(units))
	b = order.AppendUint32(b, uint32(len(data)))
	b = order.AppendUint32(b, uint32(wire))
	return craftBlock(order, blockEnhanced, append(b, data...))
}

type readPacket struct {
	link uint32
	time int64
	data string
	wire int
}

func readAllPackets(file []byte) (got []readPacket, err error) {
	c, err := newCaptureReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	for {
		p, err := c.next()
		if err != nil {
			return got, err
		}
		got = append(got, readPacket{p.link, p.time, string(p.data), p.wire})
	}
}

func TestCaptureFiles(t *testing.T) {
	pcap := func(order binary.AppendByteOrder, magic uint32, extra int) []byte {
		f := order.AppendUint32(nil, magic)
		f = order.AppendUint16(f, 2)
		f = order.AppendUint16(f, 4)
		f = append(f, make([]byte, 8)...)
		f = order.AppendUint32(f, 65535)
		f = order.AppendUint32(f, 0x14000000|packet.LinkRaw) // with the length of a check sequence
		f = order.AppendUint32(f, 1700000000)
		f = order.AppendUint32(f, 5)
		f = order.AppendUint32(f, 3)
		f = order.AppendUint32(f, 9)
		f = append(f, make([]byte, extra)...)
		return append(f, "abc"...)
	}
	le, be := binary.LittleEndian, binary.BigEndian
	const sec = int64(1700000000) * 1e9
	micro := []readPacket{{packet.LinkRaw, sec + 5000, "abc", 7}}
	nano := []readPacket{{packet.LinkRaw, sec + 5, "abc", 7}}

	ng := func(order binary.AppendByteOrder) []byte {
		return bytes.Join([][]byte{
			craftSection(order),
			craftInterface(order, packet.LinkEthernet, 0),
			craftInterface(order, packet.LinkRaw, 0, 2, "eth1", 9, "\x09", 0, ""),
			craftBlock(order, 0xbad, []byte("what nobody knows")),
			craftEnhanced(order, 0, 1700000000*1e6+5, 9, []byte("abc")),
			craftEnhanced(order, 1, uint64(sec)+5, 4, []byte("abcd")),
		}, nil)
	}
	two := []readPacket{{packet.LinkEthernet, sec + 5000, "abc", 9}, {packet.LinkRaw, sec + 5, "abcd", 4}}
	zip := func(b []byte) []byte {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		_, _ = w.Write(b)
		_ = w.Close()
		return z.Bytes()
	}
	one := func(options ...any) []byte {
		return append(craftSection(le), craftInterface(le, packet.LinkRaw, 2, options...)...)
	}
	simple := func(wire uint32, data string) []byte {
		return craftBlock(le, blockSimple, append(le.AppendUint32(nil, wire), data...))
	}
	offset := string(le.AppendUint64(nil, 1700000000))

	for _, tt := range []struct {
		name string
		file []byte
		want []readPacket
		err  error // io.EOF unless it is set
		says string
	}{
		{name: "pcap, little-endian", file: pcap(le, 0xa1b2c3d4, 0), want: micro},
		{name: "pcap, big-endian", file: pcap(be, 0xa1b2c3d4, 0), want: micro},
		{name: "pcap, little-endian, ns", file: pcap(le, 0xa1b23c4d, 0), want: nano},
		{name: "pcap, big-endian, ns", file: pcap(be, 0xa1b23c4d, 0), want: nano},
		{name: "pcap, gzip", file: zip(pcap(le, 0xa1b2c3d4, 0)), want: micro},
		{name: "pcapng, little-endian", file: ng(le), want: two},
		{name: "pcapng, big-endian", file: ng(be), want: two},
		{name: "pcapng, gzip", file: zip(ng(le)), want: two},
		{name: "sections in both byte orders", file: append(ng(le), ng(be)...), want: append(two[:2:2], two...)},
		{name: "binary resolution", file: append(one(9, "\x8a"), craftEnhanced(le, 0, 1700000000<<10|512, 3, []byte("abc"))...),
			want: []readPacket{{packet.LinkRaw, sec + 5e8, "abc", 3}}},
		{name: "picoseconds and offset", file: append(one(9, "\x0c", 14, offset), craftEnhanced(le, 0, 5000, 3, []byte("abc"))...),
			want: []readPacket{{packet.LinkRaw, sec + 5, "abc", 3}}},
		{name: "simple packet", file: append(one(), simple(9, "ab")...), want: []readPacket{{packet.LinkRaw, 0, "ab", 9}}},
		{name: "obsolete packet", file: append(one(), craftBlock(le, blockOldPacket,
			append([]byte("\x00\x00\x07\x00\x00\x00\x00\x00\x05\x00\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"), "ab"...))...),
			want: []readPacket{{packet.LinkRaw, 5000, "ab", 2}}},
		{name: "longer than on the wire", file: append(one(), craftEnhanced(le, 0, 0, 1, []byte("abc"))...),
			want: []readPacket{{packet.LinkRaw, 0, "abc", 3}}},
		{name: "a time beyond years", file: append(one(9, "\x00"), craftEnhanced(le, 0, math.MaxUint64, 3, []byte("abc"))...),
			want: []readPacket{{packet.LinkRaw, 0, "abc", 3}}},

		{name: "empty", says: "is empty"},
		{name: "three bytes", file: []byte("\xd4\xc3\xb2"), says: "neither a pcap nor a pcapng"},
		{name: "text", file: []byte("1 93c7f6d0c9f8 1700000000\nGET / HTTP/1.1\n"), says: "neither a pcap nor a pcapng"},
		{name: "torn header", file: pcap(le, 0xa1b2c3d4, 0)[:30], err: io.ErrUnexpectedEOF},
		{name: "torn packet", file: pcap(le, 0xa1b2c3d4, 0)[:41], err: io.ErrUnexpectedEOF},
		{name: "torn gzip", file: zip(ng(le))[:60], err: io.ErrUnexpectedEOF},
		{name: "torn block", file: one()[:30], err: io.ErrUnexpectedEOF},
		{name: "torn trailer", file: ng(le)[:len(ng(le))-1], want: two, err: io.ErrUnexpectedEOF},
		{name: "huge packet", file: append(pcap(le, 0xa1b2c3d4, 0), "\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"...), want: micro, err: errDamaged},
		{name: "huge packet in a block", file: append(one(), craftBlock(le, blockEnhanced,
			[]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff"))...), err: errDamaged},
		{name: "block too small", file: append(one(), "\x06\x00\x00\x00\x0b\x00\x00\x00"...), err: errDamaged},
		{name: "block too large", file: append(one(), "\x06\x00\x00\x00\xff\xff\xff\xff"...), err: errDamaged},
		{name: "undeclared interface", file: append(one(), craftEnhanced(le, 1, 0, 3, []byte("abc"))...), err: errDamaged},
		{name: "simple packet without interface", file: append(craftSection(le), simple(3, "abc")...), err: errDamaged},
		{name: "resolution of 10^-64 s", file: one(9, "\x40"), err: errDamaged},
		{name: "resolution of 2^-64 s", file: one(9, "\xc0"), err: errDamaged},
		{name: "option beyond its block", file: append(one(9, "\x06", 2, "name")[:28], craftBlock(le, blockInterface, []byte("\x65\x00\x00\x00\x00\x00\x00\x00\x09\x00\xff\xff"))...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readAllPackets(tt.file)
			if len(got) != len(tt.want) {
				t.Fatalf("got %v, %v; want %v", got, err, tt.want)
			}
			for i := range got {
				if got[i] != tt.want[i] {
					t.Errorf("packet %d is %v, want %v", i, got[i], tt.want[i])
				}
			}
			switch {
			case tt.says != "":
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%v does not say %q", err, tt.says)
				}
			case tt.err == nil:
				if err != io.EOF {
					t.Errorf("ends with %v", err)
				}
			case !errors.Is(err, tt.err):
				t.Errorf("ends with %v, want %v", err, tt.err)
			}
		})
	}
}

// FuzzCaptureFile checks that a file of any content ends, that no packet is
// larger than it may be, and that memory is bounded by what was read.
func FuzzCaptureFile(f *testing.F) {
	ip := packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Seg{Payload: []byte("x")})
	f.Add(packettest.Pcap(packet.LinkRaw, ip, ip))
	f.Add(bytes.Join([][]byte{
		craftSection(binary.LittleEndian), craftInterface(binary.LittleEndian, packet.LinkRaw, 0, 9, "\x09"),
		craftEnhanced(binary.LittleEndian, 0, 5, len(ip), ip),
	}, nil))
	f.Add(bytes.Join([][]byte{
		craftSection(binary.BigEndian), craftInterface(binary.BigEndian, packet.LinkRaw, 9, 14, "12345678"),
		craftBlock(binary.BigEndian, blockSimple, append([]byte{0, 0, 0, byte(len(ip))}, ip...)),
	}, nil))
	le := binary.LittleEndian
	f.Add(classicWriter{order: binary.BigEndian, magic: 0xa1b2cd34, minor: 3, network: packet.LinkRaw, extra: 12, swap: true}.file("abc", "defg"))
	torn := classicWriter{order: le, magic: 0xa1b23c4d, minor: 4, network: 0x24000000 | packet.LinkSLL2}.file("a", strings.Repeat("x", 99))
	f.Add(append(torn[:90:90], torn...))
	section := append(craftSection(le), craftInterface(le, packet.LinkNFLOG, 0, 13, "\x04")...)
	section = append(section, craftEnhanced(le, 0, 5, 3, []byte("abc"))...)
	f.Add(append(section[:len(section)-9:len(section)-9], append(section, zipped(torn)...)...))
	f.Add(zstandard(append(torn[:60:60], section...)))
	f.Fuzz(func(t *testing.T, file []byte) {
		c, err := newCaptureReader(bytes.NewReader(file))
		if err != nil {
			return
		}
		defer c.close()
		var s packet.Segment
		total := 0
		for {
			p, err := c.next()
			if err != nil {
				break
			}
			total += len(p.data)
			if len(p.data) > packet.MaxLen || p.wire < len(p.data)-maxCheck || p.wire < 0 || p.time < 0 {
				t.Fatalf("a packet of %d bytes, %d on the wire, time %d", len(p.data), p.wire, p.time)
			}
			packet.DecodeLink(p.link, p.data, p.wire, &s)
		}
		if c.under == nil && !bytes.Contains(file, []byte("\x1f\x8b\x08")) && !bytes.Contains(file, []byte("\x28\xb5\x2f\xfd")) && total > len(file) {
			t.Fatalf("%d bytes of packets from %d bytes of file", total, len(file))
		}
	})
}
