package testkit

import (
	"net"
	"testing"
)

// FreePort returns an address of 127.0.0.1, with its port, that is the test's
// until it ends: nobody listens there but whom the test has do so, by name, and
// the system gives the port to nobody else.
func FreePort(t testing.TB) string {
	t.Helper()
	addr, release, err := reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return addr
}

// FreeLoopbackPort returns a port that is the test's until it ends, on 127.0.0.1
// and on ::1.
func FreeLoopbackPort(t testing.TB) string {
	t.Helper()
	port, release, err := reserveBoth()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}

// UDP ports that the tests take are below those that systems give out (RFC 6335
// has them from 49152, Linux from 32768), and above those of services that a
// machine may have.
const (
	firstUDPPort = 20_000
	lastUDPPort  = 32_000
)

// FreeUDPPort returns a port for UDP that is the test's until it ends. A UDP
// socket cannot be held for another, so that the TCP port of the number is:
// whoever takes ports by this function passes it over.
func FreeUDPPort(t testing.TB) int {
	t.Helper()
	for port := firstUDPPort; port < lastUDPPort; port++ {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{Port: port})
		if err != nil {
			continue
		}
		c, err := net.ListenUDP("udp", &net.UDPAddr{Port: port})
		if err != nil {
			l.Close()
			continue
		}
		c.Close()
		t.Cleanup(func() { l.Close() })
		return port
	}
	t.Fatal("no UDP port is free")
	return 0
}

// PortOf returns the port of an address.
func PortOf(t *testing.T, addr string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return port
}
