package recording

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

func TestOpenChunk(t *testing.T) {
	for _, tt := range []struct {
		name  string
		exist string
		open  string
		after int
		want  string
	}{
		{name: "the first", open: "x.gor", after: -1, want: "x_0.gor"},
		{name: "the file without index is another", exist: "x.gor", open: "x.gor", after: -1, want: "x_0.gor"},
		{name: "after the highest", exist: "x_0.gor x_3.gor x_1.gor", open: "x.gor", after: -1, want: "x_4.gor"},
		{name: "as numbers", exist: "x_9.gor x_10.gor", open: "x.gor", after: -1, want: "x_11.gor"},
		{name: "with zeros", exist: "x_007.gor", open: "x.gor", after: -1, want: "x_8.gor"},
		{name: "other names", exist: "x_5.gor.gz xx_5.gor x_5.txt x_.gor x_-5.gor x_5a.gor x_+5.gor ax_5.gor", open: "x.gor", after: -1, want: "x_0.gor"},
		{name: "a date is not an index", exist: "x_20260304.gor x_1.gor", open: "x.gor", after: -1, want: "x_2.gor"},
		{name: "a number too large for any", exist: "x_99999999999999999999.gor", open: "x.gor", after: -1, want: "x_0.gor"},
		{name: "compressed", exist: "x_1.gor.gz x_7.gor", open: "x.gor.gz", after: -1, want: "x_2.gor.gz"},
		{name: "no extension", exist: "x_1 x_5.gor", open: "x", after: -1, want: "x_2"},
		{name: "the next", exist: "x_0.gor", open: "x.gor", after: 0, want: "x_1.gor"},
		{name: "the next, when those before are gone", open: "x.gor", after: 4, want: "x_5.gor"},
		{name: "others were faster", exist: "x_1.gor x_2.gor x_3.gor", open: "x.gor", after: 0, want: "x_4.gor"},
		{name: "others were faster, and moved some away", exist: "x_1.gor x_9.gor", open: "x.gor", after: 0, want: "x_10.gor"},
		{name: "a folder has the name", exist: "x_0.gor/y", open: "x.gor", after: -1, want: "x_1.gor"},
		{name: "a new folder", open: "a/b/x.gor", after: -1, want: "a/b/x_0.gor"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range strings.Fields(tt.exist) {
				testkit.Must(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
				testkit.WriteFile(t, filepath.Join(dir, name), []byte("old"))
			}
			r, index, err := openChunk(filepath.Join(dir, tt.open), fileSpec{mode: 0o600, limit: testLimit}, tt.after)
			testkit.Must(t, err)
			defer r.close()
			if want := filepath.Join(dir, tt.want); r.name != want || chunkName(filepath.Join(dir, tt.open), index) != want {
				t.Errorf("got %s, index %d, want %s", r.name, index, want)
			}
			for _, name := range strings.Fields(tt.exist) {
				if content, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(content) != "old" {
					t.Errorf("%s has changed: %q, %v", name, content, err)
				}
			}
		})
	}
}

// chunksOf returns what each chunk holds, in the order of their indices, which
// must have no gap from first on.
func chunksOf(t *testing.T, name string, first int) (chunks [][][]byte) {
	t.Helper()
	last, err := lastChunk(name)
	testkit.Must(t, err)
	for i := first; i <= last; i++ {
		msgs, damage := testkit.ReadBack(t, chunkName(name, i))
		if damage.Any() {
			t.Errorf("chunk %d: %s", i, damage)
		}
		chunks = append(chunks, msgs)
	}
	return chunks
}

