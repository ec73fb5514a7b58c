package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// fetch polls while there is room for what it gives.
func (c *Consumer) fetch(client *kgo.Client) {
	said := Trouble(0)
	for c.ctx.Err() == nil {
		if !c.mayFetch(client) {
			select {
			case <-c.room:
			case <-c.ctx.Done():
				return
			}
			continue
		}
		fetches := client.PollRecords(c.ctx, pollMost)
		if fetches.IsClientClosed() || c.ctx.Err() != nil {
			client.AllowRebalance()
			return
		}
		var trouble error
		fetches.EachError(func(_ string, id int32, err error) {
			var loss *kgo.ErrDataLoss
			var large *kgo.ErrDecompressTooLarge
			switch {
			case errors.As(err, &loss):
				c.cfg.Cluster.Logf("partition %d: offset %d is gone from the topic, going on at %d", id, loss.ConsumedTo, loss.ResetTo)
			case errors.As(err, &large):
				c.pass(client, large)
			default:
				trouble = err
			}
		})
		c.take(fetches)
		client.AllowRebalance()
		switch kind := Trouble(0); {
		case trouble != nil:
			kind = troubleOf(trouble)
			if kind != said {
				said = kind
				c.cfg.Cluster.say(trouble, "; trying again")
			}
		case fetches.NumRecords() > 0:
			said = 0
		}
	}
}

// mayFetch reports whether there is room, or a partition that messages wait for has none of
// its own. Then the partitions that have more than their share are paused, so that it
// alone is fetched.
func (c *Consumer) mayFetch(client *kgo.Client) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.bytes < bufferBytes {
		return true
	}
	starving := false
	for _, p := range c.parts {
		starving = starving || p.starving()
	}
	if !starving || c.cfg.Timing.Max {
		return false
	}
	var pause []int32
	for id, p := range c.parts {
		if !p.paused && len(p.records) > 0 && p.bytes >= c.share() {
			p.paused = true
			pause = append(pause, id)
		}
	}
	if len(pause) > 0 {
		client.PauseFetchPartitions(map[string][]int32{c.cfg.Topic: pause})
	}
	return true
}

// share is what a partition may have of the buffer when there is not enough of it. Call with the
// lock held.
func (c *Consumer) share() int { return bufferBytes / (2 * max(1, len(c.parts))) }

// resume has a partition fetched again that has little left.
func (c *Consumer) resume(p *partition) {
	c.mu.Lock()
	again := p.paused && p.bytes < c.share()/2
	if again {
		p.paused = false
	}
	client := c.client
	c.mu.Unlock()
	if again && client != nil {
		client.ResumeFetchPartitions(map[string][]int32{c.cfg.Topic: {p.id}})
	}
}

// take keeps what was fetched.
func (c *Consumer) take(fetches kgo.Fetches) {
	c.mu.Lock()
	fetches.EachPartition(func(f kgo.FetchTopicPartition) {
		p := c.parts[f.Partition]
		if p == nil {
			return // revoked meanwhile, or not wanted
		}
		for _, r := range f.Records {
			if p.next >= 0 && r.Offset < p.next || len(p.records) > 0 && r.Offset <= p.records[len(p.records)-1].Offset {
				c.counts.Add(countRepeated)
				continue
			}
			p.push(r)
			c.bytes += len(r.Value)
		}
		p.end = max(p.end, f.HighWatermark)
	})
	c.mu.Unlock()
	signal(c.fresh)
}

// pass goes on behind a batch that is larger, decompressed, than any that holds messages within the
// limit.
func (c *Consumer) pass(client *kgo.Client, large *kgo.ErrDecompressTooLarge) {
	c.skip(&kgo.Record{Partition: large.Partition, Offset: large.Offset}, fmt.Errorf("%w: the batch up to offset %d", errTooBig, large.NextOffset-1))
	c.mu.Lock()
	if p := c.parts[large.Partition]; p != nil {
		p.passed(large.Offset, large.NextOffset)
	}
	c.mu.Unlock()
	client.SetOffsets(map[string]map[int32]kgo.EpochOffset{c.cfg.Topic: {large.Partition: {Epoch: large.Epoch, Offset: large.NextOffset}}})
	signal(c.fresh)
}

// assigned is told of the offsets that the group has committed of partitions which this
// member gets. Where there is none it resolves where to begin, and has that committed, so that
// nothing is passed over when the partition goes to another member before the first commit.
func (c *Consumer) assigned(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	c.mu.Lock()
	client := c.client
	c.mu.Unlock()
	var ids []int32
	for id := range offsets[c.cfg.Topic] {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var found map[int32]bounds
	for pause := awaitFirst; len(ids) > 0; pause = min(2*pause, awaitMost) {
		var err error
		if client != nil {
			if found, err = listBounds(ctx, client, c.cfg.Topic, ids); err == nil && len(found) == len(ids) {
				break
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
		c.mu.Lock()
		client = c.client
		c.mu.Unlock()
	}
	c.mu.Lock()
	for id, o := range offsets[c.cfg.Topic] {
		p := c.add(id, found[id], o.EpochOffset().Offset)
		if p == nil {
			delete(offsets[c.cfg.Topic], id)
			continue
		}
		offsets[c.cfg.Topic][id] = kgo.NewOffset().At(p.next)
	}
	c.known = true
	n := len(c.parts)
	c.mu.Unlock()
	c.cfg.Cluster.Logf("%d of the topic's partitions are read here%s", n, namesOf(ids))
	signal(c.fresh)
	signal(c.begun)
	return offsets, nil
}

// namesOf lists partitions that are new.
func namesOf(ids []int32) string {
	if len(ids) == 0 || len(ids) > 20 {
		return ""
	}
	var b strings.Builder
	for i, id := range ids {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprint(&b, id)
	}
	return ", new: " + b.String()
}
