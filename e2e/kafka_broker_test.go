package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/buger/gor/internal/certs/certstest"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// A broker is an Apache Kafka that runs.
type broker struct {
	t               *testing.T
	dir             string
	addr, sasl      string
	controller      string
	process         *testkit.Process
	cert, authority string
}

const brokerSecret = "hunter2"

// startBroker starts one, and skips the test where it cannot be had.
func startBroker(t *testing.T) *broker {
	t.Helper()
	testkit.NeedTool(t, "java", "openjdk-17-jre-headless")
	if out, err := exec.Command("../scripts/kafka", "fetch").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("scripts/kafka fetch: %v\n%s", err, out)
		}
		t.Skipf("%s needs maven, and the jars of Apache Kafka from it: sudo apt-get install maven\n%s", t.Name(), out)
	}
	b := &broker{t: t, dir: t.TempDir(), addr: testkit.FreePort(t), sasl: testkit.FreePort(t), controller: testkit.FreePort(t)}
	ca := certstest.New(t, "kafka")
	cert, key := ca.Issue("broker", time.Now().Add(time.Hour))
	both := append(readFile(t, key), readFile(t, cert)...)
	b.cert, b.authority = testkit.WriteFile(t, filepath.Join(b.dir, "broker.pem"), both), ca.File
	b.start()
	return b
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	testkit.Must(t, err)
	return b
}

func portOf(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }

// brokerStart is longer than a broker takes to start on a machine that is busy.
const brokerStart = 5 * time.Minute

func (b *broker) start() {
	b.t.Helper()
	b.process = testkit.SpawnProgram(b.t, nil, "../scripts/kafka", []string{"KAFKA_PASSWORD=" + brokerSecret, "KAFKA_CERT=" + b.cert}, nil, nil,
		"run", filepath.Join(b.dir, "kafka"), portOf(b.addr), portOf(b.controller), portOf(b.sasl))
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.RequestRetries(0))
	testkit.Must(b.t, err)
	defer client.Close()
	testkit.Eventually(b.t, "the broker answers", func() bool { return client.Ping(b.t.Context()) == nil })
}

func (b *broker) kill() {
	b.t.Helper()
	testkit.Must(b.t, b.process.Cmd.Process.Kill())
	b.process.Wait()
}

// to and from are the flags of a topic.
func (b *broker) to(topic string, flags ...string) []string {
	return append([]string{"--output-kafka-host", b.addr, "--output-kafka-topic", topic}, flags...)
}

func (b *broker) from(topic string, flags ...string) []string {
	return append([]string{"--input-kafka-host", b.addr, "--input-kafka-topic", topic, "--input-kafka-offset", "-2|max", "--input-kafka-to-end"}, flags...)
}

