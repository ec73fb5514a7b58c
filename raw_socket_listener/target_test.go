package rawsocket

import (
	"context"
	"net/netip"
	"testing"
	"time"
)

// TestSees: which targets a capture on this host sees too.
func TestSees(t *testing.T) {
	address := func(hosts string, ports ...uint16) Address {
		a := Address{Ports: ports}
		if hosts != "" {
			a.Hosts = []netip.Addr{netip.MustParseAddr(hosts)}
		}
		return a
	}
	for _, test := range []struct {
		a      Address
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
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if got := Sees(ctx, test.a, test.target); got != test.want {
			t.Errorf("%v and %s: %t, want %t", test.a, test.target, got, test.want)
		}
		cancel()
	}
}
