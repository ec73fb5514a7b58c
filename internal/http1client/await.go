package http1client

import (
	"context"
	"fmt"
	"time"
)

const (
	// awaitFirst and awaitMost are the pauses between two attempts to reach a
	// target that is waited for: a service that starts is found within a
	// quarter of a second, and nobody minds four connects a second.
	awaitFirst = 20 * time.Millisecond
	awaitMost  = 250 * time.Millisecond
)

// A WaitError says that a target took no connection in the time given to it.
type WaitError struct {
	Waited time.Duration
	Err    error // of the last attempt
}

func (e *WaitError) Error() string {
	return fmt.Sprintf("took no connection within %s: %v", e.Waited, e.Err)
}

func (e *WaitError) Unwrap() error { return e.Err }

// Await opens connections until the target takes one, with TLS where it has
// that, and closes it again. It returns a *WaitError when none was taken in that
// time, or the context's error. waiting is called once, with the first error, if
// there is something to wait for. With ByHost it does without TLS.
func (c *Client) Await(ctx context.Context, most time.Duration, waiting func(error)) error {
	began := time.Now()
	deadline := began.Add(most)
	pause := awaitFirst
	for tried := false; ; tried = true {
		attempt := time.Now().Add(c.shared.cfg.Timeout)
		if deadline.Before(attempt) {
			attempt = deadline
		}
		err := c.reach(ctx, attempt)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case !time.Now().Add(pause).Before(deadline):
			return &WaitError{Waited: most, Err: err}
		case !tried:
			waiting(err)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
		pause = min(2*pause, awaitMost)
	}
}

// reach opens a connection and closes it again.
func (c *Client) reach(ctx context.Context, deadline time.Time) error {
	if c.shared.cfg.byHost() { // no request has said yet which name to ask for
		dialing, cancel := context.WithDeadline(ctx, deadline)
		defer cancel()
		tcp, err := c.shared.cfg.Dial(dialing, "tcp", c.shared.cfg.Target.dial)
		if err == nil {
			tcp.Close()
		}
		return err
	}
	probe := &conn{answer: answer{shared: &c.shared, call: &Call{}}}
	defer probe.Close()
	return probe.open(ctx, deadline)
}
