// Package signals takes the signals that ask a run to end.
package signals

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// oneRequest is within what time signals are one and the same request:
// timeout(1) and process managers send theirs to Gor and then to Gor's process
// group, which would be taken for the second signal that stops at once. Those
// two are microseconds apart, and two presses of ^C by a person a good 100 ms.
const oneRequest = 100 * time.Millisecond

// A Config says which signals ask for the end, beside SIGINT and SIGTERM.
type Config struct {
	// HangUp takes SIGHUP too, whoever sends it. Without it SIGHUP means something
	// else, such as that recordings are opened again, unless the terminal from
	// which Gor was started has closed: that ends a run either way, but not where
	// whoever started Gor had the signal ignored, as nohup does.
	HangUp bool
}

const (
	// detachGrain is how often it is looked whether the terminal has closed without
	// a SIGHUP to this process, as of a job that a shell has disowned: from then on
	// nothing but somebody's wish sends one.
	detachGrain = 5 * time.Second

	// hangUpTime is how soon after a terminal has closed its SIGHUP comes.
	hangUpTime = time.Second
)

// A Taker takes signals from the system until Stop.
type Taker struct {
	received chan os.Signal // as the system delivers them
	requests chan os.Signal
	pipe     chan os.Signal // are taken and mean nothing
	stopped  chan struct{}  // closed when none is taken any more
	now      func() time.Time

	terminal *terminal // that may close, where SIGHUP means something else; nil: there is none
	detached time.Time // when it was seen to have closed; zero: it has not
}

// Take begins to take signals. SIGPIPE is taken because a reader of stdout or
// stderr that has gone must not end the run; ignoring it would have the programs
// that Gor starts ignore it too.
func Take(cfg Config) *Taker {
	t := newTaker(time.Now)
	signal.Notify(t.received, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		if !cfg.HangUp {
			t.terminal = openTerminal()
		}
		if cfg.HangUp || t.terminal != nil {
			signal.Notify(t.received, syscall.SIGHUP)
		}
	}
	signal.Notify(t.pipe, syscall.SIGPIPE)
	go t.passOn()
	return t
}

func newTaker(now func() time.Time) *Taker {
	return &Taker{
		received: make(chan os.Signal, 2),
		requests: make(chan os.Signal, 2),
		pipe:     make(chan os.Signal, 1),
		stopped:  make(chan struct{}),
		now:      now,
	}
}

// Requests gives each request to end once, by the signal that it came as.
func (t *Taker) Requests() <-chan os.Signal { return t.requests }

func (t *Taker) passOn() {
	var last time.Time
	var look <-chan time.Time
	if t.terminal != nil {
		defer t.terminal.close()
		tick := time.NewTicker(detachGrain)
		defer tick.Stop()
		look = tick.C
	}
	for {
		select {
		case <-look:
			if t.detached.IsZero() && t.terminal.hungUp() {
				t.detached = t.now()
			}
		case sig := <-t.received:
			now := t.now()
			if sig == syscall.SIGHUP && t.terminal != nil && !t.hangsUp(now) {
				continue
			}
			if !last.IsZero() && now.Sub(last) < oneRequest {
				continue
			}
			last = now
			select {
			case t.requests <- sig:
			default: // two wait already: nobody looks any more
			}
		case <-t.stopped:
			return
		}
	}
}

// hangsUp reports whether a SIGHUP that came now says that the terminal has closed.
func (t *Taker) hangsUp(now time.Time) bool {
	return t.terminal.hungUp() && (t.detached.IsZero() || now.Sub(t.detached) < hangUpTime)
}

// Stop leaves the signals to the system again. It is called once.
func (t *Taker) Stop() {
	signal.Stop(t.received)
	signal.Stop(t.pipe)
	close(t.stopped)
}

// Name says in a word what a signal did to the run.
func Name(sig os.Signal) string {
	switch sig {
	case os.Interrupt:
		return "interrupted"
	case syscall.SIGHUP:
		return "hung up"
	}
	return "terminated"
}
