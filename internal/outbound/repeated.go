package outbound

import (
	"strings"
	"time"
)

const (
	// SayAgain is how often the same is said of one address: a log that is
	// followed shows a failure that lasts, and one of a day stays readable.
	SayAgain = time.Minute

	// maxRepeated bounds what is remembered: more different failures of one
	// address than that are not met in a SayAgain.
	maxRepeated = 16
)

// Repeated bounds how often the same is said of one address. What differs in
// numbers alone, as the local port of a connection that was reset, is the same.
// The zero value has said nothing. Its methods are for one goroutine at a time.
type Repeated struct {
	said map[string]time.Time
}

// Fresh reports whether this was not said within SayAgain, and notes that it is.
func (r *Repeated) Fresh(now time.Time, what string) bool {
	what = strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return -1
		}
		return c
	}, what)
	if at, known := r.said[what]; known && now.Sub(at) < SayAgain {
		return false
	}
	if r.said == nil || len(r.said) >= maxRepeated {
		r.said = make(map[string]time.Time)
	}
	r.said[what] = now
	return true
}
