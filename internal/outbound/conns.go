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
// connection is remembered from before its first packet until a while after
// it was closed, when its last packets have left the capture's buffers.
type Conns struct {
	bound bool // connections get their local port before they connect

	mu    sync.RWMutex
	local map[connKey]int // how many connections use the key

	// forget calls f after the connection's last packets are through.
	forget func(f func())
}

// connKey names an outgoing connection. The local address is not known before
// connect, and the local port with the remote address is enough.
type connKey struct {
	port   uint16
	remote netip.AddrPort
}

// forgetAfter is how long a closed connection is remembered: longer than a
// packet can wait in a capture's ring.
const forgetAfter = 2 * time.Second

// New returns an empty Conns. Without a capture in the same run nothing has to
// be known of connections: they are made as any program makes them. A local port
// that is bound before connect is taken from all targets at once, and searching
// a free one takes long when thousands of connections have just ended.
func New(capturing bool) *Conns {
	return &Conns{
		bound:  capturing,
		local:  make(map[connKey]int),
		forget: func(f func()) { time.AfterFunc(forgetAfter, f) },
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
	if o.local[k]--; o.local[k] <= 0 {
		delete(o.local, k)
	}
}

// DialContext connects like net.Dialer's. Beside a capture the socket is bound to a port of
// its own before it connects, because a capture may see the first packet
// before connect returns.
func (o *Conns) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if !o.bound {
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		return conn, ExplainFiles(err)
	}
	var keys []connKey // one for each address that was tried
	var mu sync.Mutex
	d := net.Dialer{ControlContext: func(_ context.Context, network, address string, c rawConn) error {
		remote, err := netip.ParseAddrPort(address)
		if err != nil {
			return nil // no TCP address: nothing that a capture sees
		}
		remote = netip.AddrPortFrom(remote.Addr().Unmap().WithZone(""), remote.Port())
		port, err := bindAnyPort(network, c)
		if err != nil || port == 0 {
			return err
		}
		k := connKey{port, remote}
		o.add(k)
		mu.Lock()
		keys = append(keys, k)
		mu.Unlock()
		return nil
	}}
	conn, err := d.DialContext(ctx, network, address)
	mu.Lock()
	defer mu.Unlock()
	release := func() {
		for _, k := range keys {
			o.forget(func() { o.remove(k) })
		}
	}
	if err != nil {
		release()
		return nil, ExplainFiles(err)
	}
	return &ownConn{TCPConn: conn.(*net.TCPConn), release: release}, nil
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
