package packettest

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// The ends of the connection of the sample, over IPv4 and IPv6.
const (
	Client4, Server4 = "192.0.2.1:5000", "10.0.0.5:80"
	Client6, Server6 = "[2001:db8::1]:5000", "[2001:db8::5]:80"
)

// Sample is a segment with a request, options, and numbers that wrap.
func Sample() Seg {
	return Seg{Seq: 1 << 31, Ack: 7, Flags: packet.FlagPSH | packet.FlagACK, window: 512, Options: []byte{1, 1, 1}, Payload: []byte("GET / HTTP/1.1\r\n\r\n")}
}

// MustAddr parses an address of a test.
func MustAddr(s string) netip.Addr { return netip.MustParseAddr(s) }

// A LinkCase is a packet behind the header of its link, and what becomes of it.
type LinkCase struct {
	Name   string
	Link   uint32
	Packet []byte
	Want   packet.IgnoreReason
	V6     bool
}

// LinkCases are Sample behind every kind of header.
func LinkCases() []LinkCase {
	ip4 := TCP4(Client4, Server4, Sample())
	ip6 := TCP6(Client6, Server6, Sample())
	short := TCP4(Client4, Server4, Seg{})
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
	a, b := MustAddr("203.0.113.1"), MustAddr("203.0.113.2")
	a6, b6 := MustAddr("2001:db8:f::1"), MustAddr("2001:db8:f::2")
	inIP := func(proto byte, body []byte) []byte { return Ethernet(packet.EtherIP4, IP4(a, b, proto, body)) }
	frame := Ethernet(packet.EtherIP4, ip4)
	deep := ip4
	for range packet.MaxWraps + 1 {
		deep = IP4(a, b, packet.ProtoIP4, deep)
	}
	return []LinkCase{
		{"Ethernet", packet.LinkEthernet, frame, packet.Decoded, false},
		{"Ethernet, IPv6", packet.LinkEthernet, Ethernet(packet.EtherIP6, ip6), packet.Decoded, true},
		{"Ethernet, padded", packet.LinkEthernet, Ethernet(packet.EtherIP4, short), packet.Decoded, false},
		{"Ethernet, cut", packet.LinkEthernet, frame[:13], packet.IgnoredShort, false},
		{"Ethernet, ARP", packet.LinkEthernet, Ethernet(0x0806, make([]byte, 28)), packet.IgnoredNotTCP, false},
		{"802.3 SNAP", packet.LinkEthernet, Ethernet(8+uint16(len(ip4)), join("\xaa\xaa\x03\x00\x00\x00\x08\x00", ip4)), packet.Decoded, false},
		{"802.3 spanning tree", packet.LinkEthernet, Ethernet(38, join("\x42\x42\x03", make([]byte, 35))), packet.IgnoredNotTCP, false},
		{"VLAN", packet.LinkEthernet, Ethernet(packet.EtherVLAN, VLAN(5, packet.EtherIP4, ip4)), packet.Decoded, false},
		{"VLAN, cut", packet.LinkEthernet, Ethernet(packet.EtherVLAN, nil)[:16], packet.IgnoredShort, false},
		{"QinQ", packet.LinkEthernet, Ethernet(packet.EtherQinQ, VLAN(5, packet.EtherVLAN, VLAN(6, packet.EtherIP6, ip6))), packet.Decoded, true},
		{"QinQ of old", packet.LinkEthernet, Ethernet(packet.EtherQinQOld, VLAN(5, packet.EtherVLAN, VLAN(6, packet.EtherIP4, ip4))), packet.Decoded, false},
		{"MPLS", packet.LinkEthernet, Ethernet(packet.EtherMPLS, join("\x00\x01\x00\x40\x00\x02\x01\x40", ip4)), packet.Decoded, false},
		{"MPLS without a last label", packet.LinkEthernet, Ethernet(packet.EtherMPLS, make([]byte, 64)), packet.IgnoredShort, false},
		{"PPPoE", packet.LinkEthernet, Ethernet(packet.EtherPPPoE, join("\x11\x00\x00\x01\x00\x50\x00\x21", ip4)), packet.Decoded, false},
		{"PPPoE, IPv6", packet.LinkEthernet, Ethernet(packet.EtherPPPoE, join("\x11\x00\x00\x01\x00\x50\x00\x57", ip6)), packet.Decoded, true},
		{"PPPoE discovery", packet.LinkEthernet, Ethernet(packet.EtherPPPoE, join("\x11\x09\x00\x01\x00\x50\x00\x21", ip4)), packet.IgnoredNotTCP, false},
		{"PPPoE, LCP", packet.LinkEthernet, Ethernet(packet.EtherPPPoE, join("\x11\x00\x00\x01\x00\x50\xc0\x21", ip4)), packet.IgnoredNotTCP, false},
		{"PPPoE as link", packet.LinkPPPoE, join("\x11\x00\x00\x01\x00\x50\x00\x21", ip4), packet.Decoded, false},
		{"PPP", packet.LinkPPP, join("\x00\x21", ip4), packet.Decoded, false},
		{"PPP, compressed protocol", packet.LinkPPP, join("\x21", ip4), packet.Decoded, false},
		{"PPP in HDLC framing", packet.LinkPPPSerial, join("\xff\x03\x00\x57", ip6), packet.Decoded, true},
		{"raw", packet.LinkRaw, ip4, packet.Decoded, false},
		{"raw, IPv6", packet.LinkRaw, ip6, packet.Decoded, true},
		{"raw of BSD", packet.LinkRawBSD, ip4, packet.Decoded, false},
		{"raw of OpenBSD", packet.LinkRawOpen, ip4, packet.Decoded, false},
		{"IPv4", packet.LinkIP4, ip4, packet.Decoded, false},
		{"IPv6", packet.LinkIP6, ip6, packet.Decoded, true},
		{"null, little-endian", packet.LinkNull, join("\x02\x00\x00\x00", ip4), packet.Decoded, false},
		{"null, big-endian", packet.LinkNull, join("\x00\x00\x00\x02", ip4), packet.Decoded, false},
		{"null, IPv6 of macOS", packet.LinkNull, join("\x1e\x00\x00\x00", ip6), packet.Decoded, true},
		{"null, no family", packet.LinkNull, join("\x1e\x01\x00\x00", ip6), packet.IgnoredNotTCP, true},
		{"loop of OpenBSD", packet.LinkLoop, join("\x00\x00\x00\x18", ip6), packet.Decoded, true},
		{"SLL", packet.LinkSLL, join(make([]byte, 14), "\x08\x00", ip4), packet.Decoded, false},
		{"SLL, VLAN", packet.LinkSLL, join(make([]byte, 14), "\x81\x00\x00\x05\x86\xdd", ip6), packet.Decoded, true},
		{"SLL2", packet.LinkSLL2, join("\x86\xdd", make([]byte, 18), ip6), packet.Decoded, true},
		{"SLL, cut", packet.LinkSLL, make([]byte, 15), packet.IgnoredShort, false},
		{"SLL2, cut", packet.LinkSLL2, make([]byte, 19), packet.IgnoredShort, false},
		{"IP in IP", packet.LinkEthernet, inIP(packet.ProtoIP4, ip4), packet.Decoded, false},
		{"6in4", packet.LinkEthernet, inIP(packet.ProtoIP6, ip6), packet.Decoded, true},
		{"4in6", packet.LinkRaw, IP6(a6, b6, packet.ProtoIP4, ip4), packet.Decoded, false},
		{"GRE", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x00\x00\x08\x00", ip4)), packet.Decoded, false},
		{"GRE, key and sequence number", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x30\x00\x86\xdd", make([]byte, 8), ip6)), packet.Decoded, true},
		{"GRE, checksum", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x80\x00\x08\x00", make([]byte, 4), ip4)), packet.Decoded, false},
		{"GRE, Ethernet", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x00\x00\x65\x58", frame)), packet.Decoded, false},
		{"GRE, routing", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x40\x00\x08\x00", ip4)), packet.IgnoredNotTCP, false},
		{"GRE of PPTP", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x30\x01\x88\x0b", make([]byte, 12), ip4)), packet.IgnoredNotTCP, false},
		{"GRE over IPv6", packet.LinkRaw, IP6(a6, b6, packet.ProtoGRE, join("\x00\x00\x08\x00", ip4)), packet.Decoded, false},
		{"VXLAN", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortVXLAN, join("\x08\x00\x00\x00\x00\x00\x2a\x00", frame))), packet.Decoded, false},
		{"VXLAN, port of old", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortVXLANOld, join("\x08\x00\x00\x00\x00\x00\x2a\x00", frame))), packet.Decoded, false},
		{"VXLAN without number", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortVXLAN, join("\x00\x00\x00\x00\x00\x00\x2a\x00", frame))), packet.IgnoredNotTCP, false},
		{"Geneve", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortGeneve, join("\x00\x00\x65\x58\x00\x00\x2a\x00", frame))), packet.Decoded, false},
		{"Geneve, options and IP", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortGeneve, join("\x02\x00\x86\xdd\x00\x00\x2a\x00", make([]byte, 8), ip6))), packet.Decoded, true},
		{"VXLAN with reserved bits", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortVXLAN, join("\xf8\xff\xff\xff\x00\x00\x2a\xff", frame))), packet.Decoded, false},
		{"VXLAN-GPE, Ethernet by habit", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortVXLANGPE, join("\x08\x00\x00\x00\x00\x00\x2a\x00", frame))), packet.Decoded, false},
		{"VXLAN-GPE, IPv6", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortVXLANGPE, join("\x0c\x00\x00\x02\x00\x00\x2a\x00", ip6))), packet.Decoded, true},
		{"VXLAN-GPE, network service header", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortVXLANGPE, join("\x0c\x00\x00\x04\x00\x00\x2a\x00", ip6))), packet.IgnoredNotTCP, false},
		{"Geneve with reserved bits", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortGeneve, join("\x00\xff\x65\x58\x00\x00\x2a\xff", frame))), packet.Decoded, false},
		{"Geneve of another version", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortGeneve, join("\x40\x00\x65\x58\x00\x00\x2a\x00", frame))), packet.IgnoredNotTCP, false},
		{"ERSPAN I", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x00\x00\x88\xbe", frame)), packet.Decoded, false},
		{"ERSPAN II", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x10\x00\x88\xbe\x00\x00\x00\x01", "\x10\x64\x18\x01\x00\x00\x00\x07", frame)), packet.Decoded, false},
		{"ERSPAN II over IPv6", packet.LinkRaw, IP6(a6, b6, packet.ProtoGRE, join("\x10\x00\x88\xbe\x00\x00\x00\x01", "\x10\x64\x18\x01\x00\x00\x00\x07", frame)), packet.Decoded, false},
		{"ERSPAN III", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x10\x00\x22\xeb\x00\x00\x00\x01", "\x20\x64\x18\x01\x00\x00\x00\x07\x00\x00\x00\x00", frame)), packet.Decoded, false},
		{"ERSPAN III, platform's header", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x10\x00\x22\xeb\x00\x00\x00\x01", "\x20\x64\x18\x01\x00\x00\x00\x07\x00\x00\x80\x01", make([]byte, 8), frame)), packet.Decoded, false},
		{"ERSPAN III, IP", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x10\x00\x22\xeb\x00\x00\x00\x01", "\x20\x64\x18\x01\x00\x00\x00\x07\x00\x00\x08\x00", ip6)), packet.Decoded, true},
		{"ERSPAN of no version", packet.LinkEthernet, inIP(packet.ProtoGRE, join("\x10\x00\x88\xbe\x00\x00\x00\x01", "\x70\x64\x18\x01\x00\x00\x00\x07", frame)), packet.IgnoredNotTCP, false},
		{"TZSP", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortTZSP, join("\x01\x00\x00\x01\x01", frame))), packet.Decoded, false},
		{"TZSP with tags", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortTZSP, join("\x01\x01\x00\x01\x00\x0a\x01\xc4\x29\x02\x00\x2a\x01", frame))), packet.Decoded, false},
		{"TZSP, keep-alive", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortTZSP, join("\x01\x04\x00\x01\x01", frame))), packet.IgnoredNotTCP, false},
		{"TZSP, Wi-Fi", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortTZSP, join("\x01\x00\x00\x12\x01", frame))), packet.IgnoredNotTCP, false},
		{"TZSP, tags without end", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, packet.PortTZSP, join("\x01\x00\x00\x01", make([]byte, 60)))), packet.IgnoredShort, false},
		{"UDP on another port", packet.LinkEthernet, inIP(packet.ProtoUDP, UDP(9, 53, join("\x08\x00\x00\x00\x00\x00\x2a\x00", frame))), packet.IgnoredNotTCP, false},
		{"tunnels without end", packet.LinkRaw, deep, packet.IgnoredNested, false},
		{"Cisco HDLC", packet.LinkHDLC, join("\x0f\x00\x86\xdd", ip6), packet.Decoded, true},
		{"IP over FireWire", packet.LinkFireWire, join(make([]byte, 16), "\x08\x00", ip4), packet.Decoded, false},
		{"PPP of pppd", packet.LinkPPPD, join("\x00\x03\x00\x21", ip4), packet.Decoded, false},
		{"PPP with direction", packet.LinkPPPDir, join("\x01\xff\x03\x00\x57", ip6), packet.Decoded, true},
		{"enc of OpenBSD", packet.LinkENC, join("\x02\x00\x00\x00", make([]byte, 8), ip4), packet.Decoded, false},
		{"pflog", packet.LinkPFLOG, join("\x3d\x02", make([]byte, 62), ip4), packet.Decoded, false},
		{"pflog, cut", packet.LinkPFLOG, join("\x3d\x02", make([]byte, 60)), packet.IgnoredShort, false},
		{"nflog", packet.LinkNFLOG, join("\x02\x00\x00\x05", "\x08\x00\x01\x00\x08\x00\x01\x00", "\x05\x00\x0a\x00\x00\x00\x00\x00", join(le16(4+len(ip4)), "\x09\x00", ip4)), packet.Decoded, false},
		{"nflog, big-endian", packet.LinkNFLOG, join("\x02\x00\x00\x05", "\x00\x08\x00\x01\x08\x00\x00\x01", join("\x00", []byte{byte(4 + len(ip4))}, "\x00\x09", ip4)), packet.Decoded, false},
		{"nflog without a packet", packet.LinkNFLOG, join("\x02\x00\x00\x05", "\x08\x00\x01\x00\x08\x00\x01\x00"), packet.IgnoredNotTCP, false},
		{"nflog, attribute of no length", packet.LinkNFLOG, make([]byte, 40), packet.IgnoredShort, false},
		{"pktap, Ethernet", packet.LinkPKTAP, join("\x6c\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00", make([]byte, 96), frame), packet.Decoded, false},
		{"pktap in pktap for ever", packet.LinkPKTAP, bytes.Repeat([]byte("\x0c\x00\x00\x00\x01\x00\x00\x00\x02\x01\x00\x00"), 20), packet.IgnoredNested, false},
		{"Wi-Fi", 127, ip4, packet.IgnoredUnknownLink, false},
		{"above what 8 bits hold", 257, frame, packet.IgnoredUnknownLink, false},
		{"unknown link", 127, ip4, packet.IgnoredUnknownLink, false},
	}
}

func le16(n int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(n)) }
