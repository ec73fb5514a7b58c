package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

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

// TestTCPWorkersKeepOrder: all messages of one recorded connection go over one
// connection, responses too, in order; several connections are in use.
func TestTCPWorkersKeepOrder(t *testing.T) {
	const conns, each, workers = 100, 60, 4
	s := defaultSettings()
	in, err := openInput(pluginArg{"input-tcp", "127.0.0.1:0"}, s, testEnv(t, io.Discard))
	testkit.Must(t, err)
	received := collect(t, in)
	s.tcpOutput.Workers = workers
	env := testEnv(t, io.Discard)
	var mu sync.Mutex
	var said []string
	env.logf = func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, fmt.Sprintf(format, args...))
	}
	out, err := openOutput(pluginArg{"output-tcp", linkAddr(t, in)}, s, env)
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
	in.Close()
	clear(next)
	got := received()
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
	mu.Lock()
	defer mu.Unlock()
	all := strings.Join(said, "\n")
	for i := range workers {
		if name := fmt.Sprintf("connection %d: connected", i+1); !strings.Contains(all, name) {
			t.Errorf("no %q in\n%s", name, all)
		}
	}
}

// TestTCPWorkersOfADeadReceiver: what is not sent stays within the queue's
// bound, wherever it is, and is counted.
func TestTCPWorkersOfADeadReceiver(t *testing.T) {
	s := defaultSettings()
	s.tcpOutput.Workers = 4
	env := testEnv(t, io.Discard)
	env.queueBytes = 256 << 10
	made, err := openOutput(pluginArg{"output-tcp", testkit.FreePort(t)}, s, env)
	testkit.Must(t, err)
	out := made.(*tcpOutput)
	out.patience.Limit = 50 * time.Millisecond
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
	if n := out.q.Bytes(); n != 0 {
		t.Errorf("%d bytes are still in the queue", n)
	}
}
