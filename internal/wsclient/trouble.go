package wsclient

import (
	"time"

	"github.com/buger/gor/internal/outbound"
)

// A trouble keeps the log short: a failure is said when it begins, when it is
// another one, and once in a while when it lasts or comes again.
type trouble struct {
	logf  func(format string, args ...any)
	since time.Time // zero: none
	said  outbound.Repeated
	told  bool // that there is trouble
}

func (t *trouble) note(now time.Time, err error) {
	if t.since.IsZero() {
		t.since = now
	}
	if t.said.Fresh(now, err.Error()) {
		t.told = true
		t.logf("%v; trying again", err)
	}
}

// over notes that a message was written.
func (t *trouble) over(now time.Time) {
	if t.told {
		t.logf("sends again after %s", now.Sub(t.since).Round(time.Millisecond))
	}
	t.since, t.told = time.Time{}, false
}
