package filter

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// needTcpdump skips a test that asks libpcap what an expression means, unless
// tcpdump, which prints it, is there.
func needTcpdump(t testing.TB) string {
	t.Helper()
	// Without them libpcap takes proto \tcp for a number that it makes up.
	for _, names := range []string{"/etc/protocols", "/etc/services"} {
		if _, err := os.Stat(names); err != nil {
			t.Skipf("%s needs %s: sudo apt-get install netbase", t.Name(), names)
		}
	}
	for _, dir := range append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin", "/usr/bin") {
		name := filepath.Join(dir, "tcpdump")
		if st, err := os.Stat(name); err == nil && st.Mode()&0o111 != 0 {
			return name
		}
	}
	t.Skipf("%s needs tcpdump: sudo apt-get install tcpdump", t.Name())
	return ""
}

// libpcap compiles an expression for Ethernet, or gives libpcap's refusal. Its
// optimizer is not asked: it leaves out what cannot change the result, and with
// that also what would tell that a packet is too short.
func libpcap(t testing.TB, tcpdump, expr string) (*bpf.VM, error) {
	t.Helper()
	out, err := exec.Command(tcpdump, "-O", "-ddd", "-y", "EN10MB", "--", expr).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s", strings.TrimSpace(string(out)))
	}
	var prog []bpf.Instruction
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		var raw bpf.RawInstruction
		if n, _ := fmt.Sscan(lines.Text(), &raw.Op, &raw.Jt, &raw.Jf, &raw.K); n != 4 {
			continue // the number of instructions, and warnings
		}
		ins := raw.Disassemble()
		if _, is := ins.(bpf.NegateA); is { // which the VM does not have
			ins = bpf.ALUOpConstant{Op: bpf.ALUOpMul, Val: ^uint32(0)}
		}
		prog = append(prog, ins)
	}
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatalf("%q: what libpcap makes of it does not run: %v", expr, err)
	}
	return vm, nil
}

func passes(t testing.TB, vm *bpf.VM, packet []byte) bool {
	t.Helper()
	n, err := vm.Run(packet)
	if err != nil {
		t.Fatal(err)
	}
	return n > 0
}

// programVM is the kernel's program, for packets of one EtherType: the VM does
// not know the extension that tells it.
func programVM(t testing.TB, e *Expression, etherType uint16) *bpf.VM {
	t.Helper()
	prog := append(e.program(), bpf.RetConstant{Val: acceptAll})
	if _, err := bpf.Assemble(prog); err != nil {
		t.Fatalf("%q: %v", e.text, err)
	}
	for i, ins := range prog {
		if ins == (bpf.LoadExtension{Num: bpf.ExtProto}) {
			prog[i] = bpf.LoadConstant{Dst: bpf.RegA, Val: uint32(etherType)}
		}
	}
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatalf("%q: %v", e.text, err)
	}
	return vm
}

// testLookups know one host with an address of each family.
func testLookups() lookups {
	l := systemLookups()
	l.host = func(name string) ([]netip.Addr, error) {
		if name == "both" {
			return []netip.Addr{packettest.MustAddr("10.0.0.5"), packettest.MustAddr("2001:db8::5")}, nil
		}
		return nil, fmt.Errorf("no such host")
	}
	return l
}

