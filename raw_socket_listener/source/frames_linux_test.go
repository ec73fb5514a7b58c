package source

import (
	"bytes"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// A frameSender puts whole Ethernet frames on an interface.
type frameSender struct {
	t     testing.TB
	fd    int
	index int
}

func newFrameSender(t testing.TB, name string) *frameSender {
	t.Helper()
	ifi, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return &frameSender{t, fd, ifi.Index}
}

func (s *frameSender) send(frame []byte) {
	s.t.Helper()
	if err := unix.Sendto(s.fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: s.index}); err != nil {
		s.t.Fatal(err)
	}
}

// vethPair makes two interfaces that are up and joined.
func vethPair(t testing.TB, a, b string) {
	t.Helper()
	packettest.RunIP(t, "link", "add", a, "type", "veth", "peer", "name", b)
	for _, name := range []string{a, b} {
		packettest.RunIP(t, "link", "set", name, "up", "arp", "off")
	}
}

// from is a frame of port 80 whose client's port names it.
func frameFrom(port int, wrap func(p []byte) []byte) []byte {
	return wrap(packettest.TCP4(fmt.Sprintf("10.0.0.1:%d", port), "10.0.0.9:80", packettest.Seg{Payload: []byte("x")}))
}

func plainFrame(p []byte) []byte { return packettest.Ethernet(packet.EtherIP4, p) }

// clients are the ports that were seen, in order.
func clients(r *packettest.Recorder) (ports []int) {
	for k := range r.Bytes {
		ports = append(ports, int(k[0].Port()))
	}
	slices.Sort(ports)
	return ports
}

// A VLAN is told by the outermost tag, which the kernel has taken off a frame,
// and which a capture file and a tunnel still have.
func TestVLANs(t *testing.T) {
	tag := func(tci uint16) func(p []byte) []byte {
		return func(p []byte) []byte {
			return packettest.Ethernet(packet.EtherVLAN, packettest.VLAN(tci, packet.EtherIP4, p))
		}
	}
	double := func(outer uint16) func(p []byte) []byte {
		return func(p []byte) []byte {
			return packettest.Ethernet(outer, packettest.VLAN(7, packet.EtherVLAN, packettest.VLAN(5, packet.EtherIP4, p)))
		}
	}
	frames := [][]byte{
		frameFrom(1, plainFrame),
		frameFrom(2, tag(5)),
		frameFrom(3, tag(0xE000|7)), // with a priority
		frameFrom(4, tag(0x6000)),   // with a priority alone
		frameFrom(5, double(packet.EtherVLAN)),
		frameFrom(6, double(packet.EtherQinQ)),
	}
	cases := []struct {
		vlans filter.VLANs
		want  []int
	}{
		{filter.VLANs{}, []int{1, 2, 3, 4, 5, 6}},
		{filter.VLANs{Tagged: true}, []int{2, 3, 4, 5, 6}},
		{filter.VLANs{IDs: []int{5}}, []int{2}},
		{filter.VLANs{Tagged: true, IDs: []int{5}}, []int{2}},
		{filter.VLANs{IDs: []int{7}}, []int{3, 5, 6}},
		{filter.VLANs{IDs: []int{9, 5, 7}}, []int{2, 3, 5, 6}},
		{filter.VLANs{IDs: []int{0}}, []int{4}},
		{filter.VLANs{IDs: []int{9}}, nil},
	}
	t.Run("file", func(t *testing.T) {
		for _, tt := range cases {
			src, err := openOne(Config{Address: addressFor(t, "-:80"), VLANs: tt.vlans, Stdin: bytes.NewReader(packettest.Pcap(packet.LinkEthernet, frames...))})
			if err != nil {
				t.Fatal(err)
			}
			r := packettest.NewRecorder()
			if err := src.Run(r); err != nil {
				t.Fatal(err)
			}
			if got := clients(r); !slices.Equal(got, tt.want) {
				t.Errorf("%+v: %v, want %v", tt.vlans, got, tt.want)
			}
			if s := src.Stats(); s.Received != 6 || s.Ignored[packet.IgnoredVLAN] != 6-s.Segments {
				t.Errorf("%+v: %+v", tt.vlans, s)
			}
		}
	})
	t.Run("tunnel", func(t *testing.T) {
		for _, tt := range cases {
			var got []int
			for i, f := range frames {
				var s packet.Segment
				switch r := decodeVXLAN(packettest.VXLANDatagram(1, f), nil, &tt.vlans, nil, &s); r {
				case packet.Decoded:
					got = append(got, i+1)
				case packet.IgnoredVLAN:
				default:
					t.Errorf("%+v: frame %d: %s", tt.vlans, i+1, r)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%+v: %v, want %v", tt.vlans, got, tt.want)
			}
		}
	})
}

// So do frames that arrive, whose first tag the kernel takes off. A frame that
// its sender puts on the wire still has it.
func TestVLANsLive(t *testing.T) {
	if !packettest.InNamespace(t) {
		return
	}
	vethPair(t, "near", "far")
	out := newFrameSender(t, "far")
	tag := func(tci uint16) func(p []byte) []byte {
		return func(p []byte) []byte {
			return packettest.Ethernet(packet.EtherVLAN, packettest.VLAN(tci, packet.EtherIP4, p))
		}
	}
	double := func(p []byte) []byte {
		return packettest.Ethernet(packet.EtherVLAN, packettest.VLAN(7, packet.EtherVLAN, packettest.VLAN(5, packet.EtherIP4, p)))
	}
	for _, tt := range []struct {
		vlans   filter.VLANs
		want    []int
		ignored uint64
	}{
		{filter.VLANs{}, []int{1, 2, 3, 4, 5, 99}, 0},
		{filter.VLANs{Tagged: true}, []int{2, 3, 4, 5, 99}, 1},
		{filter.VLANs{IDs: []int{5}}, []int{2, 99}, 4},
		{filter.VLANs{Tagged: true, IDs: []int{7, 5}}, []int{2, 3, 5, 99}, 2},
		{filter.VLANs{IDs: []int{0, 5}}, []int{2, 4, 99}, 3},
	} {
		end := uint16(5)
		src, r, stop := startSource(t, Config{Address: addressFor(t, "near:80"), VLANs: tt.vlans, Tunnels: true, BlockTimeout: time.Millisecond})
		for i, wrap := range []func(p []byte) []byte{plainFrame, tag(5), tag(0xE000 | 7), tag(0x6000), double, tag(end)} {
			port := i + 1
			if i == 5 {
				port = 99
			}
			out.send(frameFrom(port, wrap))
		}
		r.Wait(t, func() bool { return slices.Contains(clients(r), 99) })
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got := clients(r); !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.vlans, got, tt.want)
		}
		if s := src.Stats(); s.Received != 6 || s.Ignored[packet.IgnoredVLAN] != tt.ignored {
			t.Errorf("%+v: %+v", tt.vlans, s)
		}
	}
}

