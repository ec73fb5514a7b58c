package e2e

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/buger/gor/internal/certs/certstest"
	"github.com/buger/gor/internal/testkit"
)

// brokers starts a cluster in this process, with a topic of four partitions, and returns its
// addresses.
func brokers(t *testing.T, opts ...kfake.Opt) string {
	t.Helper()
	listen := kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, "127.0.0.1:0") })
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(2), kfake.SeedTopics(4, "requests"), listen}, opts...)...)
	testkit.Must(t, err)
	t.Cleanup(c.Close)
	return strings.Join(c.ListenAddrs(), ",")
}

// throughKafka sends four requests to the topic and returns what a second Gor reads from it. both
// are flags of the two.
func (f *flagTest) throughKafka(hosts string, out, in []string, both ...string) flagRun {
	f.Helper()
	f.replay(append(append([]string{"--output-kafka-host", hosts, "--output-kafka-topic", "requests"}, out...), both...)...)
	return f.fromKafka(hosts, append(in, both...)...)
}

func (f *flagTest) fromKafka(hosts string, flags ...string) flagRun {
	f.Helper()
	return f.ok(append([]string{"--input-kafka-host", hosts, "--input-kafka-topic", "requests", "--input-kafka-to-end", "--input-kafka-offset", "-2|max", "--output-stdout"}, flags...)...)
}

var four = []string{"/0", "/1", "/2", "/3"}

func kafkaFlagRows() []flagRow {
	wrongHosts := []string{"", "http://a:1", "a:port", "a:99999", "a,,b"}
	carries := func(f *flagTest) { f.throughKafka(brokers(f.T), nil, nil).passed(four...) }
	rows := []flagRow{
		{"output-kafka-host", wrongHosts, carries},
		{"input-kafka-host", wrongHosts, carries},
		{"output-kafka-topic", []string{"", "a b", "..", strings.Repeat("x", 250)}, carries},
		{"input-kafka-topic", []string{"", "a/b"}, carries},
		{"output-kafka-json-format", notBool, func(f *flagTest) {
			f.throughKafka(brokers(f.T), []string{"--output-kafka-json-format"}, nil).passed(four...)
		}},
		{"input-kafka-json-format", notBool, func(f *flagTest) {
			f.throughKafka(brokers(f.T), nil, []string{"--input-kafka-json-format"}).says("--input-kafka-json-format is accepted and no longer needed").passed(four...)
		}},
		{"input-kafka-offset", []string{"", "-3", "first", "-2|x", "-2|10", "-1|200%", "0:x", "0:1,0:2"}, func(f *flagTest) {
			hosts := brokers(f.T)
			f.throughKafka(hosts, nil, []string{"--input-kafka-offset", "0:-2,1:-2,2:-2,3:-2|max"}).passed(four...)
			f.fromKafka(hosts, "--input-kafka-offset", "9").passed()
			f.ends(exitFailed, "--input-kafka-host", hosts, "--input-kafka-topic", "requests", "--input-kafka-offset", "7:0", "--output-stdout").says("has no partition 7: it has 4")
		}},
		{"input-kafka-group", []string{""}, func(f *flagTest) {
			hosts := brokers(f.T)
			f.throughKafka(hosts, nil, []string{"--input-kafka-group", "g"}).passed(four...)
			f.fromKafka(hosts, "--input-kafka-group", "g").passed()
			f.fromKafka(hosts, "--input-kafka-group", "other").passed(four...)
		}},
		{"input-kafka-to-end", notBool, func(f *flagTest) {
			f.throughKafka(brokers(f.T), nil, nil).passed(four...)
			f.ends(exitUsage, "--input-kafka-host", "a", "--input-kafka-topic", "t", "--input-kafka-to-end", "--output-null").says("--input-kafka-offset -2")
		}},
	}
	return append(append(rows, kafkaTLSRows()...), kafkaSASLRows()...)
}