// agreements are expressions that libpcap and we have to understand, and
// understand in the same way.
var agreements = []string{
	"ip", "ip6", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "esp", "ah",

	"host 10.0.0.1", "src host 10.0.0.1", "dst host 10.0.0.1", "src 10.0.0.1", "dst 10.0.0.2", "ip host 10.0.0.1", "ip src 10.0.0.2",
	"src or dst host 10.0.0.1", "src and dst host 10.0.0.1", "dst and src 10.0.0.1", "dst || src 10.0.0.1", "src && dst host 10.0.0.1",
	"host 10.0.0.1 or 10.0.0.2", "host 10.0.0.1 and 10.0.0.2", "host 10.0.0.1 and not 10.0.0.2",
	"host (10.0.0.1 or 10.0.0.2)", "host (not 10.0.0.1 and not (10.0.0.2 or 192.168.1.5))", "src host not 10.0.0.1",
	"host 2001:db8::1", "src host 2001:db8::1", "ip6 dst host fe80::1", "host ::1", "host ::ffff:10.0.0.1", "src and dst host 2001:db8::1",

	"net 10", "net 10.1", "net 192.168.1", "net 10.0.0.1", "net 10.0.0.0/8", "net 10.1/16", "net 172.16.0.0/12", "net 0.0.0.0/0", "net 10.0.0.0/31",
	"src net 10.0.0.0 mask 255.0.0.0", "net 10.0 mask 255.255", "net 10.0.0.1 mask 255.0.0.255", "ip net 10.0.0.0/30", "dst net 192.168",
	"net 2001:db8::/32", "net ::/0", "src net fe80::/10", "ip6 net 2001:db8::/127", "net 2001:db8::1", "dst net 2001:db8::/64",
	"net 2001:db8:0:0:8000::/65", "net ::ffff:10.0.0.0/104",

	"port 80", "src port 80", "dst port 443", "tcp port 80", "udp port 53", "sctp port 80", "tcp src port 80", "tcp dst port 0x50",
	"src and dst port 80", "src or dst port 80", "port 80 or 443", "port 80 or 443 or 8080", "tcp dst port (80 or 443)", "port 80 and not 443", "port (443)",
	"portrange 8000-8010", "tcp portrange 80-443", "src portrange 0-1023", "dst portrange 443-80", "portrange 80", "udp dst portrange 53-53", "portrange 0-65535",

	"ip proto 6", "ip6 proto 6", "proto 17", `ip proto \tcp`, `ip6 proto \udp`, `proto \icmp`, "ip proto 47 or 50", "proto 44",

	"not tcp", "! tcp", "not not tcp", "!!port 80", "not port 80", "not host 10.0.0.1", "not (tcp port 80 or udp port 53)", "not ip", "not ip6",
	"tcp and port 80", "tcp and host 10.0.0.1 and port 80", "ip or ip6", "tcp or udp and port 80", "tcp or (udp and port 80)",
	"not tcp and port 53", "not (tcp and port 53)", "not port 80 and not port 443", "not port 80 or host 10.0.0.1 and 10.0.0.2",
	"tcp && !port 80 || icmp", "(tcp)", "((tcp or udp))", "host 10.0.0.1 and (port 80 or 443)", "port 80 and (host 10.0.0.1 or net 10.1)",
	"src host 10.0.0.1 and dst port 80 or src port 80 and dst host 10.0.0.1",
	"(src host 10.0.0.1 and dst port 80) or (src port 80 and dst host 10.0.0.1)",
	"port 80 or host 10.0.0.1 or 10.0.0.2", "port 80 or (5 = 5)", "port 80 or 5 = 6", "port 80 or (443) or 8080", "port 80 or not 443 and 8080",
	"port 80 and (host 10.0.0.1) or tcp", "host (10.0.0.1 or 10.0.0.2) or 10.0.0.5",

	"less 60", "greater 100", "less 0x50", "len > 100", "len <= 80", "length = 74", "len - 14 > 60", "len != 60 and len != 74",

	"tcp[13] = 2", "tcp[13] == 2", "tcp[tcpflags] & tcp-syn != 0", "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0", "not tcp[13] & 4 != 0",
	"tcp[tcpflags] & (tcp-rst|tcp-push|tcp-ack|tcp-urg|tcp-ece|tcp-cwr) = tcp-ack",
	"(tcp[13] & 2) != 0", "((tcp[13])) & 3 > 0", "tcp[0:2] = 80", "tcp[2:2] > 1023", "tcp[4:4] & 1 = 0", "tcp[ 13 : 1 ]=16", "tcp [13] = 24",
	"tcp[((tcp[12:1] & 0xf0) >> 2):4] = 0x47455420", "tcp[(tcp[12] & 0xf0) >> 2] = 71", "tcp[20 - 8:1] & 0xf0 = 0x50", "tcp[ip[8] - 65] = 1",
	"udp[4:2] > 20", "icmp[0] = 8", "icmp6[0] = 128", "icmp6[1 + 1] = 0", "icmp6[ip6[6] - 58] = 0", "igmp[0] > 16", "sctp[0:2] = 80",
	"ip[0] & 0xf > 5", "ip[8] < 64", "ip[9] = 6", "ip[6:2] & 0x1fff = 0", "ip6[6] = 6", "ip6[40:2] = 80", "ip6[7] >= 64",
	"ip[2:2] - ((ip[0] & 0xf) << 2) > 20", "ip[ip[0] & 0xf] = 0", "ip[12:4] = ip[16:4]", "tcp[0:2] < tcp[2:2]",
	"tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)",
	"ip[8] * 2 > ip[9] * 8", "ip and 100 / ip[9] = 16", "ip and 100 % ip[9] = 4", "ip[8] / ip[9] = 10", "(ip[8] ^ 64) = 0", "ip[8] ^ 64 = 0", "(ip[8] % 7) + 1 = 2",
	"7 + 3 * 2 = 13", "ip[9] | 1 & 6 = 7", "ip[9] & 6 | 1 = 7", "1 << 2 + 1 = 8", "2 * 6 / 4 = 3", "10 - 3 - 2 = 5", "0 - 1 > 5", "5 - -1 = 6",
	"ip and 5 - 2 * - ip[8] > 64", "6 = ip[9]", "5 > 3", "3 >= 3", "tcp[13] & 2 != 0 and not port 80", "ip[9] = 6 or ip6[6] = 6", "not ip[9] = 6",
	"tcp[100] = 0 or tcp", "not tcp[100] = 0", "(tcp[0] + tcp[1]) * (tcp[2] + (tcp[3] - (tcp[4] & (tcp[5] | tcp[6])))) > 1000",
}

