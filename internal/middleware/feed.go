package middleware

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// A Feed is the way into a middleware: an output like others.
type Feed struct {
	m      *Program
	q      *queue.Queue
	cancel chan struct{}
	once   sync.Once
	writer sync.WaitGroup

	delivered atomic.Uint64
	failed    atomic.Uint64
	unsent    atomic.Uint64
}

var _ plugin.Output = (*Feed)(nil)

// feedBatch bounds the bytes of one write to the program's stdin.
const feedBatch = 64 << 10

// feedLarge is the size in bytes from which on a message is written in pieces:
// its line has twice as many.
const feedLarge = 128 << 10

func newFeed(m *Program, q *queue.Queue) *Feed {
	f := &Feed{m: m, q: q, cancel: make(chan struct{})}
	f.writer.Go(f.write)
	return f
}

// write is the goroutine that gives the program its lines: all that wait,
// in one write each time.
func (f *Feed) write() {
	var items [64]queue.Item
	var lines []byte
	var ends []int // of the lines
	for {
		n := f.q.GetBatch(items[:], f.cancel, 0)
		if n == 0 {
			return
		}
		for done := 0; done < n; {
			lines, ends = lines[:0], ends[:0]
			next := done
			if len(items[next].Bytes) > feedLarge {
				f.giveLarge(items[next : next+1])
				done++
				continue
			}
			for ; next < n && len(lines) < feedBatch && len(items[next].Bytes) <= feedLarge; next++ {
				m := items[next].Bytes
				f.m.attrs.Put(m) // a line has no room for them
				lines = payload.AppendLine(lines, m)
				ends = append(ends, len(lines))
			}
			f.give(lines, ends, items[done:next])
			done = next
		}
	}
}

// giveLarge writes the line of one large message.
func (f *Feed) giveLarge(item []queue.Item) {
	f.m.attrs.Put(item[0].Bytes)
	f.m.account.out(item)
	if err := payload.WriteLine(f.m.stdin, item[0].Bytes); err != nil {
		f.m.refused()
		f.m.account.forget(item)
		f.failed.Add(1)
	} else {
		f.delivered.Add(1)
	}
	f.q.DoneBatch(item, true)
}

// give writes lines, which are those of items. The pipe may take some of them
// before the program dies: those were given.
func (f *Feed) give(lines []byte, ends []int, items []queue.Item) {
	f.m.account.out(items) // before: the answer may be faster than we are
	written, err := f.m.stdin.Write(lines)
	whole := len(items)
	if err != nil {
		f.m.refused()
		whole, _ = slices.BinarySearch(ends, written+1) // how many end within what was written
		f.m.account.forget(items[whole:])
	}
	f.delivered.Add(uint64(whole))
	f.failed.Add(uint64(len(items) - whole))
	f.q.DoneBatch(items, true)
}

func (f *Feed) Write(p []byte) (int, error) {
	select {
	case <-f.m.exited: // waiting for it would be for ever
		return 0, errExited
	default:
	}
	if err := f.q.Put(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (f *Feed) Room(cancel <-chan struct{}, d time.Duration) bool {
	return f.q.Room(cancel, d)
}
func (f *Feed) LastProgress() time.Time { return f.q.LastProgress() }

// Settle returns when the program has been given all: what it does with it is
// out of our hands.
func (f *Feed) Settle(cancel <-chan struct{}) error { return f.q.Settle(cancel) }
func (f *Feed) Drain(cancel <-chan struct{}) error  { return f.q.Settle(cancel) }

// Close ends it. Whoever closes it ends the program too, on whose stdin a
// write may be waiting.
func (f *Feed) Close() error {
	f.once.Do(func() {
		f.q.Close()
		f.unsent.Add(uint64(f.q.Discard()))
		close(f.cancel)
	})
	return nil
}

func (f *Feed) Responses() plugin.Input { return nil }
func (f *Feed) Counts() []stats.Count {
	return []stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: f.delivered.Load()},
		{Name: "failed: the middleware is gone", Kind: stats.Failed, N: f.failed.Load()},
		{Name: "unsent", Kind: stats.Unsent, N: f.unsent.Load()},
	}
}
func (f *Feed) Report(*plugin.Report) {}
func (f *Feed) String() string        { return "middleware " + f.m.name }