// TestKafkaBroker: what the other tests do with a cluster of their own process, with the real
// one, and with kcat as another reader and writer.
func TestKafkaBroker(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	f := newFlagTest(t)
	file := kafkaRecording(t, 5000, 0)
	carry := func(t *testing.T, in, out []string) deliveries {
		t.Helper()
		got := filepath.Join(t.TempDir(), "out.gor")
		f.ok(append([]string{"--input-file", file + "|max"}, out...)...)
		f.ok(append(in, "--output-file", got)...)
		var d deliveries
		d.addFile(t, got)
		if d.got != 5000 || d.repeated != 0 {
			t.Errorf("%d messages, %d repeated", d.got, d.repeated)
		}
		return d
	}
	t.Run("text", func(t *testing.T) { carry(t, b.from("text"), b.to("text")) })
	t.Run("json", func(t *testing.T) { carry(t, b.from("json"), b.to("json", "--output-kafka-json-format")) })
	t.Run("group", func(t *testing.T) {
		group := b.from("text", "--input-kafka-group", "g")
		for i, want := range []int{5000, 0} {
			got := filepath.Join(t.TempDir(), "out.gor")
			r := f.ok(append(group, "--output-file", got)...)
			if !strings.Contains(r.stderr, fmt.Sprintf("messages: %d in", want)) {
				t.Errorf("round %d:\n%s", i, r.stderr)
			}
		}
	})
	t.Run("two members", func(t *testing.T) { twoMembers(t, b) })
	t.Run("large", func(t *testing.T) { largeMessages(t, b) })
	t.Run("users", func(t *testing.T) {
		for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
			user := []string{"--kafka-tls-ca-cert", b.authority, "--kafka-mechanism", mechanism, "--kafka-username", "gor", "--kafka-password", brokerSecret}
			in, out := b.from(mechanism, user...), b.to(mechanism, user...)
			in[1], out[1] = b.sasl, b.sasl
			carry(t, in, out)
			out[len(out)-1] = "wrong"
			gor := testkit.StartGor(t, append([]string{"--input-dummy", ""}, out...)...)
			gor.Await("look at the name gor, its password")
			gor.StopAtOnce()
			if strings.Contains(gor.Stderr(), "wrong") {
				t.Errorf("the password is said:\n%s", gor.Stderr())
			}
		}
	})
	t.Run("kcat", func(t *testing.T) { kcatReadsAndWrites(t, b) })
	t.Run("restart", func(t *testing.T) {
		// Paced, so that the broker goes away amid it.
		gor := testkit.Spawn(t, "gor", nil, nil, append([]string{"--input-file", kafkaRecording(t, 10_000, 200*time.Microsecond), "--drain-timeout", brokerStart.String()}, b.to("restarted")...)...)
		gor.Patience = brokerStart
		read := watchTopicOf(t, b.addr, "restarted")
		var d deliveries
		for d.got < 1000 {
			d.add(t, payload.ID((<-read).Value))
		}
		b.kill()
		b.start()
		if code := gor.Wait(); code != exitOK {
			t.Errorf("exit %d", code)
		}
		for d.got < 10_000 {
			d.add(t, payload.ID((<-read).Value))
		}
		// The log has each once: an unclean end of the broker can have a reader see some again.
		got := filepath.Join(t.TempDir(), "out.gor")
		f.ok(append(b.from("restarted"), "--output-file", got)...)
		var once deliveries
		once.addFile(t, got)
		if t.Logf("%d seen again", d.repeated); once.got != 10_000 || once.repeated > 0 {
			t.Errorf("the topic has %d messages, %d of them twice", once.got, once.repeated)
		}
	})
	t.Run("PEER", func(t *testing.T) { peerReadsAndWrites(t, b) })
}

// twoMembers: a second member takes its part, and the rest when the first is stopped; nothing is lost,
// and what both stopped in good order is not repeated.
func twoMembers(t *testing.T, b *broker) {
	const count = 6000
	files := []string{filepath.Join(t.TempDir(), "a.gor"), filepath.Join(t.TempDir(), "b.gor")}
	member := func(file string) *testkit.Process {
		return testkit.StartGor(t, "--input-kafka-host", b.addr, "--input-kafka-topic", "shared", "--input-kafka-group", "two", "--input-kafka-offset", "-2", "--output-file", file, "--output-file-flush-interval", "20ms")
	}
	f := newFlagTest(t)
	f.replay(b.to("shared")...) // it makes the topic
	first := member(files[0])
	testkit.AwaitRecords(t, files[0], 4)
	sender := testkit.Spawn(t, "gor", nil, nil, append([]string{"--input-file", kafkaRecording(t, count, 500*time.Microsecond)}, b.to("shared")...)...)
	second := member(files[1])
	testkit.AwaitRecords(t, files[1], 100)
	first.Stop()
	if code := sender.Wait(); code != exitOK {
		t.Errorf("the sender ends with %d", code)
	}
	all := func() (n int) {
		for _, file := range files {
			msgs, _ := testkit.ReadBack(t, file)
			n += len(msgs)
		}
		return n
	}
	testkit.Eventually(t, "every message", func() bool { return all() >= count+4 })
	second.Stop()
	if n := all(); n != count+4 {
		t.Errorf("%d messages, want %d", n, count+4)
	}
}

