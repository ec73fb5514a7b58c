package link

import "time"

// plainState is what a connection of the plain stream has more. Sender.mu
// guards it.
type plainState struct {
	begun time.Time
	alive bool      // the receiver has shown life
	wire  uint64    // bytes that were written to the socket
	taken uint64    // of these, what the peer's system has confirmed
	half  time.Time // when our end was closed; zero: it is open
	fin   bool      // that counts as a byte: there is no TLS above it
	shut  bool      // the connection is closed: taken is final
	ended bool      // by the peer
	bytes int       // of records that were written

	records uint64 // that were written and have left the window

	well bool // the peer has closed its end in good order, soon after ours
}

// allTaken reports whether the peer's system has confirmed all that was
// written.
func (c *senderConn) allTaken() bool {
	c.measure()
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.state.taken >= c.state.wire
}

// measure finds out how much of what was written the peer's system has.
func (c *senderConn) measure() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.measureLocked()
}

func (c *senderConn) measureLocked() {
	p := &c.state
	if p.shut {
		return
	}
	n, _ := unsent(c.raw) // where it cannot be told, all is taken
	if p.fin {
		n = max(0, n-1)
	}
	// A write that is under way is in n and not in wire: never too much.
	p.taken = max(p.taken, p.wire-min(uint64(n), p.wire))
}

// cut closes the connection, and finds out before what its socket still held.
func (c *senderConn) cut() {
	c.s.mu.Lock()
	c.measureLocked()
	c.state.shut = true
	c.s.mu.Unlock()
	c.raw.Close()
}

// watchPlain is the goroutine that releases what the receiver has.
func (c *senderConn) watchPlain(done <-chan struct{}) {
	look := time.NewTicker(unsentLook)
	defer look.Stop()
	for {
		select {
		case <-look.C:
			c.releaseTaken()
		case <-done:
			return
		case <-c.dead:
			return
		}
	}
}

// releaseTaken releases what the peer's system has, once the receiver has shown
// life.
func (c *senderConn) releaseTaken() {
	s := c.s
	s.mu.Lock()
	c.measureLocked()
	p := &c.state
	before := p.alive
	if !p.alive && p.taken >= p.wire && time.Since(p.begun) >= s.trialTime() {
		p.alive, s.lived = true, true
		s.trial.Store(false)
	}
	number := s.window.first
	for p.alive && number <= c.mark && s.window.at(number).end <= p.taken {
		if s.window.at(number).fate == delivered {
			p.records++
		}
		number++
	}
	moved := number > s.window.first || p.alive != before || p.taken >= p.wire
	s.mu.Unlock()
	s.release(number - 1)
	if moved {
		c.signal()
	}
}

// concludePlain says what became of all that was written on a connection that
// has ended. What its socket still held was not delivered; nor was anything
// when the receiver had not shown life, unless it closed its end in good order
// after ours. A receiver that has seen the hello may know better: when its
// answer came late, or something is lost, all stays in the window until the
// next connection is answered. concludePlain reports whether it does.
func (c *senderConn) concludePlain(late bool) (uncertain bool) {
	s := c.s
	s.mu.Lock()
	c.measureLocked()
	p := &c.state
	if !p.ended && p.taken >= p.wire && time.Since(p.begun) >= s.trialTime() {
		p.alive = true // it lasted, and was ended by us
	}
	p.shut = true
	well := p.well
	for n := s.window.first; n <= c.mark; n++ {
		sl := s.window.at(n)
		if sl.fate == delivered && (sl.end > p.taken || !p.alive && !well) {
			sl.fate = broken
			uncertain = true
		}
	}
	mark := c.mark
	if !p.alive && !well {
		s.suspicion++ // it is asked for longer the next time
	} else {
		s.suspicion, s.lived = 0, true
	}
	uncertain = (uncertain || late) && mark >= s.window.first && c.token != token{}
	if uncertain {
		s.held = held{mark: mark, token: c.token, before: p.records}
	}
	s.mu.Unlock()
	if !uncertain {
		s.release(mark)
	}
	return uncertain
}
