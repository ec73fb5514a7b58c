// Package replay reads recordings and gives their messages at the pace at which
// they were recorded, or at another one.
package replay

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// A Replay is an input that gives recordings on their own schedule. Messages are read and
// decoded a window ahead, and the precise wait for the next one happens in
// the goroutine that calls Read: handing it over from another would cost a
// switch between the two each time.
//
// The first message of a Replay goes at once, so that several of them start
// together, each from its own beginning. Recordings that are to keep their
// distance are sources of one Replay.
type Replay struct {
	cfg  Config
	name string // what messages call it

	// What follows, to cancel, is Read's alone.
	files    *mergedFiles
	window   *pace.Reorder
	schedule *pace.Schedule
	clock    clock
	dry      bool  // nothing waits: pauses are not told of
	inPass   int   // messages of this pass so far
	over     error // why files gives no more; the window may still
	err      error // how it ended; stays

	msg    []byte // taken from the window, not yet given
	source int    // whose it is; also once it was given
	slot   pace.Slot
	due    bool // the wait for msg is over

	ahead   *lookahead // nil: nobody wants to know
	planned int64      // when msg was, on the schedule's clock

	cancel chan struct{}
	once   sync.Once

	given    atomic.Uint64
	shuffled atomic.Uint64 // of the passes that are over, and the present one
	late     atomic.Uint64
	before   [2]uint64 // shuffled and late of the passes that are over
	lag      *stats.Histogram
	lagNow   atomic.Int64 // ns, of the last message
	span     replaySpan
	position position
	ends     ends
}

var _ plugin.Input = (*Replay)(nil)

// A clock is the part of pace.Sleeper that a replay uses.
type clock interface {
	Now() int64
	Yield()
	Until(deadline int64, cancel <-chan struct{}) bool
}

// reorderBytes bounds the messages that are held back to put late ones in
// order.
const reorderBytes = 4 << 20

// Open opens the recordings and reads the first record of each. The error is
// ErrNoName, a *LoopError, of filepath.ErrBadPattern, or about a file.
func Open(cfg Config) (*Replay, error) {
	files, err := openMerged(cfg)
	if err != nil {
		return nil, err
	}
	switch speed := cfg.speed(); speed.Kind {
	case pace.LimitMax:
		cfg.Timing.Max = true
	default:
		cfg.Timing.Speed = speed.N
	}
	f := &Replay{
		cfg:      cfg,
		name:     cfg.name(),
		ahead:    newLookahead(&cfg),
		files:    files,
		window:   pace.NewReorder(cfg.Depth, reorderBytes),
		schedule: pace.NewSchedule(cfg.Timing),
		clock:    pace.NewSleeper(),
		cancel:   make(chan struct{}),
		lag:      stats.NewHistogram(),
	}
	f.begin()
	return f, nil
}

func (f *Replay) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	if f.msg == nil {
		f.clock.Yield()
		if halted(f.cancel) {
			return 0, f.end(io.EOF)
		}
		if err := f.next(); err != nil {
			return 0, f.end(err)
		}
	}
	if len(p) < len(f.msg) {
		return 0, io.ErrShortBuffer
	}
	if !f.due && !f.wait() {
		return 0, f.end(io.EOF)
	}
	n := copy(p, f.msg)
	if payload.IsRequest(f.msg) {
		f.ahead.gave()
	}
	f.msg = nil
	f.window.Release()
	f.given.Add(1)
	return n, nil
}

// next takes the next message in the order of time and plans it.
func (f *Replay) next() error {
	err := f.fill()
	f.shuffled.Store(f.before[0] + f.window.OutOfOrder())
	f.late.Store(f.before[1] + f.window.Late())
	msg, at, ok := f.window.Pop()
	if !ok {
		if err == io.EOF && f.given.Load() == 0 && !halted(f.cancel) {
			f.cfg.Logf("%s holds no records", f.name)
		}
		return err
	}
	f.msg, f.source = msg, f.window.Source()
	before := f.span.recorded.Load()
	f.span.note(at)
	if f.cfg.Timing.Max {
		if f.span.began.Load() == 0 {
			f.span.began.Store(f.clock.Now())
		}
		f.due = true
		return nil
	}
	now := f.clock.Now()
	f.slot, f.due, f.planned = f.schedule.Due(at, now), false, now
	f.span.began.CompareAndSwap(0, now)
	f.position.move(before, f.span.recorded.Load(), f.slot.Send)
	if f.slot.Gap > 0 && !f.dry {
		f.cfg.Logf("%s: the next request comes in %s; %s shortens such pauses",
			f.name, f.slot.Gap.Round(time.Second), f.cfg.Hints.MaxWait)
	}
	return nil
}

// fill reads until the window is full. An error, io.EOF too, counts only once
// the window is empty.
func (f *Replay) fill() error {
	for f.over == nil && !f.window.Full() {
		msg, at, source, err := f.files.next()
		switch {
		case err == nil:
			f.window.Push(at, msg, source)
			if payload.IsRequest(msg) {
				f.ahead.add(at, msg)
			}
			f.inPass++
		case err == io.EOF && f.cfg.Loop && f.inPass > 0:
			if f.window.Len() > 0 {
				return nil // the pass is not over before its last message is given
			}
			f.over = f.again()
		default:
			f.over = err
		}
	}
	return f.over
}

// again starts the next pass. The window is new, since to the old one all of
// the pass would come too late.
func (f *Replay) again() error {
	f.before[0] += f.window.OutOfOrder()
	f.before[1] += f.window.Late()
	f.window = pace.NewReorder(f.cfg.Depth, reorderBytes)
	f.inPass = 0
	f.span.pass()
	f.schedule.Loop()
	return f.files.rewind()
}

// wait waits until the message's time and notes how late it is. It reports
// false when the input was closed.
func (f *Replay) wait() bool {
	if !f.foresee() || !f.clock.Until(f.slot.Send, f.cancel) {
		return false
	}
	f.due = true
	lag := f.clock.Now() - f.slot.Plan
	f.lag.Record(time.Duration(lag))
	f.lagNow.Store(lag)
	return true
}

// end releases what the input holds, and keeps and returns its last error.
func (f *Replay) end(err error) error {
	if halted(f.cancel) {
		err = io.EOF // whatever a file said that Close closed
	}
	f.msg, f.err = nil, err
	f.window = nil
	f.span.end(f.clock.Now(), f.schedule)
	f.files.close()
	return err
}

// Close ends the replay; what was read ahead is not given any more.
func (f *Replay) Close() error {
	f.once.Do(func() {
		close(f.cancel)
		f.files.interrupt()
	})
	return nil
}

// Live returns false: a recording can wait.
func (f *Replay) Live() bool { return false }

// String names the recordings with their speed. What limits the messages of one
// source is not seen from outside, and so named here too, unless it is the only
// one.
func (f *Replay) String() string {
	names := make([]string, len(f.cfg.Sources))
	for i, s := range f.cfg.Sources {
		names[i] = s.Pattern
		if s.Limit.Kind != pace.LimitNone && (s.Limit.Kind != pace.LimitCount || len(names) > 1) {
			names[i] += "|" + s.Limit.String()
		}
	}
	return f.cfg.Kind + " " + strings.Join(names, ", ")
}

// Source returns the index of the source whose message Read gave last. Only the
// goroutine that reads may call it.
func (f *Replay) Source() int { return f.source }

// halted reports whether a channel was closed.
func halted(stop <-chan struct{}) bool {
	select {
	case <-stop:
		return true
	default:
		return false
	}
}
