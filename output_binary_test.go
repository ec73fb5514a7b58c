package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// turnRecording has messages of that many connections in turn; kind says of
// what kind message j of connection i is.
func turnRecording(t *testing.T, conns, each int, kind func(i, j int) byte) (file string, msgs [][][]byte) {
	t.Helper()
	msgs = make([][][]byte, conns)
	var out []byte
	for j := range each {
		for i := range conns {
			msg := testkit.Turn(kind(i, j), i*each+j)
			msgs[i] = append(msgs[i], msg)
			record := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(1+i), uint32(j)), Time: 1_700_000_000_000_000_000 + int64(j*conns+i)*1e6, Length: -1})
			out = payload.AppendRecord(out, append(record, msg...))
		}
	}
	return testkit.WriteFile(t, filepath.Join(t.TempDir(), "turns.gor"), out), msgs
}

func always(kind byte) func(i, j int) byte { return func(int, int) byte { return kind } }

func TestBinaryReplaysConnections(t *testing.T) {
	const conns, each = 20, 50
	server := testkit.StartTurns(t, "127.0.0.1:0")
	in, msgs := turnRecording(t, conns, each, always('a'))
	out := filepath.Join(t.TempDir(), "answers.gor")
	code, said := testkit.RunGor(t, "--input-file", in+"|max", "--output-binary", server.Addr().String(), "--output-binary-track-response", "--output-file", out)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, said)
	}
	testkit.WantSums(t, said)
	if want := fmt.Sprintf("messages: %d sent over %d connections, %d answered", conns*each, conns, conns*each); !strings.Contains(said, want) {
		t.Errorf("no %q in %s", want, said)
	}
	seen := server.Seen()
	if len(seen) != conns {
		t.Fatalf("%d connections", len(seen))
	}
	for _, got := range seen {
		found := false
		for _, want := range msgs {
			found = found || bytes.Equal(bytes.Join(got, nil), bytes.Join(want, nil))
		}
		if !found {
			t.Errorf("a connection has %d messages that none has in this order", len(got))
		}
	}
	answers, metas := testkit.ReadRecording(t, out, payload.ReplayResponse)
	if len(answers) != conns*each {
		t.Errorf("%d answers", len(answers))
	}
	for k, answer := range answers {
		var conn uint64
		var ordinal uint32
		_, err := fmt.Sscanf(string(metas[k].ID), "%016x%08x", &conn, &ordinal)
		testkit.Must(t, err)
		if want := testkit.TurnAnswer(msgs[conn-1][ordinal][4:]); !bytes.Equal(answer, want) {
			t.Errorf("answer %s is %q, want %q", metas[k].ID, answer, want)
		}
	}
}

func TestBinaryTargets(t *testing.T) {
	for _, tt := range []struct {
		name  string
		kind  func(i, j int) byte
		args  []string
		conns int
		said  []string
	}{
		// What is written before the end is seen is lost, and is not sent again.
		{"closes after each answer", always('c'), nil, 0, []string{"20 offered"}},
		{"closes without an answer", always('x'), nil, 20, []string{"0 delivered", "20 failed (20 closed without an answer)"}},
		{"silent", always('s'), []string{"--output-binary-timeout", "20ms"}, 4, []string{"0 delivered", "20 failed (20 timeout)", "over 4 connections"}},
		{"silent now and then", func(_, j int) byte { return "aas"[j%3] }, []string{"--output-binary-timeout", "300ms"}, 4, []string{"16 delivered", "4 failed (4 timeout)", "over 4 connections"}},
		{"one connection at a time", always('a'), []string{"--output-binary-workers", "1"}, 0, []string{"20 delivered"}},
		{"long answers", always('l'), []string{"--output-binary-track-response", "--output-null"}, 4, []string{"20 delivered"}},
		{"answers too long to pass on", always('l'), []string{"--output-binary-track-response", "--output-null", "--output-tcp-response-buffer", "100kb"}, 4, []string{"20 delivered", " too large (--output-tcp-response-buffer)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := testkit.StartTurns(t, "127.0.0.1:0")
			in, msgs := turnRecording(t, 4, 5, tt.kind)
			code, said := testkit.RunGor(t, append([]string{"--input-file", in + "|max", "--output-binary", server.Addr().String()}, tt.args...)...)
			if code != exitOK {
				t.Fatalf("exit %d: %s", code, said)
			}
			testkit.WantSums(t, said)
			for _, want := range tt.said {
				if !strings.Contains(said, want) {
					t.Errorf("no %q in %s", want, said)
				}
			}
			var got [][]byte
			for _, conn := range server.Seen() {
				got = append(got, conn...)
			}
			lossy := tt.kind(0, 0) == 'c'
			if len(server.Seen()) != tt.conns && tt.conns > 0 || len(got) != 20 && !lossy {
				t.Errorf("%d connections, %d messages", len(server.Seen()), len(got))
			}
			for _, conn := range msgs {
				for _, msg := range conn {
					n := 0
					for _, g := range got {
						if bytes.Equal(g, msg) {
							n++
						}
					}
					if n != 1 && (!lossy || n > 1) {
						t.Errorf("a message came %d times", n)
					}
				}
			}
		})
	}
}

