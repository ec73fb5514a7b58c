package filter

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// mustParse reads an address with a fixed set of interfaces and hosts.
func mustParse(t testing.TB, s string) Address {
	t.Helper()
	a, err := testNames().parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func runFilter(t testing.TB, a Address, response bool, packet []byte) int {
	t.Helper()
	vm, err := bpf.NewVM(packetProgram(Wanted{Address: a, TrackResponse: response}))
	if err != nil {
		t.Fatal(err)
	}
	n, err := vm.Run(packet)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFilter(t *testing.T) {
	data := packettest.Seg{Flags: packet.FlagACK, Payload: []byte("x")}
	ack := packettest.Seg{Flags: packet.FlagACK}
	options := packettest.Seg{Flags: packet.FlagACK, Options: make([]byte, 12)}
	const (
		c4, s4 = "192.0.2.1:5000", "10.0.0.5:80"
		c6, s6 = "[2001:db8::1]:5000", "[2001:db8::5]:80"
		ext    = "\x06\x00\x00\x00\x00\x00\x00\x00" // an extension header before TCP
	)
	edit := func(p []byte, f func(p []byte)) []byte { f(p); return p }
	v6 := func(next byte, body []byte) []byte {
		p := packettest.TCP6(c6, s6, data)
		return edit(append(p[:40:40], body...), func(p []byte) {
			p[6] = next
			binary.BigEndian.PutUint16(p[4:], uint16(len(body)))
		})
	}
	tcp6 := packettest.TCP6(c6, s6, data)[40:]

	for _, tt := range []struct {
		name     string
		addr     string
		response bool
		packet   []byte
		want     int
	}{
		{"data", ":80", false, packettest.TCP4(c4, s4, data), acceptAll},
		{"data6", ":80", false, packettest.TCP6(c6, s6, data), acceptAll},
		{"another port", ":81", false, packettest.TCP4(c4, s4, data), 0},
		{"another port6", ":81", false, packettest.TCP6(c6, s6, data), 0},
		{"second port", ":79,80", false, packettest.TCP4(c4, s4, data), acceptAll},
		{"client port is no server port", ":5000", false, packettest.TCP4(c4, s4, data), 0},
		{"response not wanted", ":80", false, packettest.TCP4(s4, c4, data), 0},
		{"response wanted", ":80", true, packettest.TCP4(s4, c4, data), acceptAll},
		{"response6 wanted", ":80", true, packettest.TCP6(s6, c6, data), acceptAll},
		{"bare acknowledgement", ":80", false, packettest.TCP4(c4, s4, ack), 0},
		{"bare acknowledgement6", ":80", false, packettest.TCP6(c6, s6, ack), 0},
		{"bare acknowledgement with options", ":80", false, packettest.TCP4(c4, s4, options), 0},
		{"bare acknowledgement with options6", ":80", false, packettest.TCP6(c6, s6, options), 0},
		{"acknowledgement for responses", ":80", true, packettest.TCP4(c4, s4, ack), acceptAll},
		{"padding is no data", ":80", false, append(packettest.TCP4(c4, s4, ack), make([]byte, 6)...), 0},
		{"SYN", ":80", false, packettest.TCP4(c4, s4, packettest.Seg{Flags: packet.FlagSYN}), acceptAll},
		{"FIN", ":80", false, packettest.TCP4(c4, s4, packettest.Seg{Flags: packet.FlagFIN | packet.FlagACK}), acceptAll},
		{"RST", ":80", false, packettest.TCP4(c4, s4, packettest.Seg{Flags: packet.FlagRST}), acceptAll},
		{"SYN6", ":80", false, packettest.TCP6(c6, s6, packettest.Seg{Flags: packet.FlagSYN}), acceptAll},
		{"length 0, data", ":80", false, edit(packettest.TCP4(c4, s4, data), func(p []byte) { p[2], p[3] = 0, 0 }), acceptAll},
		{"length 0, no data", ":80", false, edit(packettest.TCP4(c4, s4, ack), func(p []byte) { p[2], p[3] = 0, 0 }), 0},
		{"length 0, data6", ":80", false, edit(packettest.TCP6(c6, s6, data), func(p []byte) { p[4], p[5] = 0, 0 }), acceptAll},
		{"length 0, no data6", ":80", false, edit(packettest.TCP6(c6, s6, ack), func(p []byte) { p[4], p[5] = 0, 0 }), 0},
		{"IP options", ":80", false, edit(
			append(packettest.TCP4(c4, s4, data)[:20:20], append(make([]byte, 4), packettest.TCP4(c4, s4, data)[20:]...)...),
			func(p []byte) { p[0] = 0x46; p[3] += 4 }), acceptAll},
		{"first fragment", ":80", false, edit(packettest.TCP4(c4, s4, data), func(p []byte) { p[6] = 0x20 }), acceptAll},
		{"later fragment", ":80", false, edit(packettest.TCP4(c4, s4, data), func(p []byte) { p[7] = 1 }), fragmentKeep},
		{"later fragment whose bytes would be ports", ":99", false, edit(packettest.TCP4(c4, s4, data), func(p []byte) { p[7] = 1 }), fragmentKeep},
		{"later fragment to another host", "10.0.0.6:80", false, edit(packettest.TCP4(c4, s4, data), func(p []byte) { p[7] = 1 }), 0},
		{"UDP", ":80", false, edit(packettest.TCP4(c4, s4, data), func(p []byte) { p[9] = packet.ProtoUDP }), 0},
		{"UDP6", ":80", false, edit(packettest.TCP6(c6, s6, data), func(p []byte) { p[6] = packet.ProtoUDP }), 0},
		{"ARP", ":80", false, make([]byte, 46), 0},
		{"hop-by-hop before TCP", ":80", false, v6(packet.ProtoHopByHop, append([]byte(ext), tcp6...)), acceptAll},
		{"routing header", ":80", false, v6(packet.ProtoRouting, append([]byte(ext), tcp6...)), acceptAll},
		{"first fragment6", ":80", false, v6(packet.ProtoFragment, append([]byte("\x06\x00\x00\x01\x00\x00\x00\x00"), tcp6...)), acceptAll},
		{"later fragment6", ":80", false, v6(packet.ProtoFragment, append([]byte("\x06\x00\x00\x08\x00\x00\x00\x00"), tcp6...)), fragmentKeep},
		{"UDP fragment6", ":80", false, v6(packet.ProtoFragment, append([]byte("\x11\x00\x00\x01\x00\x00\x00\x00"), tcp6...)), 0},
		{"host", "10.0.0.5:80", false, packettest.TCP4(c4, s4, data), acceptAll},
		{"another host", "10.0.0.6:80", false, packettest.TCP4(c4, s4, data), 0},
		{"host, another port", "10.0.0.5:81", false, packettest.TCP4(c4, s4, data), 0},
		{"host, response", "10.0.0.5:80", true, packettest.TCP4(s4, c4, data), acceptAll},
		{"another host's response", "10.0.0.6:80", true, packettest.TCP4(s4, c4, data), 0},
		{"host of the other family", "10.0.0.5:80", false, packettest.TCP6(c6, s6, data), 0},
		{"host6", "[2001:db8::5]:80", false, packettest.TCP6(c6, s6, data), acceptAll},
		{"another host6", "[2001:db8:1::5]:80", false, packettest.TCP6(c6, s6, data), 0},
		{"host6, response", "[2001:db8::5]:80", true, packettest.TCP6(s6, c6, data), acceptAll},
		{"name with both families", "both:80", false, packettest.TCP6(c6, s6, data), acceptAll},
		{"name with both families4", "both:80", false, packettest.TCP4(c4, s4, data), acceptAll},
		{"every port", "eth0:", false, packettest.TCP4(c4, s4, data), acceptAll},
		{"every port, back", "eth0:", false, packettest.TCP4(s4, c4, data), acceptAll},
		{"every port, acknowledgement", "eth0:", false, packettest.TCP4(s4, c4, ack), 0},
		{"every port of a host", "10.0.0.5:", false, packettest.TCP4(s4, c4, data), acceptAll},
		{"every port of another host", "10.0.0.6:", false, packettest.TCP4(s4, c4, data), 0},
		{"same port on both sides", "10.0.0.5:80", true, packettest.TCP4(s4, "192.0.2.1:80", data), acceptAll},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := runFilter(t, mustParse(t, tt.addr), tt.response, tt.packet); min(got, len(tt.packet)) != min(tt.want, len(tt.packet)) {
				t.Errorf("%s kept %d bytes of the packet, want %d", tt.addr, got, tt.want)
			}
		})
	}
}

