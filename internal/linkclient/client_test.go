package linkclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/plugin/plugintest"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// A receiver is the other end of the link.
type receiver struct {
	*link.Receiver
	addr string
	came func() [][]byte // what came, once it is closed
}

// listen starts a receiver that takes all that comes.
func listen(t *testing.T, cfg link.ReceiverConfig) *receiver {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	cfg.Limit = 1 << 20
	r := &receiver{Receiver: link.NewReceiver(l, cfg), addr: l.Addr().String()}
	r.came = plugintest.Collect(t, r)
	t.Cleanup(func() { r.Close() })
	return r
}

// bodies ends the receiver and returns what came.
func (r *receiver) bodies() [][]byte {
	r.Close()
	return r.came()
}

// to is how to send to addr.
func to(addr string) Config {
	return Config{
		Name: "to " + addr, Connections: 1, QueueBytes: 1 << 20, Patience: 5 * time.Second, Logf: func(string, ...any) {},
		Sender: link.SenderConfig{Dial: func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		}},
	}
}

// The halves of what an output promises that need no flags.
func TestContract(t *testing.T) {
	in := listen(t, link.ReceiverConfig{})
	c, err := Open(to(in.addr))
	testkit.Must(t, err)
	plugintest.TestOutput(t, plugintest.Output{Output: named{c}, Delivered: func(*testing.T) [][]byte { return in.bodies() }})
}

type named struct{ *Client }

func (named) String() string { return "link" }

// A message is acknowledged along a chain of hosts only when the last has
// settled it.
func TestSettleReachesTheLastHost(t *testing.T) {
	open, asked := make(chan struct{}), make(chan struct{})
	var once sync.Once
	in := listen(t, link.ReceiverConfig{Settle: func(cancel <-chan struct{}) error {
		once.Do(func() { close(asked) })
		select {
		case <-open:
			return nil
		case <-cancel:
			return errors.New("cancelled")
		}
	}})
	out, err := Open(to(in.addr))
	testkit.Must(t, err)
	msgs := plugintest.Messages(10, 100)
	for _, msg := range msgs {
		_, err := out.Write(msg)
		testkit.Must(t, err)
	}
	settled := make(chan error, 1)
	go func() { settled <- out.Settle(make(chan struct{})) }()
	<-asked
	select {
	case err := <-settled:
		t.Fatalf("settled (%v) before the receiver was", err)
	case <-time.After(20 * time.Millisecond):
	}
	close(open)
	testkit.Must(t, <-settled)
	testkit.Must(t, out.Drain(make(chan struct{})))
	testkit.Must(t, out.Close())
	if n := len(in.bodies()); n != len(msgs) {
		t.Errorf("%d messages came, want %d", n, len(msgs))
	}
	if rows := out.Counts(); rows[0].N != uint64(len(msgs)) || stats.Sum(rows) != uint64(len(msgs)) {
		t.Errorf("counts %v", rows)
	}
}

