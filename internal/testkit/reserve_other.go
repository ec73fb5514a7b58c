//go:build !linux

package testkit

import "net"

// reserve finds a free port. Nothing holds it: elsewhere a bound socket keeps
// listeners away too.
func reserve() (addr string, release func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	addr = l.Addr().String()
	return addr, func() {}, l.Close()
}

func reserveBoth() (port string, release func(), err error) {
	addr, release, err := reserve()
	if err == nil {
		_, port, err = net.SplitHostPort(addr)
	}
	return port, release, err
}
