package recording

import (
	"io/fs"
	"slices"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// A writer takes messages from the queue and appends them as records to a
// buffer for each file. It writes a buffer, whole records only, in one call:
// when the buffers are full, when the flush interval is over, and when the
// bell rings. A message is Done when it is in its file.
type writer struct {
	q        *queue.Queue
	names    *names
	mode     fs.FileMode
	interval time.Duration
	buffer   int // bytes of records that are held back at most
	chunks   chunkLimits
	form     formats.Kind
	wait     time.Duration // for a response; see answerWait
	logf     func(format string, args ...any)
	kind     string // what messages call such an output
	prefix   string // what they call this one

	total     int                     // bytes of all files, 0: no limit
	totalName string                  // what messages call that
	room      func(path string) error // see Config.Room
	yield     func()                  // see Config.Yield
	readLimit int                     // see Config.MessageLimit

	bell    *queue.Bell
	closing chan struct{}
	ending  atomic.Bool // no message comes any more: none waits for another
	reopen  atomic.Bool

	// The goroutine's own: the files, last used first.
	rung    <-chan struct{}
	napping *time.Timer
	targets []*target
	most    int // of them
	pack    packers

	doneItems []queue.Item // scratch memory of wroteFormed
	pending   int          // bytes of records in all buffers
	oldest    time.Time    // when the first of them came
	said      string       // the failure that was reported last
	stopped   time.Time    // when it began
	over      bool         // total was reached: nothing is recorded any more

	delivered, ignored, recordBytes, fileBytes, opened atomic.Uint64
	stops, stoppedFor                                  atomic.Int64 // times, and ns of those that are over
	failures                                           *stats.Reasons
	current                                            atomic.Pointer[string] // the file opened last
}

// Reasons of failures.
const (
	failedNoRecord = iota
	failedWrite
	failedTotal
	failedForm
	failures
)

var failureRows = [failures]stats.Count{
	failedNoRecord: {Name: "failed: no record", Kind: stats.Unfit},
	failedWrite:    {Name: "failed: write", Kind: stats.Failed},
	failedTotal:    {Name: "failed: file size limit", Kind: stats.Unfit},
	failedForm:     {Name: "failed: has no place in such a file", Kind: stats.Unfit},
}

// Failures are the names of the rows of what could not be recorded.
func Failures() []string {
	var names []string
	for _, row := range failureRows {
		names = append(names, row.Name)
	}
	return names
}

const (
	// fileBuffer is how much is written at once. From 64 KiB on, the cost of
	// a write is that of its bytes; compression wants some more.
	fileBuffer = 256 << 10

	// keptBuffers is how much memory the buffers of all files keep: with one
	// file enough for an upload of a megabyte, whose buffer would otherwise be
	// made anew for each.
	keptBuffers = 8 * fileBuffer

	// fileBatch is how many messages are taken from the queue at once: 30 to 50 µs
	// of work, between two yields.
	fileBatch = 96

	// headerLine is more than what the header line of a record and its separator
	// add to a message.
	headerLine = 1 << 10

	// gather is how long messages may gather in the queue when few come. At
	// 1 GB/s a megabyte comes in that time, far less than the queue holds.
	gather = time.Millisecond
)

func newWriter(cfg Config, q *queue.Queue) *writer {
	w := &writer{
		q: q, names: newNames(cfg.Pattern), mode: cfg.Mode, interval: cfg.FlushInterval,
		// What is held back stays in the queue's account: it must not fill it.
		buffer: max(min(fileBuffer, cfg.QueueBytes/4), 1),
		logf:   cfg.Logf, prefix: cfg.Kind + " " + cfg.Pattern, kind: cfg.Kind,
		bell: &queue.Bell{}, closing: make(chan struct{}), most: 1,
		chunks: cfg.chunks(), form: cfg.Form, total: cfg.MaxBytes, totalName: cfg.MaxBytesName, room: cfg.Room, yield: cfg.Yield, readLimit: cfg.MessageLimit,
		failures: stats.NewReasons(failureRows[:]),
	}
	if w.room == nil {
		w.room = func(string) error { return nil }
	}
	if cfg.Form != formats.Recording {
		w.buffer = max(min(formedBuffer, 2*cfg.QueueBytes), 1) // Most is some times what a message takes in the queue
	}
	w.wait = cfg.answerWait
	if w.wait == 0 {
		w.wait = answerWait
	}
	if cfg.Form == formats.HAR {
		w.interval = min(w.interval, w.wait)
	}
	w.rung = w.bell.Next()
	if w.names.perMessage {
		w.most = openFiles
		if cfg.Form == formats.HAR {
			w.most = waitingFiles
		}
	}
	return w
}

// leftAlone tells of a file that is not continued.
func (w *writer) leftAlone(name, why, chunk string) {
	w.logf("%s: %s %s; recording to %s", w.kind, name, why, chunk)
}

// lastName returns the name of the file that was opened last.
func (w *writer) lastName() string {
	if name := w.current.Load(); name != nil {
		return *name
	}
	return ""
}

// run takes messages until the queue is closed and empty, or closing.
func (w *writer) run() {
	batch := make([]queue.Item, fileBatch)
	for {
		n := w.q.GetBatch(batch, w.rung, w.idle())
		w.addAll(batch[:n])
		if n == fileBatch && w.yield != nil && !w.q.HalfFull() {
			w.yield()
		}
		if n > 0 && n < fileBatch {
			w.nap()
		}
		if queue.IsClosed(w.closing) {
			w.end()
			return
		}
		urgent := queue.IsClosed(w.rung)
		if urgent {
			// What was put before the ring is in the queue now; a ring after
			// this line ends the next wait.
			w.rung = w.bell.Next()
			for left := w.q.Len(); left > 0; left -= n {
				n = w.q.GetBatch(batch[:min(left, len(batch))], nil, time.Millisecond)
				if n == 0 {
					break
				}
				w.addAll(batch[:n])
			}
		}
		if urgent || w.pending >= w.buffer || w.pending > 0 && time.Since(w.oldest) >= w.interval {
			w.flushAll(w.ending.Load())
		}
		if w.reopen.CompareAndSwap(true, false) {
			w.flushAll(true)
			w.closeAll()
		}
	}
}

// nap lets messages gather when they trickle in: to wake up for each costs
// more than to write it.
func (w *writer) nap() {
	if w.napping == nil {
		w.napping = time.NewTimer(gather)
	} else {
		w.napping.Reset(gather)
	}
	select {
	case <-w.napping.C:
	case <-w.rung:
	}
}

// idle is how long the writer may wait for a message: as long as it wants when
// it holds none back.
func (w *writer) idle() time.Duration {
	if w.pending == 0 {
		return 0
	}
	return max(w.interval-time.Since(w.oldest), time.Millisecond)
}

func (w *writer) addAll(batch []queue.Item) {
	if len(batch) == 0 {
		return
	}
	now := time.Now()
	for i := range batch {
		w.add(batch[i], now)
		batch[i] = queue.Item{}
	}
}

// add puts a message into the buffer of its file.
func (w *writer) add(it queue.Item, now time.Time) {
	if w.over {
		w.failures.Add(failedTotal)
		w.q.Done(it, true)
		return
	}
	t := w.target(w.names.at(now, it.Bytes))
	if t.form != nil {
		w.addFormed(t, it, now)
		return
	}
	before := len(t.records)
	if len(it.Bytes) > fileBuffer { // likewise at once
		t.records = slices.Grow(t.records, len(it.Bytes)+headerLine)
	}
	t.records = payload.AppendRecord(t.records, it.Bytes)
	size := len(t.records) - before
	if size == 0 { // it has no header, and would damage the file
		w.failures.Add(failedNoRecord)
		w.q.Done(it, true)
		return
	}
	whole := t.records
	t.records = whole[:before]
	if !w.limited(t, size) {
		t.records = whole
	} else if w.makeRoom(t, it, size) {
		t.records = payload.AppendRecord(t.records, it.Bytes)
	} else {
		return
	}
	w.hold(t, it, size, now)
}

// hold keeps a message until it is written, at once when there are enough.
func (w *writer) hold(t *target, it queue.Item, size int, now time.Time) {
	if w.pending == 0 {
		w.oldest = now
	}
	t.held = append(t.held, it)
	w.pending += size
	if w.pending >= w.buffer && !queue.IsClosed(w.closing) {
		w.flushAll(false)
	}
}

// end writes what is held back, without trying again, and lets go of the rest.
func (w *writer) end() {
	for _, t := range w.targets {
		w.flush(t, true)
		w.done(t, false)
	}
	if w.said != "" {
		w.resume()
	}
	w.q.Discard()
	w.closeAll()
}
