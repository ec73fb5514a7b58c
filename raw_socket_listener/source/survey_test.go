package source

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

const (
	getRequest  = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
	postRequest = "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789"
	okResponse  = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
)

// clientHello is the beginning of TLS: the headers of a record and of a
// handshake message.
const clientHello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"

// quicInitial is the beginning of a long header of version 1.
const quicInitial = "\xc3\x00\x00\x00\x01\x08\x01\x02\x03\x04\x05\x06\x07\x08"

// surveyOf is a survey whose interfaces are named eth0, eth1 and so on.
func surveyOf(t testing.TB, address string, c SurveyConfig) *Survey {
	t.Helper()
	c.Address = addressFor(t, address)
	s := NewSurvey(c)
	s.name = func(i int) string { return fmt.Sprintf("eth%d", i) }
	s.took = 20 * time.Millisecond
	return s
}

// sent is an IPv4 packet with data.
func sent(src, dst, data string) []byte {
	return packettest.TCP4(src, dst, packettest.Seg{Flags: packet.FlagACK | packet.FlagPSH, Payload: []byte(data)})
}

// A surveyed packet, and on which interface it is how many times.
type surveyed struct {
	iface, times int
	etherType    uint16
	packet       []byte
}

func TestSurveyLines(t *testing.T) {
	const client = "192.0.2.1:40000"
	a, b := packettest.MustAddr("203.0.113.1"), packettest.MustAddr("203.0.113.2")
	request := sent(client, "10.0.0.5:8080", getRequest)
	vxlan := func(inner []byte) []byte {
		head := []byte{packet.VXLANHasVNI, 0, 0, 0, 0, 0, 7, 0}
		return packettest.IP4(a, b, packet.ProtoUDP, packettest.UDP(50000, packet.PortVXLAN, append(head, packettest.Ethernet(packet.EtherIP4, inner)...)))
	}
	geneve := func(inner []byte) []byte {
		head := []byte{0, 0, 0x65, 0x58, 0, 0, 7, 0}
		return packettest.IP4(a, b, packet.ProtoUDP, packettest.UDP(50000, packet.PortGeneve, append(head, packettest.Ethernet(packet.EtherIP4, inner)...)))
	}
	gre := func(inner []byte) []byte {
		return packettest.IP4(a, b, packet.ProtoGRE, append([]byte{0, 0, 8, 0}, inner...))
	}
	udp := func(src, dst uint16, data string) []byte {
		return packettest.IP4(a, b, packet.ProtoUDP, packettest.UDP(src, dst, []byte(data)))
	}
	for _, tt := range []struct {
		name    string
		address string
		cfg     SurveyConfig
		packets []surveyed
		want    []string // of the lines behind the first
	}{
		{"another port", ":80", SurveyConfig{}, []surveyed{{0, 3, packet.EtherIP4, request}},
			[]string{"HTTP requests go to port 8080 on eth0: capture them with --input-raw :8080"}},
		{"IPv6", ":80", SurveyConfig{}, []surveyed{{0, 3, packet.EtherIP6, packettest.TCP6("[2001:db8::1]:5000", "[2001:db8::5]:8080", packettest.Sample())}},
			[]string{"HTTP requests go to port 8080 on eth0: capture them with --input-raw :8080"}},
		{"several ports, the busiest first", ":80", SurveyConfig{}, []surveyed{
			{0, 1, packet.EtherIP4, sent(client, "10.0.0.5:9000", getRequest)}, {0, 2, packet.EtherIP4, request}, {1, 4, packet.EtherIP4, request},
			{2, 3, packet.EtherIP4, sent(client, "10.0.0.5:3000", postRequest)}, {2, 1, packet.EtherIP4, sent(client, "10.0.0.5:9001", postRequest)}},
			[]string{"HTTP requests go to port 8080 on eth1 and eth0, port 3000 on eth2, port 9000 on eth0 and 1 more: capture one of these, such as with --input-raw :8080 (a proxy and the server behind it have the same requests; ports of different servers are given as :8080,3000,9000)"}},
		{"another interface", "eth0:8080", SurveyConfig{}, []surveyed{{0, 2, packet.EtherIP4, request}, {1, 2, packet.EtherIP4, request}},
			[]string{"HTTP requests go to port 8080 on eth1: capture them with --input-raw :8080"}},
		{"another host", "10.0.0.6:8080", SurveyConfig{}, []surveyed{{0, 1, packet.EtherIP4, request}},
			[]string{"HTTP requests go to port 8080 on eth0: capture them with --input-raw :8080"}},
		{"what is captured is no news", ":8080", SurveyConfig{}, []surveyed{{0, 5, packet.EtherIP4, request}}, nil},
		{"nor are our own requests", ":80", SurveyConfig{Exclude: func(src, dst netip.AddrPort) bool { return src.String() == client && dst.Port() == 8080 }},
			[]surveyed{{0, 5, packet.EtherIP4, request}}, nil},
		{"a request line that goes on", ":80", SurveyConfig{}, []surveyed{{0, 1, packet.EtherIP4, sent(client, "10.0.0.5:81", "GET /"+strings.Repeat("x", 900))}},
			[]string{"HTTP requests go to port 81 on eth0: capture them with --input-raw :81"}},
		{"words are no request", ":80", SurveyConfig{}, []surveyed{{0, 1, packet.EtherIP4, sent(client, "10.0.0.5:25", "hello world")}},
			[]string{"other data over TCP goes to port 25 on eth0"}},
		{"responses and acknowledgements are nothing", ":80", SurveyConfig{}, []surveyed{
			{0, 9, packet.EtherIP4, sent("10.0.0.5:8080", client, okResponse)}, {0, 9, packet.EtherIP4, sent(client, "10.0.0.5:8080", "")}}, nil},
		{"other data", ":80", SurveyConfig{}, []surveyed{{0, 1, packet.EtherIP4, sent(client, "10.0.0.5:22", "\x00\x01\x02")}, {1, 2, packet.EtherIP4, sent(client, "10.0.0.5:5432", "Q\x00\x00")}},
			[]string{"other data over TCP goes to port 5432 on eth1 and port 22 on eth0"}},
		{"TLS, HTTP/2 and HTTP/3", ":80", SurveyConfig{}, []surveyed{
			{0, 1, packet.EtherIP4, sent(client, "10.0.0.5:443", clientHello)}, {0, 1, packet.EtherIP4, sent(client, "10.0.0.5:50051", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
			{1, 1, packet.EtherIP4, udp(50000, 443, "\x40\x01\x02\x03\x04\x05\x06")}, {1, 1, packet.EtherIP4, udp(443, 50000, "\x40\x01\x02\x03\x04\x05\x06")}, {1, 3, packet.EtherIP4, udp(50000, 8443, quicInitial)}},
			[]string{
				"TLS goes to port 443 on eth0, which cannot be read: capture behind the TLS terminator, on the port it forwards plain HTTP to",
				"HTTP/2 goes to port 50051 on eth0, which is not captured: capture where it has been translated to HTTP/1, behind the proxy",
				"HTTP/3 (QUIC) goes to UDP port 8443 on eth1 and port 443 on eth1, which cannot be read: capture behind the proxy that ends it"}},
		{"other UDP", ":80", SurveyConfig{}, []surveyed{{0, 1, packet.EtherIP4, udp(50000, 53, strings.Repeat("q", 30))}}, nil},
		{"no IP", ":80", SurveyConfig{}, []surveyed{{0, 2, 0x0806, make([]byte, 28)}}, nil},
		{"requests in tunnels", ":80", SurveyConfig{}, []surveyed{
			{0, 3, packet.EtherIP4, vxlan(sent(client, "10.0.0.5:80", getRequest))}, {1, 2, packet.EtherIP4, gre(sent(client, "10.0.0.5:81", getRequest))}},
			[]string{"HTTP requests go to port 80 on eth0 inside VXLAN and port 81 on eth1 inside GRE: capture one of these, such as with --input-raw :80 --input-raw-tunnels (a proxy and the server behind it have the same requests; ports of different servers are given as :80,81)"}},
		{"requests behind tags and in other tunnels", ":80", SurveyConfig{}, []surveyed{
			{0, 3, packet.EtherVLAN, packettest.VLAN(5, packet.EtherIP4, sent(client, "10.0.0.5:80", getRequest))}, {0, 2, packet.EtherIP4, packettest.IP4(a, b, packet.ProtoIP4, sent(client, "10.0.0.5:80", getRequest))},
			{0, 1, packet.EtherIP4, geneve(sent(client, "10.0.0.5:80", getRequest))}},
			[]string{"HTTP requests go to port 80 on eth0 inside a second VLAN tag, port 80 on eth0 inside IP-in-IP and port 80 on eth0 inside Geneve: capture them with --input-raw :80 --input-raw-tunnels"}},
		{"a tunnel that ends here", ":80", SurveyConfig{}, []surveyed{{0, 3, packet.EtherIP4, vxlan(request)}, {1, 3, packet.EtherIP4, request}},
			[]string{"HTTP requests go to port 8080 on eth1: capture them with --input-raw :8080"}},
		{"tunnels that are looked into", ":8080", SurveyConfig{Tunnels: true}, []surveyed{{0, 3, packet.EtherIP4, vxlan(request)}}, nil},
		{"a tunnel that is captured", ":8080", SurveyConfig{VXLANPort: packet.PortVXLAN}, []surveyed{{0, 3, packet.EtherIP4, vxlan(request)}}, nil},
		{"outside of the tunnel that is captured", ":8080", SurveyConfig{VXLANPort: packet.PortVXLAN}, []surveyed{{0, 3, packet.EtherIP4, request}},
			[]string{"HTTP requests go to port 8080 on eth0: capture them with --input-raw :8080"}},
		{"other things in a tunnel", ":80", SurveyConfig{}, []surveyed{{0, 3, packet.EtherIP4, vxlan(sent(client, "10.0.0.5:25", "mail"))}},
			[]string{"tunnels have TCP in them, to port 25 on eth0 inside VXLAN: if that is the traffic, add --input-raw-tunnels"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := surveyOf(t, tt.address, tt.cfg)
			n := 0
			for _, p := range tt.packets {
				for range p.times {
					n++
					s.take(p.iface, p.etherType, p.packet)
				}
			}
			lines := s.Lines()
			if s.packets != n || !strings.HasPrefix(lines[0], "the interfaces saw, in 20ms: eth") {
				t.Errorf("%d packets, want %d; %q", s.packets, n, lines[0])
			}
			if got, want := strings.Join(lines[1:], "\n"), strings.Join(tt.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// The first line has the busiest interfaces, and how many are not named.
func TestSurveyCountsByInterface(t *testing.T) {
	s := surveyOf(t, ":80", SurveyConfig{})
	for i := range 8 {
		for range i + 1 {
			s.take(i, 0x0806, nil)
		}
	}
	want := "the interfaces saw, in 20ms: eth7 8 packets, eth6 7 packets, eth5 6 packets, eth4 5 packets, eth3 4 packets, eth2 3 packets and 2 more"
	if lines := s.Lines(); len(lines) != 1 || lines[0] != want {
		t.Errorf("got %q, want %q", lines, want)
	}
	if lines := surveyOf(t, ":80", SurveyConfig{}).Lines(); len(lines) != 1 || !strings.HasPrefix(lines[0], "no packets at all on any interface in 1s") {
		t.Errorf("of nothing: %q", lines)
	}
}

// A packet that was cut anywhere is counted, and shows nothing that is not in
// it.
func TestSurveyOfCutPackets(t *testing.T) {
	for _, p := range [][]byte{sent("192.0.2.1:40000", "10.0.0.5:8080", getRequest), packettest.TCP6(packettest.Client6, "[2001:db8::5]:8080", packettest.Sample())} {
		etherType := uint16(packet.EtherIP4)
		if p[0]>>4 == 6 {
			etherType = packet.EtherIP6
		}
		for n := range p {
			s := surveyOf(t, ":80", SurveyConfig{})
			s.take(0, etherType, p[:n:n])
			if s.packets != 1 {
				t.Fatalf("%d packets", s.packets)
			}
			for g := range s.sights {
				line := bytes.Contains(p[:n], []byte("HTTP/1.1\r\n"))
				if g.port != 8080 || (g.what == sightHTTP1) != line {
					t.Errorf("cut to %d bytes: %+v", n, g)
				}
			}
		}
	}
}

// FuzzSurvey looks at any packet, twice. It is counted each time, shows at
// most one thing, the same again, is not changed, and what is said of it is a
// few lines of text.
func FuzzSurvey(f *testing.F) {
	addresses := []string{":80", "eth0:80", "both:80,8080", "*:"}
	for i, c := range packettest.LinkCases() {
		if c.Link == packet.LinkEthernet && len(c.Packet) > 14 {
			f.Add(uint16(c.Packet[12])<<8|uint16(c.Packet[13]), c.Packet[14:], uint8(i), i%2 == 0)
		}
	}
	f.Add(uint16(packet.EtherIP4), sent("192.0.2.1:40000", "10.0.0.5:443", clientHello), uint8(0), true)
	f.Add(uint16(packet.EtherIP4), packettest.IP4(packettest.MustAddr("10.0.0.1"), packettest.MustAddr("10.0.0.2"), packet.ProtoUDP, packettest.UDP(1, 443, []byte(quicInitial))), uint8(3), true)
	f.Fuzz(func(t *testing.T, etherType uint16, b []byte, address uint8, tunnels bool) {
		a := addressFor(t, addresses[int(address)%len(addresses)])
		s := NewSurvey(SurveyConfig{Address: a, Tunnels: tunnels})
		s.name = func(int) string { return "eth0" }
		everywhere := len(a.Interfaces)+len(a.Hosts) == 0
		before := bytes.Clone(b)
		for n := 1; n <= 2; n++ {
			s.take(3, etherType, b)
			if s.packets != n || s.ifaces[3] != n {
				t.Fatalf("%d packets, of the interface %d, want %d", s.packets, s.ifaces[3], n)
			}
			if len(s.sights) > 1 {
				t.Fatalf("one packet shows %v", s.sights)
			}
			for g, seen := range s.sights {
				if seen != n {
					t.Fatalf("%+v was seen %d times, want %d", g, seen, n)
				}
				if everywhere && g.what != sightData && g.what != sightQUIC && g.wrap == unwrapped && a.IsServer(netip.AddrPortFrom(netip.Addr{}, g.port)) {
					t.Fatalf("%+v is what %s captures", g, a)
				}
			}
		}
		if !bytes.Equal(b, before) {
			t.Fatal("the packet was changed")
		}
		lines := s.Lines()
		if len(lines) < 1 || len(lines) > 2 {
			t.Fatalf("one packet makes %d lines: %q", len(lines), lines)
		}
		for _, line := range lines {
			if len(line) > 300 || strings.ContainsFunc(line, unicode.IsControl) {
				t.Fatalf("the line %q", line)
			}
		}
	})
}
