package rawsocket

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

const (
	client4, server4 = "192.0.2.1:5000", "10.0.0.5:80"
	client6, server6 = "[2001:db8::1]:5000", "[2001:db8::5]:80"
)

func sampleSeg() craftSeg {
	return craftSeg{seq: 1 << 31, ack: 7, flags: FlagPSH | FlagACK, window: 512, options: []byte{1, 1, 1}, payload: []byte("GET / HTTP/1.1\r\n\r\n")}
}

func mustAddr(s string) netip.Addr { return netip.MustParseAddr(s) }

type linkCase struct {
	name   string
	link   uint32
	packet []byte
	want   IgnoreReason
	v6     bool
}

// linkCases are sampleSeg behind every kind of header.
func linkCases() []linkCase {
	ip4 := craftTCP4(client4, server4, sampleSeg())
	ip6 := craftTCP6(client6, server6, sampleSeg())
	short := craftTCP4(client4, server4, craftSeg{})
	join := func(parts ...any) []byte {
		var b []byte
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
	a, b := mustAddr("203.0.113.1"), mustAddr("203.0.113.2")
	a6, b6 := mustAddr("2001:db8:f::1"), mustAddr("2001:db8:f::2")
	inIP := func(proto byte, body []byte) []byte { return craftEther(etherIP4, craftIP4(a, b, proto, body)) }
	frame := craftEther(etherIP4, ip4)
	deep := ip4
	for range maxWraps + 1 {
		deep = craftIP4(a, b, protoIP4, deep)
	}
	return []linkCase{
		{"Ethernet", linkEthernet, frame, decoded, false},
		{"Ethernet, IPv6", linkEthernet, craftEther(etherIP6, ip6), decoded, true},
		{"Ethernet, padded", linkEthernet, craftEther(etherIP4, short), decoded, false},
		{"Ethernet, cut", linkEthernet, frame[:13], IgnoredShort, false},
		{"Ethernet, ARP", linkEthernet, craftEther(0x0806, make([]byte, 28)), IgnoredNotTCP, false},
		{"802.3 SNAP", linkEthernet, craftEther(8+uint16(len(ip4)), join("\xaa\xaa\x03\x00\x00\x00\x08\x00", ip4)), decoded, false},
		{"802.3 spanning tree", linkEthernet, craftEther(38, join("\x42\x42\x03", make([]byte, 35))), IgnoredNotTCP, false},
		{"VLAN", linkEthernet, craftEther(etherVLAN, craftVLAN(5, etherIP4, ip4)), decoded, false},
		{"VLAN, cut", linkEthernet, craftEther(etherVLAN, nil)[:16], IgnoredShort, false},
		{"QinQ", linkEthernet, craftEther(etherQinQ, craftVLAN(5, etherVLAN, craftVLAN(6, etherIP6, ip6))), decoded, true},
		{"QinQ of old", linkEthernet, craftEther(etherQinQOld, craftVLAN(5, etherVLAN, craftVLAN(6, etherIP4, ip4))), decoded, false},
		{"MPLS", linkEthernet, craftEther(etherMPLS, join("\x00\x01\x00\x40\x00\x02\x01\x40", ip4)), decoded, false},
		{"MPLS without a last label", linkEthernet, craftEther(etherMPLS, make([]byte, 64)), IgnoredShort, false},
		{"PPPoE", linkEthernet, craftEther(etherPPPoE, join("\x11\x00\x00\x01\x00\x50\x00\x21", ip4)), decoded, false},
		{"PPPoE, IPv6", linkEthernet, craftEther(etherPPPoE, join("\x11\x00\x00\x01\x00\x50\x00\x57", ip6)), decoded, true},
		{"PPPoE discovery", linkEthernet, craftEther(etherPPPoE, join("\x11\x09\x00\x01\x00\x50\x00\x21", ip4)), IgnoredNotTCP, false},
		{"PPPoE, LCP", linkEthernet, craftEther(etherPPPoE, join("\x11\x00\x00\x01\x00\x50\xc0\x21", ip4)), IgnoredNotTCP, false},
		{"PPPoE as link", linkPPPoE, join("\x11\x00\x00\x01\x00\x50\x00\x21", ip4), decoded, false},
		{"PPP", linkPPP, join("\x00\x21", ip4), decoded, false},
		{"PPP, compressed protocol", linkPPP, join("\x21", ip4), decoded, false},
		{"PPP in HDLC framing", linkPPPSerial, join("\xff\x03\x00\x57", ip6), decoded, true},
		{"raw", linkRaw, ip4, decoded, false},
		{"raw, IPv6", linkRaw, ip6, decoded, true},
		{"raw of BSD", linkRawBSD, ip4, decoded, false},
		{"raw of OpenBSD", linkRawOpen, ip4, decoded, false},
		{"IPv4", linkIP4, ip4, decoded, false},
		{"IPv6", linkIP6, ip6, decoded, true},
		{"null, little-endian", linkNull, join("\x02\x00\x00\x00", ip4), decoded, false},
		{"null, big-endian", linkNull, join("\x00\x00\x00\x02", ip4), decoded, false},
		{"null, IPv6 of macOS", linkNull, join("\x1e\x00\x00\x00", ip6), decoded, true},
		{"null, no family", linkNull, join("\x1e\x01\x00\x00", ip6), IgnoredNotTCP, true},
		{"loop of OpenBSD", linkLoop, join("\x00\x00\x00\x18", ip6), decoded, true},
		{"SLL", linkSLL, join(make([]byte, 14), "\x08\x00", ip4), decoded, false},
		{"SLL, VLAN", linkSLL, join(make([]byte, 14), "\x81\x00\x00\x05\x86\xdd", ip6), decoded, true},
		{"SLL2", linkSLL2, join("\x86\xdd", make([]byte, 18), ip6), decoded, true},
		{"SLL, cut", linkSLL, make([]byte, 15), IgnoredShort, false},
		{"SLL2, cut", linkSLL2, make([]byte, 19), IgnoredShort, false},
		{"IP in IP", linkEthernet, inIP(protoIP4, ip4), decoded, false},
		{"6in4", linkEthernet, inIP(protoIP6, ip6), decoded, true},
		{"4in6", linkRaw, craftIP6(a6, b6, protoIP4, ip4), decoded, false},
		{"GRE", linkEthernet, inIP(protoGRE, join("\x00\x00\x08\x00", ip4)), decoded, false},
		{"GRE, key and sequence number", linkEthernet, inIP(protoGRE, join("\x30\x00\x86\xdd", make([]byte, 8), ip6)), decoded, true},
		{"GRE, checksum", linkEthernet, inIP(protoGRE, join("\x80\x00\x08\x00", make([]byte, 4), ip4)), decoded, false},
		{"GRE, Ethernet", linkEthernet, inIP(protoGRE, join("\x00\x00\x65\x58", frame)), decoded, false},
		{"GRE, routing", linkEthernet, inIP(protoGRE, join("\x40\x00\x08\x00", ip4)), IgnoredNotTCP, false},
		{"GRE of PPTP", linkEthernet, inIP(protoGRE, join("\x30\x01\x88\x0b", make([]byte, 12), ip4)), IgnoredNotTCP, false},
		{"GRE over IPv6", linkRaw, craftIP6(a6, b6, protoGRE, join("\x00\x00\x08\x00", ip4)), decoded, false},
		{"VXLAN", linkEthernet, inIP(protoUDP, craftUDP(9, portVXLAN, join("\x08\x00\x00\x00\x00\x00\x2a\x00", frame))), decoded, false},
		{"VXLAN, port of old", linkEthernet, inIP(protoUDP, craftUDP(9, portVXLANOld, join("\x08\x00\x00\x00\x00\x00\x2a\x00", frame))), decoded, false},
		{"VXLAN without number", linkEthernet, inIP(protoUDP, craftUDP(9, portVXLAN, join("\x00\x00\x00\x00\x00\x00\x2a\x00", frame))), IgnoredNotTCP, false},
		{"Geneve", linkEthernet, inIP(protoUDP, craftUDP(9, portGeneve, join("\x00\x00\x65\x58\x00\x00\x2a\x00", frame))), decoded, false},
		{"Geneve, options and IP", linkEthernet, inIP(protoUDP, craftUDP(9, portGeneve, join("\x02\x00\x86\xdd\x00\x00\x2a\x00", make([]byte, 8), ip6))), decoded, true},
		{"VXLAN with reserved bits", linkEthernet, inIP(protoUDP, craftUDP(9, portVXLAN, join("\xf8\xff\xff\xff\x00\x00\x2a\xff", frame))), decoded, false},
		{"VXLAN-GPE, Ethernet by habit", linkEthernet, inIP(protoUDP, craftUDP(9, portVXLANGPE, join("\x08\x00\x00\x00\x00\x00\x2a\x00", frame))), decoded, false},
		{"VXLAN-GPE, IPv6", linkEthernet, inIP(protoUDP, craftUDP(9, portVXLANGPE, join("\x0c\x00\x00\x02\x00\x00\x2a\x00", ip6))), decoded, true},
		{"VXLAN-GPE, network service header", linkEthernet, inIP(protoUDP, craftUDP(9, portVXLANGPE, join("\x0c\x00\x00\x04\x00\x00\x2a\x00", ip6))), IgnoredNotTCP, false},
		{"Geneve with reserved bits", linkEthernet, inIP(protoUDP, craftUDP(9, portGeneve, join("\x00\xff\x65\x58\x00\x00\x2a\xff", frame))), decoded, false},
		{"Geneve of another version", linkEthernet, inIP(protoUDP, craftUDP(9, portGeneve, join("\x40\x00\x65\x58\x00\x00\x2a\x00", frame))), IgnoredNotTCP, false},
		{"ERSPAN I", linkEthernet, inIP(protoGRE, join("\x00\x00\x88\xbe", frame)), decoded, false},
		{"ERSPAN II", linkEthernet, inIP(protoGRE, join("\x10\x00\x88\xbe\x00\x00\x00\x01", "\x10\x64\x18\x01\x00\x00\x00\x07", frame)), decoded, false},
		{"ERSPAN II over IPv6", linkRaw, craftIP6(a6, b6, protoGRE, join("\x10\x00\x88\xbe\x00\x00\x00\x01", "\x10\x64\x18\x01\x00\x00\x00\x07", frame)), decoded, false},
		{"ERSPAN III", linkEthernet, inIP(protoGRE, join("\x10\x00\x22\xeb\x00\x00\x00\x01", "\x20\x64\x18\x01\x00\x00\x00\x07\x00\x00\x00\x00", frame)), decoded, false},
		{"ERSPAN III, platform's header", linkEthernet, inIP(protoGRE, join("\x10\x00\x22\xeb\x00\x00\x00\x01", "\x20\x64\x18\x01\x00\x00\x00\x07\x00\x00\x80\x01", make([]byte, 8), frame)), decoded, false},
		{"ERSPAN III, IP", linkEthernet, inIP(protoGRE, join("\x10\x00\x22\xeb\x00\x00\x00\x01", "\x20\x64\x18\x01\x00\x00\x00\x07\x00\x00\x08\x00", ip6)), decoded, true},
		{"ERSPAN of no version", linkEthernet, inIP(protoGRE, join("\x10\x00\x88\xbe\x00\x00\x00\x01", "\x70\x64\x18\x01\x00\x00\x00\x07", frame)), IgnoredNotTCP, false},
		{"TZSP", linkEthernet, inIP(protoUDP, craftUDP(9, portTZSP, join("\x01\x00\x00\x01\x01", frame))), decoded, false},
		{"TZSP with tags", linkEthernet, inIP(protoUDP, craftUDP(9, portTZSP, join("\x01\x01\x00\x01\x00\x0a\x01\xc4\x29\x02\x00\x2a\x01", frame))), decoded, false},
		{"TZSP, keep-alive", linkEthernet, inIP(protoUDP, craftUDP(9, portTZSP, join("\x01\x04\x00\x01\x01", frame))), IgnoredNotTCP, false},
		{"TZSP, Wi-Fi", linkEthernet, inIP(protoUDP, craftUDP(9, portTZSP, join("\x01\x00\x00\x12\x01", frame))), IgnoredNotTCP, false},
		{"TZSP, tags without end", linkEthernet, inIP(protoUDP, craftUDP(9, portTZSP, join("\x01\x00\x00\x01", make([]byte, 60)))), IgnoredShort, false},
		{"UDP on another port", linkEthernet, inIP(protoUDP, craftUDP(9, 53, join("\x08\x00\x00\x00\x00\x00\x2a\x00", frame))), IgnoredNotTCP, false},
		{"tunnels without end", linkRaw, deep, IgnoredNested, false},
		{"Cisco HDLC", linkHDLC, join("\x0f\x00\x86\xdd", ip6), decoded, true},
		{"IP over FireWire", linkFireWire, join(make([]byte, 16), "\x08\x00", ip4), decoded, false},
		{"PPP of pppd", linkPPPD, join("\x00\x03\x00\x21", ip4), decoded, false},
		{"PPP with direction", linkPPPDir, join("\x01\xff\x03\x00\x57", ip6), decoded, true},
		{"enc of OpenBSD", linkENC, join("\x02\x00\x00\x00", make([]byte, 8), ip4), decoded, false},
		{"pflog", linkPFLOG, join("\x3d\x02", make([]byte, 62), ip4), decoded, false},
		{"pflog, cut", linkPFLOG, join("\x3d\x02", make([]byte, 60)), IgnoredShort, false},
		{"nflog", linkNFLOG, join("\x02\x00\x00\x05", "\x08\x00\x01\x00\x08\x00\x01\x00", "\x05\x00\x0a\x00\x00\x00\x00\x00", join(le16(4+len(ip4)), "\x09\x00", ip4)), decoded, false},
		{"nflog, big-endian", linkNFLOG, join("\x02\x00\x00\x05", "\x00\x08\x00\x01\x08\x00\x00\x01", join("\x00", []byte{byte(4 + len(ip4))}, "\x00\x09", ip4)), decoded, false},
		{"nflog without a packet", linkNFLOG, join("\x02\x00\x00\x05", "\x08\x00\x01\x00\x08\x00\x01\x00"), IgnoredNotTCP, false},
		{"nflog, attribute of no length", linkNFLOG, make([]byte, 40), IgnoredShort, false},
		{"pktap, Ethernet", linkPKTAP, join("\x6c\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00", make([]byte, 96), frame), decoded, false},
		{"pktap in pktap for ever", linkPKTAP, bytes.Repeat([]byte("\x0c\x00\x00\x00\x01\x00\x00\x00\x02\x01\x00\x00"), 20), IgnoredNested, false},
		{"Wi-Fi", 127, ip4, IgnoredUnknownLink, false},
		{"above what 8 bits hold", 257, frame, IgnoredUnknownLink, false},
		{"unknown link", 127, ip4, IgnoredUnknownLink, false},
	}
}

func le16(n int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(n)) }
