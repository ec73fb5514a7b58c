package main

import (
	"context"
	"net/netip"
	"testing"
	"time"

	rawsocket "github.com/buger/gor/raw_socket_listener"
)

func TestRealIP(t *testing.T) {
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
		ip := realIP{header: "X-Real-IP"}
		m := rawsocket.Message{Src: netip.MustParseAddrPort(tt.src), Data: []byte(tt.raw)}
		head, body := ip.set([]byte("1 id 2 3\n"), &m)
		if got := string(head) + string(body); got != "1 id 2 3\n"+tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if failed := ip.failed.Load() == 1; failed != (tt.want == "nonsense") {
			t.Errorf("%s: counted as unchanged: %t", tt.name, failed)
		}
		if string(m.Data) != tt.raw {
			t.Errorf("%s: the listener's memory was changed", tt.name)
		}
		if n := testing.AllocsPerRun(100, func() { head, _ = ip.set(head[:0], &m) }); n != 0 && tt.want != "nonsense" {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}

// A load balancer that speaks the PROXY protocol is not the client.
func TestRealIPBehindAProxy(t *testing.T) {
	ip := realIP{header: "X-Real-IP"}
	m := rawsocket.Message{Src: netip.MustParseAddrPort("10.0.0.1:4000"), Client: netip.MustParseAddr("192.0.2.7"), Data: []byte("GET / HTTP/1.1\r\n\r\n")}
	head, body := ip.set(nil, &m)
	if got, want := string(head)+string(body), "GET / HTTP/1.1\r\nX-Real-IP: 192.0.2.7\r\n\r\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestCapturesTarget: which targets a capture on this host sees too.
func TestCapturesTarget(t *testing.T) {
	address := func(hosts string, ports ...uint16) rawsocket.Address {
		a := rawsocket.Address{Ports: ports}
		if hosts != "" {
			a.Hosts = []netip.Addr{netip.MustParseAddr(hosts)}
		}
		return a
	}
	for _, test := range []struct {
		a      rawsocket.Address
		target string
		want   bool
	}{
		{address("", 80), "127.0.0.1:80", true},
		{address(""), "127.0.0.1:80", true},
		{address("", 80), "[::1]:80", true},
		{address("", 80), "127.0.0.1:81", false},
		{address("127.0.0.1", 80), "127.0.0.1:80", true},
		{address("127.0.0.2", 80), "127.0.0.1:80", false},
		{address("", 80), "192.0.2.1:80", false},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		if got := capturesTarget(ctx, test.a, test.target); got != test.want {
			t.Errorf("%v and %s: %t, want %t", test.a, test.target, got, test.want)
		}
		cancel()
	}
}