// Tunnels pass when they are asked for, whatever is in them, and what is not in
// a tunnel is treated as without.
func TestFilterTunnels(t *testing.T) {
	a4, b4 := packettest.MustAddr("203.0.113.1"), packettest.MustAddr("203.0.113.2")
	a6, b6 := packettest.MustAddr("2001:db8:f::1"), packettest.MustAddr("2001:db8:f::2")
	vxlan, dns := packettest.UDP(9, packet.PortVXLAN, make([]byte, 8)), packettest.UDP(9, 53, make([]byte, 8))
	fragment := packettest.IP4(a4, b4, packet.ProtoUDP, vxlan)
	fragment[7] = 1
	for _, tt := range []struct {
		name   string
		packet []byte
		want   bool
	}{
		{"IP in IP", packettest.IP4(a4, b4, packet.ProtoIP4, nil), true},
		{"6in4", packettest.IP4(a4, b4, packet.ProtoIP6, nil), true},
		{"4in6", packettest.IP6(a6, b6, packet.ProtoIP4, nil), true},
		{"GRE", packettest.IP4(a4, b4, packet.ProtoGRE, nil), true},
		{"GRE over IPv6", packettest.IP6(a6, b6, packet.ProtoGRE, nil), true},
		{"VXLAN", packettest.IP4(a4, b4, packet.ProtoUDP, vxlan), true},
		{"VXLAN over IPv6", packettest.IP6(a6, b6, packet.ProtoUDP, vxlan), true},
		{"TZSP", packettest.IP4(a4, b4, packet.ProtoUDP, packettest.UDP(9, packet.PortTZSP, make([]byte, 8))), true},
		{"later fragment of VXLAN", fragment, false},
		{"DNS", packettest.IP4(a4, b4, packet.ProtoUDP, dns), false},
		{"DNS over IPv6", packettest.IP6(a6, b6, packet.ProtoUDP, dns), false},
	} {
		for _, addr := range []string{":80", "10.0.0.5:80", "[2001:db8::5]:80"} {
			for _, tunnels := range []bool{false, true} {
				vm, err := bpf.NewVM(packetProgram(Wanted{Address: mustParse(t, addr), Tunnels: tunnels}))
				if err != nil {
					t.Fatal(err)
				}
				got, err := vm.Run(tt.packet)
				if err != nil {
					t.Fatal(err)
				}
				if want := tt.want && tunnels; (got > 0) != want {
					t.Errorf("%s, %s, tunnels %t: passes %t", tt.name, addr, tunnels, got > 0)
				}
			}
		}
	}
	for _, packet := range [][]byte{packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Sample()), packettest.TCP6(packettest.Client6, packettest.Server6, packettest.Sample())} {
		for _, addr := range []string{":80", "both:80", ":81"} {
			vm, err := bpf.NewVM(packetProgram(Wanted{Address: mustParse(t, addr), Tunnels: true}))
			if err != nil {
				t.Fatal(err)
			}
			got, err := vm.Run(packet)
			if err != nil {
				t.Fatal(err)
			}
			if want := addr != ":81"; (got > 0) != want {
				t.Errorf("%s: a plain packet passes %t", addr, got > 0)
			}
		}
	}
}

