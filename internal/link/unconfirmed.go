package link

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"
)

const (
	// plainStall is how long a plain receiver may take none of what is
	// written before the connection is given up for dead.
	plainStall = time.Minute

	// tlsStep is how much the peer has to take in that time when it speaks
	// TLS: one record of it.
	tlsStep = 16 << 10

	// lingerTime is how long the peer has to close its end when ours is done,
	// and lateLinger when there is no hurry, since all goes on elsewhere.
	lingerTime = 2 * time.Second
	lateLinger = time.Minute
)

// plain sends records until the connection or the source ends.
func (c *senderConn) plain(t *trouble, wg *sync.WaitGroup) error {
	s := c.s
	lasted, first := t.over()
	if lasted > 0 {
		s.cfg.Logf("connected again after %s", lasted.Round(time.Millisecond))
	}
	switch {
	case !first:
	case s.cfg.Plain == PlainAlways:
		s.cfg.Logf("sending the plain stream of Gor 0.10 and GoReplay; what a break of the connection swallows is not noticed")
	default:
		s.cfg.Logf("the receiver does not acknowledge messages: sending the plain stream of Gor 0.10 and GoReplay; what a break of the connection swallows is not noticed")
	}
	c.conn.SetReadDeadline(time.Time{})
	s.giveUpHeld() // this receiver will not say either what arrived
	if s.nothingLeft() {
		return errFinished
	}
	s.mu.Lock()
	c.state = plainState{begun: time.Now(), alive: s.cfg.Plain == PlainAlways && s.lived}
	if c.counted != nil {
		c.state.wire = c.counted.n.Load()
	} else {
		c.state.wire = uint64(c.hello)
	}
	c.cursor = s.window.first
	c.mark = c.cursor - 1
	s.mu.Unlock()
	s.trial.Store(!c.state.alive)
	defer s.trial.Store(false)
	wg.Go(c.readPlain)
	done := make(chan struct{})
	wg.Go(func() { c.watchPlain(done) })
	err := c.writePlain()
	if errors.Is(err, errFinished) {
		c.finishPlain()
		select {
		case <-c.dead:
			if errors.Is(c.err, errLateAnswer) {
				// It may write again before it knows that this is the plain
				// stream; if we were gone then, it would lose what is in flight.
				err = errLateAnswer
			}
			if errors.As(c.err, new(*ForeignError)) {
				err = c.err
			}
		default:
		}
	}
	if errors.Is(err, errLateAnswer) {
		s.peer.acknowledged()
		c.halfClose(lateLinger, c.quiet)
	}
	close(done)
	if c.concludePlain(errors.Is(err, errLateAnswer)) && errors.Is(err, errFinished) {
		err = errUncertain
	}
	return err
}

// finishPlain ends a connection when all is written: the peer gets the time to
// take it, and a moment to read it and to close its end.
func (c *senderConn) finishPlain() {
	for !c.allTaken() {
		select {
		case <-c.wake:
		case <-c.dead:
			return
		}
	}
	wait := lingerTime
	c.s.mu.Lock()
	if !c.state.alive {
		wait = max(wait, c.s.trialTime()-time.Since(c.state.begun))
	}
	c.s.mu.Unlock()
	c.halfClose(wait, c.dead)
}

// readPlain notices the end of the connection, and an answer that came late.
// It reads until the end, because unread bytes would reset the connection when
// it is closed and destroy what is in flight.
func (c *senderConn) readPlain() {
	f, body, err := c.control()
	if err == nil {
		_, err = parseAnswer(f, body)
	}
	foreign := error(nil)
	if err != nil {
		foreign = c.foreign(err)
	}
	switch {
	case err == nil:
		c.fail(errLateAnswer)
	case foreign != nil:
		c.distrust()
		c.fail(foreign)
		c.cut()
		return
	case errors.Is(err, errFrame):
		c.fail(errors.New("the receiver speaks an unknown protocol"))
	default:
		c.peerEnded(err, lingerTime)
		c.fail(lost(err))
		c.cut()
		return
	}
	_, err = io.Copy(io.Discard, c.in)
	if err == nil {
		err = io.EOF
	}
	// A receiver that has answered closes its end when it has read ours.
	c.peerEnded(err, lateLinger)
	close(c.quiet)
}

// distrust notes that something else than a receiver answers: what its system took
// was read by nobody who understands it, and the next connections have to show
// life before anything counts as delivered.
func (c *senderConn) distrust() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.lived = false
	c.state.alive, c.state.ended, c.state.well = false, true, false
}

// peerEnded notes how the peer's end of the connection ended. A receiver that
// has read all closes it soon after ours; one that waits longer may be a
// forwarder that has found nobody to pass it on to.
func (c *senderConn) peerEnded(err error, soon time.Duration) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	p := &c.state
	p.ended = !errors.Is(err, os.ErrDeadlineExceeded)
	p.well = errors.Is(err, io.EOF) && !p.half.IsZero() && time.Since(p.half) <= soon
}

// halfClose says that no more will come, and gives the peer a moment to read
// what is in flight and to close its end, which closes ended.
func (c *senderConn) halfClose(wait time.Duration, ended <-chan struct{}) {
	half, ok := c.conn.(interface{ CloseWrite() error })
	if !ok {
		return
	}
	c.s.mu.Lock()
	c.state.half = time.Now()
	c.s.mu.Unlock()
	err := half.CloseWrite()
	c.s.mu.Lock()
	if c.counted == nil {
		c.state.fin = err == nil
	} else {
		c.state.wire = c.counted.n.Load()
	}
	c.s.mu.Unlock()
	if err != nil {
		return
	}
	c.conn.SetReadDeadline(time.Now().Add(wait))
	select {
	case <-ended:
	case <-c.s.ctx.Done():
	}
}

func (c *senderConn) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}
