package filter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

func mustExpression(t testing.TB, text string) *Expression {
	t.Helper()
	e, err := parseExpression(text, testLookups())
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return e
}

// What is not understood is refused, with the word and what to write.
func TestExpressionRefusals(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", "it ends, where a condition is wanted"},
		{" \t", "it ends, where a condition is wanted"},
		{"port", `it ends behind "port", where a port is wanted`},
		{"port 80 and", `it ends behind "and", where a condition is wanted`},
		{"not", `it ends behind "not", where a condition is wanted`},
		{"(port 80", `"(" is not closed`},
		{"port 80)", `")" has no "(" before it`},
		{"tcp[0) = 1", `")" has no "(" before it`},
		{"tcp[0 = 1", `"[" is not closed`},
		{"()", `")" is not understood behind "(", where a condition is wanted`},
		{"port ()", `")" is not understood behind "(", where a port is wanted`},
		{"port 80 443", `"443" is not understood behind "80", where "and" or "or" is wanted`},
		{"port 80, 443", `"," is not part of an expression`},
		{"port 80; drop", `";" is not part of an expression`},
		{"hóst 10.0.0.1", `"ó" is not part of an expression`},
		{"port 80\xff", `"\xff" is not part of an expression`},
		{`port \`, `"\\" escapes no word`},
		{"prot 80", `"prot" is not understood, where a condition is wanted`},
		{"PORT 80", `"PORT" is not understood, where a condition is wanted`},
		{"tcp 80", `"80" is not understood behind "tcp", where "and" or "or" is wanted`},
		{"tcp or 80", `"80" stands alone`},
		{"10.0.0.1", `"10.0.0.1" is not understood, where a condition is wanted`},
		{"(port 80) or 443", `"443" stands alone: write "host 443" or "port 443"`},
		{"tcp and prot 80", `"prot" is not understood behind "and", where a condition is wanted`},
		{"tcp[13] = 2 or 16", `"16" stands alone`},
		{"host 10.0.0.1 or tcp or 10.0.0.2", `"10.0.0.2" stands alone`},
		{"host 10.0.0.1 and (10.0.0.2 or port 80)", `"port" is not understood behind "or", where a host is wanted`},
		{"src or port 80", `"or" is not understood behind "src", where a host is wanted`},
		{"port port 80", `"port" is not understood behind "port", where a port is wanted`},

		{"vlan 5 and port 80", `"vlan" is not understood: the first VLAN tag is taken off before`},
		{"port 80 and mpls", `"mpls" is not understood`},
		{"ether host 02:00:00:00:00:01", `"ether" is not understood: only IP is captured`},
		{"arp", `"arp" is not understood: only IP is captured`},
		{"host 10.0.0.1 or arp", `"arp" is not understood: only IP is captured`},
		{"ip multicast", `"multicast" is not understood: only IP is captured`},
		{"gateway foo", `"gateway" is not understood`},
		{"inbound", `"inbound" is not understood: name the interface`},
		{"ip6 protochain 6", `"protochain" is not understood: it is left out`},
		{"ether[0] = 1", `"ether" is not understood: only IP is captured`},
		{"esp[0] = 1", `"esp[" is not understood: bytes are those of`},

		{"tcp host 10.0.0.1", `"tcp" goes with port and portrange, not with host: write "tcp and host", or "tcp port"`},
		{"tcp src 80", `"tcp" goes with port and portrange, not with host`},
		{"udp net 10.0.0.0/8", `"udp" goes with port and portrange, not with net`},
		{"icmp proto 6", `"icmp" goes with port and portrange, not with proto`},
		{"ip port 80", `"ip" has no ports: write "ip and port"`},
		{"icmp portrange 1-2", `"icmp" has no ports: write "icmp and portrange"`},
		{"ip src proto 6", `"proto" is not understood behind "src", where a host is wanted`},

		{"host 10.0.0", `"10.0.0" is not a whole IPv4 address`},
		{"host 10.0.0.256", `"10.0.0.256" is not a whole IPv4 address`},
		{"host 010.0.0.1", `"010.0.0.1" is not a whole IPv4 address`},
		{"host 80", `"80" is not a host: write "port 80"`},
		{"src 80", `"80" is not a host: write "port 80"`},
		{"host 10.0.0.0/8", `"10.0.0.0" is a host, and only networks have a mask: write "net 10.0.0.0/...`},
		{"src 10.0.0.0 mask 255.0.0.0", `"10.0.0.0" is a host, and only networks have a mask`},
		{"host 2001:db8::/32", `"2001:db8::" is a host, and only networks have a mask`},
		{"host 1::2::3", `"1::2::3" is not an IPv6 address`},
		{"host 02:00:00:00:00:01", `"02:00:00:00:00:01" is not an IPv6 address`},
		{"host fe80::1%eth0", `"%" is not understood behind "fe80::1"`},
		{"ip6 host 10.0.0.1", `"10.0.0.1" has no address of the family "ip6"`},
		{"ip host ::1", `"::1" has no address of the family "ip"`},
		{"host nowhere", `look up the host "nowhere": no such host`},
		{"host tcp", `"tcp" is not understood behind "host", where a host is wanted`},

		{"net 10.0.0.1/8", `"10.0.0.1" has bits behind its mask: write "10.0.0.0"`},
		{"net 10.0.0.1 mask 255.0.0.0", `"10.0.0.1" has bits behind its mask: write "10.0.0.0"`},
		{"net 2001:db8::1/32", `"2001:db8::1" has bits behind its 32: write "2001:db8::/32"`},
		{"net 10/8", `"10" needs a point before its mask: write "10.0.0.0"`},
		{"net 0", `"0" is taken for one address`},
		{"net 10.0.0.0/33", `33 is not the length of a network: at most 32`},
		{"net ::/129", `129 is not the length of a network: at most 128`},
		{"net 10.0.0.0/", `it ends behind "/", where a number is wanted`},
		{"net 10.0.0.0/08", `"08" begins with a zero`},
		{"net 10.0.0.0/tcp-syn", `"10.0.0.0" has bits behind its mask`},
		{"net 10.0.0.0 mask 255", `"255" is not a mask`},
		{"net 10.0.0.0 mask foo", `"foo" is not a mask`},
		{"net :: mask 255.0.0.0", `"::" is of IPv6, which has no mask: write "::/64"`},
		{"net 300", `"300" is not a network`},
		{"net loopback", `"loopback" is not a network`},
		{"net 10.0.0.0.0", `"10.0.0.0.0" is not a network`},
		{"ip6 net 10.0.0.0/8", `"10.0.0.0" is not a network of the family "ip6"`},
		{"ip net 2001:db8::/32", `"2001:db8::" is not a network of the family "ip"`},

		{"port 65536", `"65536" is not a port: at most 65535`},
		{"port 99999999999", `"99999999999" is more than 32 bits hold`},
		{"port 010", `"010" begins with a zero`},
		{"port 80-90", `"80-90" is not a port: write "portrange 80-90"`},
		{"port nosuchservice", `"nosuchservice" is not a port, a known service or a keyword`},
		{"port 10.0.0.1", `"10.0.0.1" is not a port, a known service`},
		{"port tcp-syn", `"tcp-syn" is not understood behind "port", where a port is wanted`},
		{"sctp port http", `"http" is not a port, a known service`},
		{"portrange 80-90-100", `"80-90-100" is not a range of ports`},
		{"portrange http-https", `"http-https" is not a range of ports`},
		{"portrange 80-65536", `"65536" is not a port`},
		{"portrange 80-", `"-" is not understood behind "80"`},
		{"ip proto 256", `"256" is not the number of a protocol: at most 255`},
		{"ip proto tcp", `"tcp" is a keyword: write "proto \tcp"`},
		{"proto foo", `"foo" is not a protocol: write its number`},
		{`proto \ip`, `"ip" is not a protocol: write its number`},

		{"tcp[13] & 2", `it ends behind "2", where a comparison such as != 0 is wanted`},
		{"tcp[13] = 2 = 3", `"=" is not understood behind "2"`},
		{"tcp[12-1] = 0", `"12-1" is not understood behind "[", where a number is wanted`},
		{"len-14 > 5", `"len-14" is not understood, where a condition is wanted`},
		{"tcp[0:3] = 1", `3 bytes cannot be compared, only 1, 2 or 4`},
		{"tcp[-1] = 1", `tcp[-1] is in no packet`},
		{"ip[2000000] = 1", `ip[2000000] is in no packet`},
		{"tcp[0]/0 = 1", `behind "/" stands zero`},
		{"tcp[0] % (1 - 1) = 1", `behind "%" stands zero`},
		{"tcp[0] << 32 = 1", `behind "<<" only a number up to 31 may stand`},
		{"1 >> tcp[0] = 1", `behind ">>" only a number up to 31 may stand`},
		{"tcp[0] % 3 + 1 = 1", `"%" beside "+" needs parentheses`},
		{"tcp[0] + 3 ^ 1 = 1", `"^" beside another operator needs parentheses`},
		{"tcp[foo] = 1", `"foo" is not understood behind "[", where a number is wanted`},
		{"foo[0] = 1", `"foo" is not understood, where a number is wanted`},
		{"5", `it ends behind "5", where a comparison such as != 0 is wanted`},
		{"less", `it ends behind "less", where a number is wanted`},
		{"less len", `"len" is not understood behind "less", where a number is wanted`},
		{"ip[0] => 5", `">" is not understood behind "=", where a number is wanted`},
		{"tcp[icmptype] = 1", `"icmptype" is not understood behind "[", where a number is wanted`},
		{strings.Repeat("ip[0] + (", 16) + "1" + strings.Repeat(")", 16) + " = 1", ""},
		{strings.Repeat("ip[0] + (", 17) + "ip[1]" + strings.Repeat(")", 17) + " = 1", ""},
		{"1 = " + strings.Repeat("(ip[0] + ", 30) + "1" + strings.Repeat(")", 30), ""},
		{strings.Repeat("(", 40) + "ip[0]" + strings.Repeat(" + ip[0])", 40) + " = ip[1]", "its arithmetic is nested too deeply: the kernel keeps 16 results"},
		{strings.Repeat("not ", 5000) + "tcp", "it has 20003 bytes, and the kernel takes no filter that needs more than 16384"},
	} {
		_, err := parseExpression(tt.text, testLookups())
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%.60q: %v", tt.text, err)
		case tt.want != "" && err == nil:
			t.Errorf("%.60q is taken, want %q", tt.text, tt.want)
		case tt.want != "" && !strings.HasPrefix(err.Error(), tt.want):
			t.Errorf("%.60q: %v, want %q", tt.text, err, tt.want)
		}
	}
}