// namedAgreements are more of them, with names from /etc/services and
// /etc/protocols.
var namedAgreements = []string{
	"port http", "tcp port http", "port https", "port domain", "udp port domain", "port ssh", "port ftp-data", "not port ssh and not domain",
	"ip proto gre", `proto \sctp`, `ip6 proto \esp`,
}

// Expressions mean to us what they mean to libpcap: asked directly, as files
// are, and as the kernel's program.
func TestExpressionAgreesWithLibpcap(t *testing.T) {
	tcpdump := needTcpdump(t)
	packets := expressionPackets(rand.New(rand.NewPCG(3, 5)), 300)
	for _, expr := range slices.Concat(agreements, namedAgreements) {
		vm, err := libpcap(t, tcpdump, expr)
		if err != nil {
			t.Errorf("%q: libpcap refuses it: %v", expr, err)
			continue
		}
		e, err := parseExpression(expr, testLookups())
		if err != nil {
			t.Errorf("%q: %v", expr, err)
			continue
		}
		compareExpression(t, e, vm, packets)
	}
}

// What we understand of expressions that were put together at random, or of
// known ones in disorder, libpcap understands too, and as we do.
func TestExpressionRandomAgreesWithLibpcap(t *testing.T) {
	tcpdump := needTcpdump(t)
	rnd := rand.New(rand.NewPCG(8, 13))
	packets := expressionPackets(rnd, 200)
	var asked, decided, refused int
	for asked < 100 {
		expr := randomExpression(rnd, 3)
		if asked%2 == 1 {
			expr = disorder(rnd, expr)
		}
		e, err := parseExpression(expr, testLookups())
		if err != nil {
			if asked%2 == 0 {
				t.Fatalf("%q: %v", expr, err)
			}
			refused++
			continue
		}
		asked++
		vm, err := libpcap(t, tcpdump, expr)
		if err != nil {
			t.Errorf("%q: we understand it, libpcap: %v", expr, err)
			continue
		}
		if held, _ := compareExpression(t, e, vm, packets); held > 0 && held < len(packets) {
			decided++
		}
	}
	if decided < asked/2 {
		t.Errorf("of %d expressions only %d held for some packets and not for others", asked, decided)
	}
	t.Logf("%d expressions agree, %d of them held for some packets and not for others; %d were refused", asked, decided, refused)
}

// Real captures say more than crafted ones.
func TestExpressionCorpusAgreesWithLibpcap(t *testing.T) {
	const etherARP, etherRARP, most = 0x0806, 0x8035, 40
	tcpdump := needTcpdump(t)
	var packets [][]byte
	for _, path := range packettest.Corpus(t) {
		for _, frame := range packettest.EthernetFrames(t, path, most) {
			if len(frame) < packet.EtherHeaderLen {
				continue
			}
			// libpcap takes the addresses of ARP for those of hosts too.
			if etherType := binary.BigEndian.Uint16(frame[12:]); etherType != etherARP && etherType != etherRARP {
				packets = append(packets, frame)
			}
		}
	}
	rnd := rand.New(rand.NewPCG(21, 34))
	for range 30 {
		expr := agreements[rnd.IntN(len(agreements))]
		vm, err := libpcap(t, tcpdump, expr)
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		e, err := parseExpression(expr, testLookups())
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		compareExpression(t, e, vm, packets)
	}
	t.Logf("%d packets", len(packets))
}

