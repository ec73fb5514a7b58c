package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// A ProducerConfig says what a Producer does.
type ProducerConfig struct {
	Cluster Cluster
	Topic   string // see CheckTopic

	// JSON has values in JSON form, not as text.
	JSON bool

	// Queue gives the messages. One is done when it is acknowledged or failed, so that
	// the queue's bound holds for all that is on its way too.
	Queue *queue.Queue

	// Lost is told of each message that fails, and why; nil for nobody.
	Lost func(reason string, msg []byte)
}

const (
	// linger is how long a batch waits for more: what comes one by one at some
	// thousand a second goes in batches of some ten, at a fraction of the cost.
	linger = 5 * time.Millisecond

	// batchOverhead is more than what a batch, and the fields of one record in it,
	// add to a message.
	batchOverhead = 1 << 10

	// flyingMost bounds the messages that are on their way, in bytes: each takes room
	// once more in its batch, and once more in the request. Brokers that acknowledge within a tenth
	// of a second are kept busy by it with 80 MB/s. One larger message goes alone.
	flyingMost = 8 << 20

	// defaultBatch is Kafka's own limit, for when the topic's cannot be read.
	defaultBatch = 1_000_012

	// stallNotice is how long brokers may acknowledge nothing before that is said.
	stallNotice = 5 * time.Second
)

// Why a message was not delivered: indexes into the counters.
const (
	failTooLarge = iota
	failTime
	failRefused
	failMalformed
)

// A Producer writes messages to a topic. A message counts as delivered when all
// in-sync replicas have it; until then it is tried again.
type Producer struct {
	cfg   ProducerConfig
	watch *watch

	client    atomic.Pointer[kgo.Client] // nil: no broker has been reached so far
	delivered atomic.Uint64
	unsent    atomic.Uint64
	unacked   atomic.Int64
	bytes     atomic.Int64  // of the messages on their way
	landed    chan struct{} // has one when bytes became fewer
	acked     atomic.Int64  // time of the last acknowledgment, ns since 1970
	failures  *stats.Reasons
	refusal   atomic.Bool // a refusal was told of

	flying sync.WaitGroup // what done has yet to be called for
	free   sync.Pool      // of *flight
}

// NewProducer returns a Producer, which does nothing before Run.
func NewProducer(cfg ProducerConfig) *Producer {
	if cfg.Cluster.Logf == nil {
		cfg.Cluster.Logf = func(string, ...any) {}
	}
	if cfg.Lost == nil {
		cfg.Lost = func(string, []byte) {}
	}
	p := &Producer{
		cfg: cfg, watch: newWatch(), landed: make(chan struct{}, 1),
		failures: stats.NewReasons(stats.List(stats.Unfit,
			"failed: larger than the topic's max.message.bytes",
			"failed: the topic does not take its time (message.timestamp.*.max.ms)",
			"failed: refused by the broker",
			"failed: malformed")),
	}
	p.free.New = func() any { return p.newFlight() }
	return p
}

// Run sends what the queue gives until the queue is closed and all of it is acknowledged or
// failed, or ctx ends. What is on its way then is counted as unsent.
func (p *Producer) Run(ctx context.Context) {
	client := p.connect(ctx)
	if client == nil {
		return
	}
	p.client.Store(client)
	var watching sync.WaitGroup
	watchCtx, stop := context.WithCancel(ctx)
	watching.Go(func() { p.watchAcks(watchCtx, client) })
	items := make([]queue.Item, 64)
	for {
		n := p.cfg.Queue.GetBatch(items, ctx.Done(), 0)
		if n == 0 {
			break
		}
		for i := range items[:n] {
			p.makeRoom(ctx, int64(len(items[i].Bytes)))
			p.produce(ctx, client, items[i])
			items[i] = queue.Item{}
		}
	}
	if err := client.Flush(ctx); err != nil {
		// Idempotent records that are on their way are not given up by ending a context,
		// since they may be written; here nobody will write more.
		client.UnsafeAbortBufferedRecords()
	}
	client.Close()
	p.flying.Wait() // what failed before it was sent is told of by another goroutine
	stop()
	watching.Wait()
}

