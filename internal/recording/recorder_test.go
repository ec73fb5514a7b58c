package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// put writes messages, waiting for room.
func (r testRecorder) put(t testing.TB, msgs ...[]byte) {
	t.Helper()
	for _, msg := range msgs {
		for {
			_, err := r.Write(msg)
			if err == nil {
				break
			}
			if !errors.Is(err, queue.ErrFull) {
				t.Fatal(err)
			}
			r.Room(nil, time.Second)
		}
	}
}

// settle fails the test when the output does not settle.
func (r testRecorder) settle(t testing.TB) {
	t.Helper()
	cancel := make(chan struct{})
	timer := time.AfterFunc(testkit.Timeout, func() { close(cancel) })
	defer timer.Stop()
	if err := r.Settle(cancel); err != nil {
		t.Fatalf("Settle: %v; said %q", err, r.log.Lines())
	}
}

// nastyMessages have what a recording's own format uses, and all sizes.
func nastyMessages() [][]byte {
	bodies := []string{
		"GET / HTTP/1.1\r\n\r\n",
		"",
		"\x00\x00\x00",
		payload.Separator,
		"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n" + payload.Separator + "1 forged 1700000000000000000 1 3\nabc" + payload.Separator,
		strings.Repeat("\n", 1000),
		strings.Repeat("x", 300<<10), // larger than what is flushed at once
	}
	var msgs [][]byte
	for i, body := range bodies {
		msgs = append(msgs, aMessage('1'+byte(i%3), fmt.Sprintf("%024x", i), body))
	}
	return msgs
}

func wantRecords(t testing.TB, name string, want ...[]byte) {
	t.Helper()
	got, damage := testkit.ReadBack(t, name)
	if damage.Any() {
		t.Errorf("%s: %s", name, damage)
	}
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("%s holds %d messages %.300q, want %d %.300q", name, len(got), got, len(want), want)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, suffix := range []string{".gor", ".gor.gz", ".gor.zst"} {
		t.Run(suffix, func(t *testing.T) {
			dir := t.TempDir()
			name := filepath.Join(dir, "a", "b", "x"+suffix) // parents are made
			msgs := nastyMessages()
			var all [][]byte
			for run := range 3 { // the later ones append
				out := open(t, name, nil)
				out.put(t, msgs...)
				all = append(all, msgs...)
				out.settle(t)
				wantRecords(t, name, all...) // before it is closed
				out.put(t, msgs[0])
				all = append(all, msgs[0])
				testkit.Must(t, out.Drain(nil))
				testkit.Must(t, out.Close())
				if got := testkit.RowsOf(out.Counts()); got["delivered"] != uint64(len(msgs)+1) || stats.Sum(out.Counts()) != got["delivered"] {
					t.Errorf("run %d counts %v", run, got)
				}
				if n := out.log.Count("appending to "); len(out.log.Lines()) != n || n != min(run, 1) {
					t.Errorf("run %d said %q", run, out.log.Lines())
				}
			}
			wantRecords(t, name, all...)
			if got := testkit.FilesIn(t, filepath.Dir(name)); len(got) != 1 {
				t.Errorf("files %q", got)
			}
		})
	}
}

func TestMode(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o666} {
		name := filepath.Join(t.TempDir(), "x.gor")
		open(t, name, func(c *Config) { c.Mode = mode })
		info, err := os.Stat(name)
		testkit.Must(t, err)
		if got := info.Mode().Perm(); got != mode { // whatever the umask says
			t.Errorf("mode %04o, want %04o", got, mode)
		}
	}
}