// What the plain stream carried is delivered as far as anyone can know, and the
// report says that nobody knows more: a server that reads all, says nothing and
// ends in good order may be anything.
func TestReportSaysWhatIsKnown(t *testing.T) {
	stranger, err := net.Listen("tcp", "127.0.0.1:0")
	testkit.Must(t, err)
	defer stranger.Close()
	go func() {
		for {
			conn, err := stranger.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	in := listen(t, link.ReceiverConfig{})
	for addr, acknowledged := range map[string]bool{stranger.Addr().String(): false, in.addr: true} {
		cfg := to(addr)
		cfg.Sender.AnswerWait, cfg.Sender.Trial = 20*time.Millisecond, 20*time.Millisecond
		if acknowledged {
			cfg.Sender.AnswerWait = testkit.Timeout
		}
		out, err := Open(cfg)
		testkit.Must(t, err)
		for _, msg := range plugintest.Messages(3, 100) {
			_, err := out.Write(msg)
			testkit.Must(t, err)
		}
		testkit.Must(t, out.Drain(nil))
		testkit.Must(t, out.Close())
		var text strings.Builder
		r := plugin.NewReport(&text)
		out.Report(r)
		if rows := out.Counts(); rows[0].N != 3 {
			t.Errorf("acknowledged %v: %v", acknowledged, rows)
		}
		if r.Values()["acknowledged"] != acknowledged || strings.Contains(text.String(), "without an acknowledgement") == acknowledged {
			t.Errorf("acknowledged %v: the report says %v and %q", acknowledged, r.Values(), text.String())
		}
	}
}

// A dead receiver holds up a host in the middle for a while, not for ever, and
// what it did not get is counted.
func TestSettleOfADeadReceiver(t *testing.T) {
	cfg := to(testkit.FreePort(t))
	cfg.Patience = 50 * time.Millisecond
	out, err := Open(cfg)
	testkit.Must(t, err)
	msgs := plugintest.Messages(3, 100)
	for _, msg := range msgs {
		_, err := out.Write(msg)
		testkit.Must(t, err)
	}
	cancel := make(chan struct{})
	testkit.Must(t, out.Settle(cancel))
	out.patience.Limit = time.Hour
	close(cancel)
	if err := out.Settle(cancel); !errors.Is(err, queue.ErrCancelled) {
		t.Errorf("Settle when cancelled: %v", err)
	}
	if err := out.Drain(cancel); err == nil {
		t.Error("Drain when cancelled: no error")
	}
	testkit.Must(t, out.Close())
	testkit.Must(t, out.Close())
	if rows := out.Counts(); rows[len(rows)-1].N != 3 || stats.Sum(rows) != 3 {
		t.Errorf("counts %v, want 3 unsent", rows)
	}
	if _, err := out.Write(msgs[0]); err == nil {
		t.Error("Write after Close: no error")
	}
}

// connMessage is the n-th message of a recorded connection; odd ones are
// responses.
func connMessage(conn uint64, n uint32) []byte {
	kind := byte(payload.Request)
	if n%2 == 1 {
		kind = payload.Response
	}
	msg := payload.AppendMeta(nil, payload.Meta{Type: kind, ID: payload.AppendID(nil, conn, n/2), Time: 1_700_000_000_000_000_000, Length: -1})
	return fmt.Appendf(msg, "GET /%d/%d HTTP/1.1\r\n\r\n", conn, n)
}

// TestConnectionsKeepOrder: all messages of one recorded connection go over one
// connection, responses too, in order; several connections are in use.
func TestConnectionsKeepOrder(t *testing.T) {
	const conns, each, workers = 100, 60, 4
	in := listen(t, link.ReceiverConfig{})
	cfg := to(in.addr)
	cfg.Connections = workers
	var log testkit.Log
	cfg.Logf = log.Logf
	out, err := Open(cfg)
	testkit.Must(t, err)
	next := make([]uint32, conns)
	random := rand.New(rand.NewPCG(9, 9))
	for left := conns * each; left > 0; {
		i := random.IntN(conns)
		if next[i] == each {
			continue
		}
		for {
			_, err := out.Write(connMessage(uint64(i), next[i]))
			if err == nil {
				break
			}
			out.Room(nil, time.Second)
		}
		next[i]++
		left--
	}
	testkit.Must(t, out.Settle(make(chan struct{})))
	testkit.Must(t, out.Drain(make(chan struct{})))
	testkit.Must(t, out.Close())
	clear(next)
	got := in.bodies()
	for _, body := range got {
		var conn, n uint32
		if _, err := fmt.Sscanf(string(body), "GET /%d/%d HTTP/1.1", &conn, &n); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		if next[conn] != n {
			t.Fatalf("of connection %d message %d came when %d was due", conn, n, next[conn])
		}
		next[conn]++
	}
	if len(got) != conns*each {
		t.Errorf("%d messages came, want %d", len(got), conns*each)
	}
	if rows := out.Counts(); rows[0].N != conns*each || stats.Sum(rows) != conns*each {
		t.Errorf("counts %v", rows)
	}
	all := log.String()
	for i := range workers {
		if name := fmt.Sprintf("connection %d: connected", i+1); !strings.Contains(all, name) {
			t.Errorf("no %q in\n%s", name, all)
		}
	}
}

// TestConnectionsOfADeadReceiver: what is not sent stays within the queue's
// bound, wherever it is, and is counted.
func TestConnectionsOfADeadReceiver(t *testing.T) {
	cfg := to(testkit.FreePort(t))
	cfg.Connections, cfg.QueueBytes, cfg.Patience = 4, 256<<10, 50*time.Millisecond
	out, err := Open(cfg)
	testkit.Must(t, err)
	sent := uint64(0)
	msg := connMessage(1, 0)
	for i := range 20_000 {
		if _, err := out.Write(connMessage(uint64(i), 0)); err == nil {
			sent++
		}
	}
	if most := uint64(256<<10) / uint64(len(msg)+queue.ItemOverhead); sent > most || sent < most/2 {
		t.Errorf("%d messages were taken, of %d bytes each", sent, len(msg))
	}
	cancel := make(chan struct{})
	testkit.Must(t, out.Settle(cancel))
	close(cancel)
	if err := out.Drain(cancel); err == nil {
		t.Error("Drain when cancelled: no error")
	}
	testkit.Must(t, out.Close())
	testkit.Must(t, out.Close())
	if rows := out.Counts(); rows[len(rows)-1].N != sent || stats.Sum(rows) != sent {
		t.Errorf("counts %v, want %d unsent", rows, sent)
	}
	if !out.q.Drained() {
		t.Error("messages are still in the queue")
	}
}