// Names are looked up when the capture begins, and stand for all of their
// addresses.
func TestExpressionNames(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []bool // from 10.0.0.5, to 10.0.0.5, from 2001:db8::5, to 2001:db8::5, other, other v6
	}{
		{"host both", []bool{true, true, true, true, false, false}},
		{"src both", []bool{true, false, true, false, false, false}},
		{"ip host both", []bool{true, true, false, false, false, false}},
		{"ip6 dst host both", []bool{false, false, false, true, false, false}},
		{"not host both", []bool{false, false, false, false, true, true}},
		{`host \both or 192.0.2.9`, []bool{true, true, true, true, true, false}},
	} {
		f, err := ParseFilter(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		e, err := f.resolve(testLookups())
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range [][]byte{
			packettest.TCP4("10.0.0.5:1", "192.0.2.1:2", packettest.Seg{}), packettest.TCP4("192.0.2.1:2", "10.0.0.5:1", packettest.Seg{}),
			packettest.TCP6("[2001:db8::5]:1", "[2001:db8::9]:2", packettest.Seg{}), packettest.TCP6("[2001:db8::9]:2", "[2001:db8::5]:1", packettest.Seg{}),
			packettest.TCP4("192.0.2.1:1", "192.0.2.9:1", packettest.Seg{}), packettest.TCP6("[2001:db8::1]:1", "[2001:db8::9]:2", packettest.Seg{}),
		} {
			if got := e.MatchLink(packet.LinkRaw, p, len(p)); got != tt.want[i] {
				t.Errorf("%s: packet %d matches %t", tt.text, i, got)
			}
		}
	}
	f, err := ParseFilter("host nowhere")
	if err != nil {
		t.Fatal("names are not looked up yet:", err)
	}
	if _, err := f.resolve(testLookups()); err == nil || !strings.Contains(err.Error(), `the filter "host nowhere": look up the host "nowhere"`) {
		t.Errorf("an unknown name: %v", err)
	}
	mapped := testLookups()
	mapped.host = func(string) ([]netip.Addr, error) { return []netip.Addr{packettest.MustAddr("::ffff:10.0.0.5")}, nil }
	if e, err := f.resolve(mapped); err != nil || !e.match(packet.EtherIP4, packettest.TCP4("10.0.0.5:1", "192.0.2.1:2", packettest.Seg{}), 40) {
		t.Error("an IPv4 address that the resolver gives as one of IPv6:", err)
	}
	if e, err := (*Filter)(nil).resolve(lookups{}); e != nil || err != nil {
		t.Error("no filter:", e, err)
	}
}

