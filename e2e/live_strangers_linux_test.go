package e2e

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/bench/netns"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// strangerRoundsVar is how many requests of each connection the tests with
// strangers on the wire send.
const strangerRoundsVar = "GOR_STRANGER_ROUNDS"

func strangerRounds(t *testing.T, usual int) int {
	s := os.Getenv(strangerRoundsVar)
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		t.Fatalf("%s is %q: want a number of requests, such as 1000", strangerRoundsVar, s)
	}
	return n
}

// keptRequestBytes is the size of each request of a keptConn, two thirds of it
// cookies: more than a packet of Ethernet's size holds.
const keptRequestBytes = 4000

// A keptConn is a connection with one request after the other, each in three
// writes.
type keptConn struct {
	number   int
	conn     net.Conn
	in       *bufio.Reader
	sent     int
	seq, ack uint32 // the next byte of the client, and of the server; when a tap gave them
}

func keptRequest(conn, n int) []byte {
	b := fmt.Appendf(nil, "GET /kept/%d/%d HTTP/1.1\r\nHost: kept\r\nCookie: ", conn, n)
	b = append(b, bytes.Repeat([]byte("c"), keptRequestBytes-len(b)-4)...)
	return append(b, "\r\n\r\n"...)
}

// ask sends the next request and reads its answer.
func (k *keptConn) ask(t *testing.T) {
	t.Helper()
	testkit.Must(t, k.conn.SetDeadline(time.Now().Add(testkit.Timeout)))
	b := keptRequest(k.number, k.sent)
	for _, part := range [][]byte{b[:1200], b[1200:2500], b[2500:]} {
		if _, err := k.conn.Write(part); err != nil {
			t.Fatalf("connection %d, request %d: %v", k.number, k.sent, err)
		}
	}
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	var got [len(answer)]byte
	if _, err := io.ReadFull(k.in, got[:]); err != nil || string(got[:]) != answer {
		t.Fatalf("connection %d, request %d is answered %q: %v", k.number, k.sent, got, err)
	}
	k.sent++
	k.seq += uint32(len(b))
	k.ack += uint32(len(answer))
}

// A stage is a server with a Gor beside it, and connections to it.
type stage struct {
	t      *testing.T
	from   netns.Host
	server *testkit.CountServer
	gor    *testkit.Process
	file   string
	conns  []*keptConn
}

func newStage(t *testing.T, at, from netns.Host, ip string, args ...string) *stage {
	t.Helper()
	l, err := at.Listen(net.JoinHostPort(ip, "0"))
	testkit.Must(t, err)
	s := &stage{t: t, from: from, server: testkit.ServeCounting(l), file: filepath.Join(t.TempDir(), "stage.gor")}
	t.Cleanup(func() { _ = s.server.Close() })
	args = append([]string{"--input-raw", ":" + testkit.PortOf(t, s.server.Address()), "--output-file", s.file, "--output-file-flush-interval", "20ms"}, args...)
	s.gor = testkit.Spawn(t, "gor", at.Prefix(), nil, args...)
	s.gor.Await("gor: to ")
	return s
}

func (s *stage) dial() *keptConn {
	s.t.Helper()
	conn, err := s.from.Dial(s.server.Address())
	testkit.Must(s.t, err)
	s.t.Cleanup(func() { _ = conn.Close() })
	k := &keptConn{number: len(s.conns), conn: conn, in: bufio.NewReader(conn)}
	s.conns = append(s.conns, k)
	return k
}

