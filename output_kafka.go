package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/buger/gor/internal/certs"
	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/kafka"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
)

// kafkaOutputPlugin is the row of --output-kafka-host.
func kafkaOutputPlugin() outputPlugin {
	return outputPlugin{
		pluginFlags: pluginFlags{
			name: "output-kafka-host", arg: "HOSTS",
			help: "write every message to a topic of Apache Kafka (--output-kafka-topic); HOSTS are brokers, host:port with commas between " +
				"them. What was one connection is in one partition, in order",
			example: "sudo gor --input-raw :80 --output-kafka-host kafka1:9092,kafka2:9092 --output-kafka-topic requests",
			title:   "Kafka",
			topics:  []string{"input-kafka-host"},
			flags: func(s *Settings) []flagDef {
				return slices.Concat(s.kafka.outputFlags(), s.kafka.inputFlags(), s.kafka.sharedFlags(s))
			},
		},
		fits:     func(s *Settings) error { return s.kafka.checkOutput(s.addresses("output-kafka-host")) },
		connects: true,
		parse:    parseKafkaOutput,
	}
}

func parseKafkaOutput(hosts string, s *Settings) (plugin.Parsed[plugin.Output], error) {
	brokers, err := kafka.ParseBrokers(hosts)
	return plugin.Parsed[plugin.Output]{
		Check: func() error {
			_, err := s.kafka.cluster(brokers, s.kafka.OutputTopic, s.kafka.outputSASL, unheard)
			return err
		},
		Open: func(env *plugin.Env) (plugin.Output, error) {
			name := "output-kafka-host " + hosts + "/" + s.kafka.OutputTopic
			cluster, err := s.kafka.cluster(brokers, s.kafka.OutputTopic, s.kafka.outputSASL, prefixed(env.Logf, name+": "))
			if err != nil {
				return nil, err
			}
			cluster.Dial = env.Own.DialContext
			cfg := kafka.OutputConfig{
				Name: name, QueueBytes: env.QueueBytes, Large: env.Large,
				Producer: kafka.ProducerConfig{Cluster: cluster, Topic: s.kafka.OutputTopic, JSON: s.kafka.OutputJSON},
			}
			if s.Verbose >= verboseLosses {
				cfg.Producer.Lost = func(reason string, msg []byte) { env.Logf("%s: %s: %s", name, reason, payload.Describe(msg)) }
			}
			return kafka.NewOutput(cfg), nil
		},
	}, err
}

// kafkaSettings is what the command line says of --input-kafka-host and --output-kafka-host.
type kafkaSettings struct {
	OutputTopic string
	OutputJSON  bool
	InputTopic  string
	Offset      kafkaOffset
	Group       string
	ToEnd       bool

	TLS                  bool
	CA, Certificate, Key string // files; "": none
	sasl                 kafkaSASL
	inputSASL            kafkaSASL // of one end, before that of both
	outputSASL           kafkaSASL
	PasswordFile         string
}

// kafkaSASL is who asks. What is empty was not given.
type kafkaSASL struct{ Mechanism, Username, Password string }

func (k *kafkaSettings) outputFlags() []flagDef {
	return append([]flagDef{
		{"output-kafka-topic", "TOPIC", "the topic that --output-kafka-host writes to", "", flags.Checked(&k.OutputTopic, checkedTopic)},
		{"output-kafka-json-format", "", "write each message as a JSON object, as GoReplay does, with the exact bytes beside its fields (Req_Raw), instead of as text", "",
			flags.Bool(&k.OutputJSON)},
	}, k.outputSASL.flags("output-kafka", "--output-kafka-host")...)
}

