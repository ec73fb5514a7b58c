package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/buger/gor/internal/certs/certstest"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// kills is how often the tests below kill a Gor: GOR_KAFKA_KILLS makes it more.
func kills() int {
	if n, err := strconv.Atoi(os.Getenv("GOR_KAFKA_KILLS")); err == nil && n > 0 {
		return n
	}
	return 2
}

// kafkaRecording writes a recording of n requests of 50 connections in turn, gap apart. It is of
// now: a broker remembers what a producer sent for a day (producer.id.expiration.ms) by the messages'
// own times, and takes older ones twice when it is asked again after it was killed.
func kafkaRecording(t *testing.T, n int, gap time.Duration) string {
	t.Helper()
	var b []byte
	began := time.Now().UnixNano()
	for i := range n {
		body := fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i)
		b = payload.AppendMeta(b, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(i%50), uint32(i/50)), Time: began + int64(i)*int64(gap), Length: int64(len(body))})
		b = append(append(b, body...), "\n🐵🙈🙉\n"...)
	}
	return testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), b)
}

// deliveries checks that the first time that each message comes is in the order of its connection.
type deliveries struct {
	next     map[string]int
	got      int
	repeated int
}

func (d *deliveries) add(t *testing.T, id []byte) {
	t.Helper()
	if d.next == nil {
		d.next = map[string]int{}
	}
	conn := string(payload.ConnPart(id))
	n, err := strconv.ParseInt(string(id[len(conn):]), 16, 64)
	testkit.Must(t, err)
	switch want := d.next[conn]; {
	case int(n) == want:
		d.next[conn]++
		d.got++
	case int(n) < want:
		d.repeated++
	default:
		t.Errorf("connection %s: message %d came before message %d", conn, n, want)
		d.next[conn] = int(n) + 1
	}
}

func (d *deliveries) addFile(t *testing.T, name string) {
	t.Helper()
	msgs, _ := testkit.ReadBack(t, name)
	for _, msg := range msgs {
		d.add(t, payload.ID(msg))
	}
}

// leaveFor takes a dead member's place out of its group, which the session's timeout would do
// later.
func leaveFor(t *testing.T, hosts, group string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(hosts, ",")...))
	testkit.Must(t, err)
	defer client.Close()
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups = []string{group}
	described, err := describe.RequestWith(t.Context(), client)
	testkit.Must(t, err)
	leave := kmsg.NewPtrLeaveGroupRequest()
	leave.Group = group
	for _, g := range described.Groups {
		for _, m := range g.Members {
			member := kmsg.NewLeaveGroupRequestMember()
			member.MemberID = m.MemberID
			leave.Members = append(leave.Members, member)
		}
	}
	_, err = leave.RequestWith(t.Context(), client)
	testkit.Must(t, err)
}

// TestKafkaConsumerKilled: a member that is killed again and again loses nothing, and the next
// one repeats only what was not committed.
func TestKafkaConsumerKilled(t *testing.T) {
	hosts := brokers(t)
	count := 2000 * (kills() + 1)
	f := newFlagTest(t)
	f.ok("--input-file", kafkaRecording(t, count, 200*time.Microsecond)+"|max", "--output-kafka-host", hosts, "--output-kafka-topic", "requests")
	var d deliveries
	from := []string{"--input-kafka-host", hosts, "--input-kafka-topic", "requests", "--input-kafka-group", "g", "--input-kafka-offset", "-2"}
	for range kills() {
		file := filepath.Join(t.TempDir(), "out.gor")
		gor := testkit.StartGor(t, append(from, "--output-file", file)...)
		testkit.AwaitRecords(t, file, 500)
		testkit.Must(t, gor.Cmd.Process.Kill())
		gor.Wait()
		leaveFor(t, hosts, "g")
		d.addFile(t, file)
	}
	file := filepath.Join(t.TempDir(), "out.gor")
	f.ok(append(from, "--input-kafka-offset", "-2|max", "--input-kafka-to-end", "--output-file", file)...)
	d.addFile(t, file)
	t.Logf("%d messages, %d repeated", d.got, d.repeated)
	if d.got != count || d.repeated > 15_000*kills() {
		t.Errorf("%d messages of %d, %d repeated", d.got, count, d.repeated)
	}
}

// TestKafkaProducerKilled: what a link's receiver has not written to the topic when it is
// killed, its sender sends again.
func TestKafkaProducerKilled(t *testing.T) {
	hosts, addr := brokers(t), testkit.FreePort(t)
	count := 2000 * (kills() + 1)
	receive := func() *testkit.Process {
		return testkit.StartGor(t, "--input-tcp", addr, "--output-kafka-host", hosts, "--output-kafka-topic", "requests")
	}
	receiver := receive()
	sender := testkit.Spawn(t, "gor", nil, nil, "--input-file", kafkaRecording(t, count, 200*time.Microsecond), "--output-tcp", addr, "--output-tcp-plain", "never")
	read := watchTopic(t, hosts)
	var d deliveries
	for i := range kills() {
		for d.got < count*(i+1)/(kills()+2) {
			d.add(t, payload.ID((<-read).Value))
		}
		testkit.Must(t, receiver.Cmd.Process.Kill())
		receiver.Wait()
		receiver = receive()
	}
	if code := sender.Wait(); code != exitOK {
		t.Errorf("the sender ends with %d", code)
	}
	for d.got < count {
		select {
		case r := <-read:
			d.add(t, payload.ID(r.Value))
		case <-time.After(time.Minute):
			t.Fatalf("%d messages of %d", d.got, count)
		}
	}
	receiver.Stop()
	t.Logf("%d repeated", d.repeated)
}

