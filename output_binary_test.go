package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
)

// A turnServer speaks a protocol in turns: a message is four bytes of length
// and as many more, of which the first says what to do; the answer has its hash.
type turnServer struct {
	net.Listener
	mu    sync.Mutex
	conns [][][]byte // messages by connection
}

func startTurns(t *testing.T, addr string) *turnServer {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	must(t, err)
	s := &turnServer{Listener: l}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			i := len(s.conns)
			s.conns = append(s.conns, nil)
			s.mu.Unlock()
			serving.Go(func() { s.serve(c, i) })
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return s
}

func (s *turnServer) serve(c net.Conn, i int) {
	defer c.Close()
	for {
		head := make([]byte, 4)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		msg := make([]byte, binary.BigEndian.Uint32(head))
		if _, err := io.ReadFull(c, msg); err != nil {
			return
		}
		s.mu.Lock()
		s.conns[i] = append(s.conns[i], append(head, msg...))
		s.mu.Unlock()
		switch msg[0] {
		case 's': // says nothing
		case 'c': // answers and closes
			c.Write(turnAnswer(msg))
			return
		case 'x': // closes without an answer
			return
		default:
			c.Write(turnAnswer(msg))
		}
	}
}

func (s *turnServer) seen() (conns [][][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append(conns, s.conns...)
}

// turnAnswer is longer for an 'l'.
func turnAnswer(msg []byte) []byte {
	h := fnv.New64a()
	h.Write(msg)
	answer := fmt.Appendf(nil, "%x\n🐵🙈🙉\n", h.Sum(nil))
	if msg[0] == 'l' {
		answer = bytes.Repeat(answer, 10_000)
	}
	return answer
}

func turn(kind byte, n int) []byte {
	r := rand.New(rand.NewPCG(uint64(n), 1))
	msg := randomBytes(r, 1+r.IntN(3000))
	msg[0] = kind
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(msg))), msg...)
}

// turnRecording has messages of that many connections in turn; kind says of
// what kind message j of connection i is.
func turnRecording(t *testing.T, conns, each int, kind func(i, j int) byte) (file string, msgs [][][]byte) {
	t.Helper()
	msgs = make([][][]byte, conns)
	var out []byte
	for j := range each {
		for i := range conns {
			msg := turn(kind(i, j), i*each+j)
			msgs[i] = append(msgs[i], msg)
			record := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(1+i), uint32(j)), Time: 1_700_000_000_000_000_000 + int64(j*conns+i)*1e6, Length: -1})
			out = payload.AppendRecord(out, append(record, msg...))
		}
	}
	return writeFile(t, filepath.Join(t.TempDir(), "turns.gor"), out), msgs
}

func always(kind byte) func(i, j int) byte { return func(int, int) byte { return kind } }

func TestBinaryReplaysConnections(t *testing.T) {
	const conns, each = 20, 50
	server := startTurns(t, "127.0.0.1:0")
	in, msgs := turnRecording(t, conns, each, always('a'))
	out := filepath.Join(t.TempDir(), "answers.gor")
	code, said := runGor(t, "--input-file", in+"|max", "--output-binary", server.Addr().String(), "--output-binary-track-response", "--output-file", out)
	if code != exitOK {
		t.Fatalf("exit %d: %s", code, said)
	}
	wantSums(t, said)
	if want := fmt.Sprintf("messages: %d sent over %d connections, %d answered", conns*each, conns, conns*each); !strings.Contains(said, want) {
		t.Errorf("no %q in %s", want, said)
	}
	seen := server.seen()
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
	answers, metas := readRecording(t, out, payload.ReplayResponse)
	if len(answers) != conns*each {
		t.Errorf("%d answers", len(answers))
	}
	for k, answer := range answers {
		var conn uint64
		var ordinal uint32
		_, err := fmt.Sscanf(string(metas[k].ID), "%016x%08x", &conn, &ordinal)
		must(t, err)
		if want := turnAnswer(msgs[conn-1][ordinal][4:]); !bytes.Equal(answer, want) {
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
		{"silent now and then", func(_, j int) byte { return "aas"[j%3] }, []string{"--output-binary-timeout", "50ms"}, 4, []string{"16 delivered", "4 failed (4 timeout)", "over 4 connections"}},
		{"one connection at a time", always('a'), []string{"--output-binary-workers", "1"}, 0, []string{"20 delivered"}},
		{"long answers", always('l'), []string{"--output-binary-track-response", "--output-null"}, 4, []string{"20 delivered"}},
		{"answers too long to pass on", always('l'), []string{"--output-binary-track-response", "--output-null", "--output-tcp-response-buffer", "100kb"}, 4, []string{"20 delivered", "20 too large (--output-tcp-response-buffer)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := startTurns(t, "127.0.0.1:0")
			in, msgs := turnRecording(t, 4, 5, tt.kind)
			code, said := runGor(t, append([]string{"--input-file", in + "|max", "--output-binary", server.Addr().String()}, tt.args...)...)
			if code != exitOK {
				t.Fatalf("exit %d: %s", code, said)
			}
			wantSums(t, said)
			for _, want := range tt.said {
				if !strings.Contains(said, want) {
					t.Errorf("no %q in %s", want, said)
				}
			}
			var got [][]byte
			for _, conn := range server.seen() {
				got = append(got, conn...)
			}
			lossy := tt.kind(0, 0) == 'c'
			if len(server.seen()) != tt.conns && tt.conns > 0 || len(got) != 20 && !lossy {
				t.Errorf("%d connections, %d messages", len(server.seen()), len(got))
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

// A target that is not there costs its messages, said once; when it is there
// again, those that come go to it.
func TestBinaryTargetComesBack(t *testing.T) {
	addr := freePort(t)
	s := defaultSettings()
	env := testEnv(t, io.Discard)
	var mu sync.Mutex
	var said []string
	env.logf = func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		said = append(said, fmt.Sprintf(format, args...))
	}
	out, err := newBinaryOutput(addr, s, env)
	must(t, err)
	defer out.Close()
	put := func(n int) {
		for i := range n {
			msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(i), 1), Time: 1, Length: -1})
			_, err := out.Write(append(msg, turn('a', i)...))
			must(t, err)
		}
		must(t, out.Settle(nil))
	}
	put(5)
	server := startTurns(t, addr)
	put(5)
	rows := fmt.Sprint(out.Counts())
	if rows != "[{delivered 5} {unsent 0} {refused 5}]" {
		t.Errorf("counts %s", rows)
	}
	if n := len(server.seen()); n != 5 {
		t.Errorf("%d connections", n)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(said) != 2 || !strings.Contains(said[0], "connection refused") || !strings.Contains(said[1], "takes connections again") {
		t.Errorf("said %q", said)
	}
}

// Close ends what waits for an answer.
func TestBinaryCloseCutsOff(t *testing.T) {
	server := startTurns(t, "127.0.0.1:0")
	out, err := newBinaryOutput(server.Addr().String(), defaultSettings(), testEnv(t, io.Discard))
	must(t, err)
	msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 1, 1), Time: 1, Length: -1})
	for range 3 {
		_, err = out.Write(append(msg, turn('s', 1)...))
		must(t, err)
	}
	eventually(t, "the first message is there", func() bool { s := server.seen(); return len(s) == 1 && len(s[0]) == 1 })
	began := time.Now()
	must(t, out.Close())
	if took := time.Since(began); took > 3*time.Second { // the timeout is 5
		t.Errorf("it took %s", took)
	}
	if rows := fmt.Sprint(out.Counts()); rows != "[{delivered 0} {unsent 3}]" {
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
