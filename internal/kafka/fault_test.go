package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// produceKey is the key of produce requests in the protocol.
const produceKey = 0

// refuseProduce answers so many produce requests with code.
func refuseProduce(c *kfake.Cluster, times int, code int16) {
	left := times
	c.ControlKey(produceKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
		if left == 0 {
			return nil, nil, false
		}
		left--
		if left > 0 {
			c.KeepControl()
		}
		preq := req.(*kmsg.ProduceRequest)
		resp := preq.ResponseKind().(*kmsg.ProduceResponse)
		for _, t := range preq.Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
}

// wantEach reads the topic and wants every message once and in order.
func wantEach(t *testing.T, c *kfake.Cluster, count int) {
	t.Helper()
	var o order
	readAll(t, consume(t, c.ListenAddrs(), nil), func(msg []byte) { o.add(t, msg) })
	if o.got != count || o.repeated != 0 {
		t.Errorf("%d messages of %d, %d repeated", o.got, count, o.repeated)
	}
}

// A leader that is none any more, and brokers that take their time: nothing is lost, nothing
// comes twice, and the reason is counted.
func TestFaultsOfBrokers(t *testing.T) {
	const count = 5000
	for name, tt := range map[string]struct {
		fault  func(c *kfake.Cluster)
		reason string
	}{
		"not leader":     {func(c *kfake.Cluster) { refuseProduce(c, 5, kerr.NotLeaderForPartition.Code) }, "not leader for partition"},
		"not enough":     {func(c *kfake.Cluster) { refuseProduce(c, 5, kerr.NotEnoughReplicas.Code) }, "not enough replicas"},
		"leaders change": {func(c *kfake.Cluster) { c.ShufflePartitionLeaders() }, ""},
		"broker lost": {func(c *kfake.Cluster) {
			c.ControlKey(produceKey, func(kmsg.Request) (kmsg.Response, error, bool) { return nil, errors.New("connection cut"), true })
		}, "connection lost"},
		"slow acknowledgments": {func(c *kfake.Cluster) {
			c.ControlKey(produceKey, func(kmsg.Request) (kmsg.Response, error, bool) {
				c.SleepControl(func() { time.Sleep(300 * time.Millisecond) })
				return nil, nil, false
			})
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cluster := startCluster(t, 8)
			tt.fault(cluster)
			var p *Producer
			var fed sync.WaitGroup
			fed.Go(func() { p = feed(t, cluster, count, 100, nil) })
			if name == "leaders change" {
				for range 10 {
					cluster.ShufflePartitionLeaders()
					time.Sleep(5 * time.Millisecond)
				}
			}
			fed.Wait()
			if rows := p.Counts(); rows[0].N != count {
				t.Errorf("%v", rows)
			}
			if tt.reason != "" && p.Retries()[tt.reason] == 0 {
				t.Errorf("no %q in %v", tt.reason, p.Retries())
			}
			wantEach(t, cluster, count)
		})
	}
}

// A broker that is away at the start, and one that goes away later.
func TestBrokerAway(t *testing.T) {
	var said text
	q := queue.New(0, 1<<20)
	p := NewProducer(ProducerConfig{Cluster: Cluster{Brokers: []string{"127.0.0.1:1"}, Logf: said.logf}, Topic: topic, Queue: q})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { p.Run(ctx) })
	n := 0
	for q.Put(message(1, n, baseTime)) == nil {
		n++
	}
	eventually(t, "a line", func() bool { return strings.Contains(said.String(), "no broker can be reached") })
	if p.Connected() || stats.Sum(p.Counts()) != 0 {
		t.Errorf("%v", p.Counts())
	}
	stop()
	wg.Wait()
	if lines := strings.Count(said.String(), "\n"); lines != 1 || q.Discard() != n {
		t.Errorf("%d lines:\n%s", lines, &said)
	}
}

// What a topic does not take is counted with the name of its setting, and the rest goes on.
func TestTooLargeForTheTopic(t *testing.T) {
	cluster := startCluster(t, 1, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "65536"}))
	q := queue.New(0, 8<<20)
	var lost []string
	p := NewProducer(ProducerConfig{
		Cluster: Cluster{Brokers: cluster.ListenAddrs(), Logf: t.Logf}, Topic: topic, Queue: q,
		Lost: func(reason string, _ []byte) { lost = append(lost, reason) },
	})
	large := append(message(0, 0, baseTime), make([]byte, 2<<20)...)
	for _, msg := range [][]byte{message(0, 0, baseTime), large, message(0, 1, baseTime), []byte("no message")} {
		if err := q.Put(msg); err != nil {
			t.Fatal(err)
		}
	}
	q.Close()
	p.Run(t.Context())
	if rows := p.Counts(); rows[0].N != 2 || stats.Sum(rows) != 4 || len(lost) != 2 {
		t.Errorf("%v, %q", rows, lost)
	}
	if name := p.failures.Name(failTooLarge); p.failures.Get(failTooLarge) != 1 || !strings.Contains(name, "max.message.bytes") {
		t.Errorf("%s: %v", name, p.Counts())
	}
}

// Foreign and damaged values are left out, counted, and told with their place once.
func TestForeignValues(t *testing.T) {
	cluster := startCluster(t, 1)
	produce(t, cluster, "hello", string(message(0, 0, baseTime)), `{"a":1}`, "1 ab 5 5 90\nGET", "9 ab 5 5\nx", "")
	var said text
	c := consume(t, cluster.ListenAddrs(), func(cfg *ConsumerConfig) { cfg.Cluster.Logf = said.logf })
	n := 0
	readAll(t, c, func([]byte) { n++ })
	if n != 1 || c.counts.Get(countForeign) != 3 || c.counts.Get(countDamaged) != 1 || c.counts.Get(countNewer) != 1 {
		t.Errorf("%d messages, %v", n, c.Counts())
	}
	if want := "left out what is at offset 0 of partition 0: not a message of Gor or GoReplay"; strings.Count(said.String(), "left out") != 1 || !strings.Contains(said.String(), want) {
		t.Errorf("%s", &said)
	}
}

// closer accepts connections and closes each at its first bytes.
func closer(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4<<10))
			conn.Close()
		}
	}()
	return l.Addr().String()
}

// What is wrong with a connection is told apart, so that a hint can be given.
func TestTroubles(t *testing.T) {
	for want, tt := range map[Trouble]struct{ change func(c *Cluster) }{
		Unreachable: {func(c *Cluster) { c.Brokers = []string{"127.0.0.1:1"} }},
		NoTLS: {func(c *Cluster) {
			c.TLS = func() *tls.Config { return &tls.Config{} }
			c.Brokers = []string{closer(t)} // as a real broker does
		}},
		NoTopic: {nil},
	} {
		cluster := startCluster(t, 1)
		hints := make(chan Trouble, 100)
		c := Cluster{Brokers: cluster.ListenAddrs(), Logf: t.Logf, Hint: func(trouble Trouble) string {
			hints <- trouble
			return "; a hint"
		}}
		if tt.change != nil {
			tt.change(&c)
		}
		q := queue.New(0, 1<<20)
		p := NewProducer(ProducerConfig{Cluster: c, Topic: "not-" + topic, Queue: q})
		ctx, stop := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { p.Run(ctx) })
		if got := <-hints; got != want {
			t.Errorf("%d, want %d", got, want)
		}
		stop()
		wg.Wait()
	}
}
