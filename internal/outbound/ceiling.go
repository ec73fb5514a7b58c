package outbound

import (
	"sync"
	"sync/atomic"
	"time"
)

// A Ceiling is how many connections a target takes at a time, as far as that is
// known. Nothing is known until one is refused, is overdue, or ends before its
// first answer while others work: then there may be as many as work. More than the
// target has taken are tried after a pause that doubles each time: one at first,
// another when that one stands, and twice as many whenever one works. All methods
// are safe for concurrent use.
type Ceiling struct {
	refused atomic.Uint64

	mu      sync.Mutex
	open    int  // attempts that have not ended
	working int  // those of them that had an answer
	taken   int  // those that were left when the last failed, and that were taken since; valid iff known
	limit   int  // valid iff known
	known   bool // that the target takes no more
	careful bool // it accepts connections and then ends them
	pause   time.Duration
	retryAt time.Time // when more than limit may be tried
	beyond  int       // how many more, then
	since   time.Time // when the limit was last found; attempts that began before say no more
	told    bool
}

const (
	// ceilingFirst is the first pause: a listen backlog that was full for a moment
	// is worked off by then.
	ceilingFirst = 100 * time.Millisecond

	// ceilingMost is the longest. A try then costs one connection in ten seconds.
	ceilingMost = 10 * time.Second

	// SettleFor is how long a connection is left alone before its first request
	// when the target was seen to accept connections only to end them.
	SettleFor = 100 * time.Millisecond
)

// An Attempt is one connection, from before it is opened to its end.
type Attempt struct {
	of    *Ceiling
	begun time.Time
	works bool
	over  bool
}

// Begin notes that a connection is about to be opened.
func (c *Ceiling) Begin(now time.Time) Attempt {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
	return Attempt{of: c, begun: now}
}

// Allow returns how many connections there may be, at most most. When those are
// fewer, another look after the pause again may find more.
func (c *Ceiling) Allow(now time.Time, most int) (n int, again time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.known:
		return most, 0
	case now.Before(c.retryAt):
		n, again = c.limit, c.retryAt.Sub(now)
	default:
		// Nothing is known of these for a while; look again then. Those that the
		// target took may all still wait for their first answer.
		n, again = max(c.limit, c.taken)+c.beyond, ceilingFirst
	}
	if n >= most {
		return most, 0
	}
	return n, again
}

// Refused is how many connections could not be had while others worked.
func (c *Ceiling) Refused() uint64 { return c.refused.Load() }

// Forget is told that no connection is left: what comes then is another target,
// as far as anyone knows.
func (c *Ceiling) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.careful, c.pause = false, false, 0
}

// Careful reports whether the connection should be left alone for SettleFor
// before its first request.
func (a *Attempt) Careful() bool {
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	return a.of.known && a.of.careful && !a.works
}

// Stands is told that the target took the connection, and has not ended it since, if
// it is one that does.
func (a *Attempt) Stands() {
	c := a.of
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known && !a.over && a.begun.After(c.since) {
		c.taken = min(c.taken+1, c.open)
	}
}

// Works is told that an answer came.
func (a *Attempt) Works() {
	if a.works {
		return
	}
	a.works = true
	c := a.of
	c.mu.Lock()
	defer c.mu.Unlock()
	c.working++
	if !c.known {
		return
	}
	c.limit = max(c.limit, c.working)
	if a.begun.After(c.since) { // one that was tried
		c.pause, c.beyond = 0, 2*c.beyond
		c.retryAt = time.Time{}
	}
}

// Fail is told that the target refused the connection, or that it ended before its
// first answer, which is what connected says, while others work. It reports
// whether people are to be told; they are once.
func (a *Attempt) Fail(now time.Time, connected bool) (tell bool) {
	c := a.of
	c.refused.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	a.end()
	c.limit, c.taken = max(c.working, 1), c.open
	c.careful = c.careful || connected
	if !c.known || a.begun.After(c.since) {
		c.known, c.since = true, now
		c.pause = min(max(2*c.pause, ceilingFirst), ceilingMost)
		c.retryAt, c.beyond = now.Add(c.pause), 1
	}
	tell = !c.told
	c.told = true
	return tell
}

// End is told that the connection is not needed any more.
func (a *Attempt) End() {
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	a.end()
}

func (a *Attempt) end() {
	c := a.of
	if a.works {
		c.working--
	}
	if !a.over {
		c.open--
		c.taken = min(c.taken, c.open)
	}
	a.works, a.over = false, true
}
