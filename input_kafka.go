package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/kafka"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/plugin"
)

// kafkaInputPlugin is the row of --input-kafka-host.
func kafkaInputPlugin() inputPlugin {
	return inputPlugin{
		pluginFlags: pluginFlags{
			name: "input-kafka-host", arg: "HOSTS",
			help: "read messages from a topic of Apache Kafka (--input-kafka-topic), as text or JSON, as Gor and GoReplay write them; HOSTS are brokers, host:port with " +
				"commas between them",
			example: "gor --input-kafka-host kafka1:9092,kafka2:9092 --input-kafka-topic requests --input-kafka-group replay --output-http staging.com",
		}, // what it can be told stands under "Kafka", with the other end's
		paced: func(s *Settings) bool { return !s.kafka.Offset.timing().Max },
		fits:  func(s *Settings) error { return s.kafka.checkInput(s.addresses("input-kafka-host")) },
		parse: parseKafkaInput,
	}
}

func parseKafkaInput(hosts string, _ pace.Limit, s *Settings) (plugin.Parsed[plugin.Input], error) {
	brokers, err := kafka.ParseBrokers(hosts)
	return plugin.Parsed[plugin.Input]{
		Check: func() error {
			_, err := s.kafka.cluster(brokers, s.kafka.InputTopic, s.kafka.inputSASL, unheard)
			return err
		},
		Open: func(env *plugin.Env) (plugin.Input, error) {
			name := "input-kafka-host " + hosts + "/" + s.kafka.InputTopic
			if s.kafka.Group != "" {
				name += " as group " + s.kafka.Group
			}
			cluster, err := s.kafka.cluster(brokers, s.kafka.InputTopic, s.kafka.inputSASL, prefixed(env.Logf, name+": "))
			if err != nil {
				return nil, err
			}
			cluster.Dial = env.Own.DialContext
			return kafka.NewInput(name, kafka.ConsumerConfig{
				Cluster: cluster, Topic: s.kafka.InputTopic, Group: s.kafka.Group,
				Start: s.kafka.Offset.start, Timing: s.kafka.Offset.timing(), ToEnd: s.kafka.ToEnd,
				Limit: s.MessageLimit, Settle: env.Settle,
				// What is unsent at the end of the drain must not be committed.
				CloseSettle: min(kafkaCloseSettle, s.DrainTimeout/2),
			}), nil
		},
	}, err
}

// kafkaCloseSettle is how long the end waits for the outputs to settle what was read last, of
// the five seconds that a drain has after a signal.
const kafkaCloseSettle = interruptDrain * 2 / 5

func (k *kafkaSettings) inputFlags() []flagDef {
	k.Offset.start.Offset = kafka.Newest
	return append([]flagDef{
		{"input-kafka-topic", "TOPIC", "the topic that --input-kafka-host reads", "", flags.Checked(&k.InputTopic, checkedTopic)},
		{"input-kafka-json-format", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "text and JSON are told apart by themselves")},
		{"input-kafka-offset", "OFFSET", "where to begin: -1 with what is still to come, which is replayed as it comes; -2 with the oldest, or with an offset, in every partition, at the pace " +
			"of the capture or at a speed behind it (-2|200%, -2|max); 0:1500,3:-2 reads these partitions alone, from these offsets. With " +
			"--input-kafka-group it counts where the group has committed none",
			"gor --input-kafka-host kafka1:9092 --input-kafka-topic requests --input-kafka-offset \"-2|200%\" --output-http staging.com", &k.Offset},
		{"input-kafka-group", "NAME", "share the partitions with every other Gor of the same group, and go on where the group was: offsets are committed when every " +
			"output has what was read",
			"gor --input-kafka-host kafka1:9092 --input-kafka-topic requests --input-kafka-group replay --output-http staging.com", flags.String(&k.Group)},
		{"input-kafka-to-end", "", "end when everything is replayed that the topic had at the start, instead of waiting for more",
			"gor --input-kafka-host kafka1:9092 --input-kafka-topic requests --input-kafka-offset -2 --input-kafka-to-end --output-http staging.com", flags.Bool(&k.ToEnd)},
	}, k.inputSASL.flags("input-kafka", "--input-kafka-host")...)
}

func (k *kafkaSettings) checkInput(hosts []string) error {
	switch {
	case k.InputTopic == "" && areBrokers(hosts):
		return errors.New("--input-kafka-host reads a topic; add --input-kafka-topic requests")
	case k.Group != "" && len(k.Offset.start.Partitions) > 0:
		return fmt.Errorf("--input-kafka-offset %s names partitions, and those of a group are shared out by Kafka; leave out --input-kafka-group, or the partitions", &k.Offset)
	case k.ToEnd && k.Group == "" && k.Offset.start.Live():
		return errors.New("--input-kafka-to-end and --input-kafka-offset -1 leave nothing to read; add --input-kafka-offset -2")
	}
	return k.check(k.inputSASL)
}

// A kafkaOffset is where reading begins, and at which speed.
type kafkaOffset struct {
	start kafka.Start
	speed pace.Limit
}

func (o *kafkaOffset) String() string {
	if o.speed.Kind == pace.LimitNone {
		return o.start.String()
	}
	return o.start.String() + "|" + o.speed.String()
}

func (o *kafkaOffset) Set(text string) error {
	offset, speed, given := strings.Cut(text, "|")
	start, err := kafka.ParseStart(offset)
	if err != nil {
		return err
	}
	o.start, o.speed = start, pace.Limit{}
	if !given {
		return nil
	}
	if o.speed, err = pace.ParseLimit(speed); err == nil {
		err = o.speed.Speed()
	}
	switch {
	case err != nil:
		return err
	case o.speed.Kind != pace.LimitPercent && o.speed.Kind != pace.LimitMax:
		return fmt.Errorf("limit %q is not a speed; want such as -2|200%% or -2|max", speed)
	case start.Live() && o.speed.Kind == pace.LimitPercent:
		return errors.New("a speed is for what is there already, such as -2|200%: what is still to come is replayed as it comes")
	}
	return nil
}

func (o *kafkaOffset) timing() pace.Timing {
	switch o.speed.Kind {
	case pace.LimitMax:
		return pace.Timing{Max: true}
	case pace.LimitPercent:
		return pace.Timing{Speed: o.speed.N}
	}
	return pace.Timing{Max: o.start.Live()}
}