func kafkaTLSRows() []flagRow {
	carries := func(f *flagTest) {
		ca := certstest.New(f.T, "kafka")
		certFile, keyFile := ca.IssueFor("broker", time.Now().Add(time.Hour), "127.0.0.1")
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		testkit.Must(f.T, err)
		hosts := brokers(f.T, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool()}))
		cert, key := ca.Issue("client", time.Now().Add(time.Hour))
		f.throughKafka(hosts, nil, nil, "--kafka-tls", "--kafka-tls-ca-cert", ca.File, "--kafka-tls-client-cert", cert, "--kafka-tls-client-key", key).passed(four...)
		for want, flags := range map[string][]string{
			"it may be a port for TLS: add --kafka-tls": nil,
			"--kafka-tls-ca-cert FILE names":            {"--kafka-tls", "--kafka-tls-client-cert", cert, "--kafka-tls-client-key", key},
		} {
			gor := testkit.StartGor(f.T, append([]string{"--input-dummy", "", "--output-kafka-host", hosts, "--output-kafka-topic", "requests"}, flags...)...)
			gor.Await(want)
			gor.StopAtOnce()
		}
		f.ends(exitUsage, "--input-dummy", "", "--output-kafka-host", hosts, "--output-kafka-topic", "requests", "--kafka-tls-client-cert", cert, "--check").says("--kafka-tls-client-key key.pem")
	}
	return []flagRow{
		{"kafka-tls", notBool, func(f *flagTest) {
			f.ends(exitUsage, "--input-dummy", "--output-null", "--kafka-tls").says("--kafka-tls does nothing without --output-kafka-host or --input-kafka-host")
		}},
		{"kafka-tls-ca-cert", []string{""}, carries},
		{"kafka-tls-client-cert", []string{""}, func(f *flagTest) {
			f.ends(exitUsage, "--input-dummy", "--output-kafka-host", "a", "--output-kafka-topic", "t", "--kafka-tls-client-cert", "no.pem", "--kafka-tls-client-key", "no.pem", "--check").says("no.pem")
		}},
		{"kafka-tls-client-key", []string{""}, func(f *flagTest) {
			f.ends(exitUsage, "--input-dummy", "--output-kafka-host", "a", "--output-kafka-topic", "t", "--kafka-tls-client-key", "k.pem").says("--kafka-tls-client-cert cert.pem")
		}},
	}
}

// kafkaSASLRows has the flags of a user, of both ends and of each.
func kafkaSASLRows() (rows []flagRow) {
	const secret = "hunter2"
	for _, prefix := range []string{"kafka", "input-kafka", "output-kafka"} {
		// The other end has the shared flags' user, who is another one.
		carries := func(f *flagTest) {
			hosts := brokers(f.T, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-512", "gor", secret), kfake.Superuser("PLAIN", "other", "second"))
			own := []string{"--" + prefix + "-use-sasl", "true", "--" + prefix + "-mechanism", "SCRAM-SHA-512", "--" + prefix + "-username", "gor", "--" + prefix + "-password", secret}
			shared := []string{"--kafka-username", "other", "--kafka-password", "second"}
			switch prefix {
			case "kafka":
				f.throughKafka(hosts, nil, nil, own...).passed(four...)
			case "input-kafka":
				f.throughKafka(hosts, shared, append(own, shared...)).passed(four...)
			default:
				f.throughKafka(hosts, append(own, shared...), shared).passed(four...)
			}
		}
		refuses := func(args ...string) func(f *flagTest) {
			return func(f *flagTest) {
				host, topic := "--output-kafka-host", "--output-kafka-topic"
				line := []string{"--input-dummy", "", host, "a", topic, "t"}
				if prefix == "input-kafka" {
					line = []string{"--output-null", "--input-kafka-host", "a", "--input-kafka-topic", "t"}
				}
				f.ends(exitUsage, append(line, args...)...).says("--kafka-username NAME")
			}
		}
		rows = append(rows,
			flagRow{prefix + "-use-sasl", notBool, func(f *flagTest) {
				r := f.gor("--input-dummy", "", "--output-kafka-host", "a", "--output-kafka-topic", "t", "--input-kafka-host", "a", "--input-kafka-topic", "t", "--"+prefix+"-use-sasl", "--check")
				r.says("--" + prefix + "-username alone")
			}},
			flagRow{prefix + "-mechanism", []string{"", "plain", "GSSAPI"}, carries},
			flagRow{prefix + "-username", []string{""}, func(f *flagTest) {
				f.ends(exitUsage, "--input-dummy", "", "--output-kafka-host", "a", "--output-kafka-topic", "t", "--input-kafka-host", "a", "--input-kafka-topic", "t", "--"+prefix+"-username", "gor").says("has no password; add --kafka-password-file FILE")
			}},
			flagRow{prefix + "-password", []string{""}, refuses("--"+prefix+"-password", secret)})
	}
	return append(rows, flagRow{"kafka-password-file", []string{""}, func(f *flagTest) {
		file := filepath.Join(f.TempDir(), "secret")
		testkit.Must(f.T, os.WriteFile(file, []byte(secret+"\r\nnot this"), 0o600))
		hosts := brokers(f.T, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "gor", secret))
		user := []string{"--kafka-mechanism", "SCRAM-SHA-256", "--kafka-username", "gor", "--kafka-password-file", file}
		f.throughKafka(hosts, nil, nil, user...).passed(four...)
		f.ends(exitUsage, append([]string{"--input-dummy", "", "--output-kafka-host", hosts, "--output-kafka-topic", "t", "--kafka-password", secret}, user...)...).says("leave one out").saysNot(secret)
		testkit.Must(f.T, os.WriteFile(file, []byte("wrong"), 0o600))
		gor := testkit.StartGor(f.T, append([]string{"--output-null", "--input-kafka-host", hosts, "--input-kafka-topic", "requests"}, user...)...)
		gor.Await("look at the name gor, its password")
		gor.StopAtOnce()
	}})
}