// sharedFlags are those of both ends.
func (k *kafkaSettings) sharedFlags(s *Settings) []flagDef {
	defs := append([]flagDef{
		{"kafka-tls", "", "speak TLS with the brokers, and trust the system's authorities for them unless --kafka-tls-ca-cert is given", "", flags.Bool(&k.TLS)},
		{"kafka-tls-ca-cert", "FILE", "speak TLS, and trust the authorities in FILE, in PEM form. It is read again when it changes",
			"gor --input-kafka-host kafka1:9093 --input-kafka-topic requests --kafka-tls-ca-cert ca.pem --output-http staging.com", flags.String(&k.CA)},
		{"kafka-tls-client-cert", "FILE", "speak TLS, with this certificate, in PEM form", "", flags.String(&k.Certificate)},
		{"kafka-tls-client-key", "FILE", "its key, in PEM form, without a passphrase", "", flags.String(&k.Key)},
		{"kafka-password-file", "FILE", "the password is the first line of FILE, which is read for each connection", "", flags.String(&k.PasswordFile)},
	}, k.sasl.flags("kafka", "both --input-kafka-host and --output-kafka-host")...)
	for i := range defs {
		defs[i].value = flags.AlsoWith(defs[i].value, "input-kafka-host", func() bool { return s.has("input-kafka-host") })
	}
	return defs
}

