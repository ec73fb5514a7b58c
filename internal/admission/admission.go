// Package admission says which connections a listener keeps when there are
// more than it has room for: no client can keep the others out, however many
// connections it opens and whatever it sends on them.
package admission

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A Table is the connections of one listener. Its methods are safe for
// concurrent use.
type Table struct {
	most  int
	least time.Duration

	mu      sync.Mutex
	conns   map[*Conn]struct{}
	clients map[netip.Addr]int // how many connections each has
}

// A Conn is one connection in a Table.
type Conn struct {
	t      *Table
	client netip.Addr
	end    func()
	active atomic.Int64 // when it was last, ns since 1970
}

// New returns a Table for at most so many connections. One that has been idle
// for least gives way to any other.
func New(most int, least time.Duration) *Table {
	return &Table{most: max(most, 1), least: least, conns: map[*Conn]struct{}{}, clients: map[netip.Addr]int{}}
}

// Admit takes in a connection from remote, and returns nil when there is no
// place for it. When all places are taken, evicted is the one that has lost its
// place to it, which the caller has to End: the one that has been idle longest,
// if that is long enough, or else the idlest one of the client that has most,
// if that has more than the new one's client will have. end closes the
// connection; any goroutine may call it.
func (t *Table) Admit(remote net.Addr, end func(), now time.Time) (c, evicted *Conn) {
	c = &Conn{t: t, client: clientOf(remote), end: end}
	c.active.Store(now.UnixNano())
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.conns) >= t.most {
		evicted = t.victim(c.client, now)
		if evicted == nil {
			return nil, nil
		}
		t.remove(evicted)
	}
	t.conns[c] = struct{}{}
	t.clients[c.client]++
	return c, evicted
}

// victim returns the connection that gives way, or nil. t.mu is held.
func (t *Table) victim(client netip.Addr, now time.Time) *Conn {
	largest, has := client, t.clients[client]+1
	for other, n := range t.clients {
		if n > has {
			largest, has = other, n
		}
	}
	var idle, theirs *Conn // idle longest, of all and of the largest client
	for c := range t.conns {
		if idle == nil || c.active.Load() < idle.active.Load() {
			idle = c
		}
		if c.client == largest && (theirs == nil || c.active.Load() < theirs.active.Load()) {
			theirs = c
		}
	}
	if largest != client {
		return theirs
	}
	if now.Sub(time.Unix(0, idle.active.Load())) >= t.least {
		return idle
	}
	return nil
}

// remove forgets c, if it is still there. t.mu is held.
func (t *Table) remove(c *Conn) {
	if _, ok := t.conns[c]; !ok {
		return
	}
	delete(t.conns, c)
	t.clients[c.client]--
	if t.clients[c.client] == 0 {
		delete(t.clients, c.client)
	}
}

// Active notes that the connection has brought something.
func (c *Conn) Active(now time.Time) { c.active.Store(now.UnixNano()) }

// Idle returns for how long it has brought nothing.
func (c *Conn) Idle(now time.Time) time.Duration { return now.Sub(time.Unix(0, c.active.Load())) }

// End closes the connection.
func (c *Conn) End() { c.end() }

// Leave gives its place back. It may be called again, and for one that has
// lost its place.
func (c *Conn) Leave() {
	c.t.mu.Lock()
	c.t.remove(c)
	c.t.mu.Unlock()
}

// prefix is what one client has of addresses of IPv6: RFC 6177.
const prefix = 64

// clientOf returns whose address it is. What is not an IP address is one client.
func clientOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	if ip.Is6() {
		if p, err := ip.Prefix(prefix); err == nil {
			return p.Addr()
		}
	}
	return ip
}
