// Package recording writes messages to files that can be replayed: whole
// records only, appended to what is there, compressed when the name says so, in
// chunks, and never over what somebody else has written.
package recording

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

// A Recorder is an output that records. Write queues, and one goroutine, the
// writer, does everything that touches the disk.
type Recorder struct {
	name   string
	q      *queue.Queue
	w      *writer
	taken  atomic.Uint64 // messages that Write took
	once   sync.Once
	closed atomic.Bool
	ended  chan struct{} // closed when the writer has ended

	patience time.Duration // see closePatience
}

var _ plugin.Output = (*Recorder)(nil)

// closePatience is how long Close waits for a write that hangs, as on a
// network file system whose server is away: nothing ends such a write.
const closePatience = 2 * time.Second

// Open opens the first file, or finds out whether its folder can be written to
// when its name is not known yet. The error is ErrNoName, ErrNoChunks, or what the operating
// system said.
func Open(cfg Config) (*Recorder, error) {
	if cfg.Pattern == "" {
		return nil, ErrNoName
	}
	if err := cfg.mayChunk(newNames(cfg.Pattern), time.Now()); err != nil {
		return nil, err
	}
	q := queue.New(0, cfg.QueueBytes)
	q.Share(cfg.Large)
	w := newWriter(cfg, q)
	r := &Recorder{name: w.prefix, q: q, w: w, ended: make(chan struct{}), patience: closePatience}
	r.reopenOnHangup(cfg.RunOver, cfg.Background)
	if err := w.tryOpen(time.Now()); err != nil {
		close(r.ended)
		return nil, err
	}
	if misnamed(cfg.Pattern) {
		cfg.Logf("%s %s: it is not compressed, whatever its name says; a name that ends in .gz or .zst is", cfg.Kind, cfg.Pattern)
	}
	go func() {
		defer close(r.ended)
		w.run()
	}()
	return r, nil
}

func (r *Recorder) Write(p []byte) (int, error) {
	if err := r.q.Put(p); err != nil {
		if errors.Is(err, queue.ErrFull) && r.q.Len() == 0 {
			// All room is taken by what the writer holds for its next flush,
			// as before a message of nearly the queue's size.
			r.w.bell.Ring()
		}
		return 0, err
	}
	r.taken.Add(1)
	return len(p), nil
}

// Settle has everything written at once, without waiting for the flush
// interval.
func (r *Recorder) Settle(cancel <-chan struct{}) error {
	r.w.bell.Ring()
	return r.q.Settle(cancel)
}

// Drain is Settle; no request waits for its response any more.
func (r *Recorder) Drain(cancel <-chan struct{}) error {
	r.w.ending.Store(true)
	return r.Settle(cancel)
}

// Close has the writer write what it holds already, and gives up the rest.
func (r *Recorder) Close() error {
	r.once.Do(func() {
		r.q.Close()
		close(r.w.closing)
		r.w.bell.Ring()
	})
	defer r.closed.Store(true)
	patience := time.NewTimer(r.patience)
	defer patience.Stop()
	select {
	case <-r.ended:
		return nil
	case <-patience.C:
		return fmt.Errorf("close %q: a write to it hangs", r.w.lastName())
	}
}

// reopen has the writer open its files again by their names, after what was
// written so far, as is wanted when another program has renamed them.
func (r *Recorder) reopen() {
	r.w.reopen.Store(true)
	r.w.bell.Ring()
}

// Room is the queue's.
func (r *Recorder) Room(cancel <-chan struct{}, d time.Duration) bool { return r.q.Room(cancel, d) }

// LastProgress is the queue's.
func (r *Recorder) LastProgress() time.Time { return r.q.LastProgress() }

func (r *Recorder) String() string { return r.name }

// Responses returns nil: a disk answers nothing.
func (r *Recorder) Responses() plugin.Input { return nil }

// Counts gives what is in the files, what could not be written, and after Close
// what was given up.
func (r *Recorder) Counts() []stats.Count {
	delivered, ignored, failed := r.w.delivered.Load(), r.w.ignored.Load(), r.w.failures.NonZero()
	unsent := uint64(0)
	if r.closed.Load() {
		unsent = r.taken.Load() - delivered - ignored - stats.Sum(failed)
	}
	rows := []stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: delivered},
		{Name: "unsent", Kind: stats.Unsent, N: unsent},
	}
	if ignored > 0 {
		rows = append(rows, stats.Count{Name: stats.IgnoredRow, Kind: stats.Ignored, N: ignored})
	}
	return append(rows, failed...)
}

// Report says how much was written where, and how long the recording stood
// still.
func (r *Recorder) Report(p *plugin.Report) {
	if n := r.w.stops.Load(); n > 0 {
		p.Value("interruptions", n)
		p.Line("interruptions of the recording: %d, %s in all", n, plugin.RoundSpan(time.Duration(r.w.stoppedFor.Load())))
	}
	records, written := r.w.recordBytes.Load(), r.w.fileBytes.Load()
	if written == 0 {
		return
	}
	where := r.w.lastName()
	if n := r.w.opened.Load(); n > 1 {
		where = fmt.Sprintf("%d files, the last %s", n, where)
	}
	p.Value("bytes_written", written)
	p.Value("record_bytes", records)
	if written < records {
		p.Line("wrote %d bytes, %d before compression, to %s", written, records, where)
		return
	}
	p.Line("wrote %d bytes to %s", written, where)
}
