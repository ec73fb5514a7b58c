package kafka

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/buger/gor/internal/stats"
)

// A Consumer reads messages from a topic.
type Consumer struct {
	cfg    ConsumerConfig
	watch  *watch
	counts *stats.Reasons
	skips  skipLog

	ctx     context.Context // ends with Close
	cancel  context.CancelFunc
	closing chan struct{} // closed by Close
	once    sync.Once
	running sync.WaitGroup // fetching, refreshing, committing
	ended   sync.Once
	done    chan struct{} // closed when all is over
	read    atomic.Bool   // Read was called

	fresh chan struct{} // something changed that Read may wait for
	room  chan struct{} // the fetcher may go on
	begun chan struct{} // partitions have come, whose beginnings are to be committed

	mu        sync.Mutex
	client    *kgo.Client // nil until there is one
	parts     map[int32]*partition
	known     bool          // the partitions are: those of this member, or all
	bytes     int           // of all partitions' records
	starved   time.Time     // since when a partition has more and gives none
	failed    error         // ends reading
	settling  chan struct{} // closed to end a settlement that something more urgent waits for; nil when there is none
	ending    bool          // the last offsets are committed: revocations commit nothing
	lastLag   map[int32]int64
	urgent    int           // commits that commitLoop has to give way to
	idling    chan struct{} // closed when the message that was given last is done with
	commitErr bool

	committing chan struct{} // has a token while offsets are settled and committed

	reader
}

// NewConsumer returns a Consumer, which begins at once.
func NewConsumer(cfg ConsumerConfig) *Consumer {
	if cfg.Cluster.Logf == nil {
		cfg.Cluster.Logf = func(string, ...any) {}
	}
	if cfg.Settle == nil {
		cfg.Settle = func(<-chan struct{}) error { return nil }
	}
	if cfg.CloseSettle <= 0 {
		cfg.CloseSettle = defaultCloseSettle
	}
	if cfg.RevokeSettle <= 0 {
		cfg.RevokeSettle = defaultRevokeSettle
	}
	c := &Consumer{
		cfg: cfg, watch: newWatch(),
		counts: stats.NewReasons(stats.List(stats.Note,
			"value that is no message", "damaged value", "message of a newer Gor", "response without Req_Raw", "message larger than the limit", "value fetched again and left out")),
		closing: make(chan struct{}), done: make(chan struct{}),
		fresh: make(chan struct{}, 1), room: make(chan struct{}, 1), begun: make(chan struct{}, 1),
		parts: map[int32]*partition{}, committing: make(chan struct{}, 1),
	}
	c.skips.logf = cfg.Cluster.Logf
	c.reader.init(cfg)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.running.Go(c.run)
	return c
}

// signal wakes whoever waits on ch, now or next.
func signal(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// run connects and fetches until Close.
func (c *Consumer) run() {
	client, err := c.start()
	if err != nil {
		c.fail(err)
	}
	if client == nil {
		return
	}
	c.mu.Lock()
	c.client = client
	c.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { c.refresh(client) })
	wg.Go(func() { c.commitLoop(client) })
	c.fetch(client)
	wg.Wait()
}

// start waits for the brokers and returns the client that fetches; nil after Close.
func (c *Consumer) start() (*kgo.Client, error) {
	admin, err := kgo.NewClient(append(c.cfg.Cluster.options(c.watch), kgo.RequestRetries(0))...)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	if !c.cfg.Cluster.await(c.ctx, admin, c.watch, c.cfg.Topic, false, "; waiting for it") {
		return nil, nil
	}
	opts := append(c.cfg.Cluster.options(c.watch),
		kgo.FetchMaxBytes(fetchBytes),
		kgo.FetchMaxPartitionBytes(fetchPartitionBytes),
		kgo.FetchMaxWait(fetchWait),
		kgo.KeepControlRecords(), // their offsets count
		kgo.MaxConcurrentFetches(fetchesMost),
		kgo.MaxDecompressBatchBytes(max(leastBatch, 3*c.cfg.Limit+1<<20)), // a message in JSON takes its size twice and a third, and more where it is not text
	)
	if c.cfg.Group != "" {
		opts = append(opts,
			kgo.ConsumeTopics(c.cfg.Topic),
			kgo.ConsumerGroup(c.cfg.Group),
			kgo.DisableAutoCommit(),
			kgo.HeartbeatInterval(heartbeat),
			kgo.SessionTimeout(session),
			kgo.BlockRebalanceOnPoll(),
			kgo.Balancers(kgo.CooperativeStickyBalancer()),
			kgo.AdjustFetchOffsetsFn(c.assigned),
			kgo.OnPartitionsRevoked(c.revoked),
			kgo.OnPartitionsLost(c.lost))
		return kgo.NewClient(opts...)
	}
	begin, err := c.resolve(admin)
	if begin == nil || err != nil {
		return nil, err
	}
	return kgo.NewClient(append(opts, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{c.cfg.Topic: begin}))...)
}

