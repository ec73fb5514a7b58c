package wsclient

import (
	"errors"
	"time"
)

const (
	// restateAfter is how often a lasting failure is said again, and tellAgain
	// bounds how often a server that comes and goes is told of.
	restateAfter = time.Minute
	tellAgain    = 10 * time.Second
)

// A trouble keeps the log short: a failure is said when it begins, when the
// server's answer is another one, and once in a while when it lasts.
type trouble struct {
	logf   func(format string, args ...any)
	since  time.Time // zero: none
	said   time.Time
	told   bool // that there is trouble
	status statusError
}

func (t *trouble) note(now time.Time, err error) {
	var status statusError
	errors.As(err, &status)
	if t.since.IsZero() {
		t.since = now
	}
	quiet := tellAgain
	if t.told {
		quiet = restateAfter
	}
	if !t.said.IsZero() && now.Sub(t.said) < quiet && status == t.status {
		return
	}
	t.said, t.told, t.status = now, true, status
	t.logf("%v; trying again", err)
}

// over notes that a message was written.
func (t *trouble) over(now time.Time) {
	if t.told {
		t.logf("sends again after %s", now.Sub(t.since).Round(time.Millisecond))
	}
	t.since, t.told = time.Time{}, false
}
