package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// farSegments are segments of some connections to a server, each with data that
// is next in order, and data about as far away as numbers can say: some before
// 2^31 is reached, there, and behind. What follows in order comes then, or not.
// Late are those that come when the holes have been given up: a SYN with data
// lies exactly 2^31 away then, and what follows in order comes again, or not.
func farSegments(client, server netip.AddrPort) (early, late []forgedTo) {
	const text = "GET /far HTTP/1.1\r\nHost: far\r\n\r\n"
	port := client.Port()
	for _, off := range []uint32{1<<31 - 1000, 1<<31 - 38, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1 << 30, 3 << 30} {
		for _, more := range []string{"", text[:10], text} {
			src := netip.AddrPortFrom(client.Addr(), port)
			port++
			next := uint32(1000 + len(text))
			early = append(early,
				forgedTo{src, server, forged{seq: 1000, flags: tcpACK, data: []byte(text)}},
				forgedTo{src, server, forged{seq: next + off, flags: tcpACK, data: []byte(text[:10])}})
			if more != "" {
				early = append(early, forgedTo{src, server, forged{seq: next, flags: tcpACK, data: []byte(more)}})
			}
		}
	}
	for _, more := range []bool{false, true} {
		src := netip.AddrPortFrom(client.Addr(), port)
		port++
		const away, begin = 1 << 31, 1000
		early = append(early,
			forgedTo{src, server, forged{seq: begin, flags: tcpACK, data: []byte(text)}},
			forgedTo{src, server, forged{seq: begin + away - 10, flags: tcpACK, data: []byte(text[:10])}})
		late = append(late, forgedTo{src, server, forged{seq: begin - 1, flags: tcpSYN, data: []byte("x")}})
		if more {
			late = append(late, forgedTo{src, server, forged{seq: begin + away, flags: tcpACK, data: []byte("xy")}})
		}
	}
	return early, late
}

// farPatience is several times as long as a capture with farExpire waits for a
// hole to close.
const (
	farExpire   = "50ms"
	farPatience = 250 * time.Millisecond
)

type forgedTo struct {
	src, dst netip.AddrPort
	forged
}

// heardBehind waits until a request is recorded that was sent when every hole
// had been given up. ask sends one and returns how many there are.
func heardBehind(t *testing.T, file string, ask func() (sent int)) {
	t.Helper()
	start, late := time.Now(), ""
	testkit.Eventually(t, "what is sent behind far segments is recorded", func() bool {
		if n := ask(); late == "" && time.Since(start) > farPatience {
			late = fmt.Sprintf("GET /kept/0/%d ", n-1)
		}
		return late != "" && slices.ContainsFunc(recordedSoFar(file), func(raw string) bool { return strings.HasPrefix(raw, late) })
	})
}

// TestLiveFarSegments: segments that lie 2^31 bytes from where their connection
// is do not disturb a capture: what is sent beside and after them is recorded,
// and Gor ends in order.
func TestLiveFarSegments(t *testing.T) {
	testkit.NeedCapture(t)
	wire := testkit.NewWire(t)
	s := newStage(t, wire.Near, wire.Near, "127.0.0.1", "--input-raw-expire", farExpire)
	f := forgerOn(t, wire.Near, "lo", make(net.HardwareAddr, 6))
	f.from = f.to // Go has none for loopback
	server := netip.MustParseAddrPort(s.server.Address())
	client := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 9}), 2000)
	k := s.dial()
	ask := func() int { k.ask(t); return k.sent }
	for i := range strangerRounds(t, 1) {
		early, late := farSegments(netip.AddrPortFrom(client.Addr(), client.Port()+uint16(i*30%50_000)), server)
		for _, list := range [][]forgedTo{early, late} {
			for _, p := range list {
				testkit.Must(t, f.send(p.src, p.dst, p.forged))
			}
			heardBehind(t, s.file, ask)
		}
	}
	_ = k.conn.Close()
	s.gor.Stop()
	kept, far := 0, 0
	for _, raw := range recordedSoFar(s.file) {
		switch {
		case strings.HasPrefix(raw, "GET /kept/"):
			kept++
		case strings.HasPrefix(raw, "GET /far "):
			far++
		default:
			t.Errorf("nobody sent %.60q", raw)
		}
	}
	if far == 0 {
		t.Error("no forged segment was captured: the test shows nothing")
	}
	if l := parseCaptureLedger(t, s.gor.Stderr()); l.dropped == 0 && int64(kept) != s.server.Requests() {
		t.Errorf("%d requests came to the server, %d were recorded", s.server.Requests(), kept)
	}
}

// TestVXLANFarSegments is the same through the vxlan engine. It needs no
// privilege.
func TestVXLANFarSegments(t *testing.T) {
	file := filepath.Join(t.TempDir(), "far.gor")
	addr := fmt.Sprintf("127.0.0.1:%d", testkit.FreeUDPPort(t))
	gor := testkit.StartGor(t, "--input-raw", ":80", "--input-raw-engine", "vxlan", "--input-raw-vxlan-port", testkit.PortOf(t, addr),
		"--input-raw-expire", farExpire, "--output-file", file, "--output-file-flush-interval", "20ms")
	server := netip.MustParseAddrPort("192.0.2.80:80")
	f := &forger{from: make(net.HardwareAddr, 6), to: make(net.HardwareAddr, 6)}
	beside := netip.MustParseAddrPort("192.0.2.10:40000")
	seq := uint32(1<<32 - 100)
	sent := 0
	send := func(src netip.AddrPort, s forged) {
		f.build(src, server, s)
		sendVXLAN(t, addr, 7, [][]byte{f.frame})
	}
	ask := func() int {
		b := keptRequest(0, sent)
		sent++
		for _, part := range [][]byte{b[:1200], b[1200:2500], b[2500:]} {
			send(beside, forged{seq: seq, flags: tcpACK, data: part})
			seq += uint32(len(part))
		}
		return sent
	}
	ask()
	early, late := farSegments(netip.MustParseAddrPort("192.0.2.10:2000"), server)
	for _, list := range [][]forgedTo{early, late} {
		for _, p := range list {
			send(p.src, p.forged)
			ask()
		}
		heardBehind(t, file, ask)
	}
	gor.Stop()
	for _, raw := range recordedSoFar(file) {
		if !strings.HasPrefix(raw, "GET /kept/") && !strings.HasPrefix(raw, "GET /far ") {
			t.Errorf("nobody sent %.60q", raw)
		}
	}
}
