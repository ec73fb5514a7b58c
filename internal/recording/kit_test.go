package recording

import (
	"fmt"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
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
	log *testkit.Log
}

// open opens a Recorder that flushes only when it is asked to.
func open(t testing.TB, pattern string, set func(c *Config)) testRecorder {
	t.Helper()
	r := testRecorder{log: &testkit.Log{}}
	cfg := Config{Kind: "output-file", Pattern: pattern, Mode: 0o600, FlushInterval: time.Hour, MessageLimit: testLimit, QueueBytes: 1 << 20, Logf: r.log.Logf}
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