// TestTornTail: the record after a crash is not swallowed by the one
// that the crash tore.
func TestTornTail(t *testing.T) {
	whole := requests(3)
	each := len(whole) / 3
	next := aMessage('1', "n", "GET /next HTTP/1.1\r\n\r\n")
	for cut := 1; cut < each; cut++ {
		name := testkit.InFile(t, "x.gor", whole[:len(whole)-cut])
		out := open(t, name, nil)
		out.put(t, next)
		out.settle(t)
		testkit.Must(t, out.Close())
		got, damage := testkit.ReadBack(t, name)
		// A cut separator has cost nothing; anything else, the last record.
		want := 3
		if cut <= len(payload.Separator) {
			want = 4
		}
		if len(got) != want || !bytes.Equal(got[len(got)-1], next) || want == 3 != (damage.Damaged == 1) {
			t.Fatalf("cut by %d: %d messages, %v, last %q", cut, len(got), damage, got[len(got)-1])
		}
		if content, err := os.ReadFile(name); err != nil || !bytes.HasPrefix(content, whole[:len(whole)-cut]) {
			t.Fatalf("cut by %d: what was there before has changed (%v)", cut, err)
		}
	}
}

func TestLeavesAlone(t *testing.T) {
	plain := requests(2)
	gob := append([]byte("\x31\x7f\x03\x01\x01\x0aRawRequest\x01\xff\x80\x00\x01\x02\x01\x09Timestamp\x01\x04\x00\x01\x07Request\x01\x0a\x00\x00\x00"),
		"\x12\xff\x80\x01\xf8\x26\xdb\x95\x59\xfe\x94\x00\x00\x01\x05GET /\x00"...)
	tests := []struct {
		name    string
		content []byte
		chunk   string
		why     string
	}{
		{"x.gor", gob, "x_0.gor", "Gor 0.9"},
		{"x.gor", testkit.Gzipped(t, plain), "x_0.gor", "holds gzip"},
		{"x.gor", []byte("root:x:0:0:root:/root:/bin/sh\n"), "x_0.gor", "does not begin as a recording"},
		{"x", []byte("#!/bin/sh\n"), "x_0", "does not begin as a recording"},
		{"x.gor.gz", testkit.Gzipped(t, plain)[:60], "x_0.gor.gz", "torn"},
		{"x.gor.gz", append(testkit.Gzipped(t, plain), "tail"...), "x_0.gor.gz", "torn"},
		{"x.gor.gz", plain, "x_0.gor.gz", "holds text"},
		{"x.gz", testkit.Gzipped(t, gob), "x_0.gz", "holds gzip gob"},
		{"x.gor.zst", testkit.ZstdFrame(t, plain)[:60], "x_0.gor.zst", "torn"},
		{"x.gor.zst", testkit.Gzipped(t, plain), "x_0.gor.zst", "holds gzip"},
	}
	for _, tt := range tests {
		t.Run(tt.name+" "+tt.why, func(t *testing.T) {
			name := testkit.InFile(t, tt.name, tt.content)
			msg := aMessage('1', "a", "GET / HTTP/1.1\r\n\r\n")
			for i, chunk := range []string{tt.chunk, strings.Replace(tt.chunk, "_0", "_1", 1)} {
				out := open(t, name, nil)
				out.put(t, msg)
				out.settle(t)
				testkit.Must(t, out.Close())
				wantRecords(t, filepath.Join(filepath.Dir(name), chunk), msg)
				if !out.log.Has(tt.why) || !out.log.Has(chunk) {
					t.Errorf("run %d said %q, want %q and %s", i, out.log.Lines(), tt.why, chunk)
				}
			}
			if content, err := os.ReadFile(name); err != nil || !bytes.Equal(content, tt.content) {
				t.Errorf("the file has changed (%v)", err)
			}
		})
	}
}