// randomExpression is one that both should understand.
func randomExpression(rnd *rand.Rand, depth int) string {
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	if depth > 0 && rnd.IntN(3) > 0 {
		a, b := randomExpression(rnd, depth-1), randomExpression(rnd, depth-1)
		switch rnd.IntN(6) {
		case 0:
			return pick("not ", "! ", "!") + a
		case 1:
			return "(" + a + ")"
		case 2:
			return "not (" + a + " or " + b + ")"
		default:
			return a + pick(" and ", " or ", " && ", " || ") + b
		}
	}
	dir := pick("", "", "src ", "dst ", "src or dst ", "src and dst ")
	v4 := func() string { return pick("10.0.0.1", "10.0.0.2", "10.1.2.3", "192.168.1.5", "172.16.0.9") }
	v6 := func() string { return pick("2001:db8::1", "2001:db8::2", "fe80::1", "::1") }
	port := func() string { return pick("80", "443", "53", "8080", "0", "65535", "22") }
	number := func() string { return pick("0", "1", "2", "6", "16", "17", "64", "0xf0", "255", "80", "1000") }
	number0 := func() string { return pick("1", "2", "3", "5", "7") }
	field := func() string {
		return pick("ip", "tcp", "udp", "ip6", "icmp") + "[" + pick("0", "1", "8", "9", "12", "13", "6", "ip[0] & 3", "2 + 4") + pick("", ":1", ":2", ":4") + "]"
	}
	switch rnd.IntN(12) {
	case 0:
		return pick("ip", "ip6", "tcp", "udp", "icmp", "sctp", "icmp6")
	case 1:
		return pick("", "ip ") + dir + "host " + v4() + pick("", " or "+v4(), " or not "+v4())
	case 2:
		return dir + "host " + v6()
	case 3:
		return dir + "net " + pick("10", "10.1", "10.0.0.0/8", "192.168.0.0/16", "10.0.0.0/30", "172.16", "10.0.0.0 mask 255.255.0.0")
	case 4:
		return dir + "net " + pick("2001:db8::/32", "fe80::/10", "::/0", "2001:db8::/127")
	case 5, 6:
		return pick("", "tcp ", "udp ") + dir + "port " + port() + pick("", " or "+port(), " and not "+port())
	case 7:
		return pick("", "tcp ", "udp ") + dir + "portrange " + pick("0-1023", "8000-8010", "443-80", "22-22")
	case 8:
		return pick("", "ip ", "ip6 ") + "proto " + pick("6", "17", "1", `\\tcp`[1:], "44 or 58")
	case 9:
		return pick("less ", "greater ", "len > ", "len != ") + pick("60", "74", "100")
	}
	f := field()
	switch rnd.IntN(4) {
	case 0:
		f += pick(" & ", " | ", " + ", " - ", " * ", " >> ", " << ") + number0()
	case 1:
		f = "(" + f + pick(" % ", " ^ ", " / ") + number0() + ")" + pick(" & ", " + ", " * ") + number0()
	case 2:
		f += pick(" & ", " + ", " * ") + number0() + pick(" | ", " - ", " & ", " / ") + number0()
	}
	return f + pick(" = ", " != ", " > ", " < ", " >= ", " <= ") + pick(number(), number(), field())
}

// disorder moves, repeats or takes away a word.
func disorder(rnd *rand.Rand, expr string) string {
	words := strings.Fields(expr)
	i, j := rnd.IntN(len(words)), rnd.IntN(len(words))
	switch rnd.IntN(3) {
	case 0:
		words[i], words[j] = words[j], words[i]
	case 1:
		words = append(words[:i:i], words[i+1:]...)
	default:
		words = append(words[:i:i], append([]string{words[j]}, words[i:]...)...)
	}
	return strings.Join(words, " ")
}

