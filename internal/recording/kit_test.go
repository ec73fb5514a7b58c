package recording

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

const (
	// recordStart is the time of a test's first record, ns since 1970.
	recordStart = int64(1700000000000000000)

	testLimit = 1 << 30 // bytes of a message
)

// testRecorder is a Recorder and what it says.
type testRecorder struct {
	*Recorder
	log *testLog
}

// open opens a Recorder that flushes only when it is asked to.
func open(t testing.TB, pattern string, set func(c *Config)) testRecorder {
	t.Helper()
	r := testRecorder{log: &testLog{}}
	cfg := Config{Kind: "output-file", Pattern: pattern, Mode: 0o600, FlushInterval: time.Hour, MessageLimit: testLimit, QueueBytes: 1 << 20, Logf: r.log.logf}
	if set != nil {
		set(&cfg)
	}
	out, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { out.Close() })
	r.Recorder = out
	return r
}

// testLog collects what is said.
type testLog struct {
	mu    sync.Mutex
	lines []string
}

func (l *testLog) logf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

func (l *testLog) count(part string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, part) {
			n++
		}
	}
	return n
}

func (l *testLog) has(part string) bool { return l.count(part) > 0 }

func inFile(t testing.TB, name string, content []byte) string {
	t.Helper()
	return testkit.WriteFile(t, filepath.Join(t.TempDir(), name), content)
}

func aMessage(kind byte, id, body string) []byte {
	m := payload.Meta{Type: kind, ID: []byte(id), Time: recordStart, Duration: 5, Length: -1}
	return append(payload.AppendMeta(nil, m), body...)
}

// requests returns a recording of so many requests with the targets /0, /1 and
// so on.
func requests(n int) (b []byte) {
	for i := range n {
		b = payload.AppendRecord(b, aMessage('1', fmt.Sprintf("%024x", i+1), fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: h\r\n\r\n", i)))
	}
	return b
}

func zstdFrame(t testing.TB, b []byte) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	testkit.Must(t, err)
	defer enc.Close()
	return enc.EncodeAll(b, nil)
}

func rowsOf(rows []stats.Count) map[string]uint64 {
	m := make(map[string]uint64)
	for _, row := range rows {
		m[row.Name] += row.N
	}
	return m
}
