package source

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// classicWriter makes pcap files whose headers are of any age.
type classicWriter struct {
	order   binary.AppendByteOrder
	magic   uint32
	minor   uint16
	network uint32
	extra   int  // bytes behind a packet's header
	swap    bool // its lengths
}

func (w classicWriter) header() []byte {
	f := w.order.AppendUint32(nil, w.magic)
	f = w.order.AppendUint16(f, 2)
	f = w.order.AppendUint16(f, w.minor)
	f = append(f, make([]byte, 8)...)
	f = w.order.AppendUint32(f, 65535)
	return w.order.AppendUint32(f, w.network)
}

func (w classicWriter) packet(sec, caplen, wire int, data string) []byte {
	f := w.order.AppendUint32(nil, uint32(sec))
	f = w.order.AppendUint32(f, 5)
	if w.swap {
		caplen, wire = wire, caplen
	}
	f = w.order.AppendUint32(f, uint32(caplen))
	f = w.order.AppendUint32(f, uint32(wire))
	f = append(f, make([]byte, w.extra)...)
	return append(f, data...)
}

func (w classicWriter) file(data ...string) []byte {
	f := w.header()
	for i, d := range data {
		f = append(f, w.packet(i+1, len(d), len(d)+1, d)...)
	}
	return f
}

func zipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(b)
	_ = w.Close()
	return z.Bytes()
}

func zstandard(b []byte) []byte {
	e, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return e.EncodeAll(b, nil)
}

