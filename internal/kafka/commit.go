package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitLoop settles and commits what was given, until the context ends.
func (c *Consumer) commitLoop(client *kgo.Client) {
	if c.cfg.Group == "" {
		return
	}
	tick := time.NewTicker(commitPeriod)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-c.begun:
		case <-c.ctx.Done():
			return
		}
		cancel := make(chan struct{})
		c.mu.Lock()
		if c.urgent > 0 {
			c.mu.Unlock()
			continue
		}
		c.settling = cancel
		c.mu.Unlock()
		c.commit(client, nil, cancel)
		c.mu.Lock()
		c.settling = nil
		c.mu.Unlock()
	}
}

// hurry ends the settlement of commitLoop, and has it begin no other before unhurry.
func (c *Consumer) hurry() {
	c.mu.Lock()
	c.urgent++
	if c.settling != nil {
		close(c.settling)
		c.settling = nil
	}
	c.mu.Unlock()
}

func (c *Consumer) unhurry() {
	c.mu.Lock()
	c.urgent--
	c.mu.Unlock()
}

// commit settles what was given so far and commits its offsets, of the partitions in only or,
// when that is nil, of all. It gives up once cancel is closed.
func (c *Consumer) commit(client *kgo.Client, only map[int32]bool, cancel <-chan struct{}) {
	c.committing <- struct{}{}
	defer func() { <-c.committing }()
	offsets := map[int32]kgo.EpochOffset{}
	c.mu.Lock()
	for id, p := range c.parts {
		if low := p.low(); low >= 0 && low != p.committed && (only == nil || only[id]) {
			offsets[id] = kgo.EpochOffset{Epoch: -1, Offset: low}
		}
	}
	c.mu.Unlock()
	if len(offsets) == 0 {
		return
	}
	if err := c.cfg.Settle(cancel); err != nil {
		return
	}
	ctx, stop := context.WithTimeout(c.ctx, commitTimeout)
	defer stop()
	done := map[int32]int64{}
	var failed error
	client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{c.cfg.Topic: offsets}, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			failed = err
			return
		}
		for _, t := range resp.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					failed = err
					continue
				}
				done[p.Partition] = offsets[p.Partition].Offset
			}
		}
	})
	if moving(failed) {
		c.watch.retry("commit while the group changes")
		failed = nil
	}
	c.mu.Lock()
	for id, offset := range done {
		if p := c.parts[id]; p != nil {
			p.committed = offset
		}
	}
	said := c.commitErr
	c.commitErr = failed != nil
	c.mu.Unlock()
	switch {
	case failed != nil && c.ctx.Err() == nil && !said:
		c.watch.retry("commit")
		c.cfg.Cluster.say(failed, "; offsets are not committed, and what they stand for is read again after a restart")
	case failed == nil && said:
		c.cfg.Cluster.Logf("offsets are committed again")
	}
}

// moving reports whether a commit failed only because the group changes: the next one does not, or
// another member has the partition.
func moving(err error) bool {
	return errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.UnknownMemberID)
}

// revoked commits what was given of partitions that go to another member, once the outputs
// have settled it. It waits only so long for a slow output: the other member then repeats what
// is not settled, and the group goes on.
func (c *Consumer) revoked(_ context.Context, client *kgo.Client, parts map[string][]int32) {
	ids := parts[c.cfg.Topic]
	if len(ids) == 0 {
		return
	}
	only := map[int32]bool{}
	c.mu.Lock()
	if c.ending {
		c.mu.Unlock()
		c.drop(ids)
		return
	}
	for _, id := range ids {
		only[id] = true
		if p := c.parts[id]; p != nil { // give no more of it
			c.bytes -= p.bytes
			p.forget()
			p.revoked = true
			p.end = p.next
		}
	}
	c.mu.Unlock()
	signal(c.room)
	signal(c.fresh)
	c.hurry()
	defer c.unhurry()
	cancel := make(chan struct{})
	timer := time.AfterFunc(c.cfg.RevokeSettle, func() { close(cancel) })
	c.idle(cancel)
	c.commit(client, only, cancel)
	timer.Stop()
	c.drop(ids)
}

// lost is told of partitions that another member may have already.
func (c *Consumer) lost(_ context.Context, _ *kgo.Client, parts map[string][]int32) {
	c.drop(parts[c.cfg.Topic])
}

func (c *Consumer) drop(ids []int32) {
	c.mu.Lock()
	for _, id := range ids {
		if p := c.parts[id]; p != nil {
			c.bytes -= p.bytes
			p.forget()
			p.revoked = true
			delete(c.parts, id)
		}
	}
	c.mu.Unlock()
	signal(c.room)
	signal(c.fresh)
}
