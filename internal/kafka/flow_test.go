package kafka

import (
	"os"
	"strconv"
	"testing"

	"github.com/buger/gor/internal/payload"
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
	count := messagesHere(t, 20_000)
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
