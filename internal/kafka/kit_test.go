package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

const topic = "requests"

// timeout is how long a test waits for what must come, on a busy machine too.
const timeout = 60 * time.Second

// startCluster starts brokers in this process, with the topic.
func startCluster(t *testing.T, partitions int, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3), kfake.SeedTopics(int32(partitions), topic), kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, "127.0.0.1:0") })}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// message is the n-th of a connection, at that time.
func message(conn, n int, at int64) []byte {
	msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(conn), uint32(n)), Time: at, Duration: 0, Length: -1})
	return fmt.Appendf(msg, "GET /%d/%d HTTP/1.1\r\nHost: h\r\n\r\n", conn, n)
}

// baseTime is when the traffic of the tests was captured.
const baseTime = int64(1_700_000_000_000_000_000)

// feed sends count messages of so many connections in turn through a Producer, and returns it
// when all are acknowledged.
func feed(t *testing.T, c *kfake.Cluster, count, conns int, change func(*ProducerConfig)) *Producer {
	t.Helper()
	return feedFrom(t, c, 0, count, conns, change)
}

// feedFrom sends those with the numbers from first up to end.
func feedFrom(t *testing.T, c *kfake.Cluster, first, end, conns int, change func(*ProducerConfig)) *Producer {
	t.Helper()
	q := queue.New(0, 8<<20)
	cfg := ProducerConfig{Cluster: Cluster{Brokers: c.ListenAddrs(), Logf: t.Logf}, Topic: topic, Queue: q}
	if change != nil {
		change(&cfg)
	}
	p := NewProducer(cfg)
	ctx, stop := context.WithTimeout(t.Context(), timeout)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { p.Run(ctx) })
	for i := first; i < end; i++ {
		msg := message(i%conns, i/conns, baseTime+int64(i)*1000)
		for errors.Is(q.Put(msg), queue.ErrFull) {
			q.Room(ctx.Done(), time.Second)
		}
	}
	q.Close()
	wg.Wait()
	return p
}

// order checks that each connection's messages come in order, and counts them.
type order struct {
	mu       sync.Mutex
	next     map[string]int
	got      int
	repeated int
}

func (o *order) add(t *testing.T, msg []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	id := payload.ID(msg)
	conn := string(payload.ConnPart(id))
	var n int
	if _, err := fmt.Sscanf(string(id[len(conn):]), "%x", &n); err != nil {
		t.Errorf("id %s: %v", id, err)
	}
	if o.next == nil {
		o.next = map[string]int{}
	}
	switch want := o.next[conn]; {
	case n == want:
		o.next[conn]++
		o.got++
	case n < want:
		o.repeated++
	default:
		t.Errorf("connection %s: message %d came before message %d", conn, n, want)
		o.next[conn] = n + 1
	}
}

// consume starts a Consumer that the test closes.
func consume(t *testing.T, brokers []string, change func(*ConsumerConfig)) *Consumer {
	cfg := ConsumerConfig{Cluster: Cluster{Brokers: brokers, Logf: t.Logf}, Topic: topic, Start: Start{Offset: Oldest}, Timing: pace.Timing{Max: true}, ToEnd: true, Limit: 16 << 20}
	if change != nil {
		change(&cfg)
	}
	c := NewConsumer(cfg)
	t.Cleanup(func() { c.Close(); c.end() })
	return c
}

// readAll gives every message to f until the end.
func readAll(t *testing.T, c *Consumer, f func(msg []byte)) {
	t.Helper()
	stuck := time.AfterFunc(timeout, func() { c.Close() })
	defer stuck.Stop()
	buf := make([]byte, 64<<10)
	for {
		n, err := c.Read(buf)
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		f(buf[:n])
	}
}

// values are what a plain consumer reads of the topic.
func values(t *testing.T, c *kfake.Cluster, count int) []*kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, stop := context.WithTimeout(t.Context(), timeout)
	defer stop()
	var all []*kgo.Record
	for len(all) < count {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatalf("%d of %d values: %v", len(all), count, err)
		}
		all = append(all, fetches.Records()...)
	}
	return all
}

// A text collects lines.
type text struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *text) logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.b, format+"\n", args...)
}

func (l *text) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// eventually waits until f is true.
func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	deadline := time.Now().Add(timeout)
	for !f() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", timeout, what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// fetchCommitted is what a group has committed, by partition.
func fetchCommitted(t *testing.T, client *kgo.Client, group string) map[int32]int64 {
	t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	req.Groups = append(req.Groups, g)
	resp, err := req.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	found := map[int32]int64{}
	for _, g := range resp.Groups {
		for _, tp := range g.Topics {
			for _, p := range tp.Partitions {
				found[p.Partition] = p.Offset
			}
		}
	}
	for _, tp := range resp.Topics {
		for _, p := range tp.Partitions {
			found[p.Partition] = p.Offset
		}
	}
	return found
}

func timeOf(t *testing.T, msg []byte) int64 {
	t.Helper()
	meta, _, err := payload.Split(msg)
	if err != nil {
		t.Fatal(err)
	}
	return meta.Time
}

// produce writes values to the topic's first partition as anybody may.
func produce(t *testing.T, c *kfake.Cluster, values ...string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(64<<20), kgo.MaxBufferedBytes(100<<20), kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, v := range values {
		if err := client.ProduceSync(t.Context(), &kgo.Record{Value: []byte(v)}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}
