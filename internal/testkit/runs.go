package testkit

import (
	"testing"
	"time"
)

const (
	// runs is how often InSomeRun tries what a busy machine may spoil.
	runs = 5

	// haltTick is how often it looks at the clock.
	haltTick = 5 * time.Millisecond
)

// InSomeRun wants run to return nil once in five times: for what a machine that
// halts for a moment may spoil, such as the order of two timers of a program, and a
// fault spoils every time. An error is final when the machine was never late by
// most meanwhile; 0 is for what runs in another process, whose halts are not
// seen. What must hold in each run, run checks itself.
func InSomeRun(t testing.TB, most time.Duration, run func() error) {
	t.Helper()
	var err error
	for range runs {
		longest := watchHalts()
		err = run()
		halted := longest()
		if err == nil {
			return
		}
		t.Logf("late by up to %s: %v", halted, err)
		if halted < most {
			break
		}
	}
	t.Error(err)
}

// watchHalts looks at the clock every few milliseconds until longest is called,
// which returns how late it was at most.
func watchHalts() (longest func() time.Duration) {
	stop, done := make(chan struct{}), make(chan time.Duration)
	go func() {
		tick := time.NewTicker(haltTick)
		defer tick.Stop()
		late, last := time.Duration(0), time.Now()
		for {
			select {
			case <-tick.C:
			case <-stop:
				done <- max(late, time.Since(last)-haltTick)
				return
			}
			now := time.Now()
			late, last = max(late, now.Sub(last)-haltTick), now
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-done
	}
}
