package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// sessionRecording is a recording of connections whose requests alternate:
// X-Number counts over all, X-Conn names the connection, from 0.
func sessionRecording(conns, each int, gap time.Duration) []byte {
	var out []byte
	for j := range each {
		for i := range conns {
			n := j*conns + i
			msg := payload.AppendMeta(nil, payload.Meta{
				Type: payload.Request, ID: payload.AppendID(nil, uint64(1000+i), uint32(j+1)),
				Time: 1_700_000_000_000_000_000 + int64(n)*int64(gap), Duration: 0, Length: -1,
			})
			msg = fmt.Appendf(msg, "GET /%d HTTP/1.1\r\nHost: prod\r\nX-Conn: %d\r\nX-Number: %d\r\n\r\n", n, i, n)
			out = payload.AppendRecord(out, msg)
		}
	}
	return out
}

func header(t *testing.T, raw []byte, name string) string {
	t.Helper()
	r := parsed(t, raw)
	v, ok := r.Header(name)
	if !ok {
		t.Fatalf("no %s in %q", name, raw)
	}
	return string(v)
}

// wantSessions wants each recorded connection's requests on one connection of
// the target, in order, and returns how many connections there were.
func wantSessions(t *testing.T, arrivals []testkit.Arrival) int {
	t.Helper()
	of, last := map[string]int{}, map[string]int{}
	owner := map[int]string{}
	for _, a := range arrivals {
		conn, n := header(t, a.Raw, "X-Conn"), testkit.Number(t, a.Raw)
		if of[conn] == 0 {
			of[conn] = a.Conn
		}
		if of[conn] != a.Conn {
			t.Errorf("recorded connection %s came on connections %d and %d", conn, of[conn], a.Conn)
		}
		if owner[a.Conn] == "" {
			owner[a.Conn] = conn
		}
		if owner[a.Conn] != conn {
			t.Errorf("connection %d carried recorded connections %s and %s", a.Conn, owner[a.Conn], conn)
		}
		if before, seen := last[conn]; seen && n <= before {
			t.Errorf("recorded connection %s: request %d came after %d", conn, n, before)
		}
		last[conn] = n
	}
	return len(of)
}

func TestSessions(t *testing.T) {
	const conns, each = 40, 25
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), sessionRecording(conns, each, 50*time.Microsecond))
	target := testkit.StartSink(t)
	code, said := testkit.RunGor(t, "--input-file", file, "--output-http", target.Addr(), "--recognize-tcp-sessions")
	if code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	got := target.Arrivals()
	if n := wantSessions(t, got); n != conns || len(got) != conns*each {
		t.Errorf("%d connections and %d requests, want %d and %d\n%s", n, len(got), conns, conns*each, said)
	}
	testkit.WantSums(t, said)
}

// With fewer connections allowed than were recorded, the longest idle ones
// end, and every request is sent all the same.
func TestSessionsAreBounded(t *testing.T) {
	const conns, each = 40, 25
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), sessionRecording(conns, each, 50*time.Microsecond))
	target := testkit.StartSink(t)
	code, said := testkit.RunGor(t, "--input-file", file+"|max", "--output-http", target.Addr(), "--recognize-tcp-sessions", "--output-http-workers", "7")
	if code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	seen := map[int]bool{}
	last := map[string]int{}
	for _, a := range target.Arrivals() {
		conn, n := header(t, a.Raw, "X-Conn"), testkit.Number(t, a.Raw)
		if before, ok := last[conn]; ok && n <= before {
			t.Errorf("recorded connection %s: request %d came after %d", conn, n, before)
		}
		last[conn], seen[n] = n, true
	}
	if len(seen) != conns*each {
		t.Errorf("%d requests came, want %d\n%s", len(seen), conns*each, said)
	}
	testkit.WantSums(t, said)
}

// With --split-output all of a connection goes to one output.
func TestSessionsSplit(t *testing.T) {
	const conns, each = 40, 10
	file := testkit.WriteFile(t, filepath.Join(t.TempDir(), "in.gor"), sessionRecording(conns, each, 0))
	a, b := testkit.StartSink(t), testkit.StartSink(t)
	code, said := testkit.RunGor(t, "--input-file", file, "--output-http", a.Addr(), "--output-http", b.Addr(), "--split-output", "--recognize-tcp-sessions", "--on-full", "wait")
	if code != 0 {
		t.Fatalf("exit %d:\n%s", code, said)
	}
	na, nb := wantSessions(t, a.Arrivals()), wantSessions(t, b.Arrivals())
	if na+nb != conns || na == 0 || nb == 0 || len(a.Arrivals())+len(b.Arrivals()) != conns*each {
		t.Errorf("%d and %d connections, want %d in all, some at each\n%s", na, nb, conns, said)
	}
}
