package kafka

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// An OutputConfig says what an Output does.
type OutputConfig struct {
	Name string // what the summary and the log call it

	// Producer is without Queue.
	Producer ProducerConfig

	QueueBytes int             // memory for messages that are not acknowledged
	Large      *buffers.Copies // makes the copies of large messages; nil: the queue does
}

// An Output writes messages to a topic. A message stays in the queue's memory until it is
// acknowledged, so that Settle waits for the brokers.
type Output struct {
	name     string
	q        *queue.Queue
	producer *Producer

	stop   context.CancelFunc
	ended  chan struct{} // closed when the producer has
	once   sync.Once
	unsent atomic.Uint64 // that the producer never had
}

var _ plugin.Output = (*Output)(nil)

// NewOutput returns an Output that begins at once.
func NewOutput(cfg OutputConfig) *Output {
	bytes := cfg.QueueBytes
	if cfg.Producer.JSON {
		bytes = max(1, bytes/3) // the values take twice as much again, and more
	}
	o := &Output{name: cfg.Name, q: queue.New(0, bytes), ended: make(chan struct{})}
	o.q.Share(cfg.Large)
	cfg.Producer.Queue = o.q
	o.producer = NewProducer(cfg.Producer)
	var ctx context.Context
	ctx, o.stop = context.WithCancel(context.Background())
	go func() {
		defer close(o.ended)
		o.producer.Run(ctx)
	}()
	return o
}

func (o *Output) Write(p []byte) (int, error) {
	if err := o.q.Put(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (o *Output) Room(cancel <-chan struct{}, d time.Duration) bool { return o.q.Room(cancel, d) }
func (o *Output) LastProgress() time.Time                           { return o.q.LastProgress() }

// Settle returns when all in-sync replicas have what was written before, or it is counted as
// failed.
func (o *Output) Settle(cancel <-chan struct{}) error { return o.q.Settle(cancel) }

func (o *Output) Drain(cancel <-chan struct{}) error {
	o.q.Close()
	return o.q.Settle(cancel)
}

func (o *Output) Close() error {
	o.once.Do(func() {
		o.q.Close()
		o.stop()
		<-o.ended
		o.unsent.Add(uint64(o.q.Discard()))
	})
	return nil
}

func (o *Output) Responses() plugin.Input { return nil }

func (o *Output) Counts() []stats.Count {
	rows := o.producer.Counts()
	for i := range rows {
		if rows[i].Kind == stats.Unsent {
			rows[i].N += o.unsent.Load()
		}
	}
	return rows
}

func (o *Output) Report(r *plugin.Report) {
	r.Peer(o.producer.Connected())
	r.Value("unacknowledged", o.producer.Unacknowledged())
	r.Gauge("gor_output_unacknowledged_messages", "Messages that were sent and that no broker has acknowledged.", uint64(max(0, o.producer.Unacknowledged())))
	reportRetries(r, "gor_output_retries_total", o.producer.Retries())
}

func (o *Output) String() string { return o.name }

// reportRetries says what had to be tried again.
func reportRetries(r *plugin.Report, metric string, retries map[string]uint64) {
	r.Value("retries", retries)
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(retries)) {
		parts = append(parts, fmt.Sprintf("%s %d", reason, retries[reason]))
		r.Counter(metric, "What had to be tried again.", retries[reason], "reason", reason)
	}
	if len(parts) > 0 {
		r.Line("tried again: %s", strings.Join(parts, ", "))
	}
}
