package replay

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// testConfig says nothing, keeps the recorded pace, and has the defaults of Gor.
func testConfig() *Config {
	return &Config{
		Kind: "input-file", Depth: 100, MessageLimit: 16 << 20,
		Logf:  func(string, ...any) {},
		Hints: Hints{MaxWait: "the longest wait", MessageLimit: "the largest message", Depth: "the depth"},
	}
}

func withPattern(cfg *Config, pattern string) *Config {
	cfg.Sources = []Source{{Pattern: pattern}}
	return cfg
}

// recordStart is the time of a test's first record, ns since 1970.
const recordStart = int64(1700000000000000000)

// aRecord returns one record at so many ms after recordStart.
func aRecord(kind byte, id string, ms float64, body string) []byte {
	m := payload.Meta{Type: kind, ID: []byte(id), Time: recordStart + int64(ms*1e6), Duration: 5, Length: -1}
	return payload.AppendRecord(nil, append(payload.AppendMeta(nil, m), body...))
}

// requestsAt returns a recording of requests with the targets /0, /1 and so
// on at these times in ms.
func requestsAt(ms ...float64) []byte {
	var b []byte
	for i, at := range ms {
		b = append(b, aRecord(payload.Request, fmt.Sprintf("%024x", i+1), at, fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i))...)
	}
	return b
}

// fakeClock passes its waits at once and keeps when they ended.
type fakeClock struct {
	now   int64
	waits []int64
	slow  int64 // ns by which each wait ends late
}

func (c *fakeClock) Now() int64 { return c.now }
func (c *fakeClock) Yield()     {}
func (c *fakeClock) Until(deadline int64, cancel <-chan struct{}) bool {
	if halted(cancel) {
		return false
	}
	c.now = max(c.now, deadline) + c.slow
	c.waits = append(c.waits, c.now)
	return true
}

// replayed is an input on a fakeClock.
type replayed struct {
	*Replay
	clock *fakeClock
	log   *testkit.Log
}

func newReplay(t testing.TB, pattern string, limit pace.Limit, cfg *Config) replayed {
	t.Helper()
	if cfg == nil {
		cfg = testConfig()
	}
	r := replayed{clock: &fakeClock{now: 1}, log: &testkit.Log{}}
	cfg.Sources, cfg.Logf = append(cfg.Sources, Source{pattern, limit}), r.log.Logf
	in, err := Open(*cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Replay = in
	in.clock = r.clock
	t.Cleanup(func() { in.Close() })
	return r
}

// a given is one message as it came out of Read.
type given struct {
	kind   byte
	target string // the second word of its first line
	at     float64
}

// read reads at most most messages, fewer at the end.
func (r replayed) read(t testing.TB, most int) (list []given) {
	t.Helper()
	buf := make([]byte, 64<<10)
	for len(list) < most {
		n, err := r.Read(buf)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		m, body, err := payload.Split(buf[:n])
		if err != nil {
			t.Fatalf("message %q: %v", buf[:n], err)
		}
		list = append(list, given{m.Type, strings.Fields(string(body) + " . .")[1], float64(r.clock.now-1) / 1e6})
	}
	return list
}

func targets(list []given) string {
	var b strings.Builder
	for _, g := range list {
		b.WriteString(g.target)
	}
	return b.String()
}

func times(list []given) (at []float64) {
	for _, g := range list {
		at = append(at, g.at)
	}
	return at
}
