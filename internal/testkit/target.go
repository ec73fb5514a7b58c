package testkit

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A RawTarget is a TCP server whose connections a test handles itself.
type RawTarget struct {
	net.Listener
	Conns atomic.Int64 // accepted so far
}

// StartTarget serves each connection with handle, which is given its number
// from 1 on, until the test ends.
func StartTarget(t testing.TB, handle func(c net.Conn, n int)) *RawTarget {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &RawTarget{Listener: l}
	r.Serve(t, handle)
	return r
}

// Serve serves a target that the test made, like StartTarget.
func (r *RawTarget) Serve(t testing.TB, handle func(c net.Conn, n int)) {
	var open sync.Map
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := r.Accept()
			if err != nil {
				break
			}
			n := int(r.Conns.Add(1))
			open.Store(c, nil)
			wg.Go(func() {
				handle(c, n)
				open.Delete(c)
				c.Close()
			})
		}
		open.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
	})
	t.Cleanup(func() { r.Close(); wg.Wait() })
}

// Address returns the address that it listens on.
func (r *RawTarget) Address() string { return r.Addr().String() }