// resolve finds out where each partition begins, without a group. It tries until all leaders
// have told, or Close.
func (c *Consumer) resolve(admin *kgo.Client) (map[int32]kgo.Offset, error) {
	for pause := awaitFirst; ; pause = min(2*pause, awaitMost) {
		ids, err := c.cfg.Cluster.partitions(c.ctx, admin, c.cfg.Topic, false)
		if err == nil {
			if err := c.missing(ids); err != nil {
				return nil, err
			}
			var found map[int32]bounds
			if found, err = listBounds(c.ctx, admin, c.cfg.Topic, ids); err == nil {
				begin := map[int32]kgo.Offset{}
				c.mu.Lock()
				for id, b := range found {
					if p := c.add(id, b, -1); p != nil {
						begin[id] = kgo.NewOffset().At(p.next)
					}
				}
				c.known = true
				c.mu.Unlock()
				signal(c.fresh)
				return begin, nil
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-c.ctx.Done():
			timer.Stop()
			return nil, nil
		}
	}
}

// missing refuses partitions that are named and not there.
func (c *Consumer) missing(ids []int32) error {
	there := map[int32]bool{}
	for _, id := range ids {
		there[id] = true
	}
	for id := range c.cfg.Start.Partitions {
		if !there[id] {
			return &NoPartitionError{c.cfg.Topic, id, len(ids)}
		}
	}
	return nil
}

// add begins a partition: at the committed offset, or where Start says. It returns nil when
// that is not read. Call with the lock held.
func (c *Consumer) add(id int32, b bounds, committed int64) *partition {
	at, wanted := c.cfg.Start.of(id)
	if !wanted {
		return nil
	}
	switch {
	case committed >= 0 && committed < b.first:
		c.cfg.Cluster.Logf("partition %d: what the group has not read from offset %d to %d is gone from the topic", id, committed, b.first)
		at = b.first
	case committed > b.end:
		c.cfg.Cluster.Logf("partition %d: the group is at offset %d and the topic at %d: it is another topic of that name, which is read from offset %d (-1 is its end, -2 its beginning)", id, committed, b.end, at)
	case committed >= 0:
		at = committed
	}
	switch at {
	case Newest:
		at = b.end
	case Oldest:
		at = b.first
	}
	p := &partition{id: id, next: min(max(at, b.first), b.end), end: b.end, stop: -1, committed: committed}
	if c.cfg.ToEnd {
		p.stop = b.end
	}
	c.parts[id] = p
	return p
}

// refresh asks for the ends of partitions now and then, so that what is behind is known
// while nothing is fetched.
func (c *Consumer) refresh(client *kgo.Client) {
	tick := time.NewTicker(refreshPeriod)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.ctx.Done():
			return
		}
		c.mu.Lock()
		var ids []int32
		for id := range c.parts {
			ids = append(ids, id)
		}
		c.mu.Unlock()
		if c.cfg.Group == "" {
			if all, err := c.cfg.Cluster.partitions(c.ctx, client, c.cfg.Topic, false); err == nil {
				c.addNew(client, all)
			}
		}
		if len(ids) == 0 {
			continue
		}
		ends, _ := listOffsets(c.ctx, client, c.cfg.Topic, ids, Newest) // what did not answer, will
		c.mu.Lock()
		for id, end := range ends {
			if p := c.parts[id]; p != nil {
				p.end = max(p.end, end)
			}
		}
		c.mu.Unlock()
		signal(c.fresh)
	}
}

// addNew begins partitions that the topic did not have before: with their first record.
func (c *Consumer) addNew(client *kgo.Client, ids []int32) {
	begin := map[int32]kgo.Offset{}
	c.mu.Lock()
	for _, id := range ids {
		if _, wanted := c.cfg.Start.of(id); !wanted || c.parts[id] != nil || c.cfg.ToEnd {
			continue
		}
		c.parts[id] = &partition{id: id, next: 0, end: 0, stop: -1, committed: -1}
		begin[id] = kgo.NewOffset().AtStart()
	}
	c.mu.Unlock()
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{c.cfg.Topic: begin})
}

// Close ends reading: what was fetched and not given is not given any more. It may be called
// again; once Read has returned io.EOF it returns when the last offsets are committed.
func (c *Consumer) Close() error {
	c.once.Do(func() { close(c.closing) })
	if !c.read.Load() {
		c.end()
	}
	return nil
}

// end settles and commits what was given, and leaves the group.
func (c *Consumer) end() {
	c.ended.Do(func() {
		c.mu.Lock()
		client := c.client
		c.mu.Unlock()
		c.hurry() // nothing is committed after this
		if client != nil && c.cfg.Group != "" {
			cancel := make(chan struct{})
			timer := time.AfterFunc(c.cfg.CloseSettle, func() { close(cancel) })
			c.commit(client, nil, cancel)
			timer.Stop()
		}
		c.mu.Lock()
		c.ending, c.lastLag = true, c.measureLag()
		c.mu.Unlock()
		c.cancel()
		if client != nil {
			client.CloseAllowingRebalance()
		}
		c.running.Wait()
		close(c.done)
	})
	<-c.done
}
