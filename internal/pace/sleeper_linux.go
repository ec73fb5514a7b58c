package pace

import (
	"time"

	"golang.org/x/sys/unix"
)

// A clock reads CLOCK_MONOTONIC. Go's monotonic time is the same clock from
// another origin, and its reading needs no system call as x/sys's does.
type clock struct {
	base   time.Time
	origin int64 // CLOCK_MONOTONIC at base
}

// newClock finds out the difference of the two origins, by the closest of
// several looks at both.
func newClock() clock {
	c := clock{base: time.Now()}
	best := time.Duration(1<<63 - 1)
	for range 16 {
		var ts unix.Timespec
		before := time.Since(c.base)
		// Linux has this clock and the argument is a valid one: no error.
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
		if spread := time.Since(c.base) - before; spread < best {
			best = spread
			c.origin = ts.Nano() - int64(before+spread/2)
		}
	}
	return c
}

// Now returns the present in ns on CLOCK_MONOTONIC.
func (c *clock) Now() int64 { return c.origin + int64(time.Since(c.base)) }

// sleepUntil sleeps until t on the clock of Now.
func (c *clock) sleepUntil(t int64) {
	ts := unix.NsecToTimespec(t)
	tightenTimers()
	// The time is absolute, so that a signal in between costs nothing.
	for unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &ts, nil) == unix.EINTR {
	}
}

// tightenTimers has the kernel not join this thread's wake-ups with others:
// its default slack is 50 µs. Where that is forbidden, sleeps end later. The
// next sleep may be another thread's; those that had one keep the small slack.
func tightenTimers() { unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, 1, 0) }
