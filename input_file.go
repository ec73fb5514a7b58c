package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/stats"
)

// fileInput replays recordings on their own schedule. Messages are read and
// decoded a window ahead, and the precise wait for the next one happens in
// the goroutine that calls Read: handing it over from another would cost a
// switch between the two each time.
//
// The first message of an --input-file goes at once, so that several of them
// start together, each from its own beginning. Recordings that are to keep
// their distance are named by one pattern.
type fileInput struct {
	pattern string
	limit   pace.Limit
	loop    bool
	depth   int
	logf    func(format string, args ...any)

	// What follows, to cancel, is Read's alone.
	files    *mergedFiles
	window   *pace.Reorder
	schedule *pace.Schedule
	clock    replayClock
	inPass   int   // messages of this pass so far
	over     error // why files gives no more; the window may still
	err      error // how it ended; stays

	msg  []byte // taken from the window, not yet given
	slot pace.Slot
	due  bool // the wait for msg is over

	cancel chan struct{}
	once   sync.Once

	given    atomic.Uint64
	shuffled atomic.Uint64 // of the passes that are over, and the present one
	late     atomic.Uint64
	before   [2]uint64 // shuffled and late of the passes that are over
	lag      *stats.Histogram
	lagNow   atomic.Int64 // ns, of the last message
	span     replaySpan
}

var _ Input = (*fileInput)(nil)

// A replayClock is the part of pace.Sleeper that a replay uses.
type replayClock interface {
	Now() int64
	Yield()
	Until(deadline int64, cancel <-chan struct{}) bool
}

// reorderBytes bounds the messages that are held back to put late ones in
// order.
const reorderBytes = 4 << 20

func newFileInput(pattern string, limit pace.Limit, s *Settings, env *pluginEnv) (Input, error) {
	f, err := openReplay(pattern, limit, s, env)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// paceFits refuses two paces for one replay.
func paceFits(limit pace.Limit, s *Settings) error {
	if s.FileRate > 0 && (limit.Kind == pace.LimitPercent || limit.Kind == pace.LimitMax) {
		return asUsage(fmt.Errorf("|%s and --input-file-rate %d both set the pace; leave one out", limit, s.FileRate))
	}
	return nil
}

func openReplay(pattern string, limit pace.Limit, s *Settings, env *pluginEnv) (*fileInput, error) {
	if err := paceFits(limit, s); err != nil {
		return nil, err
	}
	files, err := openMerged(pattern, s.MessageLimit, s.FileLoop, env.logf)
	if err != nil {
		return nil, err
	}
	timing := pace.Timing{MaxWait: s.FileMaxWait, Catchup: s.FileCatchup, Rate: s.FileRate}
	switch limit.Kind {
	case pace.LimitPercent:
		timing.Speed = limit.N
	case pace.LimitMax:
		timing.Max = true
	}
	return &fileInput{
		pattern: pattern, limit: limit, loop: s.FileLoop, depth: s.FileReadDepth, logf: env.logf,
		files:    files,
		window:   pace.NewReorder(s.FileReadDepth, reorderBytes),
		schedule: pace.NewSchedule(timing),
		clock:    pace.NewSleeper(),
		cancel:   make(chan struct{}),
		lag:      stats.NewHistogram(),
	}, nil
}

func (f *fileInput) Read(p []byte) (int, error) {
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
	f.msg = nil
	f.window.Release()
	f.given.Add(1)
	return n, nil
}

// next takes the next message in the order of time and plans it.
func (f *fileInput) next() error {
	err := f.fill()
	f.shuffled.Store(f.before[0] + f.window.OutOfOrder())
	f.late.Store(f.before[1] + f.window.Late())
	msg, at, ok := f.window.Pop()
	if !ok {
		if err == io.EOF && f.given.Load() == 0 && !halted(f.cancel) {
			f.logf("input-file %s holds no records", f.pattern)
		}
		return err
	}
	f.msg = msg
	f.span.note(at)
	if f.limit.Kind == pace.LimitMax {
		if f.span.began.Load() == 0 {
			f.span.began.Store(f.clock.Now())
		}
		f.due = true
		return nil
	}
	now := f.clock.Now()
	f.slot, f.due = f.schedule.Due(at, now), false
	f.span.began.CompareAndSwap(0, now)
	if f.slot.Gap > 0 {
		f.logf("input-file %s: the next request comes in %s; --input-file-max-wait 5s shortens such pauses",
			f.pattern, f.slot.Gap.Round(time.Second))
	}
	return nil
}

// fill reads until the window is full. An error, io.EOF too, counts only once
// the window is empty.
func (f *fileInput) fill() error {
	for f.over == nil && !f.window.Full() {
		msg, at, err := f.files.next()
		switch {
		case err == nil:
			f.window.Push(at, msg)
			f.inPass++
		case err == io.EOF && f.loop && f.inPass > 0:
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
func (f *fileInput) again() error {
	f.before[0] += f.window.OutOfOrder()
	f.before[1] += f.window.Late()
	f.window = pace.NewReorder(f.depth, reorderBytes)
	f.inPass = 0
	f.span.pass()
	f.schedule.Loop()
	return f.files.rewind()
}

// wait waits until the message's time and notes how late it is. It reports
// false when the input was closed.
func (f *fileInput) wait() bool {
	if !f.clock.Until(f.slot.Send, f.cancel) {
		return false
	}
	f.due = true
	lag := f.clock.Now() - f.slot.Plan
	f.lag.Record(time.Duration(lag))
	f.lagNow.Store(lag)
	return true
}

// end releases what the input holds, and keeps and returns its last error.
func (f *fileInput) end(err error) error {
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
func (f *fileInput) Close() error {
	f.once.Do(func() {
		close(f.cancel)
		f.files.interrupt()
	})
	return nil
}

func (f *fileInput) Live() bool { return false }

func (f *fileInput) String() string {
	name := "input-file " + f.pattern
	if f.limit.Kind != pace.LimitNone && f.limit.Kind != pace.LimitCount {
		name += "|" + f.limit.String()
	}
	return name
}

func (f *fileInput) Counts() []stats.Count {
	return append(f.files.counts(),
		stats.Count{Name: "records out of order", Kind: stats.Note, N: f.shuffled.Load()},
		stats.Count{Name: "records too late for their place", Kind: stats.Note, N: f.late.Load()})
}

// Progress is in bytes of the recordings. One that loops has no end.
func (f *fileInput) Progress() progress {
	p := progress{Lag: time.Duration(f.lagNow.Load())}
	if !f.loop {
		p.Done, p.All = f.files.progress()
	}
	return p
}

// Report says how the replay kept its time.
func (f *fileInput) Report(r *report) {
	f.span.report(r, f.given.Load(), f.lag)
}