// Where libpcap looks at the bytes of another protocol, since it forgets what
// the right side of an operator asks for, we do not: the comparison does not
// hold.
func TestExpressionRightSideIsGuarded(t *testing.T) {
	fragment := packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Sample())
	fragment[7] = 1
	for _, tt := range []struct {
		text      string
		etherType uint16
		packet    []byte
	}{
		{"1 + ip[0] != 0", packet.EtherIP6, packettest.TCP6(packettest.Client6, packettest.Server6, packettest.Sample())},
		{"1 + ip6[0] != 0", packet.EtherIP4, packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Sample())},
		{"ip[0] + udp[0] != 0", packet.EtherIP4, packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Sample())},
		{"ip[0] + tcp[0] != 0", packet.EtherIP4, fragment},
		{"(ip[0] + 1) / (1 + tcp[0]) + 1 != 0", packet.EtherIP4, fragment},
	} {
		e := mustExpression(t, tt.text)
		if e.match(tt.etherType, tt.packet, len(tt.packet)) || passes(t, programVM(t, e, tt.etherType), tt.packet) {
			t.Errorf("%s holds", tt.text)
		}
	}
}

// The length is that before the capture cut the packet, with an Ethernet
// header, on every link.
func TestExpressionLength(t *testing.T) {
	p := packettest.TCP4(packettest.Client4, packettest.Server4, packettest.Seg{Payload: make([]byte, 100)}) // 140 bytes
	for _, tt := range []struct {
		text string
		wire int
		want bool
	}{
		{"len = 154", 140, true},
		{"greater 154", 140, true},
		{"greater 155", 140, false},
		{"less 154", 140, true},
		{"less 153", 140, false},
		{"len = 1514", 1500, true},
		{"ip[2:2] + 14 = len", 140, true},
	} {
		e := mustExpression(t, tt.text)
		link := append(make([]byte, packet.SLLHeaderLen), p...)
		binary.BigEndian.PutUint16(link[14:], packet.EtherIP4)
		if got := e.MatchLink(packet.LinkSLL, link, tt.wire+packet.SLLHeaderLen); got != tt.want {
			t.Errorf("%s of %d bytes: %t", tt.text, tt.wire, got)
		}
		if got := e.MatchLink(packet.LinkRaw, p, tt.wire); got != tt.want {
			t.Errorf("%s of %d bytes without a link: %t", tt.text, tt.wire, got)
		}
	}
}

