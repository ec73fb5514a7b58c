// Package outbound makes the connections of Gor's outputs, which a capture on the
// same host must not take for traffic, and says what a lack of open files means.
package outbound

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Conns makes the connections of Gor's outputs and remembers them, so that
// a capture on the same host never takes Gor's own requests for traffic. A
// connection is remembered from before its first byte is sent until a while after
// it was closed, when its last packets have left the capture's buffers.
type Conns struct {
	capturing bool // they have to be known

	mu    sync.RWMutex
	local map[connKey]int // how many connections use the key

	// forget calls f after the connection's last packets are through.
	forget func(f func())
}

// A connKey names an outgoing connection: the local port with the remote address
// is enough.
type connKey struct {
	port   uint16
	remote netip.AddrPort
}

// forgetAfter is how long a closed connection is remembered: longer than a
// packet can wait in a capture's ring.
const forgetAfter = 2 * time.Second

// New returns an empty Conns. Without a capture in the same run nothing has to
// be known of connections. Their local ports are the kernel's choice at connect
// either way: a port that is bound before is taken from all targets at once, and
// the search for a free one takes long when thousands of connections have ended.
func New(capturing bool) *Conns {
	return &Conns{
		capturing: capturing,
		local:     make(map[connKey]int),
		forget:    func(f func()) { time.AfterFunc(forgetAfter, f) },
	}
}

// Has reports whether a connection from src to dst, in either direction, is
// one of ours.
func (o *Conns) Has(src, dst netip.AddrPort) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.local[connKey{src.Port(), dst}] > 0 || o.local[connKey{dst.Port(), src}] > 0
}

func (o *Conns) add(k connKey) {
	o.mu.Lock()
	o.local[k]++
	o.mu.Unlock()
}

func (o *Conns) remove(k connKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.local[k]--
	if o.local[k] <= 0 {
		delete(o.local, k)
	}
}

// DialContext connects like net.Dialer's. A connection is known before its first
// byte is sent; a capture asks no earlier.
func (o *Conns) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, ExplainFiles(err)
	}
	tcp, is := conn.(*net.TCPConn)
	if !is || !o.capturing {
		return conn, nil
	}
	local, remote := tcp.LocalAddr().(*net.TCPAddr).AddrPort(), tcp.RemoteAddr().(*net.TCPAddr).AddrPort()
	k := connKey{local.Port(), netip.AddrPortFrom(remote.Addr().Unmap().WithZone(""), remote.Port())}
	o.add(k)
	return &ownConn{TCPConn: tcp, release: func() { o.forget(func() { o.remove(k) }) }}, nil
}

// An ownConn tells Conns of its end.
type ownConn struct {
	*net.TCPConn
	release func()
	once    sync.Once
}

func (c *ownConn) Close() error {
	err := c.TCPConn.Close()
	c.once.Do(c.release)
	return err
}