func TestChunks(t *testing.T) {
	const n = 100
	var msgs [][]byte
	for i := range n {
		msgs = append(msgs, aMessage('1', fmt.Sprintf("%024x", i), benchBody(100+i*53%400)))
	}
	msgs[40] = aMessage('1', "large", benchBody(20_000))
	size := func(msgs ...[]byte) (n int) {
		for _, msg := range msgs {
			n += len(payload.AppendRecord(nil, msg))
		}
		return n
	}
	for _, tt := range []struct {
		limits chunkLimits
		buffer int // of the queue: a quarter is held back
		settle int // after so many messages each
	}{
		{chunkLimits{records: 1}, 1 << 20, n},
		{chunkLimits{records: 7}, 1 << 20, n},
		{chunkLimits{records: 7}, 32 << 10, 5},
		{chunkLimits{records: 200}, 1 << 20, n},
		{chunkLimits{bytes: 1}, 1 << 20, n},
		{chunkLimits{bytes: 4096}, 1 << 20, n},
		{chunkLimits{bytes: 4096}, 32 << 10, 3},
		{chunkLimits{bytes: 4096, records: 5}, 1 << 20, n},
		{chunkLimits{bytes: 1 << 20}, 1 << 20, n},
	} {
		for _, suffix := range []string{".gor", ".gor.gz", ".gor.zst"} {
			t.Run(fmt.Sprintf("%+v %d %d%s", tt.limits, tt.buffer, tt.settle, suffix), func(t *testing.T) {
				dir := t.TempDir()
				name := filepath.Join(dir, "x"+suffix)
				first := 0
				for range 2 { // the second run counts on
					before := testkit.Contents(t, dir)
					out := open(t, name, func(c *Config) {
						c.ChunkRecords, c.ChunkBytes, c.QueueBytes = tt.limits.records, tt.limits.bytes, tt.buffer
					})
					for i, msg := range msgs {
						out.put(t, msg)
						if (i+1)%tt.settle == 0 {
							out.settle(t)
						}
					}
					out.settle(t)
					testkit.Must(t, out.Close())
					if got := testkit.RowsOf(out.Counts()); got["delivered"] != n || stats.Sum(out.Counts()) != n {
						t.Errorf("counts %v", got)
					}
					wantUntouched(t, before)
					chunks := chunksOf(t, name, first)
					if got := slices.Concat(chunks...); !slices.EqualFunc(got, msgs, bytes.Equal) {
						t.Errorf("the chunks hold %d messages, or in another order; want %d", len(got), n)
					}
					for i, chunk := range chunks {
						info, err := os.Stat(chunkName(name, first+i))
						testkit.Must(t, err)
						on := int(info.Size())
						if most := tt.limits.records; most > 0 && len(chunk) > most {
							t.Errorf("chunk %d has %d records, want %d at most", i, len(chunk), most)
						}
						if most := tt.limits.bytes; most > 0 && on > most && len(chunk) > 1 {
							t.Errorf("chunk %d has %d bytes in %d records, want %d at most", i, on, len(chunk), most)
						}
						if i == len(chunks)-1 || suffix != ".gor" && tt.limits.records == 0 {
							continue
						}
						next := chunks[i+1][0]
						byCount := tt.limits.records > 0 && len(chunk) == tt.limits.records
						bySize := tt.limits.bytes > 0 && size(chunk...)+size(next) > tt.limits.bytes
						if suffix == ".gor" && !byCount && !bySize || tt.limits.bytes == 0 && !byCount {
							t.Errorf("chunk %d ended with %d records and %d bytes, before any limit", i, len(chunk), on)
						}
					}
					if tt.limits == (chunkLimits{bytes: 4096}) && suffix != ".gor" && len(chunks) > 10 {
						t.Errorf("%d chunks; of what is compressed more than that finds room", len(chunks))
					}
					if len(out.log.Lines()) > 0 {
						t.Errorf("said %q", out.log.Lines())
					}
					first += len(chunks)
				}
				if slices.Contains(testkit.FilesIn(t, dir), "x"+suffix) {
					t.Error("there is a file without index")
				}
			})
		}
	}
}

func wantUntouched(t *testing.T, before map[string][]byte) {
	t.Helper()
	for name, content := range before {
		if now, err := os.ReadFile(name); err != nil || !bytes.Equal(now, content) {
			t.Errorf("%s has changed (%v)", name, err)
		}
	}
}

