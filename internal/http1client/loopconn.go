package http1client

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/outbound"
)

// A loopConn makes exchanges over one kept connection that an event loop waits
// for. Only while there is no connection a goroutine is about.
type loopConn struct {
	answer

	// mu guards what follows, and the answer while an exchange goes on. Between
	// exchanges the answer is for the caller of Start.
	mu     sync.Mutex
	sock   *evloop.Socket // nil: none
	keepOn func() bool    // has the end of the context end sock no more
	stage  stage
	over   bool      // the exchange has ended, and Done is to be called
	limit  time.Time // of the stage

	timer   *time.Timer // calls expired
	armed   bool        // it runs
	armedTo time.Time   // until when

	fresh  bool // sock was opened for this exchange
	proven bool // sock gave an answer
	before bool // a byte of the request may have reached the target over another
	look   bool // sock is looked at before its next use
	out    *request
	wrote  int   // bytes of the request that were written
	werr   error // why the rest never will be
	rest   []byte
	ended  bool // no more can come behind rest, or behind the answer
}

// A stage is where an exchange stands.
type stage uint8

const (
	idle       stage = iota // there is none
	connecting              // a goroutine makes the connection
	exchanging              // the request is sent, the answer read
	crowded                 // a goroutine waits for memory for the answer
	lingering               // the answer is whole, the request not
)

// A request is the bytes of one that is being written. Most are written at once:
// it is lent to a connection for as long as that takes.
type request struct{ head, body []byte }

var _ Exchange = (*loopConn)(nil)

var _ evloop.Handler = (*loopConn)(nil)

func newLoopConn(s *shared, call *Call) *loopConn {
	return &loopConn{answer: answer{shared: s, call: call}}
}

// Start sends the request at once, if there is a connection and as far as its
// socket takes it. The loop does the rest.
func (c *loopConn) Start(ctx context.Context, call *Call) {
	c.mu.Lock()
	c.ctx, c.call = ctx, call
	call.Outcome, call.Status, call.Sent, call.Unserved, call.Again = 0, 0, false, false, false
	c.before = false
	c.leave()
	if c.sock != nil && (c.look || !call.Repeatable) && !c.sock.Quiet() {
		c.drop()
	}
	c.try()
	c.unlock()
}

// unlock calls Done when the exchange has ended.
func (c *loopConn) unlock() {
	call, over := c.call, c.over
	c.over = false
	c.mu.Unlock()
	if over {
		call.Done()
	}
}

// try begins the exchange on the connection, or makes one first. Call with the
// lock held, as all that follows.
func (c *loopConn) try() {
	c.fresh = c.sock == nil
	if c.fresh {
		c.stage = connecting
		go c.connect(c.ctx, c.call.Deadline)
		return
	}
	c.transmit()
}

// connect opens a connection, as soon as the target's health lets it, and begins
// the exchange on it.
func (c *loopConn) connect(ctx context.Context, deadline time.Time) {
	var conn net.Conn
	err := c.health.Connect(ctx, deadline, func(deadline time.Time) (err error) {
		conn, err = c.dial(ctx, deadline)
		return err
	}, c.cfg.Tell)
	c.mu.Lock()
	defer c.unlock()
	if err == nil {
		err = c.adopt(ctx, conn)
	}
	if err != nil {
		c.call.Unserved, c.call.Again, c.call.Wrote = true, true, c.before
		c.finish(outbound.ConnectOutcome(err))
		return
	}
	c.transmit()
}

func (c *loopConn) dial(ctx context.Context, deadline time.Time) (net.Conn, error) {
	dialing, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	conn, err := c.cfg.Dial(dialing, "tcp", c.cfg.Target.dial)
	if err == nil {
		c.counts.Connections.Add(1)
		c.health.Opened()
		if !c.counts.Reached.Load() {
			c.counts.Reached.Store(true)
		}
	}
	return conn, err
}

// adopt gives the connection to a loop. What it hears before the lock is free it
// tells then.
func (c *loopConn) adopt(ctx context.Context, conn net.Conn) (err error) {
	if c.sock, err = c.cfg.Loops.Adopt(conn, c); err != nil {
		c.sock = nil
		c.health.Closed()
		return outbound.ExplainFiles(err)
	}
	c.keepOn = context.AfterFunc(ctx, c.abort)
	c.look, c.proven = false, false
	return nil
}

// drop ends the connection.
func (c *loopConn) drop() {
	if c.sock != nil {
		c.health.Closed()
		c.keepOn()
		c.sock.Close()
		c.sock = nil
	}
}

// transmit sends the request on the connection.
func (c *loopConn) transmit() {
	c.begin()
	c.stage, c.wrote, c.werr, c.ended = exchanging, 0, nil, false
	c.arm(c.call.Deadline)
	c.out = c.newRequest()
	if r := c.call.Request; len(r.Body()) <= copyBody {
		c.out.head = r.AppendTo(c.out.head[:0])
	} else {
		c.out.head, c.out.body = r.AppendHead(c.out.head[:0]), r.Body()
	}
	c.push()
}

// push writes what the socket takes of the request.
func (c *loopConn) push() {
	head := c.out.head[min(c.wrote, len(c.out.head)):]
	body := c.out.body[max(c.wrote-len(c.out.head), 0):]
	n, err := c.sock.Write(head, body)
	c.wrote += n
	switch {
	case err == nil:
		c.releaseRequest()
	case err == evloop.ErrWait:
		return
	default:
		c.werr = err
		c.releaseRequest()
	}
	switch {
	case c.stage == lingering:
		c.linger()
	case err != nil && c.wrote == 0:
		c.fail(err)
	case err != nil:
		// The target may have answered before it closed.
		c.pull(make([]byte, readLeast), true)
	}
}

// Open makes the connection before the first request needs it.
func (c *loopConn) Open(ctx context.Context, deadline time.Time) error {
	var conn net.Conn
	err := c.health.Open(ctx, deadline, func(deadline time.Time) (err error) {
		conn, err = c.dial(ctx, deadline)
		return err
	}, c.cfg.Tell)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err = c.adopt(ctx, conn)
	c.look = true // the target may end it without an answer to anything
	return err
}

// Connected reports whether there is a connection.
func (c *loopConn) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sock != nil
}

// Forget gives back the memory of an answer that was kept.
func (c *loopConn) Forget() {
	c.parser.Release()
	c.forget()
	c.leave()
}

// Idle closes a connection that can carry no request any more, if the loop has
// not.
func (c *loopConn) Idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stage == idle && c.sock != nil && !c.sock.Quiet() {
		c.drop()
	}
}

// Close closes the connection and gives back all that is held of answers.
func (c *loopConn) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop()
	if c.timer != nil {
		c.timer.Stop()
	}
	c.leave()
	c.call.Answer = nil
	c.parser.Release()
	c.account()
}

// newRequest returns memory for a request, used or new.
func (s *shared) newRequest() *request {
	if r, ok := s.requests.Get().(*request); ok {
		return r
	}
	return new(request)
}

// releaseRequest gives the memory of the request back, when all is written or never will be.
func (c *loopConn) releaseRequest() {
	if r := c.out; r != nil {
		c.out, r.body = nil, nil
		if cap(r.head) <= keepOut {
			c.requests.Put(r)
		}
	}
}
