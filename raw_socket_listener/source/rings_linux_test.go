package source

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// startSource runs a source until the test ends; stop waits for its end.
func startSource(t testing.TB, c Config) (s Source, r *packettest.Recorder, stop func() error) {
	t.Helper()
	s, err := openOne(c)
	if err != nil {
		t.Fatal(err)
	}
	r = packettest.NewRecorder()
	done := make(chan error, 1)
	go func() { done <- s.Run(r) }()
	stop = sync.OnceValue(func() error { return errors.Join(s.Close(), <-done) })
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return s, r, stop
}

func TestCaptureLoopback(t *testing.T) {
	packettest.NeedRoot(t)
	request := []byte("post / http/1.1\r\ncontent-length: 300000\r\n\r\n" + strings.Repeat("0123456789", 30000))
	for _, ip := range []string{"127.0.0.1", "[::1]"} {
		for _, response := range []bool{false, true} {
			for _, where := range []string{"", "lo", ip} {
				t.Run(fmt.Sprintf("%s, response %t, on %q", ip, response, where), func(t *testing.T) {
					l := packettest.Echo(t, "tcp", ip+":0")
					server := l.Addr().(*net.TCPAddr).AddrPort()
					a, err := filter.ParseAddress(fmt.Sprintf("%s:%d", where, server.Port()))
					if err != nil {
						t.Fatal(err)
					}
					s, r, stop := startSource(t, Config{Address: a, TrackResponse: response, BlockTimeout: 5 * time.Millisecond})
					before := time.Now()
					client := packettest.Talk(t, server.String(), request)
					r.Wait(t, func() bool { return r.Segs > 0 }) // it runs
					if err := stop(); err != nil {               // gives what the kernel still held
						t.Fatal(err)
					}
					to, from := [2]netip.AddrPort{client, server}, [2]netip.AddrPort{server, client}
					if got := r.Bytes[to]; !bytes.Equal(got, request) {
						t.Errorf("%d bytes of request, want %d", len(got), len(request))
					}
					// A busy host retransmits a little; the twins of loopback
					// would double everything.
					if got := r.Given[to]; got < len(request) || got > len(request)*3/2 {
						t.Errorf("%d bytes of request were given, want each once: %d", got, len(request))
					}
					if f := r.Flags[to]; !f.Has(packet.FlagSYN) || !f.Has(packet.FlagFIN) {
						t.Errorf("flags of the request: %#x", f)
					}
					want := []byte(nil)
					if response {
						want = bytes.ToUpper(request)
					}
					if got := r.Bytes[from]; !bytes.Equal(got, want) {
						t.Errorf("%d bytes of response, want %d", len(got), len(want))
					}
					if len(r.Flags) > 2 || !response && len(r.Flags) > 1 {
						t.Errorf("there are segments of %d streams", len(r.Flags))
					}
					if at := time.Unix(0, r.Last); at.Before(before.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
						t.Errorf("the last packet is of %v, it was sent after %v", at, before)
					}
					st := s.Stats()
					if st.Segments != uint64(r.Segs) || st.Received != st.Segments || st.Dropped != 0 || st.Cut != 0 || len(st.Faults) != 0 {
						t.Errorf("%d segments, but %+v", r.Segs, st)
					}
				})
			}
		}
	}
}

// The kernel filter keeps bare acknowledgements away: a request in one segment
// costs SYN, data and FIN.
func TestCaptureOnlyWhatIsNeeded(t *testing.T) {
	packettest.NeedRoot(t)
	l := packettest.Echo(t, "tcp4", "127.0.0.1:0")
	a, err := filter.ParseAddress(fmt.Sprintf(":%d", l.Addr().(*net.TCPAddr).Port))
	if err != nil {
		t.Fatal(err)
	}
	s, r, stop := startSource(t, Config{Address: a})
	packettest.Talk(t, l.Addr().String(), []byte("get / http/1.1\r\n\r\n"))
	r.Wait(t, func() bool { return r.Segs > 0 }) // it runs
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if got := s.Stats().Received; got != 3 {
		t.Errorf("%d packets, want SYN, data and FIN", got)
	}
}