// flags are those that name a user, at one end or at both.
func (a *kafkaSASL) flags(prefix, where string) []flagDef {
	example := ""
	if prefix == "kafka" {
		example = "gor --input-kafka-host kafka1:9093 --input-kafka-topic requests --kafka-mechanism SCRAM-SHA-512 --kafka-username gor --kafka-password-file secret --kafka-tls --output-http staging.com"
	}
	hidden := func(string) string { return "xxxxx" }
	return []flagDef{
		{prefix + "-use-sasl", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--"+prefix+"-username alone says that there is a user")},
		{prefix + "-mechanism", "MECHANISM", "how the user of " + where + " is known to the brokers; PLAIN when it is not given", example,
			flags.OneOf(&a.Mechanism, kafka.MechanismPlain, kafka.MechanismScramSHA256, kafka.MechanismScramSHA512)},
		{prefix + "-username", "NAME", "the user of " + where, "", flags.String(&a.Username)},
		{prefix + "-password", "PASSWORD", "the user's password; others can read a command line, and not the environment (" + "GOR_" + strings.ToUpper(strings.ReplaceAll(prefix, "-", "_")) + "_PASSWORD) or --kafka-password-file", "",
			flags.Shown(flags.String(&a.Password), hidden)},
	}
}

func checkedTopic(name string) (string, error) { return name, kafka.CheckTopic(name) }

func (k *kafkaSettings) checkOutput(hosts []string) error {
	if k.OutputTopic == "" && areBrokers(hosts) {
		return errors.New("--output-kafka-host writes to a topic; add --output-kafka-topic requests")
	}
	return k.check(k.outputSASL)
}

// areBrokers reports whether hosts are understood; what is not, will be said of each.
func areBrokers(hosts []string) bool {
	return !slices.ContainsFunc(hosts, func(list string) bool { _, err := kafka.ParseBrokers(list); return err != nil })
}

// check refuses what cannot work together, with what to type. own is the user of one end.
func (k *kafkaSettings) check(own kafkaSASL) error {
	user := k.user(own)
	switch {
	case user.Username == "" && user != (kafkaSASL{}):
		return errors.New("a mechanism or a password is of no use without a user; add --kafka-username NAME")
	case user.Username == "" && k.PasswordFile != "":
		return fmt.Errorf("--kafka-password-file %s is of no use without a user; add --kafka-username NAME", k.PasswordFile)
	case user.Username != "" && user.Password == "" && k.PasswordFile == "":
		return fmt.Errorf("user %s has no password; add --kafka-password-file FILE, or set GOR_KAFKA_PASSWORD", user.Username)
	case user.Password != "" && k.PasswordFile != "":
		return fmt.Errorf("--kafka-password-file %s and --kafka-password both name one; leave one out", k.PasswordFile)
	}
	return k.files().Check()
}

// user is that of one end: what is not said of it is that of both.
func (k *kafkaSettings) user(own kafkaSASL) kafkaSASL {
	return kafkaSASL{cmp.Or(own.Mechanism, k.sasl.Mechanism), cmp.Or(own.Username, k.sasl.Username), cmp.Or(own.Password, k.sasl.Password)}
}

func (k *kafkaSettings) files() certs.Client {
	return certs.Client{
		CA:   certs.Source{Label: "--kafka-tls-ca-cert", Name: k.CA},
		Cert: certs.Source{Label: "--kafka-tls-client-cert", Name: k.Certificate},
		Key:  certs.Source{Label: "--kafka-tls-client-key", Name: k.Key},
	}
}

func (k *kafkaSettings) secure() bool { return k.TLS || k.CA != "" || k.Certificate != "" }

// cluster is where the brokers are. It reads the files.
func (k *kafkaSettings) cluster(brokers []string, topic string, own kafkaSASL, logf func(string, ...any)) (kafka.Cluster, error) {
	user := k.user(own)
	c := kafka.Cluster{Brokers: brokers, Logf: logf, Hint: func(t kafka.Trouble) string { return k.hint(t, topic, user) }}
	if k.secure() {
		var err error
		if c.TLS, err = k.files().Open(logf, &tls.Config{MinVersion: tls.VersionTLS12}); err != nil {
			return c, err
		}
	}
	if user.Username == "" {
		return c, nil
	}
	c.SASL = kafka.SASL{Mechanism: cmp.Or(user.Mechanism, kafka.MechanismPlain), Username: user.Username, Password: func() (string, error) { return user.Password, nil }}
	if k.PasswordFile != "" {
		c.SASL.Password = k.filedPassword
		if err := disk.MayRead(k.PasswordFile); err != nil {
			return c, fmt.Errorf("--kafka-password-file: %w", err)
		}
	}
	if c.SASL.Mechanism == kafka.MechanismPlain && c.TLS == nil {
		logf("the password of user %s goes over the network as it is: add --kafka-tls, or --kafka-mechanism SCRAM-SHA-512", user.Username)
	}
	return c, nil
}

func (k *kafkaSettings) filedPassword() (string, error) {
	text, err := os.ReadFile(k.PasswordFile)
	if err != nil {
		return "", fmt.Errorf("--kafka-password-file: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// hint is what to type about a trouble with the brokers.
func (k *kafkaSettings) hint(t kafka.Trouble, topic string, user kafkaSASL) string {
	switch t {
	case kafka.NoTLS:
		return "; they do not speak TLS there: leave out --kafka-tls, or name their port for TLS"
	case kafka.UnknownCA:
		return "; --kafka-tls-ca-cert FILE names an authority to trust"
	case kafka.ClosedAtOnce:
		switch {
		case user.Username != "":
			return "; it may not take the user" + login(user)
		case !k.secure():
			return "; it may be a port for TLS: add --kafka-tls or --kafka-tls-ca-cert FILE"
		}
		return "; it may want a certificate (--kafka-tls-client-cert FILE) or a user (--kafka-username NAME)"
	case kafka.BadLogin:
		return login(user)
	case kafka.NoLogin:
		return "; that port wants no user: leave out --kafka-username, or name their port for SASL"
	case kafka.BadMechanism:
		return "; --kafka-mechanism has others: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"
	case kafka.NotAuthorized:
		return fmt.Sprintf("; kafka-acls.sh gives user %s what it needs: WRITE and DESCRIBE on the topic to write; READ and DESCRIBE on the topic, and READ on the group, to read", cmp.Or(user.Username, "ANONYMOUS"))
	case kafka.NoTopic:
		return "; make it with: kafka-topics.sh --bootstrap-server HOST:PORT --create --partitions 8 --topic " + topic
	}
	return ""
}

func login(user kafkaSASL) string {
	return fmt.Sprintf("; look at the name %s, its password, and --kafka-mechanism %s", user.Username, cmp.Or(user.Mechanism, kafka.MechanismPlain))
}
