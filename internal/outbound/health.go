package outbound

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// Health keeps a dead target from costing sockets, packets and time. When a
// connect fails, the workers that need a connection no longer try each for
// itself: one tries, after a pause that doubles, and the others wait for what
// it finds. That goes on for a moment, so that a target which is restarted
// loses nothing. If it is still down then, requests fail at once, and the
// first to come after each pause tries. While other connections stand, a connect
// that fails says nothing of that kind: see Ceiling. The zero value is a target
// that is up. Its methods are safe for concurrent use.
type Health struct {
	standing atomic.Int64 // connections
	quickest atomic.Int64 // ns that the quickest connect took; 0: none yet

	mu      sync.Mutex
	since   time.Time // when the first connect that failed had begun, or a later one last succeeded; zero: it is up
	up      time.Time // when a connect last succeeded
	pause   time.Duration
	retryAt time.Time
	trying  bool
	changed chan struct{} // closed when a try has ended
	told    bool          // that it is down
	said    Repeated
	files   filesTrouble
}

const (
	// downFirst is the first pause: short, since a connect that is refused
	// costs microseconds, and a process restarts in some tens of
	// milliseconds.
	downFirst = 10 * time.Millisecond

	// downMost is the longest: a target that is back misses no more than two
	// seconds of traffic, and an attempt in two seconds costs nothing.
	downMost = 2 * time.Second

	// downPatience is for how long requests wait for a target that is down.
	// Half of the second that the emitter waits for an output that does not
	// move, so that it takes no note.
	downPatience = time.Second / 2

	// A connect is overdue, while others stand, after overdueTimes what the
	// quickest took, which is a round trip and perhaps a handshake, but not before
	// overdueLeast: the kernel repeats a SYN that was lost or dropped after a
	// second.
	overdueTimes = 4
	overdueLeast = 300 * time.Millisecond

	// upLately is for how long after a connect succeeded others are expected to
	// succeed as quickly, though no connection stands: where each serves a single
	// request, there are moments without any.
	upLately = time.Second

	// filesPause is how long a worker waits for others to close a file.
	filesPause = 20 * time.Millisecond
)

// ErrDown is what Connect returns when the target is known to be down.
var ErrDown = errors.New("target down")

// Opened and Closed are told of every connection that stands, and of its end.
func (h *Health) Opened() { h.standing.Add(1) }
func (h *Health) Closed() { h.standing.Add(-1) }

// Standing is how many connections there are.
func (h *Health) Standing() int { return int(h.standing.Load()) }

// An Opener makes a connection before a deadline and tells of it with Opened.
type Opener = func(deadline time.Time) error

// Connect calls open as soon as it may, until that succeeds, and returns nil,
// or when the deadline has passed or ctx has ended why there is no connection:
// the last error of open, or ErrDown if open was not called. tell is given what
// people are to be told: why there is no connection, or nil when there is one
// again. While other connections stand, there is one attempt, as in Open. One that is
// overdue when none stands any more is made again with all the time that there is.
func (h *Health) Connect(ctx context.Context, deadline time.Time, open Opener, tell func(error)) error {
	result := ErrDown
	begun := time.Now()
	hurry := true
	for {
		now := time.Now()
		try, probe, wait, changed := true, false, time.Duration(0), (<-chan struct{})(nil)
		if h.Standing() == 0 {
			try, probe, wait, changed = h.mayTry(now)
		}
		if !try {
			if !await(ctx, changed, min(wait, deadline.Sub(now))) {
				return result
			}
			continue
		}
		overdue, err := h.timed(now, deadline, hurry, open)
		if lack := new(FilesError); errors.As(err, &lack) {
			// It says nothing of the target, and passes when others end.
			h.abandon(time.Now(), probe)
			if h.files.tell(now) && ctx.Err() == nil {
				tell(err)
			}
			result = err
			if time.Since(begun) >= downPatience || !await(ctx, nil, min(filesPause, deadline.Sub(now))) {
				return result
			}
			continue
		}
		if err != nil && h.Standing() > 0 {
			h.abandon(time.Now(), probe)
			return err
		}
		if overdue {
			// It had less time than the request has, and on a host that is busy, or
			// halted, none of it: that says nothing of the target.
			h.abandon(time.Now(), probe)
			if hurry, result = false, err; !time.Now().Before(deadline) {
				return result
			}
			continue
		}
		if h.note(now, time.Now(), probe, err) && ctx.Err() == nil {
			tell(err)
		}
		if err == nil {
			return nil
		}
		result = err
	}
}

