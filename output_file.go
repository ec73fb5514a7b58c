package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// fileOutput records. Write queues, and one goroutine, the fileWriter, does
// everything that touches the disk.
type fileOutput struct {
	pattern string
	q       *queue.Queue
	w       *fileWriter
	taken   atomic.Uint64 // messages that Write took
	once    sync.Once
	closed  atomic.Bool
	gone    chan struct{} // closed when the writer has ended

	patience time.Duration // see closePatience
}

var _ Output = (*fileOutput)(nil)

const (
	// fileQueue is how many messages may wait for the disk; their bytes have
	// the bound that all outputs share.
	fileQueue = 64 << 10

	// closePatience is how long Close waits for a write that hangs, as on a
	// network file system whose server is away: nothing ends such a write.
	closePatience = 2 * time.Second
)

var errNoRecordingName = errors.New("want the name of a file, such as requests.gor")

func newFileOutput(pattern string, s *Settings, env *pluginEnv) (Output, error) {
	if pattern == "" {
		return nil, asUsage(errNoRecordingName)
	}
	if s.FileAppend && s.FileSizeLimit+s.FileQueueLimit > 0 {
		env.logf("output-file %s: --output-file-append makes no chunks: --output-file-size-limit and --output-file-queue-limit do nothing", pattern)
	}
	q := env.newQueue(fileQueue)
	w := newFileWriter(pattern, q, s, env)
	o := &fileOutput{pattern: pattern, q: q, w: w, gone: make(chan struct{}), patience: closePatience}
	o.reopenOnHangup(env)
	if err := w.tryOpen(time.Now()); err != nil {
		close(o.gone)
		return nil, explainOpen(err)
	}
	go func() {
		defer close(o.gone)
		w.run()
	}()
	return o, nil
}

func (o *fileOutput) Write(p []byte) (int, error) {
	if err := o.q.Put(p); err != nil {
		if errors.Is(err, queue.ErrFull) && o.q.Len() == 0 {
			// All room is taken by what the writer holds for its next flush,
			// as before a message of nearly the queue's size.
			o.w.bell.ring()
		}
		return 0, err
	}
	o.taken.Add(1)
	return len(p), nil
}

// Settle has everything written at once, without waiting for the flush
// interval.
func (o *fileOutput) Settle(cancel <-chan struct{}) error {
	o.w.bell.ring()
	return o.q.Settle(cancel)
}

func (o *fileOutput) Drain(cancel <-chan struct{}) error { return o.Settle(cancel) }

// Close has the writer write what it holds already, and gives up the rest.
func (o *fileOutput) Close() error {
	o.once.Do(func() {
		o.q.Close()
		close(o.w.closing)
		o.w.bell.ring()
	})
	defer o.closed.Store(true)
	patience := time.NewTimer(o.patience)
	defer patience.Stop()
	select {
	case <-o.gone:
		return nil
	case <-patience.C:
		return fmt.Errorf("close %q: a write to it hangs", o.w.fileName())
	}
}

// reopen has the writer open its files again by their names, after what was
// written so far, as is wanted when another program has renamed them.
func (o *fileOutput) reopen() {
	o.w.reopen.Store(true)
	o.w.bell.ring()
}

func (o *fileOutput) Room(cancel <-chan struct{}, d time.Duration) bool { return o.q.Room(cancel, d) }
func (o *fileOutput) LastProgress() time.Time                           { return o.q.LastProgress() }
func (o *fileOutput) String() string                                    { return "output-file " + o.pattern }

func (o *fileOutput) Responses() Input { return nil }
func (o *fileOutput) Counts() []stats.Count {
	delivered, failed := o.w.delivered.Load(), o.w.failures.NonZero()
	unsent := uint64(0)
	if o.closed.Load() {
		unsent = o.taken.Load() - delivered - stats.Sum(failed)
	}
	return append([]stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: delivered},
		{Name: "unsent", Kind: stats.Unsent, N: unsent},
	}, failed...)
}

func (o *fileOutput) Report(r *report) {
	if n := o.w.stops.Load(); n > 0 {
		r.Value("interruptions", n)
		r.Line("interruptions of the recording: %d, %s in all", n, plugin.RoundSpan(time.Duration(o.w.stoppedFor.Load())))
	}
	records, written := o.w.recordBytes.Load(), o.w.fileBytes.Load()
	if written == 0 {
		return
	}
	where := o.w.fileName()
	if n := o.w.opened.Load(); n > 1 {
		where = fmt.Sprintf("%d files, the last %s", n, where)
	}
	r.Value("bytes_written", written)
	r.Value("record_bytes", records)
	if written < records {
		r.Line("wrote %d bytes, %d before compression, to %s", written, records, where)
		return
	}
	r.Line("wrote %d bytes to %s", written, where)
}

// A bell wakes a goroutine that waits in a select. Whoever keeps the channel
// until it is closed, and takes the next one before looking for work, misses
// no ring, however long the work takes.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

func newBell() *bell { return &bell{ch: make(chan struct{})} }

// next returns the channel that the next ring closes.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ch
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.ch)
	b.ch = make(chan struct{})
}
