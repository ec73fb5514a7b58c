package link

import (
	"errors"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Plain says when a sender may speak the plain stream, where it never
// learns what arrived.
type Plain int

const (
	PlainAuto   Plain = iota // to a receiver that does not answer, and never has
	PlainNever               // silence is waited out
	PlainAlways              // no receiver is asked whether it acknowledges
)

var plainNames = [...]string{PlainAuto: "auto", PlainNever: "never", PlainAlways: "always"}

// ParsePlain reads never, auto or always.
func ParsePlain(s string) (Plain, error) {
	i := slices.Index(plainNames[:], s)
	if i < 0 {
		return 0, errors.New("want never, auto or always")
	}
	return Plain(i), nil
}

func (p Plain) String() string { return plainNames[p] }

// A Peer is what is known of a receiver, shared by all senders to it. The zero
// value knows nothing.
type Peer struct {
	acknowledges atomic.Bool
	once         sync.Once
	remember     func()
}

// NewPeer returns a Peer that is known from an earlier run, with whether it
// acknowledges. remember, unless nil, is called once when it has shown that it
// does.
func NewPeer(acknowledges bool, remember func()) *Peer {
	p := &Peer{remember: remember}
	p.acknowledges.Store(acknowledges)
	return p
}

func (p *Peer) acknowledged() {
	p.acknowledges.Store(true)
	p.once.Do(func() {
		if p.remember != nil {
			p.remember()
		}
	})
}

// A peer that has accepted a connection has shown no life: a balancer or a
// tunnel accepts for a receiver that is away, takes what its buffers hold and
// then breaks the connection. One that speaks the plain stream says nothing
// ever, so that all there is to go by is that its connection lasts.
const (
	// defaultTrial is how long a plain connection has to last, and to take all
	// that was written, until its receiver counts as alive: longer than
	// balancers try to reach one.
	defaultTrial = 10 * time.Second

	// trustedTrial is the same where the user says that the receiver is one of the
	// plain stream: something else, such as a web server, answers sooner.
	trustedTrial = time.Second

	// trialCount and trialBytes bound what is written until then, and so what
	// such a forwarder can swallow.
	trialCount = 100
	trialBytes = 64 << 10

	// defaultSilenceWait is how long an answer is waited for when there is no
	// plain stream to fall back on: behind a forwarder it may be long in
	// coming, and a new connection would begin anew.
	defaultSilenceWait = 10 * time.Second

	// unsentLook is how often the sending socket is asked what it still holds.
	unsentLook = 10 * time.Millisecond
)

// countedConn counts what is written, below TLS.
type countedConn struct {
	net.Conn
	n atomic.Uint64
}

func (c *countedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.n.Add(uint64(n))
	return n, err
}

// trialTime is how long a plain connection has to last.
func (s *Sender) trialTime() time.Duration {
	if s.cfg.Plain == PlainAlways {
		return min(s.cfg.Trial, trustedTrial)
	}
	return s.cfg.Trial
}