// Jumps have 8 bits when they are conditional: long lists must not wrap.
func TestFilterManyPorts(t *testing.T) {
	for _, n := range []int{1, 100, jumpReach, jumpReach + 1, maxPorts} {
		var a Address
		for i := range n {
			a.Ports = append(a.Ports, uint16(1000+2*i))
		}
		if _, err := KernelProgram(Wanted{Address: a, TrackResponse: true, Tunnels: true}); err != nil {
			t.Fatal(err)
		}
		vm, err := bpf.NewVM(packetProgram(Wanted{Address: a, TrackResponse: true}))
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 * n {
			port := 1000 + i
			for _, p := range [][]byte{
				packettest.TCP4("192.0.2.1:9", fmt.Sprintf("10.0.0.5:%d", port), packettest.Seg{}),
				packettest.TCP6(fmt.Sprintf("[2001:db8::5]:%d", port), "[2001:db8::1]:9", packettest.Seg{}),
			} {
				got, err := vm.Run(p)
				if err != nil {
					t.Fatal(err)
				}
				if want := i%2 == 0; (got > 0) != want {
					t.Fatalf("%d ports: port %d passes: %t, want %t", n, port, got > 0, want)
				}
			}
		}
	}
}

func TestFilterTooLong(t *testing.T) {
	a := mustParse(t, ":80")
	for i := range 600 {
		a.Hosts = append(a.Hosts, packettest.MustAddr(fmt.Sprintf("2001:db8::%x", i+1)))
	}
	if _, err := KernelProgram(Wanted{Address: a, TrackResponse: true, Tunnels: true}); err == nil {
		t.Error("a filter that the kernel would refuse was made")
	}
}

