package main

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

// ownConns makes the connections of Gor's outputs and remembers them, so that
// a capture on the same host never takes Gor's own requests for traffic. A
// connection is remembered from before its first packet until a while after
// it was closed, when its last packets have left the capture's buffers.
type ownConns struct {
	mu    sync.RWMutex
	local map[ownKey]int // how many connections use the key

	// forget calls f after the connection's last packets are through.
	forget func(f func())
}

// ownKey names an outgoing connection. The local address is not known before
// connect, and the local port with the remote address is enough.
type ownKey struct {
	port   uint16
	remote netip.AddrPort
}

// forgetAfter is how long a closed connection is remembered: longer than a
// packet can wait in a capture's ring.
const forgetAfter = 2 * time.Second

func newOwnConns() *ownConns {
	return &ownConns{
		local:  make(map[ownKey]int),
		forget: func(f func()) { time.AfterFunc(forgetAfter, f) },
	}
}

// Has reports whether a connection from src to dst, in either direction, is
// one of ours.
func (o *ownConns) Has(src, dst netip.AddrPort) bool {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return o.local[ownKey{src.Port(), dst}] > 0 || o.local[ownKey{dst.Port(), src}] > 0
}

func (o *ownConns) add(k ownKey) {
	o.mu.Lock()
	o.local[k]++
	o.mu.Unlock()
}

func (o *ownConns) remove(k ownKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.local[k]--; o.local[k] <= 0 {
		delete(o.local, k)
	}
}

// DialContext connects like net.Dialer's. The socket is bound to a port of
// its own before it connects, because a capture may see the first packet
// before connect returns.
func (o *ownConns) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	var keys []ownKey // one for each address that was tried
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
		k := ownKey{port, remote}
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
		return nil, explainFiles(err)
	}
	return &ownConn{TCPConn: conn.(*net.TCPConn), release: release}, nil
}

// ownConn tells ownConns of its end.
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