// binaryRig is an output with what it says.
type binaryRig struct {
	*binaryOutput
	t    *testing.T
	mu   sync.Mutex
	said []string
}

func newBinaryRig(t *testing.T, addr string, change func(s *Settings)) *binaryRig {
	t.Helper()
	rig := &binaryRig{t: t}
	s := defaultSettings()
	if change != nil {
		change(s)
	}
	env := testEnv(t, io.Discard)
	env.logf = func(format string, args ...any) {
		rig.mu.Lock()
		defer rig.mu.Unlock()
		rig.said = append(rig.said, fmt.Sprintf(format, args...))
	}
	out, err := newBinaryOutput(addr, s, env)
	testkit.Must(t, err)
	t.Cleanup(func() { out.Close() })
	rig.binaryOutput = out.(*binaryOutput)
	return rig
}

// put writes a message for each of n connections, the first of that number.
func (rig *binaryRig) put(first, n int, kind byte) {
	rig.t.Helper()
	for i := first; i < first+n; i++ {
		msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(i), 1), Time: 1, Length: -1})
		_, err := rig.Write(append(msg, testkit.Turn(kind, i)...))
		testkit.Must(rig.t, err)
	}
}

// A target that is down costs its messages, but not a connect for each, and is
// told of once; what comes when it is back goes to it.
func TestBinaryDeadTarget(t *testing.T) {
	addr, listen := reservePort(t)
	rig := newBinaryRig(t, addr, func(s *Settings) { s.BinaryWorkers = 20 }) // so many may try before the first has failed
	var dials atomic.Int64
	rig.dial = countDials(rig.dial, &dials)
	const n = 500
	rig.put(0, n, 'a')
	testkit.Must(t, rig.Settle(nil))
	failed := rig.failures.Get(failRefused) + rig.failures.Get(failDown)
	if failed != n || rig.failures.Get(failRefused) == 0 {
		t.Errorf("counts %v, want %d refused or target down", rig.Counts(), n)
	}
	if d := dials.Load(); d > 40 {
		t.Errorf("%d attempts to connect", d)
	}
	server := testkit.TakeTurns(t, listen())
	extra := 0
	testkit.Eventually(t, "a message is answered", func() bool {
		rig.put(n+extra, 1, 'a')
		extra++
		testkit.Must(t, rig.Settle(nil))
		return rig.delivered.Load() == 1
	})
	if sum := stats.Sum(rig.Counts()); sum != uint64(n+extra) || len(server.Seen()) != 1 {
		t.Errorf("counts %v of %d, %d connections", rig.Counts(), n+extra, len(server.Seen()))
	}
	rig.mu.Lock()
	defer rig.mu.Unlock()
	if len(rig.said) != 2 || !strings.Contains(rig.said[0], "connection refused") || !strings.Contains(rig.said[1], "takes connections again") {
		t.Errorf("said %q", rig.said)
	}
}

// A target that is away for a moment loses nothing.
func TestBinaryTargetComesBack(t *testing.T) {
	addr, listen := reservePort(t)
	rig := newBinaryRig(t, addr, nil)
	var dials atomic.Int64
	rig.dial = countDials(rig.dial, &dials)
	rig.put(0, 50, 'a')
	testkit.Eventually(t, "an attempt to connect", func() bool { return dials.Load() > 0 })
	server := testkit.TakeTurns(t, listen())
	testkit.Must(t, rig.Settle(nil))
	if rows := ledger.Words(rig.Counts()); rows != "50 delivered" {
		t.Errorf("counts %s", rows)
	}
	if n := len(server.Seen()); n != 50 {
		t.Errorf("%d connections", n)
	}
}

