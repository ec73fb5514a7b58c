package rawsocket

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The kernel takes every program, and its packets are those that match: it
// runs them over datagrams, whose sender learns nothing of it.
func TestExpressionInKernel(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = unix.Close(pair[0]), unix.Close(pair[1]) }()
	packets := expressionPackets(rand.New(rand.NewPCG(7, 7)), 60)
	buf := make([]byte, 4096)
	passed := 0
	for _, text := range agreements {
		e := mustExpression(t, text)
		for _, etherType := range []uint16{packet.EtherIP4, packet.EtherIP6, 0} {
			prog := append(e.program(), bpf.RetConstant{Val: acceptAll})
			for i, ins := range prog {
				if ins == (bpf.LoadExtension{Num: bpf.ExtProto}) { // datagrams have none
					prog[i] = bpf.LoadConstant{Dst: bpf.RegA, Val: uint32(etherType)}
				}
			}
			raw, err := bpf.Assemble(prog)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if err := unix.SetsockoptSockFprog(pair[1], unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{
				Len: uint16(len(raw)), Filter: (*unix.SockFilter)(unsafe.Pointer(unsafe.SliceData(raw))),
			}); err != nil {
				t.Fatalf("%q: the kernel refuses the program: %v", text, err)
			}
			for _, p := range packets {
				p = p[packet.EtherHeaderLen:]
				if len(p) == 0 {
					continue
				}
				if _, err := unix.Write(pair[0], p); err != nil {
					t.Fatal(err)
				}
				n, _, err := unix.Recvfrom(pair[1], buf, unix.MSG_DONTWAIT)
				if err != nil && !errors.Is(err, unix.EAGAIN) {
					t.Fatal(err)
				}
				got := err == nil && n == len(p)
				if want := e.match(etherType, p, len(p)); got != want {
					t.Fatalf("%q: the kernel passes %t, want %t: %04x % x", text, got, want, etherType, p)
				}
				if got {
					passed++
				}
			}
		}
	}
	if passed == 0 {
		t.Error("the kernel passed nothing")
	}
}

// Real connections on loopback: those that match are captured whole, and the
// kernel keeps the others away.
func TestExpressionLive(t *testing.T) {
	packettest.NeedRoot(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	defer server.Close()
	_, port, _ := net.SplitHostPort(server.Listener.Addr().String())

	// post sends a request from an address of the client's own.
	post := func(t *testing.T, from, path string) {
		local, err := net.ResolveTCPAddr("tcp", from)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: local}).DialContext}}
		defer client.CloseIdleConnections()
		resp, err := client.Post(server.URL+path, "text/plain", strings.NewReader(strings.Repeat("x", 100_000)))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}

	for _, tt := range []struct {
		text  string
		rings int
		want  string // the clients whose requests are captured
	}{
		{"src host 127.0.0.2", 1, "/2"},
		{"not src host 127.0.0.2", 1, "/1 /3"},
		{"not src port OWN", 1, "/1 /2"},
		{"not port OWN and not host 127.0.0.1", 1, ""},
		{"src net 127.0.0.2/31", 1, "/2 /3"},
		{"src net 127.0.0.2/31", 2, "/2 /3"},
		{"tcp and ip[8] > 0 and len > 40", 1, "/1 /2 /3"},
		{"ip6", 1, ""},
	} {
		t.Run(tt.text, func(t *testing.T) {
			addr, err := ParseAddress("lo:" + port)
			if err != nil {
				t.Fatal(err)
			}
			free, err := net.Listen("tcp", "127.0.0.3:0")
			if err != nil {
				t.Fatal(err)
			}
			third := free.Addr().String()
			_ = free.Close()
			_, own, _ := net.SplitHostPort(third)
			f, err := ParseFilter(strings.ReplaceAll(tt.text, "OWN", own))
			if err != nil {
				t.Fatal(err)
			}
			l, err := Listen(Config{Address: addr, Filter: f, Rings: tt.rings, Logf: t.Logf})
			if err != nil {
				t.Fatal(err)
			}
			post(t, "127.0.0.1:0", "/1")
			post(t, "127.0.0.2:0", "/2")
			post(t, third, "/3")
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			var paths []string
			for {
				m, err := l.Next()
				if errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				paths = append(paths, strings.Fields(string(m.Data))[1])
				if !strings.HasSuffix(string(m.Data), strings.Repeat("x", 100_000)) {
					t.Errorf("%d bytes of a request", len(m.Data))
				}
			}
			slices.Sort(paths) // two rings have no common order
			if got := strings.Join(paths, " "); got != tt.want {
				t.Errorf("captured %q, want %q", got, tt.want)
			}
			s := l.Stats()
			if tt.want == "" && s.Source.Received > 0 {
				t.Errorf("the kernel let %d packets pass", s.Source.Received)
			}
			if s.LostSum() != 0 || s.Source.Ignored[packet.IgnoredOther] != 0 {
				t.Errorf("the ledger: %v", s.Rows())
			}
		})
	}
}

