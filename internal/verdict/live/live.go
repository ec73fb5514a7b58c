// Package live makes a verdict while traffic is replayed: it is an output that takes
// requests, what the original server answered to them and what targets answer now, and
// has the answers compared as soon as they are all there.
package live

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/verdict"
	"github.com/buger/gor/internal/verdict/join"
	"github.com/buger/gor/internal/verdict/report"
)

const (
	// window bounds the groups that wait in memory for an answer, in bytes: with the
	// queue and what waits to be compared it stays below a third of what Gor may take.
	window = 4 << 20

	// answersMost bounds the answers that wait to be joined, in bytes. They are shed when
	// there is no room, and come in bursts while the processors are busy with sending:
	// this is two seconds of a server that answers 5,000 requests a second.
	answersMost = 8 << 20

	// counters bounds the counters and samples of all versions together, in bytes: half
	// of what the heap of a run is meant to be, with the window, and enough for 10,000
	// differences.
	counters = 8 << 20

	// diskMost bounds the temporary files of groups that found no room in memory, in
	// bytes. What a target never answers stays there until the end, and a capture may
	// go on for weeks.
	diskMost = 1 << 30

	// late is how long an answer may take from its request on, the time in which the
	// request waits for a connection included.
	late = 10 * time.Minute
)

// A Config says what to compare and where to write what was found.
type Config struct {
	// Name is the output's name for people.
	Name string

	// Labels are those of the targets, "" for one without. None is there twice. Nil:
	// no target is asked, and the messages have all answers already.
	Labels []string

	// Comparison has the rules and the limits; the rest of it is set by Open.
	Comparison join.Config

	// Reports are written at the end. Files are recordings made by the same run, for
	// the commands that show a pair.
	Reports report.Config
	Files   []string

	// FailOn says for what the run is a failure.
	FailOn verdict.FailOn

	// QueueBytes bounds what inputs gave and waits to be joined, and Large makes the copies of large
	// messages; it may be nil.
	QueueBytes int
	Large      *buffers.Copies

	// Advice says what to do when nothing could be compared.
	Advice string

	// Logf writes one line for people.
	Logf func(format string, args ...any)
}

// An Output makes verdicts.
type Output struct {
	cfg       Config
	q         *queue.Queue // what inputs give, which may wait for it
	answers   *queue.Queue // what targets answer, which is shed when there is no room
	originals bool         // what was recorded is compared

	adding     sync.Mutex // for comparison and broken
	relieved   *sync.Cond // of adding: some answers were taken, or nothing more is
	comparison *join.Comparison
	broken     error         // what stopped the comparison
	cancel     chan struct{} // closed to stop taking from the queues
	taken      sync.WaitGroup

	any       atomic.Bool // a message came
	delivered atomic.Uint64
	unsent    atomic.Uint64
	failures  *stats.Reasons

	draining        atomic.Bool // Drain was called
	closing, ending sync.Once
	mu              sync.Mutex
	ended           bool
	verdicts        []join.Verdict
	trouble         error // why there is no verdict, or not all reports
}

var _ plugin.Output = (*Output)(nil)

// Why a message was not compared: indexes into the counters.
const (
	failMalformed = iota
	failFile
	notCompared
)

// Open makes an output.
func Open(cfg Config) (*Output, error) {
	if err := checkReports(&cfg); err != nil {
		return nil, err
	}
	c := cfg.Comparison
	c.Labels, c.Counters = cfg.Labels, counters
	c.Joining.Window, c.Joining.DiskMost, c.Joining.Late = window, diskMost, late
	comparison, err := join.NewComparison(c)
	if err != nil {
		return nil, err
	}
	o := &Output{
		cfg: cfg, q: queue.New(0, cfg.QueueBytes), answers: queue.New(0, answersMost), comparison: comparison,
		cancel: make(chan struct{}),
		failures: stats.NewReasons([]stats.Count{
			failMalformed: {Name: "failed: malformed", Kind: stats.Unfit},
			failFile:      {Name: "failed: temporary file", Kind: stats.Failed},
			notCompared:   {Name: stats.IgnoredRow, Kind: stats.Ignored},
		}),
	}
	o.originals, o.relieved = true, sync.NewCond(&o.adding)
	for _, label := range cfg.Labels {
		o.originals = o.originals && label != join.Primary
	}
	for _, q := range o.queues() {
		q.Share(cfg.Large)
		o.taken.Go(func() { o.take(q) })
	}
	return o, nil
}

// checkReports returns an error when a report could not be written.
func checkReports(cfg *Config) error {
	var versions []string
	for _, label := range cfg.Labels {
		if label != join.Primary && label != join.Secondary {
			versions = append(versions, label)
		}
	}
	if len(versions) < 2 {
		return cfg.Reports.Check()
	}
	for _, label := range versions {
		own := cfg.Reports.For(label)
		if err := own.Check(); err != nil {
			return err
		}
	}
	return nil
}

// queues lists both.
func (o *Output) queues() [2]*queue.Queue { return [...]*queue.Queue{o.q, o.answers} }

// Write takes requests and answers. What was recorded is of no use when the old version
// is asked again.
func (o *Output) Write(p []byte) (int, error) {
	meta, _, err := payload.Split(p)
	q := o.q
	switch {
	case err != nil:
		o.failures.Add(failMalformed)
		return len(p), nil
	case meta.Type > payload.ReplayResponse || meta.Type == payload.Response && !o.originals:
		o.failures.Add(notCompared)
		return len(p), nil
	case meta.Type == payload.ReplayResponse:
		q = o.answers
	}
	if err := q.Put(p); err != nil {
		return 0, err
	}
	o.any.Store(true)
	return len(p), nil
}

// batch is how many messages are taken at a time.
const batch = 64

// take hands what a queue has to the comparison.
func (o *Output) take(q *queue.Queue) {
	var items [batch]queue.Item
	for {
		n := q.GetBatch(items[:], o.cancel, 0)
		if n == 0 {
			return
		}
		o.addAll(q, items[:n])
	}
}

// addAll adds messages of one queue. Answers go first when many of them wait, since
// nobody else waits for them.
func (o *Output) addAll(q *queue.Queue, items []queue.Item) {
	o.adding.Lock()
	defer o.adding.Unlock()
	for i := range items {
		for q != o.answers && o.answers.HalfFull() && !o.cancelled() {
			o.relieved.Wait()
		}
		o.add(items[i].Bytes)
	}
	q.DoneBatch(items, true) // before anybody looks again how full it is
	o.relieved.Broadcast()
}

func (o *Output) cancelled() bool {
	select {
	case <-o.cancel:
		return true
	default:
		return false
	}
}

// add is called with the lock held.
func (o *Output) add(msg []byte) {
	if o.broken != nil {
		o.failures.Add(failFile)
		return
	}
	if err := o.comparison.Add(0, msg); err != nil { // Write has seen to the header
		o.broken = err
		o.failures.Add(failFile)
		o.cfg.Logf("%s: %v: what comes from now on is not compared", o, err)
		return
	}
	o.delivered.Add(1)
}

// Room is that of the inputs' queue: nobody waits for room for answers.
func (o *Output) Room(cancel <-chan struct{}, d time.Duration) bool { return o.q.Room(cancel, d) }

// LastProgress is when a message was taken, or a pair compared.
func (o *Output) LastProgress() time.Time {
	last := o.comparison.Moved()
	for _, q := range o.queues() {
		if at := q.LastProgress(); at.After(last) {
			last = at
		}
	}
	return last
}

func (o *Output) String() string { return o.cfg.Name }

// Responses returns nil: nobody answers.
func (o *Output) Responses() plugin.Input { return nil }