// Answers that were passed on take no more of the memory that all connections
// share, though these stay open; and the time in which no more came is no part
// of their duration.
func TestBinaryAnswersAreDoneWith(t *testing.T) {
	server := testkit.StartTurns(t, "127.0.0.1:0")
	rig := newBinaryRig(t, server.Addr().String(), func(s *Settings) { s.BinaryTrackResponse = true })
	var bytes int
	least := int64(math.MaxInt64)
	in := rig.Responses()
	passed := make(chan int, 1)
	go func() {
		buf := make([]byte, 1<<20)
		for n := 0; ; n++ {
			size, err := in.Read(buf)
			if err != nil {
				passed <- n
				return
			}
			meta, body, _ := payload.Split(buf[:size])
			bytes += len(body)
			least = min(least, meta.Duration)
		}
	}()
	const waves, each = 2, 12 // of 300 kB: a wave takes most of it
	for wave := range waves {
		rig.put(wave*each, each, 'l')
		testkit.Must(t, rig.Settle(nil))
		if kept := rig.responses.Kept(); kept != 0 {
			t.Errorf("%d bytes are kept of answers that were passed on", kept)
		}
	}
	testkit.Must(t, in.Close())
	if n := <-passed; n != waves*each || bytes < answers.Memory*3/2 {
		t.Errorf("%d answers, %d bytes, want %d: %v", n, bytes, waves*each, in.Counts())
	}
	if d := time.Duration(least); d <= 0 || d >= answerQuietLong {
		t.Errorf("the quickest answer took %s", d)
	}
}

// What a target says when nobody has asked takes no memory.
func TestBinaryUnaskedIsDropped(t *testing.T) {
	idle, said := make(chan struct{}), make(chan error, 1)
	target := testkit.StartTarget(t, func(c net.Conn, _ int) {
		if _, err := c.Read(make([]byte, 4<<10)); err != nil {
			return
		}
		io.WriteString(c, "ok")
		<-idle
		_, err := c.Write(make([]byte, 32<<20)) // more than the sockets hold: it was read
		said <- err
		io.Copy(io.Discard, c)
	})
	rig := newBinaryRig(t, target.Address(), func(s *Settings) { s.BinaryTrackResponse = true })
	rig.put(0, 1, 'a')
	testkit.Must(t, rig.Settle(nil))
	close(idle)
	testkit.Must(t, <-said)
	if kept := rig.responses.Kept(); kept != 0 {
		t.Errorf("%d bytes are kept", kept)
	}
	testkit.Must(t, rig.Responses().Close())
	buf := make([]byte, 4<<10)
	n, err := rig.Responses().Read(buf)
	if body := payload.Body(buf[:n]); err != nil || string(body) != "ok" {
		t.Errorf("the answer is %q, %v", body, err)
	}
}

// Close ends what waits for an answer.
func TestBinaryCloseCutsOff(t *testing.T) {
	server := testkit.StartTurns(t, "127.0.0.1:0")
	out, err := newBinaryOutput(server.Addr().String(), defaultSettings(), testEnv(t, io.Discard))
	testkit.Must(t, err)
	msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 1, 1), Time: 1, Length: -1})
	for range 3 {
		_, err = out.Write(append(msg, testkit.Turn('s', 1)...))
		testkit.Must(t, err)
	}
	testkit.Eventually(t, "the first message is there", func() bool { s := server.Seen(); return len(s) == 1 && len(s[0]) == 1 })
	began := time.Now()
	testkit.Must(t, out.Close())
	if took := time.Since(began); took > 3*time.Second { // the timeout is 5
		t.Errorf("it took %s", took)
	}
	if rows := ledger.Words(out.Counts()); rows != "3 unsent" {
		t.Errorf("counts %s", rows)
	}
}

func TestBinaryAddresses(t *testing.T) {
	for addr, ok := range map[string]bool{"staging.com:9000": true, "[::1]:1": true, "staging.com": false, ":9000": false, "a:0": false, "a:b": false, "http://a:1": false, "": false} {
		if err := checkBinaryTarget(addr); (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "staging.com:9000") {
			t.Errorf("%q: %v", addr, err)
		}
	}
}
