package kafka

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// messagesHere is how many messages the long tests carry: GOR_KAFKA_MESSAGES makes it
// more.
func messagesHere(t *testing.T, few int) int {
	if n, err := strconv.Atoi(os.Getenv("GOR_KAFKA_MESSAGES")); err == nil && n > 0 {
		return n
	}
	return few
}

// Every message of a thousand connections comes once, each connection in order.
func TestEveryMessageOnceInOrder(t *testing.T) {
	count := messagesHere(t, 5_000)
	const conns = 1000
	for _, json := range []bool{false, true} {
		cluster := startCluster(t, 8)
		p := feed(t, cluster, count, conns, func(cfg *ProducerConfig) { cfg.JSON = json })
		if rows := p.Counts(); stats.Sum(rows) != uint64(count) || rows[0].N != uint64(count) {
			t.Errorf("%v", rows)
		}
		var o order
		readAll(t, consume(t, cluster.ListenAddrs(), nil), func(msg []byte) { o.add(t, msg) })
		if o.got != count || o.repeated != 0 || len(o.next) != conns {
			t.Errorf("json %v: %d messages, %d repeated, of %d connections", json, o.got, o.repeated, len(o.next))
		}
	}
}

// The key decides the partition, as Kafka's own clients have it, and the time is the
// message's.
func TestRecords(t *testing.T) {
	cluster := startCluster(t, 8)
	feed(t, cluster, 100, 10, nil)
	for _, r := range values(t, cluster, 100) {
		meta, _, err := payload.Split(r.Value)
		if err != nil || string(r.Key) != string(payload.ConnPart(meta.ID)) || r.Timestamp.UnixMilli() != meta.Time/1e6 {
			t.Errorf("key %s, time %s of %q: %v", r.Key, r.Timestamp, r.Value, err)
		}
		if want := int32(murmur2(r.Key)&0x7fffffff) % 8; r.Partition != want {
			t.Errorf("key %s is in partition %d, want %d", r.Key, r.Partition, want)
		}
	}
}

// murmur2 is the hash of Kafka's default partitioner, written from its description.
func murmur2(b []byte) uint32 {
	const m, seed = 0x5bd1e995, 0x9747b28c
	h := seed ^ uint32(len(b))
	for ; len(b) >= 4; b = b[4:] {
		k := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
		k *= m
		k ^= k >> 24
		h = h*m ^ k*m
	}
	switch len(b) {
	case 3:
		h ^= uint32(b[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(b[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(b[0])) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}

// bulk writes n messages of size bytes of one connection, gap apart from start on.
func bulk(t *testing.T, q *queue.Queue, conn, n, size int, start, gap int64) {
	t.Helper()
	body := strings.Repeat("x", size)
	for i := range n {
		msg := append(message(conn, i, start+int64(i)*gap), body...)
		for errors.Is(q.Put(msg), queue.ErrFull) {
			q.Room(nil, time.Second)
		}
	}
}

// What is merged by time need not fit the buffer: partitions that are ahead wait for those that
// are behind.
func TestMergeOfMoreThanTheBuffer(t *testing.T) {
	const count, size = 400, 8 << 10 // 3.2 MB of each of four connections
	cluster := startCluster(t, 4)
	conns := make([]int, 4) // one for each partition
	for conn := 1; slices.Contains(conns, 0); conn++ {
		key := payload.ConnPart(payload.AppendID(nil, uint64(conn), 0))
		conns[murmur2(key)&0x7fffffff%4] = conn
	}
	q := queue.New(0, 8<<20)
	p := NewProducer(ProducerConfig{Cluster: Cluster{Brokers: cluster.ListenAddrs(), Logf: t.Logf}, Topic: topic, Queue: q})
	var wg sync.WaitGroup
	wg.Go(func() { p.Run(t.Context()) })
	for _, conn := range conns { // one after the other, though they were captured at once
		bulk(t, q, conn, count, size, baseTime+int64(conn), 1000)
	}
	q.Close()
	wg.Wait()
	c := consume(t, cluster.ListenAddrs(), func(cfg *ConsumerConfig) { cfg.Timing = pace.Timing{Speed: 100} })
	var o order
	readAll(t, c, func(msg []byte) { o.add(t, msg) })
	if n, late := c.OutOfOrder(); o.got != count*len(conns) || late > 0 {
		t.Errorf("%d messages, %d out of order, %d late", o.got, n, late)
	}
}

// The largest message goes through a topic that takes it, in both forms.
func TestLargestMessage(t *testing.T) {
	sizes := map[bool]int{false: 15 << 20, true: 1 << 20}
	cluster := startCluster(t, 1)
	if err := errors.Join(cluster.DeleteTopic(topic), cluster.CreateTopic(topic, 1, map[string]string{"max.message.bytes": strconv.Itoa(64 << 20)})); err != nil {
		t.Fatal(err)
	}
	for _, json := range []bool{false, true} {
		q := queue.New(0, 1<<20)
		p := NewProducer(ProducerConfig{Cluster: Cluster{Brokers: cluster.ListenAddrs(), Logf: t.Logf}, Topic: topic, Queue: q, JSON: json})
		var wg sync.WaitGroup
		wg.Go(func() { p.Run(t.Context()) })
		bulk(t, q, 1, 1, sizes[json], baseTime, 0)
		q.Close()
		wg.Wait()
		if rows := p.Counts(); rows[0].N != 1 {
			t.Errorf("json %v: %v", json, rows)
		}
	}
	c := consume(t, cluster.ListenAddrs(), nil)
	buf := make([]byte, 16<<20)
	for range 2 {
		if n, err := c.Read(buf); err != nil || n < sizes[true] {
			t.Errorf("%d bytes, %v", n, err)
		}
	}
}

// A batch that grows beyond all messages is left out, and the rest of the partition is read.
func TestBatchThatGrows(t *testing.T) {
	cluster := startCluster(t, 1, kfake.BrokerConfigs(map[string]string{"message.max.bytes": strconv.Itoa(64 << 20)}))
	produce(t, cluster, string(message(0, 0, baseTime)), string(make([]byte, 17<<20)), string(message(0, 1, baseTime)), string(make([]byte, 17<<20)))
	c := consume(t, cluster.ListenAddrs(), func(cfg *ConsumerConfig) { cfg.Limit = 1 << 20 })
	n := 0
	readAll(t, c, func([]byte) { n++ })
	if n != 2 || c.counts.Get(countTooBig) != 2 {
		t.Errorf("%d messages, %v", n, c.Counts())
	}
}

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a:9092", "a:1,b": "a:1 b:9092", " a , b:2": "a:9092 b:2", "[::1]:3": "[::1]:3", "::1": "[::1]:9092", "[::1]": "[::1]:9092",
		"": "", "a:": "", "a:0": "", "a:65536": "", "http://a": "", "a,,b": "", "user@a": "", "a b": "", "a:1:2": "",
	} {
		got, err := ParseBrokers(in)
		if strings.Join(got, " ") != want || (err == nil) != (want != "") {
			t.Errorf("brokers %q: %q, %v; want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"-1": "-1", "-2": "-2", "0": "0", "99": "99", "0:5,2:-1": "0:5,2:-1", " 1 : 2": "1:2",
		"": "", "-3": "", "x": "", "0:": "", "-1:5": "", "0:1,0:2": "", "99999999999:1": "", "1:2:3": "",
	} {
		s, err := ParseStart(in)
		if (err == nil) != (want != "") || err == nil && s.String() != want {
			t.Errorf("start %q: %s, %v; want %q", in, s, err, want)
		}
	}
}
