package filter

import (
	"github.com/buger/gor/raw_socket_listener/packet"
)

// understood ends a refusal: it says what could stand there.
const understood = "understood are [ip|ip6|tcp|udp|sctp] [src|dst] host|net|port|portrange|proto VALUE, the names of protocols, less N, greater N, tcp[13] & 2 != 0, and, or, not, ( )"

// A protocol is what a word for one means: alone it stands for the protocol's
// packets, and before brackets for their bytes.
type protocol struct {
	number uint32 // in the IP header; 0 for ip and ip6
	family family // over which it runs; familyOther for both
	ports  bool   // it has ports
	bytes  protocolBytes
}

// protocolBytes says which bytes proto[n] are. Those of tcp[n] are over IPv4
// only, as libpcap has it.
type protocolBytes uint8

const (
	bytesOfNone protocolBytes = iota
	bytesOfPacket
	bytesBehindIP4
	bytesBehindIP6
)

func protocolOf(word string) (p protocol, ok bool) {
	switch word {
	case "ip":
		return protocol{family: familyIPv4, bytes: bytesOfPacket}, true
	case "ip6":
		return protocol{family: familyIPv6, bytes: bytesOfPacket}, true
	case "tcp":
		return protocol{number: packet.ProtoTCP, bytes: bytesBehindIP4, ports: true}, true
	case "udp":
		return protocol{number: packet.ProtoUDP, bytes: bytesBehindIP4, ports: true}, true
	case "sctp":
		return protocol{number: protoSCTP, bytes: bytesBehindIP4, ports: true}, true
	case "icmp":
		return protocol{number: protoICMP, family: familyIPv4, bytes: bytesBehindIP4}, true
	case "igmp":
		return protocol{number: protoIGMP, family: familyIPv4, bytes: bytesBehindIP4}, true
	case "icmp6":
		return protocol{number: packet.ProtoICMP6, family: familyIPv6, bytes: bytesBehindIP6}, true
	case "esp":
		return protocol{number: packet.ProtoESP}, true
	case "ah":
		return protocol{number: packet.ProtoAH}, true
	}
	return protocol{}, false
}

// Further protocol numbers of IANA, which only expressions know.
const (
	protoICMP = 1
	protoIGMP = 2
	protoSCTP = 132
)

// constant gives the numbers that have names.
func constant(word string) (n uint32, ok bool) {
	switch word {
	case "tcpflags":
		return 13, true
	case "tcp-fin":
		return uint32(packet.FlagFIN), true
	case "tcp-syn":
		return uint32(packet.FlagSYN), true
	case "tcp-rst":
		return uint32(packet.FlagRST), true
	case "tcp-push":
		return uint32(packet.FlagPSH), true
	case "tcp-ack":
		return uint32(packet.FlagACK), true
	case "tcp-urg":
		return uint32(packet.FlagURG), true
	case "tcp-ece":
		return uint32(packet.FlagECE), true
	case "tcp-cwr":
		return uint32(packet.FlagCWR), true
	}
	return 0, false
}

// keyword reports whether a word of pcap-filter(7) is none of the above and no
// name either, and, if it is not understood, why.
func keyword(word string) (why string, ok bool) {
	switch word {
	case "and", "or", "not", "src", "dst", "host", "net", "mask", "port", "portrange", "proto", "less", "greater", "len", "length":
		return "", true
	case "ether", "link", "ppp", "slip", "fddi", "tr", "wlan", "type", "subtype", "dir", "llc", "lane",
		"arp", "rarp", "atalk", "aarp", "decnet", "lat", "sca", "moprc", "mopdl", "iso", "esis", "isis", "clnp", "stp", "ipx", "netbeui",
		"gateway", "broadcast", "multicast":
		return "only IP is captured, and without its link header", true
	case "vlan", "mpls", "pppoed", "pppoes", "geneve", "vxlan":
		return "the first VLAN tag is taken off before, and of a tunnel the outer packet is seen", true
	case "inbound", "outbound", "ifname", "ifindex", "on":
		return "name the interface in the address, such as eth0:80", true
	case "protochain", "byte", "igrp", "pim", "vrrp", "carp":
		return "it is left out", true
	}
	return "", false
}

// isReserved reports whether a word can only be a name behind a backslash.
func isReserved(word string) bool {
	_, isProtocol := protocolOf(word)
	_, isConstant := constant(word)
	_, isKeyword := keyword(word)
	return isProtocol || isConstant || isKeyword
}
