package main

import (
	"bufio"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// dummyOutput prints each message as a record, so that what it prints can be
// kept in a file and replayed. A terminal or a pipe may be slow: a queue
// stands before it.
type dummyOutput struct {
	q         *queue.Queue
	w         *bufio.Writer
	cancel    chan struct{}
	once      sync.Once
	writer    sync.WaitGroup
	delivered atomic.Uint64
	failed    atomic.Uint64
	unsent    atomic.Uint64
}

var _ Output = (*dummyOutput)(nil)

// dummyQueue is how many messages may wait for stdout; their bytes have the
// bound that all outputs share.
const dummyQueue = 10_000

func newDummyOutput(_ string, _ *Settings, env *pluginEnv) (Output, error) {
	d := &dummyOutput{
		q:      queue.New(dummyQueue, env.queueBytes),
		w:      bufio.NewWriterSize(env.stdout, 64<<10),
		cancel: make(chan struct{}),
	}
	d.writer.Go(d.print)
	return d, nil
}

// print writes what the queue has and flushes whenever it is empty.
func (d *dummyOutput) print() {
	var items [64]queue.Item
	var record []byte
	for {
		n := d.q.GetBatch(items[:], d.cancel, 0)
		if n == 0 {
			return
		}
		var err error
		for _, it := range items[:n] {
			record = payload.AppendRecord(record[:0], it.Bytes)
			if _, werr := d.w.Write(record); werr != nil {
				err = werr
			}
		}
		if ferr := d.w.Flush(); ferr != nil {
			err = ferr
		}
		if err == nil {
			d.delivered.Add(uint64(n))
		} else {
			d.failed.Add(uint64(n))
		}
		d.q.DoneBatch(items[:n], true)
	}
}

func (d *dummyOutput) Write(p []byte) (int, error) {
	if err := d.q.Put(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (d *dummyOutput) Room(cancel <-chan struct{}, wait time.Duration) bool {
	return d.q.Room(cancel, wait)
}
func (d *dummyOutput) LastProgress() time.Time             { return d.q.LastProgress() }
func (d *dummyOutput) Settle(cancel <-chan struct{}) error { return d.q.Settle(cancel) }
func (d *dummyOutput) Drain(cancel <-chan struct{}) error  { return d.q.Settle(cancel) }

func (d *dummyOutput) Close() error {
	d.once.Do(func() {
		d.q.Close()
		d.unsent.Add(uint64(d.q.Discard()))
		close(d.cancel)
	})
	return nil
}

func (d *dummyOutput) Responses() Input { return nil }
func (d *dummyOutput) Counts() []stats.Count {
	return []stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: d.delivered.Load()},
		{Name: "failed: write", Kind: stats.Failed, N: d.failed.Load()},
		{Name: "unsent", Kind: stats.Unsent, N: d.unsent.Load()},
	}
}
func (d *dummyOutput) Report(*report) {}
func (d *dummyOutput) String() string { return "output-stdout" }

// nullOutput counts and drops.
type nullOutput struct {
	delivered atomic.Uint64
}

var _ Output = (*nullOutput)(nil)

func newNullOutput(string, *Settings, *pluginEnv) (Output, error) { return &nullOutput{}, nil }

func (n *nullOutput) Write(p []byte) (int, error) {
	n.delivered.Add(1)
	return len(p), nil
}

func (n *nullOutput) Room(<-chan struct{}, time.Duration) bool { return true }
func (n *nullOutput) LastProgress() time.Time                  { return time.Now() }
func (n *nullOutput) Settle(<-chan struct{}) error             { return nil }
func (n *nullOutput) Drain(<-chan struct{}) error              { return nil }
func (n *nullOutput) Close() error                             { return nil }
func (n *nullOutput) Report(*report)                           {}
func (n *nullOutput) String() string                           { return "output-null" }
func (n *nullOutput) Responses() Input                         { return nil }
func (n *nullOutput) Counts() []stats.Count {
	return []stats.Count{{Name: "delivered", Kind: stats.Delivered, N: n.delivered.Load()}}
}