// end closes the connections and Gor, and returns the ledger and how often each
// request was recorded, after it has checked that nothing else was.
func (s *stage) end() (l captureLedger, recorded map[string]int) {
	t := s.t
	t.Helper()
	sent := map[string]bool{}
	for _, k := range s.conns {
		_ = k.conn.Close()
		for n := range k.sent {
			sent[string(keptRequest(k.number, n))] = true
		}
	}
	s.gor.Stop()
	if n := s.server.Requests(); n != int64(len(sent)) {
		t.Errorf("%d requests came to the server, %d were sent", n, len(sent))
	}
	recorded = map[string]int{}
	for _, raw := range recordedSoFar(s.file) {
		recorded[raw]++
		if !sent[raw] || recorded[raw] > 1 {
			t.Errorf("recorded %d times, sent %v: %.60q", recorded[raw], sent[raw], raw)
		}
	}
	l = parseCaptureLedger(t, s.gor.Stderr())
	if l.requests != int64(len(recorded)) {
		t.Errorf("the ledger has %d requests, the recording %d", l.requests, len(recorded))
	}
	return l, recorded
}

// A tap reads the frames that go over a link.
type tap struct{ fd int }

func openTap(t *testing.T, h netns.Host, link string) *tap {
	t.Helper()
	w := &tap{}
	testkit.Must(t, h.Do(func() error {
		ifi, err := net.InterfaceByName(link)
		if err != nil {
			return err
		}
		const all = unix.ETH_P_ALL<<8&0xFF00 | unix.ETH_P_ALL>>8 // in the network's order
		if w.fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, all); err != nil {
			return err
		}
		if err := unix.SetsockoptTimeval(w.fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 20}); err != nil {
			return err
		}
		return unix.Bind(w.fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ifi.Index})
	}))
	t.Cleanup(func() { _ = unix.Close(w.fd) })
	return w
}

// synack waits for the answer to the SYN of a client's port, and returns the
// numbers of the first byte of the client and of the server.
func (w *tap) synack(t *testing.T, port uint16) (seq, ack uint32) {
	t.Helper()
	var b [128]byte
	for {
		n, _, err := unix.Recvfrom(w.fd, b[:], 0)
		if err != nil {
			t.Fatalf("no answer to a SYN was seen: %v", err)
		}
		const ip, tcp = etherHeader, etherHeader + 20
		if n < tcp+20 || b[ip] != 0x45 || b[ip+9] != unix.IPPROTO_TCP || b[tcp+13]&(tcpSYN|tcpACK) != tcpSYN|tcpACK || binary.BigEndian.Uint16(b[tcp+2:]) != port {
			continue
		}
		return binary.BigEndian.Uint32(b[tcp+8:]), binary.BigEndian.Uint32(b[tcp+4:]) + 1
	}
}

func linkMAC(t *testing.T, h netns.Host, link string) (mac net.HardwareAddr) {
	t.Helper()
	testkit.Must(t, h.Do(func() error {
		ifi, err := net.InterfaceByName(link)
		if err == nil {
			mac = ifi.HardwareAddr
		}
		return err
	}))
	return mac
}

func forgerOn(t *testing.T, h netns.Host, link string, to net.HardwareAddr) (f *forger) {
	t.Helper()
	testkit.Must(t, h.Do(func() (err error) {
		f, err = newForger(link, to)
		return err
	}))
	t.Cleanup(func() { _ = unix.Close(f.fd) })
	return f
}

// challenges is how many challenge ACKs a host has sent (RFC 5961).
func challenges(t *testing.T, h netns.Host) (n int) {
	t.Helper()
	testkit.Must(t, h.Do(func() error {
		b, err := os.ReadFile("/proc/thread-self/net/netstat")
		if err != nil {
			return err
		}
		var names []string
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if len(names) == len(f) {
				for i, name := range names {
					if name == "TCPChallengeACK" {
						n, err = strconv.Atoi(f[i])
					}
				}
			}
			names = f
		}
		return err
	}))
	return n
}