// TestChunksByName: each name has its own indices, and a chunk that
// was left is not opened again.
func TestChunksByName(t *testing.T) {
	dir := t.TempDir()
	out := open(t, filepath.Join(dir, "%t.gor"), func(c *Config) { c.ChunkRecords = 2 })
	for i := range 10 {
		out.put(t, aMessage('1'+byte(i%2), "a", "x"))
	}
	out.settle(t)
	out.reopen()
	testkit.Eventually(t, "the reopening", func() bool { return !out.w.reopen.Load() })
	out.put(t, aMessage('1', "a", "x"))
	out.settle(t)
	want := []string{"1_0.gor", "1_1.gor", "1_2.gor", "1_3.gor", "2_0.gor", "2_1.gor", "2_2.gor"}
	if got := testkit.FilesIn(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	if got := chunksOf(t, filepath.Join(dir, "1.gor"), 0); len(got[2]) != 1 || len(got[3]) != 1 {
		t.Errorf("the chunk before the reopening has %d records, the one after it %d, want 1 and 1", len(got[2]), len(got[3]))
	}
}

// TestChunksByTime: a new hour begins a chunk of its own, and so
// does an hour that comes twice, when the clock is set back.
func TestChunksByTime(t *testing.T) {
	dir := t.TempDir()
	out := open(t, filepath.Join(dir, "%H.gor"), func(c *Config) { c.ChunkBytes = 1 << 20 })
	testkit.Must(t, out.Close()) // from here on the test is the writer
	at := time.Date(2026, 3, 4, 5, 59, 59, 0, time.Local)
	for _, later := range []time.Duration{0, time.Second, 0} {
		testkit.Must(t, out.w.open(out.w.target(out.w.names.at(at.Add(later), nil))))
	}
	out.w.closeAll()
	if got, want := testkit.FilesIn(t, dir), []string{"05_0.gor", "05_1.gor", "06_0.gor"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// TestChunkRemoved: the next one begins.
func TestChunkRemoved(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "x.gor")
	out := open(t, name, func(c *Config) { c.ChunkRecords = 10 })
	msg := aMessage('1', "a", "x")
	out.put(t, msg)
	out.settle(t)
	testkit.Must(t, os.Remove(chunkName(name, 0)))
	out.put(t, msg)
	out.settle(t)
	wantRecords(t, chunkName(name, 1), msg)
	if out.log.Count("was removed") != 1 {
		t.Errorf("said %q", out.log.Lines())
	}
}

// TestChunksOfSeveral: outputs with one pattern, as processes have
// it, never share a chunk.
func TestChunksOfSeveral(t *testing.T) {
	const outputs, each = 6, 200
	name := filepath.Join(t.TempDir(), "x.gor")
	var wg sync.WaitGroup
	for o := range outputs {
		out := open(t, name, func(c *Config) { c.ChunkRecords = 3 })
		wg.Go(func() {
			for i := range each {
				if _, err := out.Write(aMessage('1', fmt.Sprintf("%d", o), fmt.Sprint(i))); err != nil {
					t.Errorf("write: %v", err)
				}
			}
			if err := out.Drain(nil); err != nil {
				t.Errorf("drain: %v", err)
			}
			out.Close()
		})
	}
	wg.Wait()
	next := map[string]int{}
	for i, chunk := range chunksOf(t, name, 0) {
		for _, msg := range chunk {
			meta, body, err := payload.Split(msg)
			testkit.Must(t, err)
			first, _, err := payload.Split(chunk[0])
			testkit.Must(t, err)
			if !bytes.Equal(meta.ID, first.ID) {
				t.Errorf("chunk %d has records of two outputs", i)
			}
			id := string(meta.ID)
			if string(body) != fmt.Sprint(next[id]) {
				t.Errorf("record %s of output %s, want %d", body, id, next[id])
			}
			next[id]++
		}
	}
	for id, n := range next {
		if n != each {
			t.Errorf("output %s has %d records, want %d", id, n, each)
		}
	}
	if len(next) != outputs {
		t.Errorf("records of %d outputs, want %d", len(next), outputs)
	}
}

// TestMaxSize: the files never have more, what would not fit is
// counted, and said once.
func TestMaxSize(t *testing.T) {
	msgs := [][]byte{aMessage('1', "0123456789abcdef01234567", benchBody(1000)), aMessage('2', "0123456789abcdef01234567", benchBody(1000))}
	size := len(payload.AppendRecord(nil, msgs[0]))
	const n = 1000
	for _, tt := range []struct {
		name     string
		most     int
		chunks   int
		min, max uint64 // records
	}{
		{"x.gor", 10 * size, 0, 10, 10},
		{"x.gor", 11*size - 1, 0, 10, 10},
		{"x.gor", 300 * size, 0, 300, 300}, // more than is held back
		{"x.gor", 10 * size, 3, 10, 10},
		{"%t.gor", 10 * size, 0, 10, 10},
		{"x.gor", 1, 0, 0, 0},
		{"x.gor.gz", 10 * size, 0, 20, n},
		{"%t.gor.gz", 10 * size, 0, 20, n},
		{"x.gor.zst", 10 * size, 7, 11, n},
	} {
		t.Run(strings.ReplaceAll(fmt.Sprint(tt), "%", ""), func(t *testing.T) {
			dir := t.TempDir()
			out := open(t, filepath.Join(dir, tt.name), func(c *Config) {
				c.MaxBytes, c.MaxBytesName, c.ChunkRecords = tt.most, "the most", tt.chunks
			})
			for i := range n {
				out.put(t, msgs[i%2])
			}
			out.settle(t)
			testkit.Must(t, out.Close())
			got := testkit.RowsOf(out.Counts())
			if d := got["delivered"]; d < tt.min || d > tt.max || stats.Sum(out.Counts()) != n || got["failed: file size limit"] != n-d {
				t.Errorf("counts %v, want %d to %d delivered", got, tt.min, tt.max)
			}
			total, records := 0, 0
			for name, content := range testkit.Contents(t, dir) {
				total += len(content)
				if len(content) > 0 {
					msgs, damage := testkit.ReadBack(t, name)
					if records += len(msgs); damage.Any() {
						t.Errorf("%s: %s", name, damage)
					}
				}
			}
			if total > tt.most || uint64(records) != got["delivered"] {
				t.Errorf("%d bytes and %d records in the files, want %d bytes at most and %d records", total, records, tt.most, got["delivered"])
			}
			if out.log.Count("one more record would pass the most;") != 1 || len(out.log.Lines()) != 1 {
				t.Errorf("said %q", out.log.Lines())
			}
		})
	}
}