// TestTwoWriters: a lock belongs to an open file, so that two
// outputs of one process are to each other as those of two.
func TestTwoWriters(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.gor")
	a, b := open(t, name, nil), open(t, name, nil)
	first, second := aMessage('1', "a", "GET /a HTTP/1.1\r\n\r\n"), aMessage('1', "b", "GET /b HTTP/1.1\r\n\r\n")
	for range 10 {
		a.put(t, first)
		b.put(t, second)
		a.settle(t)
		b.settle(t)
	}
	wantRecords(t, name, slices.Repeat([][]byte{first}, 10)...)
	wantRecords(t, chunkName(name, 0), slices.Repeat([][]byte{second}, 10)...)
	if !b.log.Has("another process") || !b.log.Has("x_0.gor") || a.log.Has("x_0.gor") {
		t.Errorf("said %q and %q", a.log.Lines(), b.log.Lines())
	}
	testkit.Must(t, a.Close())
	c := open(t, name, nil) // the lock is gone with its holder
	c.put(t, second)
	c.settle(t)
	if got, _ := testkit.ReadBack(t, name); len(got) != 11 {
		t.Errorf("%d records, want 11", len(got))
	}
}

func TestFlushInterval(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.gor")
	out := open(t, name, func(c *Config) { c.FlushInterval = time.Millisecond })
	msg := aMessage('1', "a", "GET / HTTP/1.1\r\n\r\n")
	for i := range 3 {
		out.put(t, msg)
		testkit.Eventually(t, "the record in the file", func() bool { got, _ := testkit.ReadBack(t, name); return len(got) == i+1 })
	}
}

// TestFullBufferIsWritten: without end to the flush interval, at
// most a buffer is held back, and what is in the file is whole.
func TestFullBufferIsWritten(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.gor")
	out := open(t, name, nil)
	msg := aMessage('1', "a", strings.Repeat("x", 10_000))
	record := int64(len(payload.AppendRecord(nil, msg)))
	const n = 200
	for range n {
		out.put(t, msg)
	}
	testkit.Eventually(t, "most of it in the file", func() bool {
		info, err := os.Stat(name)
		testkit.Must(t, err)
		return info.Size() >= n*record-fileBuffer-record && info.Size()%record == 0
	})
}

// TestLargeMessageAfterSmall: what is held back for the next flush
// must not keep out a message of nearly the queue's size for an interval.
func TestLargeMessageAfterSmall(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.gor")
	out := open(t, name, func(c *Config) { c.QueueBytes = 256 << 10 })
	small, large := aMessage('1', "a", "GET / HTTP/1.1\r\n\r\n"), aMessage('1', "b", strings.Repeat("x", 1<<20))
	out.put(t, small, large, small)
	out.settle(t)
	wantRecords(t, name, small, large, small)
}

func TestNoRecordIsCounted(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.gor")
	out := open(t, name, nil)
	msg := aMessage('1', "a", "GET / HTTP/1.1\r\n\r\n")
	out.put(t, []byte("no header"), msg, nil)
	out.settle(t)
	wantRecords(t, name, msg)
	if got := testkit.RowsOf(out.Counts()); got["delivered"] != 1 || got["failed: no record"] != 2 {
		t.Errorf("counts %v", got)
	}
}

func TestCloseWithoutDrain(t *testing.T) {
	out := open(t, filepath.Join(t.TempDir(), "x.gor"), nil)
	msg := aMessage('1', "a", "GET / HTTP/1.1\r\n\r\n")
	for range 1000 {
		out.put(t, msg)
	}
	testkit.Must(t, out.Close())
	testkit.Must(t, out.Close())
	if got := testkit.RowsOf(out.Counts()); stats.Sum(out.Counts()) != 1000 {
		t.Errorf("counts %v, want 1000 in all", got)
	}
	if _, err := out.Write(msg); err == nil || errors.Is(err, queue.ErrFull) {
		t.Errorf("Write after Close: %v", err)
	}
	if err := out.Settle(nil); err != nil {
		t.Errorf("Settle after Close: %v", err)
	}
}

