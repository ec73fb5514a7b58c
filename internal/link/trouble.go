package link

import (
	"time"

	"github.com/buger/gor/internal/outbound"
)

// trouble keeps the log short: a failure is said when it begins, when it is
// another one, and once a minute while it lasts or comes again.
type trouble struct {
	since time.Time // zero: none
	said  outbound.Repeated
	told  bool // that there is trouble
	stood bool // that there is a connection was said
}

func (t *trouble) note(logf func(string, ...any), err error) {
	now := time.Now()
	if t.since.IsZero() {
		t.since = now
	}
	if t.said.Fresh(now, err.Error()) {
		t.told = true
		logf("%v; trying again", err)
	}
}

// over ends the trouble. It returns how long it lasted if it was told of, and
// whether this is the first connection.
func (t *trouble) over() (lasted time.Duration, first bool) {
	if t.told {
		lasted = time.Since(t.since)
	}
	first = !t.stood
	t.since, t.told, t.stood = time.Time{}, false, true
	return lasted, first
}
