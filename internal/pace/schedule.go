package pace

import (
	"math"
	"math/bits"
	"time"
)

const (
	// GapNotice is the wait that a person should be told of: longer than a
	// pause in traffic, as between recordings that were appended.
	GapNotice = time.Minute

	// loneGap stands for the mean gap of a pass that has none, so that a
	// recording of one request does not loop as fast as it can.
	loneGap = second

	// stepBackRun is how many records in a row must be behind the latest, and in
	// order among themselves, for the recorder's clock to have been set back. A
	// few behind the others are uploads that took so long.
	stepBackRun = 16
)

// A stepRun counts records in a row that are behind another one. The zero value
// is ready for use.
type stepRun struct {
	n    int
	last int64 // time of the record before, when n is not 0
}

// steps adds a record of time t. It reports whether the run is long enough, by
// whatever it is behind, and begins anew then.
func (r *stepRun) steps(t int64) bool {
	if r.n > 0 && t < r.last {
		r.n = 0
	}
	r.last = t
	r.n++
	if r.n < stepBackRun {
		return false
	}
	r.n = 0
	return true
}

// Timing says how a recording's times become those of its replay.
type Timing struct {
	Speed int  // percent of the recorded pace; 0 is 100
	Max   bool // do not wait at all; nothing else counts then
	Rate  int  // messages a second instead of the recorded pace; 0 for the latter

	// MaxWait shortens a longer wait between two messages of the replay, that
	// is after Speed; 0 leaves all as they are.
	MaxWait time.Duration

	// Catchup bounds the pace of what is late, in percent of the planned
	// pace; at 100 a delay is never made up for. 0 lets all of it go at once.
	Catchup int
}

// A Slot is where one message stands in time, in ns on the clock of Due's now.
type Slot struct {
	// Plan is when the message is due. The lag is measured from here.
	Plan int64

	// Send is when it may go, never before Plan: Catchup may hold it back.
	Send int64

	// Gap is the planned wait since the message before it if that is longer
	// than GapNotice, and else 0.
	Gap time.Duration
}

// A Schedule plans a replay on an absolute clock: a message is due at
// start + (its time - the first one's) / speed, in whole numbers, so that
// nothing adds up over days. Neither Plan nor Send ever goes back. Not safe
// for concurrent use.
type Schedule struct {
	timing Timing
	speed  uint64
	begun  bool

	// A message at time t is due at anchor + (t - anchorTime) / speed.
	anchor, anchorTime int64
	latest             int64   // the latest record time
	run                stepRun // of records behind it

	last     int64  // Plan of the last message
	released int64  // the earliest that it can have gone
	sent     uint64 // messages so far, for Rate

	first   int64 // Plan of this pass's first message
	pass    int64 // messages of this pass
	newPass bool

	shortened int
	saved     time.Duration
}

// NewSchedule returns a Schedule whose first message is due at once.
func NewSchedule(t Timing) *Schedule {
	s := &Schedule{timing: t, speed: uint64(max(t.Speed, 0))}
	if s.speed == 0 {
		s.speed = 100
	}
	return s
}

// Due plans the next message, which was recorded at time t, in ns since 1970.
// now is the present, in ns on any clock that does not go back; the first call
// makes it the start. A message recorded before one that was planned already
// is due at once.
func (s *Schedule) Due(t, now int64) Slot {
	if s.timing.Max {
		s.last = max(s.last, now)
		return Slot{Plan: s.last, Send: s.last}
	}
	before, begun := s.last, s.begun
	plan := s.plan(t, now)
	s.last = plan
	s.pass++
	s.sent++

	slot := Slot{Plan: plan, Send: plan}
	if begun {
		gap := plan - before
		if gap > int64(GapNotice) {
			slot.Gap = time.Duration(gap)
		}
		if c := s.timing.Catchup; c > 0 {
			slot.Send = max(plan, after(s.released, mulDiv(uint64(gap), 100, uint64(c))))
		}
	}
	s.released = max(slot.Send, now)
	return slot
}

func (s *Schedule) plan(t, now int64) int64 {
	switch {
	case !s.begun:
		s.begun = true
		s.startPass(t, now)
		return now
	case s.timing.Rate > 0:
		return after(s.anchor, mulDiv(s.sent, second, uint64(s.timing.Rate)))
	case s.newPass:
		s.startPass(t, after(s.last, s.meanGap()))
		return s.first
	case t <= s.latest:
		return s.planBehind(t)
	}
	s.latest, s.run.n = t, 0
	// Unsigned: right even where the difference has no place in an int64.
	plan := after(s.anchor, mulDiv(uint64(t)-uint64(s.anchorTime), 100, s.speed))
	if w := int64(s.timing.MaxWait); w > 0 && plan-s.last > w {
		s.shortened++
		s.saved += time.Duration(plan - s.last - w)
		plan = after(s.last, uint64(w))
		s.anchor, s.anchorTime = plan, t
	}
	return plan
}

// planBehind plans a message that is not later than the latest one.
func (s *Schedule) planBehind(t int64) int64 {
	if t == s.latest {
		return s.last
	}
	if s.run.steps(t) {
		// Go on from here at the recorded pace, not with all that is left.
		s.anchor, s.anchorTime, s.latest = s.last, t, t
	}
	return s.last
}

func (s *Schedule) startPass(t, plan int64) {
	s.newPass = false
	s.pass = 0
	s.first = plan
	if s.timing.Rate <= 0 || s.sent == 0 {
		s.anchor = plan
	}
	s.anchorTime, s.latest, s.run.n = t, t, 0
}

// Ahead returns when a message that was recorded at time t will be due, as far as
// can be told from the one that Due planned last. It is the n-th behind that one.
func (s *Schedule) Ahead(t int64, n int) int64 {
	switch {
	case s.timing.Rate > 0:
		return after(s.last, mulDiv(uint64(n), second, uint64(s.timing.Rate)))
	case t <= s.latest:
		return s.last
	}
	wait := mulDiv(uint64(t)-uint64(s.latest), 100, s.speed)
	if w := int64(s.timing.MaxWait); w > 0 {
		wait = min(wait, uint64(w))
	}
	return after(s.last, wait)
}

// Loop starts the recording again: the next message is its first, due one mean
// gap after the last.
func (s *Schedule) Loop() { s.newPass = s.begun }

// meanGap returns the mean gap of the pass that ends.
func (s *Schedule) meanGap() uint64 {
	if s.pass < 2 || s.last == s.first {
		return loneGap
	}
	return uint64((s.last - s.first) / (s.pass - 1))
}

// Shortened returns how many waits MaxWait cut, and the time that saved.
func (s *Schedule) Shortened() (n int, saved time.Duration) { return s.shortened, s.saved }

// after returns t + d, or the end of time.
func after(t int64, d uint64) int64 {
	if d > math.MaxInt64 || t > 0 && int64(d) > math.MaxInt64-t {
		return math.MaxInt64
	}
	return t + int64(d)
}

// mulDiv returns a*b/c without loss in between, or the largest int64. The
// product would not fit 64 bits for a recording of three years.
func mulDiv(a, b, c uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	if hi >= c {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, c)
	return min(q, math.MaxInt64)
}