// makeRoom waits until a message of so many bytes may be on its way with the others, and
// counts them. What is on its way when ctx ends is failed by kgo, and this one with it.
func (p *Producer) makeRoom(ctx context.Context, size int64) {
	for n := p.bytes.Load(); n > 0 && n+size > flyingMost && ctx.Err() == nil; n = p.bytes.Load() {
		select {
		case <-p.landed:
		case <-ctx.Done():
		}
	}
	p.bytes.Add(size)
}

// connect waits until a broker tells of the topic, and returns a client for it; nil
// when ctx ended before that.
func (p *Producer) connect(ctx context.Context) *kgo.Client {
	admin, err := kgo.NewClient(append(p.cfg.Cluster.options(p.watch), kgo.RequestRetries(0), kgo.AllowAutoTopicCreation())...)
	if err != nil { // the settings were checked: nothing that waiting helps
		p.cfg.Cluster.Logf("%v", err)
		<-ctx.Done()
		return nil
	}
	defer admin.Close()
	if !p.cfg.Cluster.await(ctx, admin, p.watch, p.cfg.Topic, true, "; meanwhile messages wait in memory, and those that it has no room for are shed") {
		return nil
	}
	limit := topicLimit(ctx, admin, p.cfg.Topic)
	client, err := kgo.NewClient(append(p.cfg.Cluster.options(p.watch),
		kgo.DefaultProduceTopic(p.cfg.Topic),
		kgo.RequiredAcks(kgo.AllISRAcks()), // idempotent: so is the default
		kgo.ProducerBatchCompression(kgo.ZstdCompression().WithLevel(zstdFastest), kgo.SnappyCompression(), kgo.NoCompression()),
		kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)), // Kafka's murmur2
		kgo.ProducerBatchMaxBytes(int32(limit)),
		kgo.ProducerLinger(linger),
		kgo.MaxBufferedRecords(1<<20), // the queue bounds them, by their bytes
		kgo.UnknownTopicRetries(-1),   // also a topic that a broker has not heard of yet
		kgo.AllowAutoTopicCreation(),
	)...)
	if err != nil {
		p.cfg.Cluster.Logf("%v", err)
		<-ctx.Done()
		return nil
	}
	p.acked.Store(time.Now().UnixNano())
	return client
}

// zstdFastest is the level that costs least.
const zstdFastest = 1

// topicLimit asks for the topic's max.message.bytes, which bounds a batch as it is written.
// Who may not read it is left with Kafka's default.
func topicLimit(ctx context.Context, client *kgo.Client, topic string) int {
	const setting = "max.message.bytes"
	req := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName, resource.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, []string{setting}
	req.Resources = append(req.Resources, resource)
	ctx, stop := context.WithTimeout(ctx, probeTimeout)
	defer stop()
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return defaultBatch
	}
	for _, r := range resp.Resources {
		for _, c := range r.Configs {
			if c.Name == setting && c.Value != nil {
				if n, err := strconv.Atoi(*c.Value); err == nil && n >= 1<<10 {
					return min(n-batchOverhead/2, 1<<30)
				}
			}
		}
	}
	return defaultBatch
}

// A flight is a message on its way to a broker.
type flight struct {
	record kgo.Record
	item   queue.Item
	key    [64]byte
	text   []byte // room for a header with another length
	done   func(*kgo.Record, error)
}

func (p *Producer) newFlight() *flight {
	f := &flight{}
	f.done = func(_ *kgo.Record, err error) { p.done(f, err) }
	return f
}

