package http1

import (
	"net/netip"
	"strings"
	"testing"
)

func TestMayBegin(t *testing.T) {
	for _, tt := range []struct {
		in       string
		response bool
		want     bool
	}{
		{"GET / HTTP/1.1\r\n", false, true},
		{"G", false, true},
		{"GET", false, true},
		{"GET ", false, true},
		{"T / HTTP/1.1\r\n", false, false},
		{"get / HTTP/1.1\r\n", false, false},
		{"PRI * HTTP/2.0\r\n", false, false},
		{"GET GET", false, false},
		{"UPDATEREDIRECTREF /", false, true},
		{"UPDATEREDIRECTREFS /", false, false},
		{"VERSION-CONTROL http://a/", false, true},
		{"OPTIONS * HTTP/1.1", false, true},
		{"CONNECT a:443 HTTP/1.1", false, true},
		{"GET HTTPS://a/", false, true},
		{"GET ht", false, true},
		{"GET hello", false, false},
		{"GET lost", false, false},
		{"\r\nGET / HTTP/1.1\r\n", false, false},
		{"", false, false},
		{" ", false, false},
		{"HTTP/1.1 200", true, true},
		{"HT", true, true},
		{"HTTP/2 200", true, false},
		{"GET /", true, false},
	} {
		if got := MayBegin([]byte(tt.in), tt.response); got != tt.want {
			t.Errorf("MayBegin(%q, %t) = %t", tt.in, tt.response, got)
		}
	}
	for _, method := range strings.Fields(methodList) {
		for i := 1; i <= len(method); i++ {
			if !MayBegin([]byte(method[:i]), false) {
				t.Errorf("%q is refused", method[:i])
			}
		}
		// What may be the rest of another method is known as such.
		for _, longer := range strings.Fields(methodList) {
			if longer != method && strings.HasSuffix(longer, method) && !TailOfMethod([]byte(method+" / HTTP/1.1\r\nA: xml\r\n\r\n")) {
				t.Errorf("%s may be the rest of %s", method, longer)
			}
		}
	}
}

func FuzzStartCounter(f *testing.F) {
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.0\nGET / HTTP/1.x\r\n HTTP/1. HTTP/1.1\r"), uint(7))
	f.Add([]byte(" HTTP/1. HTTP/1.1 \n"), uint(1))
	f.Fuzz(func(t *testing.T, b []byte, at uint) {
		var whole, parts StartCounter
		want := whole.Count(b)
		at %= uint(len(b) + 1)
		if got := parts.Count(b[:at]) + parts.Count(b[at:]); got != want {
			t.Errorf("%q at %d: %d in two pieces, %d in one", b, at, got, want)
		}
		var each StartCounter
		got := uint64(0)
		for i := range b {
			got += each.Count(b[i : i+1])
		}
		if got != want {
			t.Errorf("%q: %d byte by byte, %d at once", b, got, want)
		}
	})
}

func TestProxy(t *testing.T) {
	const v2 = "\r\n\r\n\x00\r\nQUIT\n"
	addr := func(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }
	var none netip.AddrPort
	for _, tt := range []struct {
		in   string
		n    int
		want netip.AddrPort
	}{
		{"PROXY TCP4 192.0.2.7 192.0.2.1 51234 80\r\nGET", 41, addr("192.0.2.7:51234")},
		{"PROXY TCP6 2001:db8::7 2001:db8::1 51234 80\r\n", 45, addr("[2001:db8::7]:51234")},
		{"PROXY UNKNOWN\r\nGET", 15, none},
		{"PROXY UNKNOWN ffff:f...f:ffff 65535 65535\r\n", 43, none},
		{"PROXY TCP4 192.0.2.7", -1, none},
		{"PR", -1, none},
		{"PROPFIND", 0, none},
		{"PROXY /a HTTP/1.1\r\n", 0, none},
		{"PROXY TCP4 2001:db8::7 192.0.2.1 51234 80\r\n", 0, none},
		{"PROXY TCP4 192.0.2.7 192.0.2.1 99999 80\r\n", 0, none},
		{"PROXY TCP4 192.0.2.7 192.0.2.1 1 80\n", 0, none},
		{"PROXY " + strings.Repeat("x", maxProxyV1), 0, none},
		{v2 + "\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x01\xc8\x22\x00\x50GET", 28, addr("192.0.2.7:51234")},
		{v2 + "\x21\x21\x00\x24" + strings.Repeat("\x20", 32) + "\xc8\x22\x00\x50", 52, addr("[2020:2020:2020:2020:2020:2020:2020:2020]:51234")},
		{v2 + "\x20\x00\x00\x00GET", 16, none},
		{v2 + "\x20\x00\x00\x03abcGET", 19, none},
		{v2 + "\x21\x11\x00\x04abcd", 20, none}, // too short for an address
		{v2 + "\x21\x11\x00\x0c\xc0", -1, none},
		{v2 + "\x11\x11\x00\x00", 0, none},
		{"\r\n\r\nGET / HTTP/1.1\r\n", 0, none},
		{"", -1, none},
	} {
		if n, client := Proxy([]byte(tt.in)); n != tt.n || client != tt.want {
			t.Errorf("Proxy(%q) = %d, %v, want %d, %v", tt.in, n, client, tt.n, tt.want)
		}
	}
}

func FuzzProxy(f *testing.F) {
	f.Add([]byte("PROXY TCP4 192.0.2.7 192.0.2.1 51234 80\r\nGET"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x01\xc8\x22\x00\x50GET"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, client := Proxy(b)
		if n > len(b) {
			t.Fatalf("%d of %d bytes", n, len(b))
		}
		// A shorter piece never says something else, only that it is too short.
		for i := range min(len(b), 200) {
			if m, c := Proxy(b[:i]); m != -1 && (m != n || c != client) {
				t.Fatalf("%d bytes say %d, %v, all of them %d, %v", i, m, c, n, client)
			}
		}
	})
}