// An expression sees what is behind the link, and not what is in a tunnel.
func TestExpressionLinks(t *testing.T) {
	p4, p6 := packettest.TCP4("10.0.0.1:5", "10.0.0.2:80", packettest.Sample()), packettest.TCP6("[2001:db8::1]:5", "[2001:db8::2]:80", packettest.Sample())
	join := func(parts ...any) (b []byte) {
		for _, p := range parts {
			switch p := p.(type) {
			case string:
				b = append(b, p...)
			case []byte:
				b = append(b, p...)
			}
		}
		return b
	}
	ppp := func(proto string, p []byte) []byte { return join(proto, p) }
	outer := func(proto byte, inner []byte) []byte {
		return packettest.Ethernet(packet.EtherIP4, packettest.IP4(packettest.MustAddr("203.0.113.1"), packettest.MustAddr("203.0.113.2"), proto, inner))
	}
	const port80, none, other = "tcp dst port 80 and (src 10.0.0.1 or 2001:db8::1)", "ip or ip6", "host 203.0.113.1 and not host 10.0.0.1"
	for _, tt := range []struct {
		name string
		link uint32
		b    []byte
		text string
		want bool
	}{
		{"Ethernet", packet.LinkEthernet, packettest.Ethernet(packet.EtherIP4, p4), port80, true},
		{"Ethernet, IPv6", packet.LinkEthernet, packettest.Ethernet(packet.EtherIP6, p6), port80, true},
		{"VLAN", packet.LinkEthernet, packettest.Ethernet(packet.EtherVLAN, packettest.VLAN(5, packet.EtherIP4, p4)), port80, true},
		{"VLAN of a provider", packet.LinkEthernet, packettest.Ethernet(packet.EtherQinQ, packettest.VLAN(5, packet.EtherIP6, p6)), port80, true},
		{"two tags", packet.LinkEthernet, packettest.Ethernet(packet.EtherQinQ, packettest.VLAN(5, packet.EtherVLAN, packettest.VLAN(6, packet.EtherIP4, p4))), none, false},
		{"two tags, negated", packet.LinkEthernet, packettest.Ethernet(packet.EtherQinQ, packettest.VLAN(5, packet.EtherVLAN, packettest.VLAN(6, packet.EtherIP4, p4))), "not port 80", true},
		{"802.3 SNAP", packet.LinkEthernet, packettest.Ethernet(8+uint16(len(p4)), join("\xaa\xaa\x03\x00\x00\x00\x08\x00", p4)), port80, true},
		{"802.3", packet.LinkEthernet, packettest.Ethernet(64, p4), none, false},
		{"MPLS", packet.LinkEthernet, packettest.Ethernet(packet.EtherMPLS, join("\x00\x01\x01\x40", p4)), none, false},
		{"PPPoE", packet.LinkEthernet, packettest.Ethernet(packet.EtherPPPoE, join("\x11\x00\x00\x01\x00\x50\x00\x21", p4)), none, false},
		{"PPPoE as link", packet.LinkPPPoE, join("\x11\x00\x00\x01\x00\x50\x00\x21", p4), port80, true},
		{"PPP", packet.LinkPPP, ppp("\x00\x21", p4), port80, true},
		{"PPP, compressed protocol", packet.LinkPPP, ppp("\x57", p6), port80, true},
		{"PPP in HDLC framing", packet.LinkPPPSerial, ppp("\xff\x03\x00\x57", p6), port80, true},
		{"PPP, LCP", packet.LinkPPP, ppp("\xc0\x21", p4), none, false},
		{"raw", packet.LinkRaw, p4, port80, true},
		{"raw, IPv6", packet.LinkRawBSD, p6, port80, true},
		{"raw of OpenBSD", packet.LinkRawOpen, p6, port80, true},
		{"IPv4", packet.LinkIP4, p4, port80, true},
		{"IPv6", packet.LinkIP6, p6, port80, true},
		{"raw, neither", packet.LinkRaw, make([]byte, 60), none, false},
		{"null", packet.LinkNull, join("\x02\x00\x00\x00", p4), port80, true},
		{"loop", packet.LinkLoop, join("\x00\x00\x00\x18", p6), port80, true},
		{"SLL", packet.LinkSLL, join(make([]byte, 14), "\x08\x00", p4), port80, true},
		{"SLL, VLAN", packet.LinkSLL, join(make([]byte, 14), "\x81\x00\x00\x05\x86\xdd", p6), port80, true},
		{"SLL2", packet.LinkSLL2, join("\x86\xdd", make([]byte, 18), p6), port80, true},
		{"IP in IP", packet.LinkEthernet, outer(packet.ProtoIP4, p4), other, true},
		{"GRE", packet.LinkEthernet, outer(packet.ProtoGRE, join("\x00\x00\x08\x00", p4)), other, true},
		{"VXLAN", packet.LinkEthernet, outer(packet.ProtoUDP, packettest.UDP(9, packet.PortVXLAN, join("\x08\x00\x00\x00\x00\x00\x2a\x00", packettest.Ethernet(packet.EtherIP4, p4)))), "udp port 4789 and not tcp", true},

		// What is not understood is left to packet.DecodeLink.
		{"unknown link", 9999, p4, port80, true},
		{"short", packet.LinkEthernet, p4[:13], port80, true},
		{"short VLAN", packet.LinkEthernet, packettest.Ethernet(packet.EtherVLAN, nil)[:16], port80, true},
		{"short null", packet.LinkNull, p4[:4], port80, true},
		{"short SLL", packet.LinkSLL, p4[:15], port80, true},
		{"short SLL2", packet.LinkSLL2, p4[:19], port80, true},
		{"short PPP", packet.LinkPPP, p4[:1], port80, true},
		{"empty", packet.LinkRaw, nil, port80, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := mustExpression(t, tt.text)
			if got := e.MatchLink(tt.link, tt.b, len(tt.b)); got != tt.want {
				t.Errorf("%s matches: %t", tt.text, got)
			}
		})
	}
}

