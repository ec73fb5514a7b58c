package kafka

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/buger/gor/internal/pace"
)

// committed is what a group has committed of the topic, all partitions together.
func committed(t *testing.T, c *kfake.Cluster, group string) (n int64) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, o := range fetchCommitted(t, client, group) {
		n += max(o, 0)
	}
	return n
}

func grouped(name string) func(*ConsumerConfig) {
	return func(cfg *ConsumerConfig) { cfg.Group, cfg.ToEnd = name, false }
}

// What was given and settled is committed, at the end too, and the next member goes on there.
func TestGroupGoesOn(t *testing.T) {
	cluster := startCluster(t, 4)
	feed(t, cluster, 1000, 20, nil)
	var o order
	for round, want := range []int{300, 700} {
		c := consume(t, cluster.ListenAddrs(), grouped("g"))
		for range want {
			o.add(t, readOne(t, c))
		}
		c.Close()
		if _, err := c.Read(make([]byte, 1000)); err != io.EOF {
			t.Fatalf("round %d: %v", round, err)
		}
	}
	if o.got != 1000 || o.repeated != 0 {
		t.Errorf("%d messages, %d repeated", o.got, o.repeated)
	}
	if n := committed(t, cluster, "g"); n != 1000 {
		t.Errorf("%d are committed", n)
	}
}

func readOne(t *testing.T, c *Consumer) []byte {
	t.Helper()
	stuck := time.AfterFunc(timeout, func() { c.Close() })
	defer stuck.Stop()
	buf := make([]byte, 64<<10)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return buf[:n]
}

// Nothing is committed that an output has not settled: what a member gave and did not
// settle, the next one gives again.
func TestUnsettledIsGivenAgain(t *testing.T) {
	cluster := startCluster(t, 2)
	feed(t, cluster, 100, 10, nil)
	c := consume(t, cluster.ListenAddrs(), func(cfg *ConsumerConfig) {
		grouped("g")(cfg)
		cfg.CloseSettle = 10 * time.Millisecond
		cfg.Settle = func(cancel <-chan struct{}) error { <-cancel; return errors.New("cancelled") }
	})
	for range 100 {
		readOne(t, c)
	}
	c.Close()
	if _, err := c.Read(nil); err != io.EOF {
		t.Fatal(err)
	}
	if n := committed(t, cluster, "g"); n != 0 {
		t.Errorf("%d are committed", n)
	}
	var o order
	c = consume(t, cluster.ListenAddrs(), grouped("g"))
	for range 100 {
		o.add(t, readOne(t, c))
	}
	if o.got != 100 {
		t.Errorf("%d messages", o.got)
	}
}

// Members come and go under load: none of the messages is lost, and each connection's stay in
// order but for what is repeated.
func TestRebalance(t *testing.T) {
	const conns = 100
	count := messagesHere(t, 8_000)
	cluster := startCluster(t, 8, kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	var o order
	var members sync.WaitGroup
	var mu sync.Mutex
	join := func() *Consumer {
		c := consume(t, cluster.ListenAddrs(), grouped("g"))
		members.Go(func() {
			buf := make([]byte, 64<<10)
			for {
				n, err := c.Read(buf)
				if err != nil {
					return
				}
				mu.Lock()
				o.add(t, buf[:n])
				mu.Unlock()
			}
		})
		return c
	}
	got := func() int { o.mu.Lock(); defer o.mu.Unlock(); return o.got }
	first := join()
	feed(t, cluster, count/4, conns, nil)
	eventually(t, "the first quarter", func() bool { return got() == count/4 })
	second := join()
	// The rest comes while the partitions move, and the first member leaves amid it.
	var fed sync.WaitGroup
	fed.Go(func() { feedFrom(t, cluster, count/4, count, conns, nil) })
	eventually(t, "the second member has its part", func() bool { return len(second.Lag()) == 4 })
	eventually(t, "half of the messages", func() bool { return got() >= count/2 })
	first.Close()
	eventually(t, "every message", func() bool { return got() >= count })
	fed.Wait()
	second.Close()
	members.Wait()
	t.Logf("%d repeated", o.repeated)
	if o.got != count {
		t.Errorf("%d messages", o.got)
	}
	if n := committed(t, cluster, "g"); n != int64(count) {
		t.Errorf("%d are committed", n)
	}
}

// An output that hangs does not keep a member from giving partitions away.
func TestRebalanceBesideAHungOutput(t *testing.T) {
	cluster := startCluster(t, 4, kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	feed(t, cluster, 400, 20, nil)
	var settles atomic.Int64
	hung := consume(t, cluster.ListenAddrs(), func(cfg *ConsumerConfig) {
		grouped("g")(cfg)
		cfg.CloseSettle, cfg.RevokeSettle = time.Millisecond, 50*time.Millisecond
		cfg.Settle = func(cancel <-chan struct{}) error {
			settles.Add(1)
			<-cancel
			return errors.New("cancelled")
		}
	})
	readOne(t, hung)
	readOne(t, hung) // the first is done with
	eventually(t, "a settlement", func() bool { return settles.Load() > 0 })
	other := consume(t, cluster.ListenAddrs(), grouped("g"))
	for range 100 {
		readOne(t, other)
	}
	if n := len(hung.Lag()); n != 2 {
		t.Errorf("the hung member has %d partitions", n)
	}
}

// A group that begins at the end of a topic commits that at once: what comes while nobody
// is there is read later.
func TestGroupBeginsAtTheEnd(t *testing.T) {
	cluster := startCluster(t, 2)
	feed(t, cluster, 10, 1, nil)
	c := consume(t, cluster.ListenAddrs(), func(cfg *ConsumerConfig) { grouped("g")(cfg); cfg.Start.Offset = Newest })
	eventually(t, "a commit", func() bool { return committed(t, cluster, "g") == 10 })
	c.Close()
	feed(t, cluster, 20, 1, nil)
	c = consume(t, cluster.ListenAddrs(), func(cfg *ConsumerConfig) { grouped("g")(cfg); cfg.Start.Offset = Newest })
	for range 20 {
		readOne(t, c)
	}
}

// The pace of the capture is kept over partitions, and what is revoked is not waited for.
func TestPaceAcrossPartitions(t *testing.T) {
	cluster := startCluster(t, 8)
	const count, gap = 2000, 100_000 // ns
	feed(t, cluster, count, 50, nil)
	c := consume(t, cluster.ListenAddrs(), func(cfg *ConsumerConfig) { cfg.Timing = pace.Timing{Speed: 100} })
	began := time.Now()
	last, n := int64(0), 0
	readAll(t, c, func(msg []byte) {
		if at := timeOf(t, msg); at < last {
			t.Errorf("message %d of %d comes after one of %d", n, at, last)
		} else {
			last = at
		}
		n++
	})
	if took := time.Since(began); n != count || took < (count-1)*1000 {
		t.Errorf("%d messages in %s", n, took)
	}
	if _, late := c.OutOfOrder(); late != 0 {
		t.Errorf("%d late", late)
	}
}
