package http1

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// The PROXY protocol, versions 1 and 2, by which a load balancer tells in front
// of a connection's first byte who its client is (HAProxy's proxy-protocol.txt).
const (
	proxyV1 = "PROXY "
	proxyV2 = "\r\n\r\n\x00\r\nQUIT\n"
	// maxProxyV1 is the longest line of version 1 with its end (section 2.1).
	maxProxyV1 = 107
	// proxyV2Head is the part of version 2 that all have (section 2.2).
	proxyV2Head = 16
)

// Proxy reads the PROXY protocol header that b, the first bytes of a
// connection, begins with. n is its length: 0 when b begins with something else,
// and -1 when there have to be more bytes to say so, at most 64 KiB. client is
// the address that it names, invalid when it names none, as for the load
// balancer's own checks.
func Proxy(b []byte) (n int, client netip.AddrPort) {
	switch {
	case startsWith(proxyV1, b), startsWith(proxyV2, b):
		return -1, client
	case bytes.HasPrefix(b, []byte(proxyV1)):
		return proxyLine(b)
	case bytes.HasPrefix(b, []byte(proxyV2)):
		return proxyBinary(b)
	}
	return 0, client
}

// proxyLine reads "PROXY TCP4 192.0.2.1 192.0.2.2 51234 80" and its CR LF.
func proxyLine(b []byte) (n int, client netip.AddrPort) {
	end := bytes.IndexByte(b[:min(len(b), maxProxyV1)], '\n')
	switch {
	case end < 0 && len(b) < maxProxyV1:
		return -1, client
	case end < 0 || b[end-1] != '\r':
		return 0, client
	}
	f := bytes.Split(b[len(proxyV1):end-1], []byte{' '})
	family := string(f[0])
	if family == "UNKNOWN" {
		return end + 1, client // the rest of the line is to be ignored
	}
	if len(f) != 5 || family != "TCP4" && family != "TCP6" {
		return 0, client
	}
	addr, errAddr := netip.ParseAddr(string(f[1]))
	port, errPort := parseLength(f[3])
	if errAddr != nil || errPort != nil || port > 65535 || addr.Is4() != (family == "TCP4") {
		return 0, client
	}
	return end + 1, netip.AddrPortFrom(addr, uint16(port))
}

func proxyBinary(b []byte) (n int, client netip.AddrPort) {
	if len(b) < proxyV2Head {
		return -1, client
	}
	n = proxyV2Head + int(binary.BigEndian.Uint16(b[14:]))
	command, family := b[12], b[13]
	switch {
	case command>>4 != 2:
		return 0, client
	case len(b) < n:
		return -1, client
	case command&0xf == 0: // LOCAL: the connection is the load balancer's own
		return n, client
	}
	at := b[proxyV2Head:n]
	switch {
	case family>>4 == 1 && len(at) >= 12:
		client = netip.AddrPortFrom(netip.AddrFrom4([4]byte(at[0:4])), binary.BigEndian.Uint16(at[8:]))
	case family>>4 == 2 && len(at) >= 36:
		client = netip.AddrPortFrom(netip.AddrFrom16([16]byte(at[0:16])).Unmap(), binary.BigEndian.Uint16(at[32:]))
	}
	return n, client
}