// Frames of ignored interfaces are counted and nothing else, also of those that
// come later, and of one that is given another name.
func TestIgnoredInterfaces(t *testing.T) {
	if !packettest.InNamespace(t) {
		return
	}
	vethPair(t, "eth0", "wire0")
	vethPair(t, "cni0", "wire1")
	src, r, stop := startSource(t, Config{
		Address: addressFor(t, ":80"), IgnoredInterfaces: []string{"cni*", "wire?", "lo"}, BlockTimeout: time.Millisecond, Promisc: true,
	})
	// Each is seen as sent on wireN, which is ignored, and as received.
	newFrameSender(t, "wire0").send(frameFrom(1, plainFrame))
	newFrameSender(t, "wire1").send(frameFrom(2, plainFrame))
	vethPair(t, "cni2", "wire2")
	vethPair(t, "eth3", "wire3")
	newFrameSender(t, "wire2").send(frameFrom(3, plainFrame))
	wire3 := newFrameSender(t, "wire3")
	wire3.send(frameFrom(4, plainFrame))
	ignored := func() uint64 { return src.Stats().Ignored[packet.IgnoredInterface] }
	r.Wait(t, func() bool { return slices.Contains(clients(r), 4) && ignored() >= 6 })
	if got, n := clients(r), ignored(); !slices.Equal(got, []int{1, 4}) || n != 6 {
		t.Errorf("captured %v, want 1 and 4; %d ignored, want 6", got, n)
	}
	// A name is asked for again.
	packettest.RunIP(t, "link", "set", "eth3", "down")
	packettest.RunIP(t, "link", "set", "eth3", "name", "cni3")
	packettest.RunIP(t, "link", "set", "cni3", "up")
	sent := uint64(0)
	r.Wait(t, func() bool {
		// One is ignored of each, as sent on wire3; more when eth3 is, too.
		if ignored() > 6+sent {
			return true
		}
		sent++
		wire3.send(frameFrom(5, plainFrame))
		return false
	})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// Of a pattern the ignored ones are left out, and something has to remain.
func TestIgnoredInterfacesOfAPattern(t *testing.T) {
	c := Config{Address: filter.Address{Interfaces: []string{"eth0", "eth1", "eth10"}, Text: "eth*:80"}}
	for _, tt := range []struct{ ignored, want string }{
		{"", "eth0 eth1 eth10"}, {"eth1", "eth0 eth10"}, {"eth1*", "eth0"}, {"eth0 eth1*", "error"},
	} {
		c.IgnoredInterfaces = strings.Fields(tt.ignored)
		got, err := c.interfaces()
		if err != nil {
			wantError(t, err, "eth*:80", "--input-raw-ignore-interface")
			got = []string{"error"}
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("without %q: %v, want %s", tt.ignored, got, tt.want)
		}
	}
}

// A verdict is not asked for again at each packet, and what is remembered is
// bounded.
func TestInterfaceVerdicts(t *testing.T) {
	const epoch = int64(1_700_000_000_000_000_000) // ns since 1970
	asked, names := 0, map[int]string{1: "veth1", 2: "eth0"}
	f := newIfaceFilter([]string{"veth*"}, func(index int) (string, bool) {
		asked++
		name, ok := names[index]
		return name, ok
	})
	look := func(index int, now int64, want bool, times int) {
		t.Helper()
		asked = 0
		if got := f.ignores(index, now); got != want || asked != times {
			t.Errorf("interface %d: ignored %t after %d questions, want %t after %d", index, got, asked, want, times)
		}
	}
	look(1, epoch, true, 1)
	look(1, epoch+verdictTime-1, true, 0)
	look(2, epoch, false, 1)
	delete(names, 1)
	look(1, epoch+verdictTime, true, 1) // gone: what was known stays
	names[2] = "veth2"
	look(2, epoch+verdictTime, true, 1)
	look(3, epoch, false, 1)
	for i := range 3 * maxVerdicts {
		f.ignores(i, epoch)
		if len(f.verdicts) > maxVerdicts {
			t.Fatalf("%d interfaces are remembered", len(f.verdicts))
		}
	}
	if n := testing.AllocsPerRun(100, func() { f.ignores(3*maxVerdicts-1, epoch) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if f := newIfaceFilter(nil, nil); f != nil {
		t.Error("a filter without patterns")
	}
}