// FuzzFilter checks that the kernel filter and user space agree on what is
// wanted.
func FuzzFilter(f *testing.F) {
	f.Add(packettest.TCP4("192.0.2.1:5000", "10.0.0.5:80", packettest.Seg{Payload: []byte("x")}), false)
	f.Add(packettest.TCP6("[2001:db8::1]:5000", "[2001:db8::5]:80", packettest.Seg{Payload: []byte("x")}), true)
	addrs := []Address{mustParse(f, ":80,8080"), mustParse(f, "both:80"), mustParse(f, "10.0.0.5:"), mustParse(f, "eth0:")}
	vms := map[bool][]*bpf.VM{}
	for _, response := range []bool{false, true} {
		for _, a := range addrs {
			vm, err := bpf.NewVM(packetProgram(Wanted{Address: a, TrackResponse: response}))
			if err != nil {
				f.Fatal(err)
			}
			vms[response] = append(vms[response], vm)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte, response bool) {
		var s packet.Segment
		r := packet.DecodeIP(b, len(b), &s)
		if r == packet.Decoded && b[0]>>4 == 4 && b[9] != packet.ProtoTCP {
			return // a tunnel
		}
		direct := r == packet.Decoded && (b[0]>>4 == 4 || b[6] == packet.ProtoTCP)
		for i, a := range addrs {
			n, err := vms[response][i].Run(b)
			if err != nil {
				t.Fatal(err)
			}
			wanted := r == packet.Decoded && a.Wants(s.Src, s.Dst, response) &&
				(response || s.Flags.Has(packet.FlagSYN|packet.FlagFIN|packet.FlagRST) || len(s.Payload)+s.Missing > 0)
			if len(b) > 6 && b[0]>>4 == 6 && b[6] != packet.ProtoTCP {
				// Behind extension headers the filter may pass what is not
				// wanted, and it follows none to a tunnel.
				if wanted && n == 0 && !startsTunnel(b) {
					t.Errorf("%s: the filter refuses % x", a, b)
				}
				continue
			}
			if wanted && n < acceptAll {
				t.Errorf("%s: the filter refuses % x", a, b)
			}
			if direct && !wanted && n > 0 {
				t.Errorf("%s: the filter passes % x", a, b)
			}
		}
	})
}

// startsTunnel reports that an IPv6 packet announces a tunnel, at once or
// behind a fragment header.
func startsTunnel(p []byte) bool {
	next := p[6]
	if next == packet.ProtoFragment && len(p) > packet.IP6HeaderLen {
		next = p[packet.IP6HeaderLen]
	}
	return slices.Contains([]byte{packet.ProtoIP4, packet.ProtoIP6, packet.ProtoGRE, packet.ProtoUDP}, next)
}

// With Acks the kernel lets the client's bare acknowledgements pass, and the
// server's as little as before.
func TestFilterAcks(t *testing.T) {
	for _, acks := range []bool{false, true} {
		vm, err := bpf.NewVM(packetProgram(Wanted{Address: mustParse(t, ":80"), Acks: acks}))
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			src, dst string
			want     bool
		}{
			{"10.0.0.1:4000", "10.0.0.9:80", acks},
			{"10.0.0.9:80", "10.0.0.1:4000", false},
			{"10.0.0.1:4000", "10.0.0.9:81", false},
		} {
			n, err := vm.Run(packettest.TCP4(tt.src, tt.dst, packettest.Seg{Flags: packet.FlagACK}))
			if err != nil || n > 0 != tt.want {
				t.Errorf("acks %t: %s to %s passes: %d, %v; want %t", acks, tt.src, tt.dst, n, err, tt.want)
			}
		}
	}
}
