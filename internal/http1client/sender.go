package http1client

import (
	"context"
	"time"

	"github.com/buger/gor/internal/outbound"
)

// A Sender sends requests one after the other: it makes the changes that each
// needs, and follows redirections. It is for one goroutine.
type Sender struct {
	*shared
	exchange Exchange
	req      sentRequest
	call     Call
	ctx      context.Context
	hops     int // redirections that were followed for this request
	last     bool
	done     func(Result)
	ready    func()
}

// A Result is what became of one request.
type Result struct {
	Outcome outbound.Outcome
	Status  int  // of the answer; valid iff Outcome is Delivered
	Sent    bool // all of the request was written to a connection

	// Unserved, Again and Wrote are as a Call has them.
	Unserved, Again, Wrote bool

	// Answer is what is kept of the answer; valid until done returns.
	Answer []byte
	Cut    bool // the answer is longer than Answer
}

// NewSender returns a Sender with a connection of its own, which is opened when
// it is needed. done is told what became of each request.
func (c *Client) NewSender(done func(Result)) *Sender {
	s := &Sender{shared: &c.shared, done: done}
	s.req = sentRequest{target: s.cfg.Target, keepHost: s.cfg.KeepHost, keepConnection: s.cfg.KeepConnection}
	s.call.Done = s.finished
	if s.cfg.byHost() {
		s.exchange = newHostConn(s.shared)
	} else {
		s.exchange = &conn{answer: answer{shared: s.shared, call: &s.call}}
	}
	s.ready = func() {}
	return s
}

// Send sends one recorded request now, and calls done when it was answered, has
// failed, or is one that is sent to nobody. raw stays in use until then. When
// ctx ends, which must be the same for every request, it has failed. last says
// that the request may have reached the target already: it is not repeated.
func (s *Sender) Send(ctx context.Context, raw []byte, now time.Time, last bool) {
	if refused, ok := s.req.prepare(raw); !ok {
		s.done(Result{Outcome: refused})
		s.ready()
		return
	}
	if s.req.ambiguous {
		s.counts.Ambiguous.Add(1)
	}
	s.ctx, s.hops, s.last = ctx, 0, last
	s.call.Request = &s.req.Request
	s.call.Begun, s.call.Deadline = now, now.Add(s.cfg.Timeout)
	s.start()
}

func (s *Sender) start() {
	s.call.Repeatable, s.call.Alone = s.req.repeatable() && !s.last, s.req.ambiguous
	s.call.Head, s.call.Expects = s.req.isHead, s.req.expects
	if s.cfg.byHost() {
		if name := s.req.serverName(s.call.ServerName); name != s.call.ServerName || s.hosts.latest.Load() == nil {
			s.call.ServerName = name
			s.hosts.latest.Store(&name)
		}
	}
	s.exchange.Start(s.ctx, &s.call)
}

// finished goes on after an exchange: with a redirection, or with the next
// request.
func (s *Sender) finished() {
	if s.call.Outcome == outbound.Delivered && s.hops < s.cfg.Redirects && s.redirect(s.call.Status) {
		s.hops++
		s.start()
		return
	}
	c := &s.call
	s.done(Result{
		Outcome: c.Outcome, Status: c.Status, Sent: c.Sent, Answer: c.Answer, Cut: c.Cut,
		Unserved: c.Unserved, Again: c.Again && s.hops == 0, Wrote: c.Wrote,
	})
	s.exchange.Forget()
	s.ready()
}

// NewLoopSender is NewSender with a connection that an event loop waits for, for a
// client that is Looped. done may be called before Send returns, or later by
// another goroutine; ready is called after it, when another request may be sent.
func (c *Client) NewLoopSender(done func(Result), ready func()) *Sender {
	s := c.NewSender(done)
	s.exchange, s.ready = newLoopConn(s.shared, &s.call), ready
	return s
}

// Open makes the connection before the first request needs it, at most until the
// deadline, or returns why there is none. That is not held against the target.
func (s *Sender) Open(ctx context.Context, deadline time.Time) error {
	if s.exchange.Connected() {
		return nil
	}
	return s.exchange.Open(ctx, deadline)
}

// Connected reports whether there is a connection, as far as is known.
func (s *Sender) Connected() bool { return s.exchange.Connected() }

// Idle is told that there was nothing to send for a while: a connection that can
// carry no request any more is closed.
func (s *Sender) Idle() { s.exchange.Idle() }

// Close ends the connection and gives back all memory. No request may be under
// way.
func (s *Sender) Close() { s.exchange.Close() }
