package rules

import (
	"net/netip"
	"testing"
)

func TestClientHeader(t *testing.T) {
	for _, tt := range []struct{ name, src, raw, want string }{
		{"added", "10.0.0.1:4000", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: 10.0.0.1\r\n\r\n"},
		{"replaced in place", "10.0.0.1:4000", "GET / HTTP/1.1\r\nx-real-ip:  9.9.9.9\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nx-real-ip:  10.0.0.1\r\nHost: a\r\n\r\n"},
		{"the first of two", "10.0.0.1:4000", "GET / HTTP/1.1\r\nX-Real-IP: 1\r\nX-Real-IP: 2\r\n\r\n", "GET / HTTP/1.1\r\nX-Real-IP: 10.0.0.1\r\nX-Real-IP: 2\r\n\r\n"},
		{"IPv6", "[2001:db8::5]:4000", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nX-Real-IP: 2001:db8::5\r\n\r\n"},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:4000", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nX-Real-IP: 10.0.0.1\r\n\r\n"},
		{"bare line feeds", "10.0.0.1:4000", "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\nHost: a\nX-Real-IP: 10.0.0.1\n\n"},
		{"the body stays", "10.0.0.1:4000", "POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\nX-Real-IP: body\r\n\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: 20\r\nX-Real-IP: 10.0.0.1\r\n\r\nX-Real-IP: body\r\n\r\n\r\n"},
		{"an unfinished body", "10.0.0.1:4000", "POST / HTTP/1.1\r\nContent-Length: 20\r\n\r\nX", "POST / HTTP/1.1\r\nContent-Length: 20\r\nX-Real-IP: 10.0.0.1\r\n\r\nX"},
		{"no request", "10.0.0.1:4000", "nonsense", "nonsense"},
	} {
		ip := ClientHeader{Name: "X-Real-IP"}
		data, client := []byte(tt.raw), netip.MustParseAddrPort(tt.src).Addr()
		head, body := ip.Set([]byte("1 id 2 3\n"), data, client)
		if got := string(head) + string(body); got != "1 id 2 3\n"+tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if failed := ip.Failed() == 1; failed != (tt.want == "nonsense") {
			t.Errorf("%s: counted as unchanged: %t", tt.name, failed)
		}
		if string(data) != tt.raw {
			t.Errorf("%s: the caller's memory was changed", tt.name)
		}
		if n := testing.AllocsPerRun(100, func() { head, _ = ip.Set(head[:0], data, client) }); n != 0 && tt.want != "nonsense" {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}