// compareExpression asks e and libpcap's program about every packet.
func compareExpression(t *testing.T, e *Expression, vm *bpf.VM, packets [][]byte) (held, failed int) {
	t.Helper()
	programs := map[uint16]*bpf.VM{packet.EtherIP4: programVM(t, e, packet.EtherIP4), packet.EtherIP6: programVM(t, e, packet.EtherIP6), 0: programVM(t, e, 0)}
	for _, frame := range packets {
		etherType := binary.BigEndian.Uint16(frame[12:])
		program := programs[etherType]
		if program == nil {
			program = programs[0]
		}
		want := passes(t, vm, frame)
		got := e.match(etherType, frame[packet.EtherHeaderLen:], len(frame)-packet.EtherHeaderLen)
		kernel := passes(t, program, frame[packet.EtherHeaderLen:])
		if want {
			held++
		}
		if got != want || kernel != want {
			failed++
			if failed < 3 {
				t.Errorf("%q: files match %t, the kernel passes %t, libpcap %t: % x", e.text, got, kernel, want, frame)
			}
		}
	}
	return held, failed
}

// expressionPackets makes Ethernet frames of which the expressions of the
// tests match some. They are of all kinds but ARP, whose addresses libpcap
// looks at too.
func expressionPackets(rnd *rand.Rand, n int) [][]byte {
	pick := func(list ...int) int { return list[rnd.IntN(len(list))] }
	v4 := []string{"10.0.0.1", "10.0.0.2", "10.1.2.3", "192.168.1.5", "172.16.0.9", "10.0.0.5"}
	v6 := []string{"2001:db8::1", "2001:db8::2", "fe80::1", "::1", "2001:db8::5", "::ffff:10.0.0.1"}
	var list [][]byte
	for range n {
		ports := func() uint16 {
			return uint16(pick(0, 22, 53, 80, 80, 443, 8000, 8005, 8010, 8080, 65535, rnd.IntN(65536)))
		}
		proto := byte(pick(6, 6, 6, 6, 17, 17, 132, 1, 2, 50, 51, 58, 44, 47, 0, rnd.IntN(256)))
		var body []byte
		switch proto {
		case packet.ProtoTCP:
			body = packettest.TCP(netip.AddrPortFrom(packettest.MustAddr("::"), ports()), netip.AddrPortFrom(packettest.MustAddr("::"), ports()), packettest.Seg{
				Seq: rnd.Uint32(), Ack: rnd.Uint32(), Flags: packet.TCPFlags(pick(2, 18, 16, 24, 17, 4, rnd.IntN(256))),
				Options: make([]byte, pick(0, 0, 12, 40)), Payload: []byte("GET / HTTP/1.1\r\n\r\n")[:pick(0, 4, 18)],
			})
		default:
			body = make([]byte, pick(4, 8, 20, 100))
			for i := range body {
				body[i] = byte(pick(0, 8, 80, 128, rnd.IntN(256)))
			}
			binary.BigEndian.PutUint16(body, ports())
			binary.BigEndian.PutUint16(body[2:], ports())
		}
		var p []byte
		etherType := uint16(packet.EtherIP4)
		if rnd.IntN(3) > 0 {
			if options := pick(0, 0, 0, 4, 40); options > 0 {
				body = append(make([]byte, options), body...)
			}
			p = packettest.IP4(packettest.MustAddr(v4[rnd.IntN(len(v4))]), packettest.MustAddr(v4[rnd.IntN(len(v4))]), proto, body)
			p[0] = byte(0x40 | pick(5, 5, 5, 5, 6, 15, 15, 0, rnd.IntN(16)))
			p[8] = byte(pick(64, 64, 128, 1))
			binary.BigEndian.PutUint16(p[6:], uint16(pick(0, 0, 0, 0x4000, 0x2000, 1, 0x2010, 0x1fff)))
		} else {
			etherType = packet.EtherIP6
			if rnd.IntN(4) == 0 { // a fragment header, or another
				body = append([]byte{proto, 0, 0, byte(pick(0, 1, 9)), 0, 0, 0, 1}, body...)
				proto = byte(pick(packet.ProtoFragment, packet.ProtoFragment, packet.ProtoHopByHop))
			}
			p = packettest.IP6(packettest.MustAddr(v6[rnd.IntN(len(v6))]), packettest.MustAddr(v6[rnd.IntN(len(v6))]), proto, body)
		}
		if rnd.IntN(20) == 0 {
			etherType = uint16(pick(packet.EtherVLAN, packet.EtherPPPoE, 0x88cc, 64, packet.EtherIP4, packet.EtherIP6))
		}
		frame := packettest.Ethernet(etherType, p)
		if rnd.IntN(12) == 0 { // cut anywhere
			frame = frame[:packet.EtherHeaderLen+rnd.IntN(len(frame)-packet.EtherHeaderLen+1)]
		}
		list = append(list, frame)
	}
	return list
}
