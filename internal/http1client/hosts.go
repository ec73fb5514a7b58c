package http1client

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/outbound"
)

// ByHost has each connection ask, in TLS, for the host of the requests that it
// carries (RFC 6066 section 3), and not for the target's: a server with several
// sites chooses the certificate by it, and may answer a request for another site
// with 421. A request without such a name goes over a connection that asks for the
// target's.
type ByHost struct {
	// Most is how many connections there may be at the moment. When another is
	// needed, the one that has been idle for the longest ends. nil: whoever opened a
	// connection ends it when a request for another host comes.
	Most func() int

	// IdleFor is after how long without a request a connection ends that waits for
	// another of its host.
	IdleFor time.Duration
}

const (
	// rememberedRefusals bounds the names that are remembered because the target
	// has no certificate for them; requests choose the names, and may be hostile.
	// For others each request tries again.
	rememberedRefusals = 16

	// refusalPause is for how long requests for such a name fail without a
	// handshake: as long as for a target that is down at most.
	refusalPause = 2 * time.Second
)

// hosts is what the connections of a Client with ByHost have in common.
type hosts struct {
	latest atomic.Pointer[string] // name of the last request; nil: there was none
	taken  atomic.Int64           // connections that stand or are being opened; it grows under mu alone

	mu      sync.Mutex
	idle    []*conn // connections for others to use, the longest idle one in front
	refused map[string]*refusal
}

// A refusal says that the target has no certificate for a name.
type refusal struct {
	err   error
	until time.Time
	told  time.Time
}

// A hostConn makes exchanges over connections of a Client with ByHost: one at a
// time, which it leaves to others when a request of another host comes.
type hostConn struct {
	*shared
	c *conn
}

var _ Exchange = (*hostConn)(nil)

func newHostConn(s *shared) *hostConn { return &hostConn{shared: s, c: newNamed(s, "")} }

func newNamed(s *shared, name string) *conn {
	return &conn{answer: answer{shared: s, call: new(Call)}, name: name}
}

func (h *hostConn) Start(ctx context.Context, call *Call) {
	h.turnTo(call.ServerName)
	h.c.Start(ctx, call)
}

// Open makes a connection for the host of the last request. Before the first one
// it makes none.
func (h *hostConn) Open(ctx context.Context, deadline time.Time) error {
	latest := h.hosts.latest.Load()
	if latest == nil {
		return nil
	}
	if h.turnTo(*latest); h.c.Connected() {
		return nil
	}
	err := h.c.Open(ctx, deadline)
	if h.c.refused(err) {
		return nil // it says nothing of the target
	}
	return err
}

// turnTo makes c a connection for a name, opened or not.
func (h *hostConn) turnTo(name string) {
	if h.c.name == name {
		return
	}
	switch {
	case !h.c.Connected():
		h.c.name = name
	case h.cfg.ByHost.Most == nil:
		h.c.Close()
		h.c.name = name
	default: // before another is taken, so that there are never two
		h.give(h.c)
		h.c = newNamed(h.shared, name)
	}
	for other := h.hosts.take(name); other != nil; other = h.hosts.take(name) {
		if !other.stale() {
			h.c.Close()
			h.c = other
			return
		}
		other.Close()
	}
}

func (h *hostConn) Connected() bool { return h.c.Connected() }
func (h *hostConn) Forget()         { h.c.Forget() }
func (h *hostConn) Close()          { h.c.Close() }

// Idle ends those connections too that have waited for others for too long.
func (h *hostConn) Idle() {
	h.c.Idle()
	h.hosts.mu.Lock()
	defer h.hosts.mu.Unlock()
	for now := time.Now(); len(h.hosts.idle) > 0 && now.Sub(h.hosts.idle[0].given) >= h.cfg.ByHost.IdleFor; {
		h.hosts.endOldest()
	}
}

// take returns the connection for a name that was left last, or nil.
func (h *hosts) take(name string) *conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := len(h.idle) - 1; i >= 0; i-- {
		if c := h.idle[i]; c.name == name {
			h.idle = append(h.idle[:i], h.idle[i+1:]...)
			return c
		}
	}
	return nil
}

// give leaves a connection to others.
func (h *hostConn) give(c *conn) {
	c.call = new(Call) // the next one's is another
	c.account()
	c.given = time.Now()
	h.hosts.mu.Lock()
	defer h.hosts.mu.Unlock()
	h.hosts.idle = append(h.hosts.idle, c)
}

// makeRoom takes room for one more connection, and ends idle ones for it.
func (s *shared) makeRoom() {
	if s.cfg.ByHost.Most == nil {
		return
	}
	most := int64(s.cfg.ByHost.Most())
	s.hosts.mu.Lock()
	defer s.hosts.mu.Unlock()
	for len(s.hosts.idle) > 0 && s.hosts.taken.Load() >= most {
		s.hosts.endOldest()
		s.counts.MadeRoom.Add(1)
	}
	s.hosts.taken.Add(1)
}

// leaveRoom gives back what makeRoom took.
func (s *shared) leaveRoom() {
	if s.cfg.byHost() && s.cfg.ByHost.Most != nil {
		s.hosts.taken.Add(-1)
	}
}

// endOldest ends the connection that has been idle for the longest. Call it with
// the lock held.
func (h *hosts) endOldest() {
	h.idle[0].Close()
	h.idle[0] = nil
	h.idle = h.idle[1:]
}

// close ends all that nobody uses.
func (h *hosts) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for len(h.idle) > 0 {
		h.endOldest()
	}
}

// refusedLately returns why there was no connection for a name, or nil when one
// may be tried.
func (h *hosts) refusedLately(name string, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if r := h.refused[name]; r != nil && now.Before(r.until) {
		return r.err
	}
	return nil
}

// refuse notes that the target has no certificate for a name, and reports whether
// people are to be told.
func (h *hosts) refuse(name string, err error, now time.Time) (tell bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.refused[name]
	if r == nil {
		for old, r := range h.refused {
			if len(h.refused) >= rememberedRefusals && now.Sub(r.told) >= outbound.SayAgain {
				delete(h.refused, old)
			}
		}
		if len(h.refused) >= rememberedRefusals {
			return false
		}
		if h.refused == nil {
			h.refused = make(map[string]*refusal)
		}
		r = new(refusal)
		h.refused[name] = r
	}
	r.err, r.until = err, now.Add(refusalPause)
	if tell = now.Sub(r.told) >= outbound.SayAgain; tell {
		r.told = now
	}
	return tell
}

// refused reports whether an error of the connection is about its name alone: the
// target took the connection and has no certificate for the name. It would take
// one for another.
func (c *conn) refused(err error) bool {
	if c.name == "" {
		return false
	}
	var secure *outbound.TLSError
	var certificate *tls.CertificateVerificationError
	var op *net.OpError
	return errors.As(err, &secure) &&
		(errors.As(err, &certificate) || errors.As(err, &op) && op.Op == "remote error")
}

// connectByHost is connect for a connection of a name. That the target has no
// certificate for it is not held against the target.
func (c *conn) connectByHost(ctx context.Context, deadline time.Time) error {
	now := time.Now()
	if err := c.hosts.refusedLately(c.name, now); err != nil {
		return err
	}
	var refused error
	open := func(deadline time.Time) error {
		err := c.open(ctx, deadline)
		if c.refused(err) {
			refused = err
			return nil
		}
		return err
	}
	if err := c.health.Connect(ctx, deadline, open, c.cfg.Tell); err != nil {
		return err
	}
	if refused != nil && c.hosts.refuse(c.name, refused, now) {
		c.cfg.Tell(refused)
	}
	return refused
}