// Open calls open once, for a connection beside those that stand or one that
// nothing is sent on yet. A failure is not held against the target. A connect
// that is overdue while others stand is given up.
func (h *Health) Open(ctx context.Context, deadline time.Time, open Opener, tell func(error)) error {
	now := time.Now()
	_, err := h.timed(now, deadline, true, open)
	if lack := new(FilesError); errors.As(err, &lack) && h.files.tell(now) && ctx.Err() == nil {
		tell(err)
	}
	if err == nil && h.note(now, time.Now(), false, nil) && ctx.Err() == nil {
		tell(nil)
	}
	return err
}

// timed calls open, and remembers how long the quickest took. With hurry it has no
// more time than a connect may take while others stand or did a moment ago, and
// overdue says that this was too little.
func (h *Health) timed(now, deadline time.Time, hurry bool, open Opener) (overdue bool, err error) {
	patience := max(overdueTimes*time.Duration(h.quickest.Load()), overdueLeast)
	limit := now.Add(patience)
	hurry = hurry && limit.Before(deadline) && (h.Standing() > 0 || h.upAt(now))
	if hurry {
		deadline = limit
	}
	err = open(deadline)
	ended := time.Now()
	if took := int64(ended.Sub(now)); err == nil {
		if q := h.quickest.Load(); q == 0 || took < q {
			h.quickest.Store(took) // of two at once either will do
		}
	}
	return hurry && err != nil && !ended.Before(limit), err
}

// upAt reports whether a connect has succeeded lately.
func (h *Health) upAt(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return now.Sub(h.up) < upLately
}

// await waits for an event, at most d, and returns false when there is no time
// to wait or the context has ended.
func await(ctx context.Context, event <-chan struct{}, d time.Duration) bool {
	if d <= 0 {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-event:
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// mayTry says what a worker that needs a connection does: try (probe says
// that it is the one that tries, for note), fail when wait is zero or less, or
// wait that long or until changed is closed, and ask again.
func (h *Health) mayTry(now time.Time) (try, probe bool, wait time.Duration, changed <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.since.IsZero() {
		return true, false, 0, nil
	}
	if !h.trying && !now.Before(h.retryAt) {
		h.trying = true
		return true, true, 0, nil
	}
	wait = h.since.Add(downPatience).Sub(now)
	if !h.trying {
		wait = min(wait, h.retryAt.Sub(now))
		if h.retryAt.After(h.since.Add(downPatience)) {
			wait = 0 // nothing will be known in time
		}
	}
	return false, false, wait, h.changed
}

// abandon takes back a try that found nothing out.
func (h *Health) abandon(now time.Time, probe bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !probe {
		return
	}
	h.trying = false
	h.retryAt = now.Add(h.pause)
	if h.changed != nil {
		close(h.changed)
	}
	h.changed = make(chan struct{})
}

// note takes the result of a connect that was begun at began, and reports
// whether it is to be told that the target is down, or is back. That it is down
// is told when it begins and while it lasts, each time as often as Repeated allows.
func (h *Health) note(began, now time.Time, probe bool, err error) (tell bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if probe {
		h.trying = false
	}
	switch {
	case err == nil:
		tell = h.told
		h.since, h.up, h.pause, h.told = time.Time{}, now, 0, false
	case probe || h.since.IsZero():
		// Of the many connects that were under way when the target went down,
		// the first counts. It was still up when another succeeded later.
		if h.since.IsZero() {
			h.since = began
			if h.up.After(began) {
				h.since = h.up
			}
		}
		h.pause = min(max(2*h.pause, downFirst), downMost)
		h.retryAt = now.Add(h.pause)
		if h.said.Fresh(now, err.Error()) {
			h.told, tell = true, true
		}
	}
	if h.changed != nil {
		close(h.changed)
	}
	h.changed = make(chan struct{})
	return tell
}

// A filesTrouble bounds how often it is said that there are too many open
// files: they come and go with each connection.
type filesTrouble struct {
	mu     sync.Mutex
	toldAt time.Time
}

func (f *filesTrouble) tell(now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.toldAt.IsZero() && now.Sub(f.toldAt) < SayAgain {
		return false
	}
	f.toldAt = now
	return true
}