func TestCaptureEnds(t *testing.T) {
	packettest.NeedRoot(t)
	a, err := filter.ParseAddress("lo:1")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("before run", func(t *testing.T) {
		s, err := openOne(Config{Address: a})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		if err := s.Run(packettest.NewRecorder()); err != nil {
			t.Error(err)
		}
		s.Stats()
	})
	t.Run("while it waits", func(t *testing.T) {
		s, r, stop := startSource(t, Config{Address: a})
		r.Wait(t, func() bool { return r.Ticks > 0 }) // a quiet link ticks
		if err := stop(); err != nil {
			t.Error(err)
		}
		s.Stats()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestRingShape(t *testing.T) {
	for _, tt := range []struct{ bytes, block, blocks int }{
		{16 << 20, 1 << 20, 16},
		{8 << 20, 1 << 20, 8},
		{4 << 20, 512 << 10, 8},
		{1 << 20, 256 << 10, 4},
		{1, 256 << 10, 4},
		{64<<20 + 1, 1 << 20, 64},
	} {
		if block, blocks := ringShape(tt.bytes, ringDepth); block != tt.block || blocks != tt.blocks {
			t.Errorf("%d bytes: %d blocks of %d, want %d of %d", tt.bytes, blocks, block, tt.blocks, tt.block)
		}
	}
	// Short blocks end before they are full: there are as many as last a second.
	if block, blocks := ringShape(16<<20, 16*time.Millisecond); block != 256<<10 || blocks != 64 {
		t.Errorf("16 ms: %d blocks of %d, want 64 of 256 KiB", blocks, block)
	}
	if block, _ := ringShape(16<<20, 64*time.Millisecond); block != 1<<20 {
		t.Errorf("64 ms: blocks of %d, want 1 MiB", block)
	}
}

// A ring that nobody reads overflows, and says so.
func TestCaptureCountsDrops(t *testing.T) {
	packettest.NeedRoot(t)
	l := packettest.Echo(t, "tcp4", "127.0.0.1:0")
	a, err := filter.ParseAddress(fmt.Sprintf("lo:%d", l.Addr().(*net.TCPAddr).Port))
	if err != nil {
		t.Fatal(err)
	}
	s, err := openOne(Config{Address: a, RingBytes: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if s.NearlyFull() {
		t.Error("an empty ring is nearly full")
	}
	packettest.Talk(t, l.Addr().String(), make([]byte, 8<<20))
	dropped := s.Stats().Dropped
	if dropped == 0 {
		t.Error("no drops were counted")
	}
	if !s.NearlyFull() {
		t.Error("a full ring is not nearly full")
	}
	if again := s.Stats().Dropped; again != dropped {
		t.Errorf("counted %d, and then %d", dropped, again)
	}
}

// veth makes a namespace, and connect a pair of interfaces between it and here.
// Tests of several checkouts may run at once, so that names and addresses, of
// the range for benchmarks (RFC 2544), come from the number of the process.
func veth(t testing.TB) (here, host, namespace string, connect func()) {
	t.Helper()
	id := os.Getpid() % 100000
	net30 := func(i int) string { return fmt.Sprintf("198.18.%d.%d", id/64%256, id%64*4+i) }
	host = net30(1)
	here, there := fmt.Sprintf("gorh%d", id), fmt.Sprintf("gort%d", id)
	namespace = fmt.Sprintf("gor-test-%d", id)
	cleanup := func() {
		_ = exec.Command("ip", "link", "del", here).Run()
		_ = exec.Command("ip", "netns", "del", namespace).Run()
	}
	cleanup()
	t.Cleanup(cleanup)
	if out, err := exec.Command("ip", "netns", "add", namespace).CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here: %v: %s", err, out)
	}
	connect = func() {
		t.Helper()
		packettest.RunIP(t, "link", "add", here, "type", "veth", "peer", "name", there, "netns", namespace)
		packettest.RunIP(t, "addr", "add", host+"/30", "dev", here)
		packettest.RunIP(t, "link", "set", here, "up")
		packettest.RunIP(t, "-n", namespace, "addr", "add", net30(2)+"/30", "dev", there)
		packettest.RunIP(t, "-n", namespace, "link", "set", there, "up")
	}
	connect()
	return here, host, namespace, connect
}

// A request that arrives over a link is taken once, and an interface may go
// down, go away and come back without ending the capture.
func TestCaptureVeth(t *testing.T) {
	packettest.NeedRoot(t)
	here, host, namespace, connect := veth(t)
	l := packettest.Echo(t, "tcp4", host+":0")
	port := l.Addr().(*net.TCPAddr).Port
	a, err := filter.ParseAddress(fmt.Sprintf("%s:%d", here, port))
	if err != nil {
		t.Fatal(err)
	}
	s, r, stop := startSource(t, Config{Address: a, TrackResponse: true, BlockTimeout: time.Millisecond, Promisc: true})
	everyInterface, err := filter.ParseAddress(fmt.Sprintf(":%d", port))
	if err != nil {
		t.Fatal(err)
	}
	_, everywhere, stopEverywhere := startSource(t, Config{Address: everyInterface, BlockTimeout: time.Millisecond})

	request := strings.Repeat("post / 0123456789", 10000)
	send := func() {
		t.Helper()
		c := exec.CommandContext(t.Context(), "ip", "netns", "exec", namespace, "timeout", "20", "bash", "-c",
			fmt.Sprintf("exec 3<>/dev/tcp/%s/%d; cat >&3", host, port))
		c.Stdin = strings.NewReader(request)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	count := func(r *packettest.Recorder) (n int) {
		for k, b := range r.Bytes {
			if int(k[1].Port()) == port && bytes.Equal(b, []byte(request)) {
				n++
			}
		}
		return n
	}
	send()
	r.Wait(t, func() bool { return count(r) == 1 })

	packettest.RunIP(t, "link", "set", here, "down")
	waitFault(t, s, r, "network is down")
	packettest.RunIP(t, "link", "set", here, "up")
	send()
	r.Wait(t, func() bool { return count(r) == 2 })

	if err := stopEverywhere(); err != nil {
		t.Error(err)
	}
	if n := count(everywhere); n != 2 {
		t.Errorf("%d requests on every interface, want 2", n)
	}
	packettest.RunIP(t, "link", "del", here)
	waitFault(t, s, r, "is gone")
	connect()
	waitFault(t, s, r, "is back")
	send()
	r.Wait(t, func() bool { return count(r) == 3 })
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// Interfaces that match a pattern are captured when they appear, and those that
// were named when they come back, with one ring and with several.
func TestCaptureComingInterfaces(t *testing.T) {
	packettest.NeedRoot(t)
	here, host, namespace, connect := veth(t)
	l := packettest.Echo(t, "tcp4", host+":0")
	port := l.Addr().(*net.TCPAddr).Port
	request := "get / " + strings.Repeat("0123456789", 100)
	send := func() {
		t.Helper()
		c := exec.CommandContext(t.Context(), "ip", "netns", "exec", namespace, "timeout", "20", "bash", "-c",
			fmt.Sprintf("exec 3<>/dev/tcp/%s/%d; cat >&3", host, port))
		c.Stdin = strings.NewReader(request)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	// What this test calls a pattern matches its own interface only.
	pattern := here[:len(here)-1] + "[" + here[len(here)-1:] + "]"
	for _, tt := range []struct {
		name   string
		where  string
		rings  int
		absent bool // at the start
	}{
		{"a name, one ring", here, 1, false},
		{"a name, two rings", here, 2, false},
		{"a pattern, one ring", pattern, 1, false},
		{"a pattern that matches nothing, one ring", pattern, 1, true},
		{"a pattern that matches nothing, two rings", pattern, 2, true},
		{"all, one ring", "", 1, false},
		{"all, two rings", "", 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.absent {
				packettest.RunIP(t, "link", "del", here)
			}
			a, err := filter.ParseAddress(fmt.Sprintf("%s:%d", tt.where, port))
			if err != nil {
				t.Fatal(err)
			}
			list, err := Open(Config{Address: a, BlockTimeout: time.Millisecond}, tt.rings)
			if err != nil {
				t.Fatal(err)
			}
			r := packettest.NewRecorder() // of all rings together
			var wg sync.WaitGroup
			for _, s := range list {
				wg.Go(func() {
					if err := s.Run(r); err != nil {
						t.Error(err)
					}
				})
			}
			defer func() {
				for _, s := range list {
					if err := s.Close(); err != nil {
						t.Error(err)
					}
				}
				wg.Wait()
			}()
			captured := func() { t.Helper(); untilCaptured(t, r, send) }
			if tt.absent {
				waitFault(t, list[0], r, "no interface matches")
				connect()
			}
			captured()
			for range 2 {
				packettest.RunIP(t, "link", "del", here)
				if tt.where != "" {
					waitFault(t, list[0], r, "is gone")
				}
				connect()
				captured()
			}
		})
	}
}

// An interface that goes into another namespace and comes back has the index
// that it had, and nothing else of the kernel's that its capture was bound to.
func TestCaptureReturningInterface(t *testing.T) {
	packettest.NeedRoot(t)
	here, host, namespace, _ := veth(t)
	l := packettest.Echo(t, "tcp4", host+":0")
	a, err := filter.ParseAddress(fmt.Sprintf("%s:%d", here, l.Addr().(*net.TCPAddr).Port))
	if err != nil {
		t.Fatal(err)
	}
	_, r, _ := startSource(t, Config{Address: a, BlockTimeout: time.Millisecond})
	r.Wait(t, func() bool { return r.Ticks > 0 }) // it runs
	packettest.RunIP(t, "link", "set", here, "netns", namespace)
	packettest.RunIP(t, "-n", namespace, "link", "set", here, "netns", fmt.Sprint(os.Getpid()))
	packettest.RunIP(t, "addr", "add", host+"/30", "dev", here)
	packettest.RunIP(t, "link", "set", here, "up")
	untilCaptured(t, r, func() {
		c := exec.CommandContext(t.Context(), "ip", "netns", "exec", namespace, "timeout", "20", "bash", "-c",
			fmt.Sprintf("exec 3<>/dev/tcp/%s/%d; echo get / >&3", host, l.Addr().(*net.TCPAddr).Port))
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	})
}

// untilCaptured sends until something of it is captured: until an interface is
// let in, what it carries is not seen.
func untilCaptured(t testing.TB, r *packettest.Recorder, send func()) {
	t.Helper()
	now := func() (segs, ticks int) {
		r.Mu.Lock()
		defer r.Mu.Unlock()
		return r.Segs, r.Ticks
	}
	for range 20 {
		before, _ := now()
		send()
		_, ticks := now()
		r.Wait(t, func() bool { return r.Segs > before || r.Ticks > ticks+2 })
		if segs, _ := now(); segs > before {
			return
		}
	}
	t.Fatal("it is not captured")
}

// waitFault waits until the source has reported a fault; it looks whenever the
// source ticks.
func waitFault(t testing.TB, s Source, r *packettest.Recorder, want string) {
	t.Helper()
	r.Wait(t, func() bool {
		return strings.Contains(strings.Join(s.Stats().Faults, "\n"), want)
	})
}

func TestSocketErrorNamesRemedy(t *testing.T) {
	err := socketError(unix.EPERM)
	if !strings.Contains(err.Error(), "setcap cap_net_raw+ep /") || !errors.Is(err, unix.EPERM) {
		t.Error(err)
	}
}

// sendRaw puts an IPv4 packet on the wire as it is, apart from its checksum.
func sendRaw(t testing.TB, packet []byte) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	if err := unix.Sendto(fd, packet, 0, &unix.SockaddrInet4{Addr: [4]byte(packet[16:20])}); err != nil {
		t.Fatal(err)
	}
}

// What the kernel's part of the filter says of wrapped packets is what
// the tests of its program say.
func TestCaptureWrapped(t *testing.T) {
	packettest.NeedRoot(t)
	// An address of loopback that other processes do not use.
	id := os.Getpid()
	lo := netip.AddrFrom4([4]byte{127, 1 + byte(id>>16), byte(id >> 8), byte(id)})
	server := netip.AddrPortFrom(lo, 9).String()
	inner := packettest.TCP4("192.0.2.1:5000", server, packettest.Sample())
	fragment := packettest.TCP4("127.0.0.1:5000", server, packettest.Sample())
	fragment[7] = 2
	for _, tunnels := range []bool{false, true} {
		a, err := filter.ParseAddress(server)
		if err != nil {
			t.Fatal(err)
		}
		s, r, stop := startSource(t, Config{Address: a, Tunnels: tunnels})
		sendRaw(t, packettest.IP4(lo, lo, packet.ProtoIP4, inner))
		sendRaw(t, fragment)
		sendRaw(t, packettest.TCP4("127.0.0.1:5000", server, packettest.Sample()))
		r.Wait(t, func() bool { return r.Segs > 0 }) // it runs
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		want := 1
		if tunnels {
			want = 2
		}
		if r.Segs != want {
			t.Errorf("tunnels %t: %d segments, want %d", tunnels, r.Segs, want)
		}
		if n := s.Stats().Ignored[packet.IgnoredFragment]; n != 1 {
			t.Errorf("%d fragments, want 1", n)
		}
	}
}

// Of several rings each has whole connections, and each packet is on one.
func TestCaptureFanout(t *testing.T) {
	packettest.NeedRoot(t)
	l := packettest.Echo(t, "tcp4", "127.0.0.1:0")
	server := l.Addr().(*net.TCPAddr).AddrPort()
	for _, where := range []string{"", "lo"} {
		a, err := filter.ParseAddress(fmt.Sprintf("%s:%d", where, server.Port()))
		if err != nil {
			t.Fatal(err)
		}
		list, err := Open(Config{Address: a, TrackResponse: true, BlockTimeout: time.Millisecond}, 3)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		sinks := make([]*packettest.Recorder, len(list))
		for i, s := range list {
			sinks[i] = packettest.NewRecorder()
			wg.Go(func() {
				if err := s.Run(sinks[i]); err != nil {
					t.Error(err)
				}
			})
		}
		for _, r := range sinks {
			r.Wait(t, func() bool { return r.Ticks > 0 }) // it runs
		}
		request := []byte("get / http/1.1\r\n\r\n")
		const connections = 60
		for range connections {
			packettest.Talk(t, server.String(), request)
		}
		for _, s := range list {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		wg.Wait()
		total, busy := 0, 0
		for _, r := range sinks {
			n := 0
			for k, b := range r.Bytes {
				if k[1] != server {
					continue
				}
				n++
				if !bytes.Equal(b, request) || !bytes.Equal(r.Bytes[[2]netip.AddrPort{server, k[0]}], bytes.ToUpper(request)) {
					t.Errorf("of %s a ring has %q, answered by %q", k[0], b, r.Bytes[[2]netip.AddrPort{server, k[0]}])
				}
			}
			total += n
			if n > 0 {
				busy++
			}
		}
		if total != connections || busy < 2 {
			t.Errorf("%d connections on %d rings, want %d on all", total, busy, connections)
		}
	}
}

// Of two VLAN tags the kernel takes one away and may name what is behind the
// other, which is then the first that is seen of the packet.
func TestHiddenTag(t *testing.T) {
	four := packettest.TCP4("10.0.0.1:1", "10.0.0.2:80", packettest.Sample())
	six := packettest.TCP6("[2001:db8::1]:1", "[2001:db8::2]:80", packettest.Sample())
	tagged := func(tci byte, proto uint16, p []byte) []byte {
		return append([]byte{tci, 7, byte(proto >> 8), byte(proto)}, p...)
	}
	for _, tt := range []struct {
		name  string
		proto uint16
		data  []byte
		tag   bool
	}{
		{"IPv4", packet.EtherIP4, four, false},
		{"IPv6", packet.EtherIP6, six, false},
		{"tagged IPv4", packet.EtherIP4, tagged(0, packet.EtherIP4, four), true},
		{"tagged IPv6", packet.EtherIP6, tagged(0, packet.EtherIP6, six), true},
		{"a tag that looks like IPv4", packet.EtherIP4, tagged(0x45, packet.EtherIP4, four), true},
		{"a tag that looks like IPv6", packet.EtherIP6, tagged(0x60, packet.EtherIP6, six), true},
		{"a tag that the protocol names", packet.EtherVLAN, tagged(0, packet.EtherIP4, four), false},
		{"a tag and nothing", packet.EtherIP4, tagged(0, packet.EtherIP4, four[:10]), false},
		{"padded", packet.EtherIP4, append(tagged(0, packet.EtherIP4, four), make([]byte, 20)...), true},
	} {
		proto, data, wire := hiddenTag(tt.proto, tt.data, len(tt.data))
		want := tt.data
		if tt.tag {
			want = want[4:]
		}
		if proto != tt.proto || !bytes.Equal(data, want) || wire != len(want) {
			t.Errorf("%s: protocol %#04x, %d bytes of %d; want %d", tt.name, proto, len(data), wire, len(want))
		}
	}
}