// Files of all ages and kinds are read, and what follows another is read on.
func TestCaptureFilesOfAllKinds(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	plain := classicWriter{order: le, magic: 0xa1b2c3d4, minor: 4, network: packet.LinkRaw}
	big := classicWriter{order: be, magic: 0xa1b23c4d, minor: 4, network: packet.LinkSLL2}
	ng := bytes.Join([][]byte{craftSection(be), craftInterface(be, packet.LinkEthernet, 0), craftEnhanced(be, 0, 7e6, 3, []byte("ngx"))}, nil)
	old := func(minor uint16, swap bool) []byte {
		w := plain
		w.minor, w.swap = minor, swap
		return w.file("abc", "defg")
	}
	modified := func(order binary.AppendByteOrder, extra int) []byte {
		return classicWriter{order: order, magic: 0xa1b2cd34, minor: 4, network: packet.LinkRaw, extra: extra}.file("abc", "defg")
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	long := strings.Repeat("x", 300)
	inside := string(plain.file("in")) // a capture file that a packet carries
	for _, tt := range []struct {
		name string
		file []byte
		want string // link/data/wire of each packet
		cut  uint64
		err  error // io.EOF unless it is set
		says string
	}{
		{name: "version 2.0", file: old(0, true), want: "101/abc/4 101/defg/5"},
		{name: "version 2.2", file: old(2, true), want: "101/abc/4 101/defg/5"},
		{name: "version 2.3 of before", file: old(3, true), want: "101/abc/4 101/defg/5"},
		{name: "version 2.3 of after", file: old(3, false), want: "101/abc/4 101/defg/5"},
		{name: "version 3", file: join(plain.header()[:4], []byte("\x03\x00"), plain.header()[6:]), says: "version 3.4"},
		{name: "Kuznetzov", file: modified(le, 8), want: "101/abc/4 101/defg/5"},
		{name: "Kuznetzov, big-endian", file: modified(be, 8), want: "101/abc/4 101/defg/5"},
		{name: "Kuznetzov, the older header", file: modified(le, 12), want: "101/abc/4 101/defg/5"},
		{name: "Kuznetzov's magic alone", file: modified(le, 0), want: "101/abc/4 101/defg/5"},
		{name: "captured more than there was", file: join(plain.header(), plain.packet(1, 5, 3, "abcde"), plain.packet(2, 2, 0, "fg")), want: "101/abcde/5 101/fg/2"},
		{name: "SLL2 and a check sequence", file: classicWriter{order: be, magic: 0xa1b2c3d4, minor: 4, network: 0x24000000 | packet.LinkSLL2}.file("abcdefgh"), want: "276/abcdefgh/5"},
		{name: "reserved bits", file: classicWriter{order: le, magic: 0xa1b2c3d4, minor: 4, network: 0x00110000 | packet.LinkRaw}.file("a"), want: "101/a/2"},

		{name: "two behind one another", file: join(plain.file("a", "b"), plain.file("c")), want: "101/a/2 101/b/2 101/c/2"},
		{name: "all kinds behind one another", file: join(plain.file("a"), ng, big.file("b"), modified(le, 8), ng, plain.file("c")),
			want: "101/a/2 1/ngx/3 276/b/2 101/abc/4 101/defg/5 1/ngx/3 101/c/2"},
		{name: "a header alone, and more", file: join(plain.header(), plain.header(), plain.file("a")), want: "101/a/2"},
		{name: "gzip behind gzip", file: join(zipped(plain.file("a")), zipped(ng)), want: "101/a/2 1/ngx/3"},
		{name: "gzip in members", file: join(zipped(plain.file("a", "b")[:30]), zipped(plain.file("a", "b")[30:])), want: "101/a/2 101/b/2"},
		{name: "plain behind gzip", file: join(zipped(plain.file("a")), ng), want: "101/a/2 1/ngx/3"},
		{name: "gzip behind plain", file: join(ng, zipped(plain.file("a")), plain.file("b")), want: "1/ngx/3 101/a/2 101/b/2"},
		{name: "zstd", file: join(zstandard(plain.file("a")), zstandard(ng)), want: "101/a/2 1/ngx/3"},
		{name: "zstd behind plain", file: join(plain.file("b"), zstandard(plain.file("a"))), want: "101/b/2 101/a/2"},
		{name: "something behind zstd", file: join(zstandard(plain.file("a")), plain.file("b")), want: "101/a/2", err: errDamaged},
		{name: "torn zstd", file: zstandard(plain.file("a", long))[:60], err: io.ErrUnexpectedEOF},
		{name: "gzip within gzip", file: zipped(zipped(plain.file("a"))), says: "compressed twice"},

		{name: "cut in a packet, and more", file: join(plain.file("a", long)[:24+17+16+100], plain.file("b", "c")), want: "101/a/2 101/b/2 101/c/2", cut: 1},
		{name: "cut in a packet's header, and more", file: join(plain.file("a", long)[:24+17+7], plain.file("b", "c", "d", "e")), want: "101/a/2 101/b/2 101/c/2 101/d/2 101/e/2", cut: 1},
		{name: "cut, and more that is longer", file: join(plain.file("a", long)[:24+17+16+290], plain.file("b", long)), want: "101/a/2 101/b/2 101/" + long + "/301", cut: 1},
		{name: "cut twice", file: join(plain.file("a", long)[:200], plain.file("b", long)[:200], plain.file("c")), want: "101/a/2 101/b/2 101/c/2", cut: 2},
		{name: "cut, and a header that is cut", file: join(plain.file("a", long)[:200], plain.header()[:20]), want: "101/a/2", err: io.ErrUnexpectedEOF, cut: 1},
		{name: "a packet that carries a capture", file: plain.file("a", "<"+inside+">", "b"), want: "101/a/2 101/<" + inside + fmt.Sprintf(">/%d 101/b/2", len(inside)+3)},
		{name: "a packet that ends with a capture, at the end", file: plain.file(inside), want: "101/" + inside + fmt.Sprintf("/%d", len(inside)+1)},
		{name: "pcapng, cut in a packet, and more", file: join(ng[:len(ng)-10], ng, ng), want: "1/ngx/3 1/ngx/3", cut: 1},
		{name: "pcapng, cut in a packet's header, and more", file: join(ng[:len(ng)-33], ng, ng), want: "1/ngx/3 1/ngx/3", cut: 1},
		{name: "pcapng, cut in the length, and more", file: join(ng[:len(ng)-30], ng, ng), want: "1/ngx/3 1/ngx/3", cut: 1},

		{name: "xz", file: []byte("\xfd7zXZ\x00\x00\x04"), says: "it is an xz file"},
		{name: "bzip2", file: []byte("BZh91AY&SY"), says: "it is a bzip2 file"},
		{name: "snoop", file: []byte("snoop\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x04"), says: "editcap -F pcap"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := newCaptureReader(bytes.NewReader(tt.file))
			var got []string
			for err == nil {
				var p capturedPacket
				if p, err = c.next(); err == nil {
					got = append(got, fmt.Sprintf("%d/%s/%d", p.link, p.data, p.wire))
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got  %.300q\nwant %.300q (%v)", strings.Join(got, " "), tt.want, err)
			}
			switch {
			case tt.says != "":
				wantError(t, err, tt.says)
				return
			case tt.err == nil && !errors.Is(err, io.EOF), tt.err != nil && !errors.Is(err, tt.err):
				t.Errorf("ends with %v, want %v", err, tt.err)
			}
			if c != nil && c.cut != tt.cut {
				t.Errorf("%d packets were cut, want %d", c.cut, tt.cut)
			}
		})
	}
}

// The files of a pattern are one capture: in the order of their packets' times,
// whatever they are called, with what was recorded at the same time in between.
func TestCapturePattern(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, f []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), f, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := classicWriter{order: binary.LittleEndian, magic: 0xa1b2c3d4, minor: 4, network: packet.LinkRaw}
	segment := func(seq uint32, payload string) string {
		return string(packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Seg{Seq: seq, Flags: packet.FlagACK, Payload: []byte(payload)}))
	}
	at := func(sec int, seq uint32, payload string) []byte {
		p := segment(seq, payload)
		return w.packet(sec, len(p), len(p), p)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	file("x.pcap", join(w.header(), at(10, 1, "a"), at(11, 2, "b"))) // tcpdump -C overwrote the names in turn
	file("x.pcap1", join(w.header(), at(12, 3, "c"), at(20, 8, "h"), at(21, 9, "i")[:20]))
	file("x.pcap2", zipped(join(w.header(), at(13, 4, "d"), at(15, 6, "f"))))
	file("x.pcap3", join(w.header(), at(14, 5, "e"), at(16, 7, "g")))
	file("x.pcap10", w.header())
	file("x.pcap11", nil)
	if err := os.Mkdir(filepath.Join(dir, "x.pcap.old"), 0o700); err != nil {
		t.Fatal(err)
	}
	a := addressFor(t, filepath.Join(dir, "x.pcap*")+":80")
	s, err := openOne(Config{Address: a})
	if err != nil {
		t.Fatal(err)
	}
	var got segments
	if err := s.Run(&got); err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, g := range got {
		text += string(g.Payload)
	}
	st := s.Stats()
	if text != "abcdefgh" || st.Ignored[packet.IgnoredTorn] != 1 || st.Received != 9 {
		t.Errorf("got %q, %+v", text, st)
	}
	if faults := strings.Join(st.Faults, "\n"); !strings.Contains(faults, "x.pcap11 is empty") || !strings.Contains(faults, "ends within a packet") {
		t.Errorf("faults %q", faults)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}

	file("y.pcap1", []byte("this is no capture"))
	for pattern, says := range map[string]string{"y.pcap*": "y.pcap1: it is neither a pcap", "z.pcap*": "no file matches", "[.pcap": "malformed"} {
		_, err := openOne(Config{Address: filter.Address{Path: filepath.Join(dir, pattern)}})
		wantError(t, err, says)
	}
}

