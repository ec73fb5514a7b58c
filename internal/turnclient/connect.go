package turnclient

import (
	"errors"
	"time"

	"github.com/buger/gor/internal/outbound"
)

const (
	// roomFirst is how long a connection waits that the target refused beside others,
	// before it is tried again: a listen backlog that was full for a moment is worked
	// off by then. Each next pause is twice as long, up to roomMost.
	roomFirst = 20 * time.Millisecond
	roomMost  = time.Second
)

// errUnserved is why a connection counts as one that the target does not take: it
// was accepted, and ended before anything came over it.
var errUnserved = errors.New("a new connection ended before its first answer")

// connect opens a connection, as soon as the target's health lets it. One that the
// target does not take beside others waits for as long as those stand: nothing was
// sent, so nothing is lost by that.
func (c *Conn) connect() error {
	client := c.client
	backoff := outbound.Backoff{First: roomFirst, Most: roomMost}
	for first := true; ; first = false {
		c.attempt = client.takes.Begin(time.Now())
		err := client.health.Connect(client.ctx, time.Now().Add(client.cfg.Timeout), c.open, client.cfg.Tell)
		accepted := err == nil
		if accepted && c.settles() {
			return nil
		}
		if accepted {
			c.Close()
			err = errUnserved
		}
		switch {
		case client.ctx.Err() != nil:
			return err
		case client.health.Standing() == 0:
			// Nobody is there to say that it takes any.
			client.takes.Forget()
			if accepted {
				continue
			}
			return err
		}
		c.refused(err, accepted)
		if !first {
			client.cfg.MakeRoom()
		}
		if !backoff.Wait(client.ctx, nil) {
			return err
		}
	}
}

// refused notes that the target does not take the connection.
func (c *Conn) refused(err error, accepted bool) {
	if c.attempt.Fail(time.Now(), accepted) {
		c.client.cfg.TellCeiling(err)
	}
}

// settles leaves a new connection alone for a while, when the target was seen to
// accept connections only to end them, and reports whether it still stands then.
func (c *Conn) settles() bool {
	if !c.attempt.Careful() {
		return true
	}
	settled := time.NewTimer(outbound.SettleFor)
	defer settled.Stop()
	select {
	case <-settled.C:
	case <-c.client.ctx.Done():
	case <-c.closed:
		return false
	}
	return true
}

// works notes that something came over the connection.
func (c *Conn) works() {
	if !c.proven {
		c.proven = true
		c.attempt.Works()
	}
}

// lost closes a connection that the target ended before an answer. The first such
// connection beside others shows how many it takes.
func (c *Conn) lost() {
	unserved := !c.proven
	c.Close()
	if unserved && c.client.health.Standing() > 0 && c.client.ctx.Err() == nil {
		c.refused(errUnserved, true)
	}
}
