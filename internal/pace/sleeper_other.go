//go:build !linux

package pace

import "time"

// A clock reads Go's monotonic time.
type clock struct {
	base time.Time
}

func newClock() clock { return clock{base: time.Now()} }

// Now returns the present in ns since the clock was made.
func (c *clock) Now() int64 { return int64(time.Since(c.base)) }

// sleepUntil sleeps until t on the clock of Now.
func (c *clock) sleepUntil(t int64) { time.Sleep(time.Duration(t - c.Now())) }