// The kernel's program refuses what the expression or the address refuses, and
// says which of the two made it too long.
func TestExpressionKernelFilter(t *testing.T) {
	addr := mustParse(t, ":80")
	for _, tt := range []struct {
		text   string
		packet []byte
		want   bool
	}{
		{"src 10.0.0.1", packettest.TCP4("10.0.0.1:5000", "10.0.0.9:80", packettest.Sample()), true},
		{"src 10.0.0.1", packettest.TCP4("10.0.0.1:5000", "10.0.0.9:81", packettest.Sample()), false},
		{"src 10.0.0.1", packettest.TCP4("10.0.0.2:5000", "10.0.0.9:80", packettest.Sample()), false},
		{"src 10.0.0.1", packettest.TCP6("[2001:db8::1]:5", "[2001:db8::9]:80", packettest.Sample()), false},
		{"not src 10.0.0.1", packettest.TCP6("[2001:db8::1]:5", "[2001:db8::9]:80", packettest.Sample()), true},
		{"not port 80", packettest.TCP4("10.0.0.1:5000", "10.0.0.9:80", packettest.Sample()), false},
	} {
		raw, err := KernelProgram(Wanted{Address: addr, Filter: mustExpression(t, tt.text)})
		if err != nil {
			t.Fatal(err)
		}
		etherType := uint32(packet.EtherIP4)
		if tt.packet[0]>>4 == 6 {
			etherType = packet.EtherIP6
		}
		prog, _ := bpf.Disassemble(raw)
		for i, ins := range prog {
			if x, is := ins.(bpf.LoadExtension); is && x.Num != bpf.ExtLen {
				prog[i] = bpf.LoadConstant{Dst: bpf.RegA, Val: map[bpf.Extension]uint32{bpf.ExtProto: etherType}[x.Num]}
			}
		}
		vm, err := bpf.NewVM(prog)
		if err != nil {
			t.Fatal(err)
		}
		if got := passes(t, vm, tt.packet); got != tt.want {
			t.Errorf("%s: passes %t", tt.text, got)
		}
	}

	// Jumps of any length: the first of many conditions is as good as the last.
	var b strings.Builder
	for i := range 240 {
		fmt.Fprintf(&b, "host 10.1.%d.%d or ", i, 255-i)
	}
	long := mustExpression(t, b.String()+"port 9")
	vm := programVM(t, long, packet.EtherIP4)
	for i := range 240 {
		for _, tt := range []struct {
			addr string
			want bool
		}{{fmt.Sprintf("10.1.%d.%d:1", i, 255-i), true}, {fmt.Sprintf("10.1.%d.%d:1", i, i), false}} {
			p := packettest.TCP4(tt.addr, "192.0.2.1:80", packettest.Seg{})
			if got := passes(t, vm, p); got != tt.want || long.match(packet.EtherIP4, p, len(p)) != tt.want {
				t.Fatalf("%s passes: %t", tt.addr, got)
			}
		}
	}
	if _, err := KernelProgram(Wanted{Address: addr, TrackResponse: true, Tunnels: true, Filter: long}); err != nil {
		t.Error(err)
	}
	long = mustExpression(t, strings.Repeat("tcp port 80 or ", 300)+"ip6")
	if _, err := KernelProgram(Wanted{Address: addr, TrackResponse: true, Tunnels: true, Filter: long}); err == nil || !strings.Contains(err.Error(), "instructions with the expression, more than 4096: shorten") {
		t.Errorf("a program that the kernel would refuse: %v", err)
	}
}