func (p *Producer) produce(ctx context.Context, client *kgo.Client, item queue.Item) {
	p.flying.Add(1)
	p.unacked.Add(1)
	f := p.free.Get().(*flight)
	f.item = item
	value, err := encodeText(f.text, item.Bytes)
	if err == nil && p.cfg.JSON {
		value, err = encodeJSON(item.Bytes)
	}
	if err != nil {
		p.done(f, errDamaged)
		return
	}
	meta, _, _ := payload.Split(item.Bytes)
	f.record = kgo.Record{Key: append(f.key[:0], payload.ConnPart(meta.ID)...), Value: value}
	if meta.Time > 0 {
		f.record.Timestamp = time.Unix(0, meta.Time)
	}
	client.Produce(ctx, &f.record, f.done)
}

// done counts what became of a message. kgo calls it from one goroutine.
func (p *Producer) done(f *flight, err error) {
	var reason int
	progressed := true
	switch {
	case err == nil:
		p.delivered.Add(1)
		p.acked.Store(time.Now().UnixNano())
		reason = -1
	case errors.Is(err, kgo.ErrClientClosed), errors.Is(err, kgo.ErrAborting), errors.Is(err, context.Canceled):
		p.unsent.Add(1)
		reason, progressed = -1, false
	case errors.Is(err, kerr.MessageTooLarge), errors.Is(err, kerr.RecordListTooLarge):
		reason = failTooLarge
	case errors.Is(err, kerr.InvalidTimestamp):
		reason = failTime
	case errors.Is(err, errDamaged):
		reason = failMalformed
	default:
		reason = failRefused
		if !p.refusal.Swap(true) {
			p.cfg.Cluster.say(err, "; such messages are counted as refused")
		}
	}
	if reason >= 0 {
		p.failures.Add(reason)
		p.cfg.Lost(p.failures.Name(reason), f.item.Bytes)
	}
	p.unacked.Add(-1)
	p.bytes.Add(-int64(len(f.item.Bytes)))
	select {
	case p.landed <- struct{}{}:
	default:
	}
	item := f.item
	f.item, f.record = queue.Item{}, kgo.Record{}
	p.free.Put(f)
	p.cfg.Queue.Done(item, progressed)
	p.flying.Done()
}

// watchAcks says why brokers acknowledge nothing for a while, and when they do again.
func (p *Producer) watchAcks(ctx context.Context, client *kgo.Client) {
	look := time.NewTicker(time.Second)
	defer look.Stop()
	stalled := false
	var quiet time.Time // since when there has been something to acknowledge, and nothing was
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-look.C:
			acked := time.Unix(0, p.acked.Load())
			if p.unacked.Load() == 0 || acked.After(quiet) {
				if stalled {
					p.cfg.Cluster.Logf("the brokers acknowledge messages again")
				}
				quiet, stalled = now, false
				continue
			}
			if stalled || now.Sub(quiet) < stallNotice {
				continue
			}
			stalled = true
			err := p.cfg.Cluster.probe(ctx, client, p.cfg.Topic, false)
			if dial := p.watch.dialError(); dial != nil {
				err = dial
			}
			if err == nil {
				err = errNoAcks
			}
			p.cfg.Cluster.say(err, fmt.Sprintf("; nothing was acknowledged for %s: meanwhile messages wait in memory, and those that it has no room for are shed", stallNotice))
		}
	}
}

var errNoAcks = errors.New("the brokers answer, and acknowledge no message: min.insync.replicas may be more than there are")

// Connected reports whether a broker was ever reached.
func (p *Producer) Connected() bool { return p.client.Load() != nil }

// Unacknowledged is how many messages are on their way to a broker.
func (p *Producer) Unacknowledged() int64 { return p.unacked.Load() }

// Retries is how often something had to be tried again, by reason.
func (p *Producer) Retries() map[string]uint64 { return p.watch.Retries() }

// Counts says what became of the messages that the queue gave.
func (p *Producer) Counts() []stats.Count {
	return append([]stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: p.delivered.Load()},
		{Name: "unsent", Kind: stats.Unsent, N: p.unsent.Load()},
	}, p.failures.NonZero()...)
}
