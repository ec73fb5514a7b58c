// Package plugintest holds inputs and outputs to what package plugin promises. A
// plugin's test opens one and hands it over.
package plugintest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// timeout is how long a test waits for what must come, on a busy machine too.
const timeout = 30 * time.Second

// Messages returns n requests with bodies of size bytes, each with its number in
// the header X-Number.
func Messages(n, size int) [][]byte {
	msgs := make([][]byte, n)
	for i := range msgs {
		msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 9, uint32(i)), Time: int64(1e18) + int64(i), Duration: 0, Length: -1})
		msgs[i] = append(msg, fmt.Sprintf("POST /%d HTTP/1.1\r\nHost: h\r\nX-Number: %d\r\nContent-Length: %d\r\n\r\n%s", i, i, size, strings.Repeat(string(rune('a'+i%26)), size))...)
	}
	return msgs
}

// An Output is one to be tested, and a way to see what it delivered.
type Output struct {
	plugin.Output
	Delivered func(t *testing.T) [][]byte // the requests' bytes; nil: it keeps none
}

// TestOutput writes messages from several goroutines, settles, drains and closes
// the output, and looks at what became of them.
func TestOutput(t *testing.T, out Output) {
	if out.String() == "" {
		t.Error("String is empty")
	}
	const writers, each = 4, 20
	msgs := Messages(writers*each, 200)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			buf := make([]byte, 0, 4<<10)
			for _, msg := range msgs[w*each : (w+1)*each] {
				buf = append(buf[:0], msg...)
				for {
					n, err := out.Write(buf)
					if err == nil {
						if n != len(buf) {
							t.Errorf("Write returned %d of %d", n, len(buf))
						}
						break
					}
					if !errors.Is(err, queue.ErrFull) {
						t.Errorf("Write: %v", err)
						return
					}
					out.Room(nil, time.Second)
				}
				if !bytes.Equal(buf, msg) {
					t.Error("Write changed its argument")
				}
				for i := range buf { // Write may not have kept it
					buf[i] = 'X'
				}
			}
		})
	}
	wg.Wait()
	if out.LastProgress().IsZero() {
		t.Error("LastProgress is zero after writes")
	}
	cancel := make(chan struct{})
	timer := time.AfterFunc(timeout, func() { close(cancel) })
	defer timer.Stop()
	if err := out.Settle(cancel); err != nil {
		t.Errorf("Settle: %v", err)
	}
	if err := out.Drain(cancel); err != nil {
		t.Errorf("Drain: %v", err)
	}
	for range 2 {
		if err := out.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	rows := out.Counts()
	if got := stats.Sum(rows); got != uint64(len(msgs)) {
		t.Errorf("the counts sum to %d, want %d: %v", got, len(msgs), rows)
	}
	for _, row := range rows {
		switch row.Kind {
		case stats.Delivered:
			if row.N != uint64(len(msgs)) {
				t.Errorf("%d delivered, want %d: %v", row.N, len(msgs), rows)
			}
		case stats.Failed, stats.Unfit, stats.Unsent, stats.Kept, stats.Ignored, stats.Limited:
		default:
			t.Errorf("%q is of kind %d, which no row of an output is", row.Name, row.Kind)
		}
	}
	if out.Delivered != nil {
		want := make([][]byte, len(msgs))
		for i, msg := range msgs {
			want[i] = payload.Body(msg)
		}
		wantSame(t, out.Delivered(t), want)
	}
	out.Report(plugin.NewReport(io.Discard))
}

// TestClosedOutput: a message that nobody will send must not count as taken.
func TestClosedOutput(t *testing.T, out Output) {
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Write(Messages(1, 10)[0]); err == nil || errors.Is(err, queue.ErrFull) {
		t.Errorf("Write after Close: %v", err)
	}
	if n := stats.Sum(out.Counts()); n != 0 {
		t.Errorf("%d counted", n)
	}
}

// wantSame compares lists in any order.
func wantSame(t *testing.T, got, want [][]byte) {
	t.Helper()
	got, want = slices.SortedFunc(slices.Values(got), bytes.Compare), slices.SortedFunc(slices.Values(want), bytes.Compare)
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("delivered %d messages, want %d: %.200q, want %.200q", len(got), len(want), got, want)
	}
}
