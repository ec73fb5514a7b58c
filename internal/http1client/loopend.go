package http1client

import (
	"net"
	"os"
	"time"

	"github.com/buger/gor/internal/outbound"
)

// How an exchange on the event loop ends.

// fail ends an exchange for which no answer came, or tries it again.
func (c *loopConn) fail(err error) {
	sent := c.out == nil && c.werr == nil
	if c.werr != nil && !c.got {
		err = c.werr
	}
	c.drop()
	c.releaseRequest()
	wrote, timeout := c.wrote > 0, outbound.IsTimeout(err)
	repeat := !wrote || c.call.Repeatable && !c.before
	// A new one that was opened before is as good as one that is opened now.
	if c.fresh || !c.proven || c.got || !repeat || timeout || c.ctx.Err() != nil {
		c.call.Sent = sent
		c.call.Unserved = !c.proven && !c.got && !timeout
		c.call.Again, c.call.Wrote = c.call.Unserved && repeat, c.before || wrote
		c.finish(outbound.ExchangeOutcome(err, sent, c.got))
		return
	}
	if wrote {
		c.before = true
		c.counts.SentAgain.Add(1)
	}
	c.try()
}

func (c *loopConn) finish(o outbound.Outcome) {
	c.releaseRequest()
	c.call.Outcome = o
	c.stage, c.over = idle, true
}

// abort is called when the context ends.
func (c *loopConn) abort() {
	c.mu.Lock()
	defer c.unlock()
	switch c.stage {
	case idle:
		c.drop()
	case exchanging, lingering:
		c.stop(net.ErrClosed)
	}
}

// stop ends an exchange that goes on.
func (c *loopConn) stop(err error) {
	if c.stage == lingering {
		c.werr = err
		c.linger()
	} else {
		c.fail(err)
	}
}

// arm sets the limit of the stage. A timer that runs is left as it is, if it does
// not come too late: to set it for each exchange would cost more than to frame an
// answer.
func (c *loopConn) arm(limit time.Time) {
	c.limit = limit
	if c.armed && !c.armedTo.After(limit) {
		return
	}
	c.armed, c.armedTo = true, limit
	if c.timer == nil {
		c.timer = time.AfterFunc(time.Until(limit), c.expired)
	} else {
		c.timer.Reset(time.Until(limit))
	}
}

// expired is called by the timer.
func (c *loopConn) expired() {
	c.mu.Lock()
	defer c.unlock()
	c.armed = false
	if c.stage != exchanging && c.stage != lingering {
		return
	}
	if time.Now().Before(c.limit) {
		c.arm(c.limit)
		return
	}
	c.stop(os.ErrDeadlineExceeded)
}
