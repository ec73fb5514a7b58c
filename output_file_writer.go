package main

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// A fileWriter takes messages from the queue and appends them as records to a
// buffer for each file. It writes a buffer, whole records only, in one call:
// when the buffers are full, when the flush interval is over, and when the
// bell rings. A message is Done when it is in its file.
type fileWriter struct {
	q        *queue.Queue
	names    *fileName
	mode     uint32
	interval time.Duration
	buffer   int // bytes of records that are held back at most
	logf     func(format string, args ...any)
	prefix   string // of what is said

	bell    *bell
	closing chan struct{}
	reopen  atomic.Bool

	// The goroutine's own: the files, last used first.
	rung    <-chan struct{}
	napping *time.Timer
	targets []*recordTarget
	most    int // of them
	pack    packers
	pending int       // bytes of records in all buffers
	oldest  time.Time // when the first of them came
	said    string    // the failure that was reported last

	delivered, recordBytes, fileBytes, opened atomic.Uint64
	failures                                  *stats.Reasons
	current                                   atomic.Pointer[string] // the file opened last
}

// A recordTarget is a name that is written to and the records that are held
// back.
type recordTarget struct {
	name    string
	file    *recordFile // nil: not open
	records []byte
	held    []queue.Item // the messages of records
}

// Reasons of failures.
const (
	failedNoRecord = iota
	failedWrite
)

const (
	// fileBuffer is how much is written at once. From 64 KiB on, the cost of
	// a write is that of its bytes; compression wants some more.
	fileBuffer = 256 << 10

	// keptBuffers is how much memory the buffers of all files keep: with one
	// file enough for an upload of a megabyte, whose buffer would otherwise be
	// made anew for each.
	keptBuffers = 8 * fileBuffer

	// fileBatch is how many messages are taken from the queue at once.
	fileBatch = 256

	// gather is how long messages may gather in the queue when few come. At
	// 1 GB/s a megabyte comes in that time, far less than the queue holds.
	gather = time.Millisecond

	// openFiles is how many files are open when their names depend on the
	// messages: %t needs three, for %r there is no number that would do.
	openFiles = 16
)

func newFileWriter(pattern string, q *queue.Queue, s *Settings, env *pluginEnv) *fileWriter {
	w := &fileWriter{
		q: q, names: newFileName(pattern), mode: s.FileMode, interval: s.FileFlushInterval,
		// What is held back stays in the queue's account: it must not fill it.
		buffer: max(min(fileBuffer, env.queueBytes/4), 1),
		logf:   env.logf, prefix: "output-file " + pattern,
		bell: newBell(), closing: make(chan struct{}), most: 1,
		failures: stats.NewReasons("failed: no record", "failed: write"),
	}
	w.rung = w.bell.next()
	if w.names.perMessage {
		w.most = openFiles
	}
	return w
}

// tryOpen finds out what would fail, so that it is said at the start and not
// at the first request. A file whose name will be known later leaves its
// folder to look at.
func (w *fileWriter) tryOpen(now time.Time) error {
	if w.names.varies() {
		return checkFolder(w.names.folder(now))
	}
	return w.open(w.target(w.names.at(now, nil)))
}

// fileName returns the name of the file that was opened last.
func (w *fileWriter) fileName() string {
	if name := w.current.Load(); name != nil {
		return *name
	}
	return ""
}

// run takes messages until the queue is closed and empty, or closing.
func (w *fileWriter) run() {
	batch := make([]queue.Item, fileBatch)
	for {
		n := w.q.GetBatch(batch, w.rung, w.idle())
		w.addAll(batch[:n])
		if n > 0 && n < fileBatch/8 {
			w.nap()
		}
		if halted(w.closing) {
			w.end()
			return
		}
		urgent := halted(w.rung)
		if urgent {
			// What was put before the ring is in the queue now; a ring after
			// this line ends the next wait.
			w.rung = w.bell.next()
			for left := w.q.Len(); left > 0; left -= n {
				if n = w.q.GetBatch(batch[:min(left, len(batch))], nil, time.Millisecond); n == 0 {
					break
				}
				w.addAll(batch[:n])
			}
		}
		if urgent || w.pending >= w.buffer || w.pending > 0 && time.Since(w.oldest) >= w.interval {
			w.flushAll()
		}
		if w.reopen.CompareAndSwap(true, false) {
			w.flushAll()
			w.closeAll()
		}
	}
}

// nap lets messages gather when they trickle in: to wake up for each costs
// more than to write it.
func (w *fileWriter) nap() {
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
func (w *fileWriter) idle() time.Duration {
	if w.pending == 0 {
		return 0
	}
	return max(w.interval-time.Since(w.oldest), time.Millisecond)
}

func (w *fileWriter) addAll(batch []queue.Item) {
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
func (w *fileWriter) add(it queue.Item, now time.Time) {
	t := w.target(w.names.at(now, it.Bytes))
	before := len(t.records)
	t.records = payload.AppendRecord(t.records, it.Bytes)
	size := len(t.records) - before
	if size == 0 { // it has no header, and would damage the file
		w.failures.Add(failedNoRecord)
		w.q.Done(it, true)
		return
	}
	if w.pending == 0 {
		w.oldest = now
	}
	t.held = append(t.held, it)
	w.pending += size
	if w.pending >= w.buffer && !halted(w.closing) {
		w.flushAll()
	}
}

// target returns the target of that name, and makes room for it.
func (w *fileWriter) target(name []byte) *recordTarget {
	for i, t := range w.targets {
		if t.name != string(name) {
			continue
		}
		if i > 0 {
			copy(w.targets[1:i+1], w.targets[:i])
			w.targets[0] = t
		}
		return t
	}
	if len(w.targets) >= w.most {
		last := len(w.targets) - 1
		w.flush(w.targets[last])
		w.done(w.targets[last], false) // nothing, unless closing
		w.leave(w.targets[last])
		w.targets = w.targets[:last]
	}
	t := &recordTarget{name: string(name)}
	w.targets = slices.Insert(w.targets, 0, t)
	return t
}

func (w *fileWriter) closeAll() {
	for _, t := range w.targets {
		w.leave(t)
	}
}

// end writes what is held back, without trying again, and lets go of the rest.
func (w *fileWriter) end() {
	for _, t := range w.targets {
		w.flush(t)
		w.done(t, false)
	}
	w.q.Discard()
	w.closeAll()
}
