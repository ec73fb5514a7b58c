package main

import (
	"context"
	"net/netip"
	"testing"
	"time"

	rawsocket "github.com/buger/gor/raw_socket_listener"
)

// A load balancer that speaks the PROXY protocol is not the client.
func TestClientBehindAProxy(t *testing.T) {
	m := rawsocket.Message{Src: netip.MustParseAddrPort("10.0.0.1:4000")}
	if got := clientOf(&m); got != m.Src.Addr() {
		t.Errorf("%s", got)
	}
	m.Client = netip.MustParseAddr("192.0.2.7")
	if got := clientOf(&m); got != m.Client {
		t.Errorf("%s, want %s", got, m.Client)
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