func TestReport(t *testing.T) {
	dir := t.TempDir()
	msg := aMessage('1', "a", strings.Repeat("x", 1000))
	size := len(payload.AppendRecord(nil, msg))
	for _, tt := range []struct{ name, want string }{
		{"x.gor", fmt.Sprintf("wrote %d bytes to %s\n", size, filepath.Join(dir, "x.gor"))},
		{"x.gor.gz", fmt.Sprintf(", %d before compression, to %s\n", size, filepath.Join(dir, "x.gor.gz"))},
		{"%t.gor", fmt.Sprintf("wrote %d bytes to %s\n", size, filepath.Join(dir, "1.gor"))},
	} {
		out := open(t, filepath.Join(dir, tt.name), nil)
		var b bytes.Buffer
		out.Report(plugin.NewReport(&b))
		if b.Len() > 0 {
			t.Errorf("%s: report %q before anything was written", tt.name, b.String())
		}
		out.put(t, msg)
		out.settle(t)
		out.Report(plugin.NewReport(&b))
		if !strings.HasSuffix(b.String(), tt.want) {
			t.Errorf("%s: report %q, want %q", tt.name, b.String(), tt.want)
		}
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	out := open(t, filepath.Join(t.TempDir(), "x.gor"), nil)
	msg := aMessage('1', "0123456789abcdef01234567", strings.Repeat("x", 1000))
	for range 5000 {
		out.put(t, msg)
	}
	if n := testing.AllocsPerRun(5000, func() { out.put(t, msg) }); n > 0 {
		t.Errorf("%v allocations per message", n)
	}
}

// BenchmarkRecorder writes to the page cache where that is possible, so that
// it measures this program and not the disk.
func BenchmarkRecorder(b *testing.B) {
	dir := b.TempDir()
	if shm, err := os.MkdirTemp("/dev/shm", "gor"); err == nil {
		dir = shm
		b.Cleanup(func() { os.RemoveAll(shm) })
	}
	for _, size := range []int{200, 1000, 64 << 10} {
		for _, suffix := range []string{".gor", ".gor.gz", ".gor.zst", "-%t.gor"} {
			b.Run(fmt.Sprintf("%d bytes%s", size, suffix), func(b *testing.B) {
				name := filepath.Join(dir, "x"+suffix)
				out := open(b, name, func(c *Config) { c.QueueBytes = 16 << 20 })
				body := "POST /some/path?with=query HTTP/1.1\r\nHost: example.com\r\n\r\n" + benchBody(size)
				msg := aMessage('1', "0123456789abcdef01234567", body[:size])
				b.SetBytes(int64(size))
				b.ReportAllocs()
				written := 0
				for b.Loop() {
					out.put(b, msg)
					if written += size; written > 256<<20 {
						// Keep the memory of the page cache.
						b.StopTimer()
						out.settle(b)
						testkit.Must(b, os.Truncate(out.w.lastName(), 0))
						written = 0
						b.StartTimer()
					}
				}
				out.settle(b)
			})
		}
	}
}

// benchBody is text with about as much in it as JSON has.
func benchBody(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, `{"id":%d,"name":"item %d","price":%d.99},`, i*7919%100_003, i, i*31%500)
	}
	return b.String()
}

// TestAppendingSaysWhatIsThere: plain or compressed, once, and not of a new file.
func TestAppendingSaysWhatIsThere(t *testing.T) {
	at := time.Unix(0, recordStart+9e9).Format("2006-01-02 15:04:05 -0700")
	for _, name := range []string{"a.gor", "a.gor.gz", "a.gor.zst"} {
		path := filepath.Join(t.TempDir(), name)
		for run := range 2 {
			r := open(t, path, nil)
			for _, sec := range []int64{0, 9} {
				id := payload.AppendID(nil, 1, uint32(sec))
				r.put(t, append(payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: id, Time: recordStart + sec*1e9, Duration: -1, Length: -1}), "GET / HTTP/1.1\r\n\r\n"...))
			}
			r.settle(t)
			r.Close()
			want := fmt.Sprintf("appending to %s: ", path)
			if n := r.log.Count(want); n != run {
				t.Errorf("%s: run %d says it %d times: %q", name, run, n, r.log.Lines())
			}
			if n := r.log.Count("bytes, last record from " + at); n != run {
				t.Errorf("%s: run %d does not say that the last is of %s: %q", name, run, at, r.log.Lines())
			}
		}
	}
}
