package kafka

import (
	"testing"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin/plugintest"
)

func TestOutputContract(t *testing.T) {
	cluster := startCluster(t, 4)
	cfg := OutputConfig{Name: "kafka", QueueBytes: 1 << 20, Producer: ProducerConfig{Cluster: Cluster{Brokers: cluster.ListenAddrs(), Logf: t.Logf}, Topic: topic}}
	plugintest.TestOutput(t, plugintest.Output{Output: NewOutput(cfg), Delivered: func(t *testing.T) [][]byte {
		var bodies [][]byte
		for _, r := range values(t, cluster, 80) {
			bodies = append(bodies, payload.Body(r.Value))
		}
		return bodies
	}})
	plugintest.TestClosedOutput(t, plugintest.Output{Output: NewOutput(cfg)})
}

func TestInputContract(t *testing.T) {
	cluster := startCluster(t, 1)
	feed(t, cluster, 3, 1, nil)
	cfg := ConsumerConfig{Cluster: Cluster{Brokers: cluster.ListenAddrs(), Logf: t.Logf}, Topic: topic, Start: Start{Offset: Oldest}, Timing: pace.Timing{Max: true}, Limit: 1 << 20}
	for _, group := range []string{"", "g"} {
		cfg.Group = group
		plugintest.TestInput(t, plugintest.Input{Input: NewInput("kafka", cfg), Wants: [][]byte{
			payload.Body(message(0, 0, baseTime)), payload.Body(message(0, 1, baseTime)), payload.Body(message(0, 2, baseTime)),
		}})
	}
}
