package address

import "strings"

// BlankOrControl reports whether c is a character that no address has: a space
// or an ASCII control character.
func BlankOrControl(c rune) bool { return c <= ' ' || c == 0x7f }

// HostHeader is the Host header for a host: in brackets when it is IPv6,
// without the zone, which means nothing elsewhere (RFC 6874 section 4), and
// with its port unless that is the scheme's usual one.
func HostHeader(host, port, usual string) string {
	if strings.Contains(host, ":") {
		host, _, _ = strings.Cut(host, "%")
		host = "[" + host + "]"
	}
	if port == usual {
		return host
	}
	return host + ":" + port
}