// largeMessages: the topic's limit is known and named, and one that is raised is used.
func largeMessages(t *testing.T, b *broker) {
	client, err := kgo.NewClient(kgo.SeedBrokers(b.addr))
	testkit.Must(t, err)
	defer client.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = "large", 2, 1
	config := kmsg.NewCreateTopicsRequestTopicConfig()
	config.Name, config.Value = "max.message.bytes", kmsg.StringPtr("20000000")
	topic.Configs = append(topic.Configs, config)
	req.Topics = append(req.Topics, topic)
	_, err = req.RequestWith(t.Context(), client)
	testkit.Must(t, err)
	body := strings.Repeat("0123456789abcdef", 3<<16) // 3 MB
	request := fmt.Appendf(nil, "POST /large HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	f := newFlagTest(t)
	in := f.recording(0, request)
	f.ok(append([]string{"--input-file", in}, b.to("large")...)...).says("1 delivered")
	r := f.ok(append(b.from("large"), "--output-stdout")...)
	if bodies, _ := r.records(); len(bodies) != 1 || !bytes.Equal(bodies[0], request) {
		t.Errorf("%d messages came", len(bodies))
	}
	f.ok(append([]string{"--input-file", in}, b.to("small")...)...).says("1 larger than the topic's max.message.bytes")
}

// kcatReadsAndWrites: another client sees the values that are documented, and what it writes is
// read.
func kcatReadsAndWrites(t *testing.T, b *broker) {
	kcat := testkit.NeedTool(t, "kcat", "kcat")
	f := newFlagTest(t)
	f.replay(b.to("kcat-reads")...)
	out, err := exec.Command(kcat, "-b", b.addr, "-t", "kcat-reads", "-C", "-o", "beginning", "-e", "-q", "-f", "%k|%s\x01").Output()
	testkit.Must(t, err)
	values := strings.Split(strings.TrimSuffix(string(out), "\x01"), "\x01")
	if len(values) != 4 {
		t.Errorf("%q", values)
	}
	for _, v := range values {
		key, value, _ := strings.Cut(v, "|")
		meta, body, err := payload.Split([]byte(value))
		if err != nil || key != string(payload.ConnPart(meta.ID)) || !bytes.HasPrefix(body, []byte("GET /")) {
			t.Errorf("%q: %v", v, err)
		}
	}
	write := exec.Command(kcat, "-b", b.addr, "-t", "kcat-writes", "-P", "-D", "\x01")
	fields, err := json.Marshal(map[string]any{"Req_URL": "/json", "Req_Type": "1", "Req_ID": "ab", "Req_Ts": "1700000000000000003", "Req_Method": "GET", "Req_Headers": map[string]string{"Host": "h"}})
	testkit.Must(t, err)
	write.Stdin = strings.NewReader("1 aa 1700000000000000001 5\n" + string(get("/text")) + "\x01" + string(fields) + "\x01not ours")
	testkit.Must(t, write.Run())
	r := f.ok(append(b.from("kcat-writes", "--input-kafka-offset", "-2"), "--output-stdout")...)
	r.says("not a message of Gor or GoReplay").passed("/text", "/json")
}

// peerReadsAndWrites: GoReplay 1.x, built elsewhere, at the other end.
func peerReadsAndWrites(t *testing.T, b *broker) {
	peer := os.Getenv("PEER")
	if peer == "" {
		t.Skip("PEER names no GoReplay to talk to")
	}
	f := newFlagTest(t)
	for _, form := range []string{"text", "json"} {
		in := filepath.Join(t.TempDir(), "in.gor")
		testkit.Must(t, os.WriteFile(in, testkit.Recording(gets(4), make([]time.Duration, 4)), 0o600))
		jsonFlags := func(end string) (flags []string) {
			if form == "json" {
				flags = []string{"--" + end + "-kafka-json-format"}
			}
			return flags
		}
		// It writes, and we read.
		theirs := exec.Command(peer, append([]string{"--input-file", in, "--output-kafka-host", b.addr, "--output-kafka-topic", "peer-" + form, "--exit-after", "3s"}, jsonFlags("output")...)...)
		said, err := theirs.CombinedOutput()
		if err != nil {
			t.Logf("%v\n%s", err, said)
		}
		r := f.ok(append(b.from("peer-"+form), "--output-stdout")...)
		if n := strings.Count(r.stdout, "GET /"); n != 4 {
			t.Errorf("%s: %d of its requests\n%s\n%s", form, n, r.stdout, r.stderr)
		}
		// We write, and it reads.
		f.replay(b.to("ours-"+form, jsonFlags("output")...)...)
		out := filepath.Join(t.TempDir(), "out.gor")
		theirs = exec.Command(peer, append([]string{"--input-kafka-host", b.addr, "--input-kafka-topic", "ours-" + form, "--input-kafka-offset", "-2", "--output-file", out, "--output-file-append", "--exit-after", "3s"}, jsonFlags("input")...)...)
		if said, err := theirs.CombinedOutput(); err != nil {
			t.Logf("%v\n%s", err, said)
		}
		text, err := os.ReadFile(out)
		testkit.Must(t, err)
		if n := bytes.Count(text, []byte("GET /")); n != 4 {
			t.Errorf("%s: it read %d of our requests: %s", form, n, text)
		}
	}
}
