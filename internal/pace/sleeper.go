package pace

import (
	"runtime"
	"time"
)

const (
	// longWait is the longest that Until sleeps in the kernel, where nothing
	// can cancel it; before that it waits on a Go timer and on cancel.
	longWait = 20 * time.Millisecond

	// timerMargin is how long before the end of a long wait the Go timer is
	// to fire: it comes up to 10 ms late while other goroutines are busy.
	timerMargin = 10 * time.Millisecond

	// A sleep in the kernel ends late, by 40 µs as a rule and by 150 µs one
	// time in a hundred (2 virtual cores). So it is aimed at margin before
	// the deadline, and the rest is spun. The margin is learned: one sleep in
	// 16 may end after the deadline.
	leastMargin = 15 * time.Microsecond
	mostMargin  = 150 * time.Microsecond
	marginStep  = 2 * time.Microsecond
	marginOdds  = 15

	// Of all time at most a fifth is spun, with a reserve for a burst: at
	// many thousands a second a core would do nothing else. Without credit
	// the sleep is aimed at the deadline, and ends as late as it does.
	spinShare   = 5
	spinReserve = 2 * time.Millisecond
)

// A Sleeper waits until points in time on the system's monotonic clock, to
// some µs. One goroutine at a time uses it. It is not tied to a thread: what it
// hands a message to could then run only on another, whose wake-up takes
// longer than the sending. The program should run with GOMAXPROCS one above
// the number of cores: when a sleep ends, the thread needs a free P.
type Sleeper struct {
	clock
	timer *time.Timer

	margin  time.Duration
	credit  time.Duration // of spinning
	counted int64         // up to when credit was earned
	spun    time.Duration
	waited  bool
}

// NewSleeper returns a Sleeper.
func NewSleeper() *Sleeper {
	s := &Sleeper{
		clock:  newClock(),
		margin: (leastMargin + mostMargin) / 2,
		credit: spinReserve,
	}
	s.counted = s.Now()
	return s
}

// Yield lets who was given a message after the last Until go first, on this
// thread: to wake another for it takes longer than to send the message. After
// an Until that did not wait it does nothing.
func (s *Sleeper) Yield() {
	if s.waited {
		s.waited = false
		runtime.Gosched()
	}
}

// Until waits until deadline, in ns on the clock of Now, and returns true, or
// false at most longWait after cancel was closed. It returns at once when the
// deadline is past, and never before it.
func (s *Sleeper) Until(deadline int64, cancel <-chan struct{}) bool {
	for {
		select {
		case <-cancel:
			return false
		default:
		}
		now := s.Now()
		left := time.Duration(deadline - now)
		if left <= 0 {
			return true
		}
		if left <= longWait {
			s.earn(now)
			s.short(now, deadline)
			s.waited = true
			return true
		}
		if !s.long(left-timerMargin, cancel) {
			return false
		}
	}
}

// long waits for d, about, or for cancel.
func (s *Sleeper) long(d time.Duration, cancel <-chan struct{}) bool {
	if s.timer == nil {
		s.timer = time.NewTimer(d)
	} else {
		s.timer.Reset(d)
	}
	select {
	case <-s.timer.C:
		return true
	case <-cancel:
		s.timer.Stop()
		return false
	}
}

// earn adds the credit since it was last called.
func (s *Sleeper) earn(now int64) {
	s.credit = min(s.credit+time.Duration(now-s.counted)/spinShare, spinReserve)
	s.counted = now
}

// short waits until deadline, in the kernel and then spinning.
func (s *Sleeper) short(now, deadline int64) {
	if s.credit < s.margin {
		s.sleepUntil(deadline)
		return
	}
	if wake := deadline - int64(s.margin); wake > now {
		s.sleepUntil(wake)
		now = s.Now()
		s.learn(time.Duration(now - wake))
	}
	start := now
	for now < deadline {
		now = s.Now()
	}
	s.credit -= time.Duration(now - start)
	s.spun += time.Duration(now - start)
}

// learn moves the margin towards what marginOdds of marginOdds+1 sleeps stay
// under, given how late one was.
func (s *Sleeper) learn(late time.Duration) {
	if late > s.margin {
		s.margin = min(s.margin+marginStep, mostMargin)
	} else {
		s.margin = max(s.margin-marginStep/marginOdds, leastMargin)
	}
}