// The kernel takes the first VLAN tag off before an expression sees a packet,
// as stripLink does, and of two tags the second makes it no IP.
func TestExpressionVLAN(t *testing.T) {
	packettest.NeedRoot(t)
	here, there := fmt.Sprintf("gorv%d", os.Getpid()%100000), fmt.Sprintf("gorw%d", os.Getpid()%100000)
	if out, err := exec.Command("ip", "link", "add", here, "type", "veth", "peer", "name", there).CombinedOutput(); err != nil {
		t.Skipf("no virtual links here: %v: %s", err, out)
	}
	t.Cleanup(func() { packettest.RunIP(t, "link", "del", here) })
	packettest.RunIP(t, "link", "set", here, "up")
	packettest.RunIP(t, "link", "set", there, "up")
	ifi, err := net.InterfaceByName(there)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()

	wraps := []func(p []byte) []byte{
		func(p []byte) []byte { return packettest.Ethernet(packet.EtherIP4, p) },
		func(p []byte) []byte {
			return packettest.Ethernet(packet.EtherVLAN, packettest.VLAN(5, packet.EtherIP4, p))
		},
		func(p []byte) []byte {
			return packettest.Ethernet(packet.EtherVLAN, packettest.VLAN(5, packet.EtherVLAN, packettest.VLAN(0x4006, packet.EtherIP4, p)))
		},
	}
	for _, tt := range []struct {
		text    string
		tunnels bool
		want    string // which address in which wrap
	}{
		{"src host 10.0.0.1", false, "1.0 1.1"},
		{"not (src host 10.0.0.1 or ip6)", false, "2.0 2.1"},
		{"src host 10.0.0.1", true, "1.0 1.1"},
		{"not (src host 10.0.0.1 or ip6)", true, "1.2 2.0 2.1 2.2"},
		{"tcp[0:2] & 1 = 0 and tcp port 80", true, "1.0 2.0"},
	} {
		addr, err := ParseAddress(here + ":80")
		if err != nil {
			t.Fatal(err)
		}
		e := mustExpression(t, tt.text)
		src, r, stop := startSource(t, sourceConfig{Address: addr, Filter: e, Tunnels: tt.tunnels, BlockTimeout: time.Millisecond})
		var frames [][]byte
		var file []string
		for i, wrap := range wraps {
			for host := 1; host <= 2; host++ {
				frame := wrap(packettest.TCP4(fmt.Sprintf("10.0.0.%d:%d", host, 5000+i), "10.0.0.9:80", packettest.Seg{Payload: []byte("x")}))
				frames = append(frames, frame)
				if (i < 2 || tt.tunnels) && e.matchLink(packet.LinkEthernet, frame, len(frame)) {
					file = append(file, fmt.Sprintf("%d.%d", host, i))
				}
			}
		}
		last := uint64(0)
		for host := 1; host <= 2; host++ {
			frame := packettest.Ethernet(packet.EtherIP4, packettest.TCP4(fmt.Sprintf("10.0.0.%d:4998", host), "10.0.0.9:80", packettest.Seg{Payload: []byte("end")}))
			frames = append(frames, frame)
			if e.matchLink(packet.LinkEthernet, frame, len(frame)) {
				last++
			}
		}
		for _, f := range frames {
			if err := unix.Sendto(fd, f, 0, &unix.SockaddrLinklayer{Ifindex: ifi.Index}); err != nil {
				t.Fatal(err)
			}
		}
		r.Wait(t, func() bool {
			ended := uint64(0)
			for k := range r.Bytes {
				if k[0].Port() == 4998 {
					ended++
				}
			}
			return ended == last
		})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		// What is behind a second tag only counts here: what the kernel says
		// of such packets differs from version to version.
		var got, want []string
		for k := range r.Bytes {
			if port := k[0].Port(); port == 5000 || port == 5001 {
				got = append(got, fmt.Sprintf("%d.%d", k[0].Addr().As4()[3], port-5000))
			}
		}
		for _, w := range strings.Fields(tt.want) {
			if !strings.HasSuffix(w, ".2") {
				want = append(want, w)
			}
		}
		slices.Sort(got)
		slices.Sort(file)
		if !slices.Equal(got, want) || strings.Join(file, " ") != tt.want {
			t.Errorf("%s, tunnels %t: captured %s, from a file %s, want %s", tt.text, tt.tunnels, got, file, tt.want)
		}
		if n := src.stats().Received; n != uint64(len(file))+last {
			t.Errorf("%s, tunnels %t: %d packets passed the kernel, want %d", tt.text, tt.tunnels, n, uint64(len(file))+last)
		}
	}
}