// More files than are read at the same time, all beside each other.
func TestCapturePatternOfMany(t *testing.T) {
	dir := t.TempDir()
	w := classicWriter{order: binary.LittleEndian, magic: 0xa1b2c3d4, minor: 4, network: packet.LinkRaw}
	p := string(packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Seg{Seq: 1, Flags: packet.FlagACK, Payload: []byte("x")}))
	const files = 3 * maxOpenCaptures
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("x%d.cap", i)), w.file(p, p, p), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openOne(Config{Address: addressFor(t, filepath.Join(dir, "*.cap"))})
	if err != nil {
		t.Fatal(err)
	}
	var got segments
	if err := s.Run(&got); err != nil || len(got) != 3*files {
		t.Errorf("%d segments of %d, %v", len(got), 3*files, err)
	}
}

// A capture that cannot be read at all says so, by the type's name.
func TestCaptureOfUnreadLinks(t *testing.T) {
	ip := string(packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Seg{Seq: 1, Flags: packet.FlagACK, Payload: []byte("x")}))
	w := func(link uint32) classicWriter {
		return classicWriter{order: binary.LittleEndian, magic: 0xa1b2c3d4, minor: 4, network: link}
	}
	for _, tt := range []struct {
		name        string
		file        []byte
		fails, says string
	}{
		{"radiotap", w(127).file(ip, ip), "2 packets of the link type 127 (LINKTYPE_IEEE802_11_RADIOTAP)", ""},
		{"above 255", w(257).file(ip), "257 (LINKTYPE_PROFIBUS_DL)", ""},
		{"of no name", w(999).file(ip), "the link type 999:", ""},
		{"torn behind it", w(127).file(ip, ip)[:24+16+len(ip)+3], "127 (LINKTYPE_IEEE802_11_RADIOTAP)", "ends within"},
		{"a part of it", append(w(packet.LinkRaw).file(ip), w(220).file(ip)...), "", "1 packet of the link type 220 (LINKTYPE_USB_LINUX_MMAPPED)"},
		{"nothing in it", w(127).file(), "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := openOne(Config{Address: addressFor(t, "-:80"), Stdin: bytes.NewReader(tt.file)})
			if err != nil {
				t.Fatal(err)
			}
			var got segments
			switch err := s.Run(&got); {
			case tt.fails != "":
				wantError(t, err, tt.fails)
			case err != nil:
				t.Error(err)
			}
			if faults := strings.Join(s.Stats().Faults, "\n"); !strings.Contains(faults, tt.says) || tt.says == "" && faults != "" {
				t.Errorf("faults %q, want %q", faults, tt.says)
			}
		})
	}
}