// watchTopic gives what comes into the topic.
func watchTopic(t *testing.T, hosts string) <-chan *kgo.Record {
	return watchTopicOf(t, hosts, "requests")
}

func watchTopicOf(t *testing.T, hosts, topic string) <-chan *kgo.Record {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(hosts, ",")...), kgo.ConsumeTopics(topic))
	testkit.Must(t, err)
	t.Cleanup(client.Close)
	read := make(chan *kgo.Record)
	go func() {
		for {
			fetches := client.PollFetches(t.Context())
			if fetches.IsClientClosed() || t.Context().Err() != nil {
				return
			}
			for _, r := range fetches.Records() {
				select {
				case read <- r:
				case <-t.Context().Done():
					return
				}
			}
		}
	}()
	return read
}

// TestKafkaAway: a capture beside a broker that is away sheds for it, counted, says so in one
// line, and delays no other output.
func TestKafkaAway(t *testing.T) {
	file := kafkaRecording(t, 60_000, 0)
	f := newFlagTest(t)
	r := f.ends(exitFailed, "--input-file", file+"|max", "--on-full", "shed", "--output-kafka-host", "127.0.0.1:1", "--output-kafka-topic", "t", "--drain-timeout", "300ms", "--output-null")
	if n := strings.Count(r.stderr, "no broker can be reached"); n != 1 {
		t.Errorf("%d lines", n)
	}
	testkit.WantSums(t, r.stderr)
	if !strings.Contains(r.stderr, "60000 offered = 0 shed + 60000 delivered") {
		t.Errorf("the other output:\n%s", r.stderr)
	}
}

// TestKafkaExamples checks the commands on the pages: those with Kafka need brokers under their names to
// run, which TestKafkaBroker has under others.
func TestKafkaExamples(t *testing.T) {
	dir := t.TempDir()
	ca := certstest.New(t, "kafka")
	names := strings.NewReplacer("ca.pem", ca.File, "secret", testkit.WriteFile(t, filepath.Join(dir, "secret"), []byte("hunter2")))
	commands := 0
	for _, page := range []string{"../README.md", "../docs/kafka.md", "../docs/scale.md"} {
		text, err := os.ReadFile(page)
		testkit.Must(t, err)
		in := false
		for line := range strings.Lines(string(text)) {
			line = strings.TrimPrefix(strings.TrimSpace(line), "sudo ")
			if strings.HasPrefix(line, "```") {
				in = line == "```sh"
			}
			if !in || !strings.HasPrefix(line, "gor ") {
				continue
			}
			commands++
			args := append(testkit.SplitCommand(t, names.Replace(line))[1:], "--check")
			cmd := testkit.GorCommand(t, nil, args...)
			cmd.Env = append(cmd.Env, "GOR_KAFKA_PASSWORD=hunter2")
			if !strings.Contains(line, "--kafka-username") {
				cmd.Env = cmd.Env[:len(cmd.Env)-1]
			}
			p := testkit.StartCommand(t, cmd)
			if code := p.Wait(); code != exitOK || strings.Contains(p.Stderr(), "hunter2") {
				t.Errorf("%s: exit %d: %s", line, code, p.Stderr())
			}
		}
	}
	if commands < 5 {
		t.Errorf("only %d commands", commands)
	}
}

// TestKafkaMetrics: lag, what is unacknowledged and what was tried again are on the page, and no
// password is.
func TestKafkaMetrics(t *testing.T) {
	hosts := brokers(t)
	f := newFlagTest(t)
	f.replay("--output-kafka-host", hosts, "--output-kafka-topic", "requests")
	user := []string{"--kafka-username", "gor", "--kafka-password", "hunter2"}
	gor := testkit.Spawn(t, "gor", nil, nil, append([]string{"--input-kafka-host", hosts, "--input-kafka-topic", "requests", "--input-kafka-group", "g",
		"--output-kafka-host", "127.0.0.1:1", "--output-kafka-topic", "copy", "--metrics", "127.0.0.1:0"}, user...)...)
	gor.Await("no broker can be reached")
	page := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(gor.Stderr())
	for path, wants := range map[string][]string{
		"metrics":             {`gor_output_unacknowledged_messages{output="output-kafka-host 127.0.0.1:1/copy"} 0`, `gor_output_retries_total{output="output-kafka-host 127.0.0.1:1/copy",reason="no connection"}`},
		"debug/vars":          {`"unacknowledged"`, `"lag"`},
		"debug/pprof/cmdline": {"--kafka-password"},
	} {
		resp, err := http.Get(page + path)
		testkit.Must(t, err)
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		testkit.Must(t, err)
		for _, want := range wants {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s has no %s:\n%s", path, want, text)
			}
		}
		if strings.Contains(string(text), "hunter2") {
			t.Errorf("%s has the password", path)
		}
	}
	gor.StopAtOnce()
	// Lag: without a user the same cluster gives its partitions.
	gor = testkit.StartGor(t, "--input-kafka-host", hosts, "--input-kafka-topic", "requests", "--output-null", "--metrics", "127.0.0.1:0")
	page = regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(gor.Stderr())
	testkit.Eventually(t, "the lag of four partitions", func() bool {
		resp, err := http.Get(page + "metrics")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		return err == nil && strings.Count(string(text), "\ngor_input_lag_messages{") == 4
	})
	gor.Stop()
}
