package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/buger/gor/internal/plugin"
)

// signals are those that the process takes for a run.
type signals struct {
	came chan os.Signal // as the system delivers them
	end  chan os.Signal // ask for the end
	pipe chan os.Signal // are taken and mean nothing
	over chan struct{}  // closed when none is taken any more
}

// oneAsking is within what time signals are one and the same wish: timeout(1) and
// process managers send theirs to Gor and then to Gor's process group, which
// would be taken for the second signal that stops at once. Those two are
// microseconds apart, and a second press of ^C a good 100 ms.
const oneAsking = 100 * time.Millisecond

// takeSignals takes SIGINT and SIGTERM, and SIGHUP, with which a terminal
// that closes would end Gor without its ledger: unless a recording is to be
// opened again, or who started Gor had the signal
// ignored, as nohup does. SIGPIPE is taken because a reader of stdout or stderr
// that has gone must not end the run; ignoring it would have the programs that
// Gor starts ignore it too.
func takeSignals(s *Settings) *signals {
	t := &signals{
		came: make(chan os.Signal, 2),
		end:  make(chan os.Signal, 2),
		pipe: make(chan os.Signal, 1),
		over: make(chan struct{}),
	}
	signal.Notify(t.came, os.Interrupt, syscall.SIGTERM)
	if !s.reopens() && !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(t.came, syscall.SIGHUP)
	}
	signal.Notify(t.pipe, syscall.SIGPIPE)
	go t.passOn()
	return t
}

// passOn passes on each asking once, until stop.
func (t *signals) passOn() {
	var last time.Time
	for {
		select {
		case sig := <-t.came:
			if !last.IsZero() && time.Since(last) < oneAsking {
				continue
			}
			last = time.Now()
			select {
			case t.end <- sig:
			default: // two wait already: nobody looks any more
			}
		case <-t.over:
			return
		}
	}
}

func (t *signals) stop() {
	signal.Stop(t.came)
	signal.Stop(t.pipe)
	close(t.over)
}

func signalName(sig os.Signal) string {
	switch sig {
	case os.Interrupt:
		return "interrupted"
	case syscall.SIGHUP:
		return "hung up"
	}
	return "terminated"
}

// openGrace is how long plugins that are being opened may take to end after a
// signal: what waits in the kernel, as the opening of a pipe to which nobody
// writes, is left behind.
const openGrace = time.Second

// openInterruptibly is openPlugins, which a signal ends.
func openInterruptibly(s *Settings, env *plugin.Env, end <-chan os.Signal) (*plugins, error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	env.Context = ctx
	type opened struct {
		plugs *plugins
		err   error
	}
	done := make(chan opened, 1)
	go func() {
		plugs, err := openPlugins(s, env)
		done <- opened{plugs, err}
	}()
	select {
	case o := <-done:
		return o.plugs, o.err
	case sig := <-end:
		env.Logf("%s: before everything was open; nothing was sent", signalName(sig))
		cancel()
	}
	grace := time.NewTimer(openGrace)
	defer grace.Stop()
	select {
	case o := <-done:
		if o.err == nil {
			o.plugs.close()
		}
	case <-end:
	case <-grace.C:
	}
	return nil, exitCode(exitInterrupted)
}
