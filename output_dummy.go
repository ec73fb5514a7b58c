package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// dummyOutput prints each message as a record, so that what it prints can be
// kept in a file and replayed. A terminal or a pipe may be slow: a queue
// stands before it.
type dummyOutput struct {
	plugin.Queued
	w          io.Writer
	cancel     chan struct{}
	once       sync.Once
	ended      chan struct{} // closed when the writer has ended
	closed     atomic.Bool
	readerGone func() // called when the reader of stdout has gone

	patience time.Duration // see stdoutPatience

	taken     atomic.Uint64 // messages that Write took
	delivered atomic.Uint64
	failures  *stats.Reasons
}

var _ plugin.Output = (*dummyOutput)(nil)

const (
	// dummyWrite bounds the bytes of one write, but for a message that is
	// longer: as much as a pipe holds.
	dummyWrite = 64 << 10
)

// Why a message was not printed: indexes into the counters.
const (
	dummyFailWrite = iota
	dummyFailNoRecord
)

// stdoutPatience is how long Close waits for a write that hangs, as to a pipe
// whose reader does not read.
const stdoutPatience = 2 * time.Second

// dummyOutputPlugin is the row of --output-dummy, older name of --output-stdout.
func dummyOutputPlugin() outputPlugin {
	return outputPlugin{
		pluginFlags: pluginFlags{
			name:    "output-dummy",
			help:    "older name of --output-stdout",
			example: "sudo gor --input-raw :80 --output-dummy \"\"",
		},
		timely: true,
		prints: true,
		parse:  parseDummyOutput,
	}
}

// stdoutPlugin is the row of --output-stdout.
func stdoutPlugin() outputPlugin {
	return outputPlugin{
		pluginFlags: pluginFlags{
			name:    "output-stdout",
			help:    "print every message",
			example: "sudo gor --input-raw :80 --output-stdout",
		},
		timely: true,
		prints: true,
		parse:  parseDummyOutput,
	}
}

// nullOutputPlugin is the row of --output-null.
func nullOutputPlugin() outputPlugin {
	return outputPlugin{
		pluginFlags: pluginFlags{
			name:    "output-null",
			help:    "count every message and drop it",
			example: "sudo gor --input-raw :80 --output-null",
		},
		parse: func(addr string, _ *Settings) (plugin.Parsed[plugin.Output], error) {
			return plugin.Parsed[plugin.Output]{Open: func(*plugin.Env) (plugin.Output, error) { return &nullOutput{}, nil }}, noAddress(addr)
		},
	}
}

// noAddress refuses a word that was meant for something else. Older commands have a
// number there.
func noAddress(addr string) error {
	if _, err := strconv.Atoi(addr); err != nil && addr != "" {
		return fmt.Errorf("it takes no value, and %q stands behind it", address.Redact(addr))
	}
	return nil
}

func parseDummyOutput(addr string, s *Settings) (plugin.Parsed[plugin.Output], error) {
	return plugin.Parsed[plugin.Output]{Open: func(env *plugin.Env) (plugin.Output, error) { return newDummyOutput(s, env), nil }}, noAddress(addr)
}

func newDummyOutput(s *Settings, env *plugin.Env) *dummyOutput {
	d := &dummyOutput{
		Queued:     plugin.Queued{Queue: env.NewQueue(0)},
		w:          env.Stdout,
		cancel:     make(chan struct{}),
		ended:      make(chan struct{}),
		readerGone: func() {},
		patience:   stdoutPatience,
		failures:   stats.NewReasons(append(stats.List(stats.Failed, "failed: write"), stats.Count{Name: "failed: no record", Kind: stats.Unfit})),
	}
	if len(s.Outputs) == 1 && env.Finish != nil {
		d.readerGone = func() { env.Finish("the reader of stdout has gone") }
	}
	go d.print()
	return d
}

// print writes what the queue has, whole records in each write.
func (d *dummyOutput) print() {
	defer close(d.ended)
	var items [64]queue.Item
	var buf []byte
	var ends []int // of the records
	for {
		n := d.Queue.GetBatch(items[:], d.cancel, 0)
		if n == 0 {
			return
		}
		for done := 0; done < n; {
			buf, ends = buf[:0], ends[:0]
			next := done
			for ; next < n && len(buf) < dummyWrite; next++ {
				before := len(buf)
				buf = payload.AppendRecord(buf, items[next].Bytes)
				if len(buf) == before {
					d.failures.Add(dummyFailNoRecord)
					continue
				}
				ends = append(ends, len(buf))
			}
			d.put(buf, ends)
			d.Queue.DoneBatch(items[done:next], true)
			done = next
		}
		if cap(buf) > 4<<20 { // one large message must not cost its size for ever
			buf = nil
		}
	}
}

// put writes records, which end at ends. Those that went out before an error
// are delivered.
func (d *dummyOutput) put(buf []byte, ends []int) {
	written, err := d.w.Write(buf)
	whole := len(ends)
	if err != nil {
		whole, _ = slices.BinarySearch(ends, written+1)
	}
	d.delivered.Add(uint64(whole))
	for range ends[whole:] {
		d.failures.Add(dummyFailWrite)
	}
	if errors.Is(err, syscall.EPIPE) {
		d.readerGone()
	}
}

func (d *dummyOutput) Write(p []byte) (int, error) {
	if err := d.Queue.Put(p); err != nil {
		return 0, err
	}
	d.taken.Add(1)
	return len(p), nil
}

// Close waits a while for the write that is under way: a terminal that was
// stopped ends none.
func (d *dummyOutput) Close() error {
	d.once.Do(func() {
		d.Queue.Close()
		d.Queue.Discard()
		close(d.cancel)
		patience := time.NewTimer(d.patience)
		defer patience.Stop()
		select {
		case <-d.ended:
		case <-patience.C:
		}
		d.closed.Store(true)
	})
	return nil
}

func (d *dummyOutput) Responses() plugin.Input { return nil }

// Counts has what the writer holds among the unsent, once it is closed.
func (d *dummyOutput) Counts() []stats.Count {
	delivered, failed := d.delivered.Load(), d.failures.NonZero()
	unsent := uint64(0)
	if d.closed.Load() {
		unsent = d.taken.Load() - delivered - stats.Sum(failed)
	}
	return append([]stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: delivered},
		{Name: "unsent", Kind: stats.Unsent, N: unsent},
	}, failed...)
}
func (d *dummyOutput) Report(*plugin.Report) {}
func (d *dummyOutput) String() string        { return "output-stdout" }

// nullOutput counts and drops.
type nullOutput struct {
	delivered atomic.Uint64
}

var _ plugin.Output = (*nullOutput)(nil)

func (n *nullOutput) Write(p []byte) (int, error) {
	n.delivered.Add(1)
	return len(p), nil
}

func (n *nullOutput) Room(<-chan struct{}, time.Duration) bool { return true }
func (n *nullOutput) LastProgress() time.Time                  { return time.Now() }
func (n *nullOutput) Settle(<-chan struct{}) error             { return nil }
func (n *nullOutput) Drain(<-chan struct{}) error              { return nil }
func (n *nullOutput) Close() error                             { return nil }
func (n *nullOutput) Report(*plugin.Report)                    {}
func (n *nullOutput) String() string                           { return "output-null" }
func (n *nullOutput) Responses() plugin.Input                  { return nil }
func (n *nullOutput) Counts() []stats.Count {
	return []stats.Count{{Name: "delivered", Kind: stats.Delivered, N: n.delivered.Load()}}
}
