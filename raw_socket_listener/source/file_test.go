package source

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// segments is a sink that keeps copies.
type segments []packet.Segment

func (c *segments) Segment(s *packet.Segment) {
	k := *s
	k.Payload = bytes.Clone(s.Payload)
	*c = append(*c, k)
}

func (c *segments) Tick(int64) {}

func craftExchange() []byte {
	req := packettest.Seg{Seq: 1, Flags: packet.FlagACK, Payload: []byte("GET / HTTP/1.1\r\n\r\n")}
	res := packettest.Seg{Seq: 9, Flags: packet.FlagACK, Payload: []byte("HTTP/1.1 204 No Content\r\n\r\n")}
	cut := packettest.Ethernet(packet.EtherIP4, packettest.TCP4(packettest.Client4, packettest.Server4, req))
	return packettest.Pcap(packet.LinkEthernet,
		packettest.Ethernet(packet.EtherIP4, packettest.TCP4(packettest.Client4, packettest.Server4, req)),
		packettest.Ethernet(packet.EtherIP4, packettest.TCP4(packettest.Server4, packettest.Client4, res)),
		packettest.Ethernet(packet.EtherIP6, packettest.TCP6(packettest.Client6, "[2001:db8::5]:8080", req)),
		packettest.Ethernet(0x0806, make([]byte, 28)),
		cut[:20],
	)
}

func TestFileSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.pcap")
	if err := os.WriteFile(path, craftExchange(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		ports    string
		response bool
		want     int // segments
		other    uint64
	}{
		{"", false, 3, 0},
		{":80", false, 1, 2},
		{":80", true, 2, 1},
		{":80,8080", false, 2, 1},
		{":1", true, 0, 3},
	} {
		t.Run(tt.ports, func(t *testing.T) {
			for _, name := range []string{path, "-"} {
				a, err := filter.ParseAddress(name + tt.ports)
				if err != nil {
					t.Fatal(err)
				}
				s, err := openOne(Config{Address: a, TrackResponse: tt.response, Stdin: bytes.NewReader(craftExchange())})
				if err != nil {
					t.Fatal(err)
				}
				var got segments
				if err := s.Run(&got); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				if len(got) != tt.want {
					t.Errorf("%d segments, want %d", len(got), tt.want)
				}
				st := s.Stats()
				want := Stats{Received: 5, Segments: uint64(tt.want)}
				want.Ignored[packet.IgnoredNotTCP], want.Ignored[packet.IgnoredShort], want.Ignored[packet.IgnoredOther] = 1, 1, tt.other
				if st.Received != want.Received || st.Segments != want.Segments || st.Ignored != want.Ignored || len(st.Faults) != 0 {
					t.Errorf("got %+v, want %+v", st, want)
				}
			}
		})
	}
}

func TestFileSourceErrors(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, b []byte) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	file := craftExchange()
	for _, tt := range []struct {
		name, path       string
		open, run, fault string
	}{
		{"not there", filepath.Join(dir, "none.pcap"), "no such file", "", ""},
		{"text", write("text.pcap", []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), "neither a pcap nor a pcapng file", "", ""},
		{"empty", write("empty.pcap", nil), "is empty", "", ""},
		{"torn", write("torn.pcap", file[:len(file)-1]), "", "", "ends within a packet"},
		{"damaged", write("damaged.pcap", append(file, bytes.Repeat([]byte{0xff}, 16)...)), "", "before byte ", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, err := filter.ParseAddress(tt.path)
			if err != nil {
				t.Fatal(err)
			}
			s, err := openOne(Config{Address: a})
			if err != nil || tt.open != "" {
				wantError(t, err, tt.open, tt.path)
				return
			}
			var got segments
			if err := s.Run(&got); err != nil || tt.run != "" {
				wantError(t, err, tt.run, tt.path)
			}
			if f := strings.Join(s.Stats().Faults, "\n"); !strings.Contains(f, tt.fault) || f != "" && tt.fault == "" {
				t.Errorf("faults %q, want %q", f, tt.fault)
			}
			if len(got) != 3 {
				t.Errorf("%d segments before the damage, want 3", len(got))
			}
		})
	}
}

func wantError(t *testing.T, err error, says ...string) {
	t.Helper()
	for _, s := range says {
		if err == nil || !strings.Contains(err.Error(), s) {
			t.Errorf("%v does not say %q", err, s)
		}
	}
}

// Closing ends a capture that waits for stdin, whatever stdin is.
func TestStdinCloses(t *testing.T) {
	file := craftExchange()
	run := func(t *testing.T, in io.Reader, feed func([]byte)) {
		a, err := filter.ParseAddress("-")
		if err != nil {
			t.Fatal(err)
		}
		s, err := openOne(Config{Address: a, Stdin: in})
		if err != nil {
			t.Fatal(err)
		}
		r := packettest.NewRecorder()
		done := make(chan error)
		go func() { done <- s.Run(r) }()
		feed(file)
		r.Wait(t, func() bool { return r.Segs == 3 })
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Run("a file", func(t *testing.T) {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = in.Close(); _ = out.Close() }()
		_ = in.Fd() // blocking from here on, as a shell gives it
		run(t, in, func(b []byte) { _, _ = out.Write(b) })
	})
	t.Run("a pipe within the process", func(t *testing.T) {
		in, out := io.Pipe()
		run(t, in, func(b []byte) { _, _ = out.Write(b) })
	})
}

func TestFileSourceDoesNotAllocate(t *testing.T) {
	ip := packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Seg{Payload: make([]byte, 100)})
	const packets = 1000
	var many [][]byte
	for range packets {
		many = append(many, ip)
	}
	var ng [][]byte
	ng = append(ng, craftSection(binary.LittleEndian), craftInterface(binary.LittleEndian, packet.LinkRaw, 0))
	for range packets {
		ng = append(ng, craftEnhanced(binary.LittleEndian, 0, 1, len(ip), ip))
	}
	for name, file := range map[string][]byte{"pcap": packettest.Pcap(packet.LinkRaw, many...), "pcapng": bytes.Join(ng, nil)} {
		a := addressFor(t, "-:80")
		n := testing.AllocsPerRun(1, func() {
			s, err := openOne(Config{Address: a, Stdin: bytes.NewReader(file)})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Run(discard{}); err != nil {
				t.Fatal(err)
			}
			if got := s.Stats().Segments; got != packets {
				t.Fatalf("%d segments", got)
			}
		})
		if n > 50 {
			t.Errorf("%s: %v allocations for %d packets", name, n, packets)
		}
	}
}

type discard struct{}

func (discard) Segment(*packet.Segment) {}
func (discard) Tick(int64)              {}
