package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// awaitFirst and awaitMost are how long the first and a later pause is while no broker
	// is reached.
	awaitFirst = 100 * time.Millisecond
	awaitMost  = 2 * time.Second

	// awaitSilent is how many attempts fail before a person is told: a broker that is
	// just starting is not trouble.
	awaitSilent = 2
)

// await waits until brokers tell of the topic. A trouble is told of once, with what it means,
// and again when it becomes another. It reports false when ctx ended before.
func (c *Cluster) await(ctx context.Context, client *kgo.Client, w *watch, topic string, create bool, means string) bool {
	said := Trouble(0)
	pause := awaitFirst
	for tries := 1; ; tries++ {
		err := c.probe(ctx, client, topic, create)
		if err == nil {
			if said != 0 {
				c.Logf("reached, and topic %s is there", topic)
			}
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if dial := w.dialError(); dial != nil && troubleOf(err) != BadLogin {
			err = dial
		}
		if trouble := troubleOf(err); trouble != said && tries >= awaitSilent {
			said = trouble
			c.say(err, means)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		pause = min(2*pause, awaitMost)
	}
}

// probe asks a broker for the topic.
func (c *Cluster) probe(ctx context.Context, client *kgo.Client, topic string, create bool) error {
	_, err := c.partitions(ctx, client, topic, create)
	return err
}

// partitions asks for the partitions of the topic. create lets brokers that are set up so
// make the topic.
func (c *Cluster) partitions(ctx context.Context, client *kgo.Client, topic string, create bool) ([]int32, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	req.Topics = append(req.Topics, t)
	req.AllowAutoTopicCreation = create
	ctx, stop := context.WithTimeout(ctx, probeTimeout)
	defer stop()
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	var ids []int32
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return nil, err
		}
		for _, p := range t.Partitions {
			ids = append(ids, p.Partition)
		}
	}
	if len(ids) == 0 {
		return nil, kerr.UnknownTopicOrPartition
	}
	return ids, nil
}
