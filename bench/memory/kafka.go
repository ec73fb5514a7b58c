package main

import (
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	topic = "memory"
	// topicMost is the topic's max.message.bytes: the largest message that Gor takes.
	topicMost = "17000000"
)

// kafka starts a cluster in this process, with a topic for large messages, and returns
// the address of a broker.
func (e *env) kafka() (addr string, err error) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, "127.0.0.1:0") }))
	if err != nil {
		return "", err
	}
	e.closers = append(e.closers, closing(func() error {
		c.Close()
		return nil
	}))
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		return "", err
	}
	defer client.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	t := kmsg.NewCreateTopicsRequestTopic()
	t.Topic, t.NumPartitions, t.ReplicationFactor = topic, 8, 1
	config := kmsg.NewCreateTopicsRequestTopicConfig()
	config.Name, config.Value = "max.message.bytes", kmsg.StringPtr(topicMost)
	t.Configs = append(t.Configs, config)
	req.Topics = append(req.Topics, t)
	_, err = req.RequestWith(e.ctx, client)
	return strings.Join(c.ListenAddrs(), ","), err
}

func toKafka(addr string) []string {
	return []string{"--output-kafka-host", addr, "--output-kafka-topic", topic}
}