// TestLiveResetInjection: a third party sends RSTs and SYNs that are not exactly
// at the next byte into running conversations. The kernels challenge them and go
// on, and so must the capture.
func TestLiveResetInjection(t *testing.T) {
	testkit.NeedCapture(t)
	wire := testkit.NewWire(t)
	for _, args := range [][]string{nil, {"--input-raw-track-response"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			s := newStage(t, wire.Near, wire.Far, wire.Near.IPv4, args...)
			w := openTap(t, wire.Far, "veth0")
			toServer := forgerOn(t, wire.Far, "veth0", linkMAC(t, wire.Near, "veth0"))
			toClient := forgerOn(t, wire.Near, "veth0", linkMAC(t, wire.Far, "veth0"))
			server := netip.MustParseAddrPort(s.server.Address())
			before := challenges(t, wire.Near) + challenges(t, wire.Far)
			for range 3 {
				k := s.dial()
				k.seq, k.ack = w.synack(t, netip.MustParseAddrPort(k.conn.LocalAddr().String()).Port())
				k.ask(t)
			}
			for i := range strangerRounds(t, 12) {
				for _, k := range s.conns {
					client := netip.MustParseAddrPort(k.conn.LocalAddr().String())
					// Ahead and in the window, ahead of it, and behind.
					off := []uint32{1, 1000, 20_000, 1 << 31, 1<<32 - 1, 1<<32 - 1000}[i%6]
					testkit.Must(t, toServer.send(client, server, forged{seq: k.seq + off, flags: tcpRST}))
					testkit.Must(t, toClient.send(server, client, forged{seq: k.ack + off, ack: k.seq, flags: tcpRST | tcpACK}))
					if i%3 == 0 {
						testkit.Must(t, toServer.send(client, server, forged{seq: k.seq + off, flags: tcpSYN}))
					}
					k.ask(t)
				}
			}
			l, recorded := s.end()
			if l.dropped == 0 && int64(len(recorded)) != s.server.Requests() {
				t.Errorf("%d requests came to the server, %d were recorded; %d lost of %d begun", s.server.Requests(), len(recorded), l.lost, l.begun)
			}
			if n := challenges(t, wire.Near) + challenges(t, wire.Far) - before; n == 0 {
				t.Error("no kernel challenged anything: the test shows nothing")
			} else {
				t.Logf("%d requests, %d recorded, %d challenge ACKs", s.server.Requests(), len(recorded), n)
			}
		})
	}
}

// TestLiveOverflowThenLargeHeads: while Gor stands still its ring overflows. Each
// connection goes on afterwards with heads that take several packets, and each
// of those requests is recorded, but for one of each connection at most.
func TestLiveOverflowThenLargeHeads(t *testing.T) {
	testkit.NeedCapture(t)
	wire := testkit.NewWire(t)
	s := newStage(t, wire.Near, wire.Far, wire.Near.IPv4, "--input-raw-buffer-size", "1mb", "--input-raw-expire", "50ms")
	const conns = 4
	for range conns {
		s.dial().ask(t)
	}
	testkit.AwaitRecords(t, s.file, conns)
	testkit.Must(t, s.gor.Cmd.Process.Signal(syscall.SIGSTOP))
	for range 4 << 20 / keptRequestBytes / conns {
		for _, k := range s.conns {
			k.ask(t)
		}
	}
	testkit.Must(t, s.gor.Cmd.Process.Signal(syscall.SIGCONT))
	// The ring is read when what came while it was full is not recorded, but
	// something that came later is.
	testkit.Eventually(t, "a request is recorded that was sent after the overflow", func() bool {
		for _, k := range s.conns {
			k.ask(t)
		}
		for _, raw := range recordedSoFar(s.file) {
			for _, k := range s.conns {
				if raw == string(keptRequest(k.number, k.sent-2)) {
					return true
				}
			}
		}
		return false
	})
	first := make([]int, conns)
	for i, k := range s.conns {
		first[i] = k.sent
	}
	for round := range strangerRounds(t, 200/conns) {
		for _, k := range s.conns {
			k.ask(t)
		}
		if round%3 > 0 {
			continue
		}
		// A Gor that gets no turn on a busy machine must not overflow again.
		testkit.Eventually(t, "a request of this round is recorded", func() bool {
			for _, raw := range recordedSoFar(s.file) {
				for _, k := range s.conns {
					if raw == string(keptRequest(k.number, k.sent-1)) {
						return true
					}
				}
			}
			return false
		})
	}
	l, recorded := s.end()
	if l.dropped == 0 {
		t.Fatal("the kernel dropped nothing: the test shows nothing")
	}
	for i, k := range s.conns {
		missing := 0
		for n := first[i]; n < k.sent; n++ {
			if recorded[string(keptRequest(k.number, n))] == 0 {
				missing++
			}
		}
		if missing > 1 {
			t.Errorf("connection %d: %d of %d requests behind the overflow are not recorded", i, missing, k.sent-first[i])
		}
	}
	// A hole is counted once, and by its bytes.
	missing := s.server.Requests() - int64(len(recorded))
	if most := l.lost + l.skippedStarts + l.gapBytes/keptRequestBytes; missing > most || missing < l.lost {
		t.Errorf("%d of %d requests are not recorded; %d are counted as lost, %d skipped, and %d bytes missing", missing, s.server.Requests(), l.lost, l.skippedStarts, l.gapBytes)
	}
	t.Logf("%d requests, %d recorded, %d lost, %d skipped, %d bytes in %d gaps, %d packets dropped", s.server.Requests(), len(recorded), l.lost, l.skippedStarts, l.gapBytes, l.gaps, l.dropped)
}