func TestExpressionAllocatesNothing(t *testing.T) {
	e := mustExpression(t, "tcp dst port (80 or 443) and not (src net 10.0.0.0/8 or 2001:db8::/32) or tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420 and len / ip[8] > 2 - ip[9]")
	packets := expressionPackets(rand.New(rand.NewPCG(1, 1)), 100)
	allocs := testing.AllocsPerRun(20, func() {
		for _, p := range packets {
			e.MatchLink(packet.LinkEthernet, p, len(p))
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations for %d packets", allocs, len(packets))
	}
}

// FuzzExpression reads any text. It is refused with a message, or it becomes
// conditions and a program for the kernel, which agree on any packet; neither
// may take long or look behind the packet.
func FuzzExpression(f *testing.F) {
	packets := expressionPackets(rand.New(rand.NewPCG(2, 3)), 30)
	for i, text := range agreements {
		f.Add(text, packets[i%len(packets)][12:])
	}
	l := lookups{
		host: func(string) ([]netip.Addr, error) {
			return []netip.Addr{packettest.MustAddr("10.0.0.1"), packettest.MustAddr("::1")}, nil
		},
		service: func(network, name string) (int, error) {
			if network != "tcp" && len(name) > 3 {
				return 0, errors.New("no such service")
			}
			return 80, nil
		},
	}
	f.Fuzz(func(t *testing.T, text string, b []byte) {
		if len(b) < 2 {
			return
		}
		e, err := parseExpression(text, l)
		if err != nil {
			if err.Error() == "" || strings.Contains(err.Error(), "%!") {
				t.Fatalf("%q: %q", text, err)
			}
			return
		}
		etherType, b := binary.BigEndian.Uint16(b), b[2:]
		vm := programVM(t, e, etherType)
		packets := append(packets[:len(packets):len(packets)], append(make([]byte, packet.EtherHeaderLen), b...))
		for _, p := range packets {
			p = p[packet.EtherHeaderLen:]
			if got, want := passes(t, vm, p), e.match(etherType, p, len(p)); got != want {
				t.Fatalf("%q: the program passes %t, the conditions hold %t: %04x % x", text, got, want, etherType, p)
			}
		}
	})
}

// BenchmarkExpression is what a packet of a file costs.
func BenchmarkExpression(b *testing.B) {
	p := packettest.Ethernet(packet.EtherIP4, packettest.TCP4("10.0.0.1:5000", "10.0.0.5:80", packettest.Sample()))
	for _, text := range []string{"tcp dst port 80", "src net 10.0.0.0/8 and not src host 10.0.0.7", "tcp[((tcp[12] & 0xf0) >> 2):4] = 0x47455420"} {
		b.Run(text, func(b *testing.B) {
			e := mustExpression(b, text)
			b.ReportAllocs()
			for b.Loop() {
				e.MatchLink(packet.LinkEthernet, p, len(p))
			}
			b.ReportMetric(float64(len(e.program())), "instructions")
		})
	}
}
