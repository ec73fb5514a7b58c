package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
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
	for _, tt := range []turnTarget{
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
			testkit.InSomeRun(t, 0, func() error { return tt.replay(t) }) // timeouts are short
		})
	}
}

// A turnTarget is what a target in turns does, and what is said of it then.
type turnTarget struct {
	name  string
	kind  func(i, j int) byte
	args  []string
	conns int
	said  []string
}

func (tt turnTarget) replay(t *testing.T) error {
	t.Helper()
	server := testkit.StartTurns(t, "127.0.0.1:0")
	in, msgs := turnRecording(t, 4, 5, tt.kind)
	code, said := testkit.RunGor(t, append([]string{"--input-file", in + "|max", "--output-binary", server.Addr().String()}, tt.args...)...)
	want := exitOK
	if strings.Contains(said, "= 0 shed + 0 delivered") {
		want = exitFailed // a run that delivers nothing is not a success
	}
	if code != want {
		return fmt.Errorf("exit %d, want %d: %s", code, want, said)
	}
	testkit.WantSums(t, said)
	for _, want := range tt.said {
		if !strings.Contains(said, want) {
			return fmt.Errorf("no %q in %s", want, said)
		}
	}
	var got [][]byte
	for _, conn := range server.Seen() {
		got = append(got, conn...)
	}
	lossy := tt.kind(0, 0) == 'c'
	if len(server.Seen()) != tt.conns && tt.conns > 0 || len(got) != 20 && !lossy {
		return fmt.Errorf("%d connections, %d messages", len(server.Seen()), len(got))
	}
	for _, conn := range msgs {
		for _, msg := range conn {
			n := 0
			for _, g := range got {
				if bytes.Equal(g, msg) {
					n++
				}
			}
			if n > 1 {
				t.Errorf("a message came %d times", n)
			}
			if n < 1 && !lossy {
				return errors.New("a message is missing")
			}
		}
	}
	return nil
}