// recordedSoFar reads the whole requests of a recording, which may still be
// written.
func recordedSoFar(file string) (list []string) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	r, err := payload.Open(bytes.NewReader(content), "", testkit.MessageLimit)
	if err != nil {
		return nil
	}
	for {
		record, err := r.Next()
		if err != nil {
			return list
		}
		if _, raw, _ := bytes.Cut(record, []byte{'\n'}); record[0] == payload.Request {
			list = append(list, string(raw))
		}
	}
}

// setOffloads turns segmentation and aggregation of a link on or off, as
// ethtool -K does (linux/ethtool.h).
func setOffloads(t *testing.T, h netns.Host, link string, on bool) {
	t.Helper()
	const setTSO, setGSO, setGRO = 0x1F, 0x24, 0x2C
	testkit.Must(t, h.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		for _, cmd := range []uint32{setTSO, setGSO, setGRO} {
			value := struct{ cmd, data uint32 }{cmd, 0}
			if on {
				value.data = 1
			}
			request := struct {
				name [unix.IFNAMSIZ]byte
				data unsafe.Pointer
				_    [16]byte
			}{data: unsafe.Pointer(&value)}
			copy(request.name[:], link)
			if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request))); errno != 0 {
				return fmt.Errorf("ethtool command %#x on %q: %w", cmd, link, errno)
			}
		}
		return nil
	}))
}

// TestLiveWithoutOffloads: without segmentation offload each packet has
// Ethernet's size, so that each head lies in several.
func TestLiveWithoutOffloads(t *testing.T) {
	testkit.NeedCapture(t)
	wire := testkit.NewWire(t)
	for _, h := range []netns.Host{wire.Near, wire.Far} {
		setOffloads(t, h, "veth0", false)
	}
	s := newStage(t, wire.Near, wire.Far, wire.Near.IPv4)
	for range 3 {
		s.dial()
	}
	for range strangerRounds(t, 60) {
		for _, k := range s.conns {
			k.ask(t)
		}
	}
	l, recorded := s.end()
	if l.dropped == 0 && int64(len(recorded)) != s.server.Requests() {
		t.Errorf("%d requests came to the server, %d were recorded; %d lost of %d begun", s.server.Requests(), len(recorded), l.lost, l.begun)
	}
	if l.packets < 3*s.server.Requests() {
		t.Errorf("%d packets for %d requests: the link still joins segments", l.packets, s.server.Requests())
	}
}
