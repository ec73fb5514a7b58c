package link

import "time"

// restatePause is how often a lasting failure is said again.
const restatePause = time.Minute

// trouble keeps the log short: a failure is said when it begins and once a
// minute while it lasts.
type trouble struct {
	since time.Time // zero: none
	said  time.Time
}

func (t *trouble) note(logf func(string, ...any), err error) {
	now := time.Now()
	if t.since.IsZero() {
		t.since = now
	} else if now.Sub(t.said) < restatePause {
		return
	}
	t.said = now
	logf("%v; trying again", err)
}

func (t *trouble) over() (lasted time.Duration) {
	if !t.since.IsZero() {
		lasted = time.Since(t.since)
	}
	*t = trouble{}
	return lasted
}
