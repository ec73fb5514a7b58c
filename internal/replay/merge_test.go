package replay

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/recording"
	"github.com/buger/gor/internal/testkit"
)

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	testkit.Must(t, os.MkdirAll(filepath.Join(dir, "folder.gor"), 0o700))
	tests := []struct {
		name, pattern, want string
	}{
		{"no name", "", "requests.gor"},
		{"no such file", filepath.Join(dir, "missing.gor"), "no such file or directory"},
		{"no match", filepath.Join(dir, "missing*.gor"), "no file matches"},
		{"folders do not match", filepath.Join(dir, "*.gor"), "no file matches"},
		{"a folder", dir, filepath.Join(dir, "*.gor")},
		{"a bad pattern", filepath.Join(dir, "[x"), "syntax error in pattern"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(*withPattern(testConfig(), tt.pattern))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func TestNameWithPatternCharacters(t *testing.T) {
	in := newReplay(t, testkit.InFile(t, "x[1]*.gor", requestsAt(0, 1)), pace.Limit{}, nil)
	if got := targets(in.read(t, 10)); got != "/0/1" {
		t.Errorf("got %s", got)
	}
}

// TestMerges: the records of several files, compressed or not, come
// by time, those of one time by the file's name, and of one file in its order.
func TestMerges(t *testing.T) {
	dir := t.TempDir()
	type entry struct {
		at   int64
		file int
		body string
	}
	var all []entry
	const files = 12
	random := rand.New(rand.NewPCG(1, 2))
	for i := range files {
		var content []byte
		at := int64(random.IntN(2000))
		for k := range 40 {
			body := fmt.Sprintf("GET /%d-%d HTTP/1.1\r\n\r\n", i, k)
			content = append(content, aRecord(payload.Request, "a", float64(at), body)...)
			all = append(all, entry{at, i, fmt.Sprintf("/%d-%d", i, k)})
			at += int64(random.IntN(20))
		}
		name := fmt.Sprintf("part%02d.gor", i)
		switch i % 3 {
		case 1:
			name, content = name+".gz", testkit.Gzipped(t, content)
		case 2:
			name, content = name+".zst", testkit.ZstdFrame(t, content)
		}
		testkit.WriteFile(t, filepath.Join(dir, name), content)
	}
	testkit.WriteFile(t, filepath.Join(dir, "part99.gor"), nil)
	slices.SortStableFunc(all, func(a, b entry) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.file - b.file
	})
	var want strings.Builder
	for _, e := range all {
		want.WriteString(e.body)
	}
	cfg := testConfig()
	cfg.Depth = 1 // the window does not help
	in := newReplay(t, filepath.Join(dir, "part*"), pace.Limit{}, cfg)
	if got := targets(in.read(t, 10_000)); got != want.String() {
		t.Errorf("got\n%s\nwant\n%s", got, want.String())
	}
	if n := testkit.RowsOf(in.Counts())["records out of order"]; n != 0 {
		t.Errorf("%d out of order", n)
	}
}

// TestOpensFilesWhenTheirTimeComes: the chunks of a long recording
// are not all open, nor in memory, at once.
func TestOpensFilesWhenTheirTimeComes(t *testing.T) {
	dir := t.TempDir()
	const chunks = 300
	for i := range chunks {
		testkit.WriteFile(t, filepath.Join(dir, fmt.Sprintf("x_%d.gor", i)), requestsAt(float64(10*i), float64(10*i+9)))
	}
	cfg := testConfig()
	cfg.Loop = true
	in := newReplay(t, filepath.Join(dir, "x_*.gor"), pace.Limit{}, cfg)
	most := 0
	for range 2 * chunks * 2 { // two passes
		in.read(t, 1)
		most = max(most, len(in.files.open))
	}
	if most > 2 {
		t.Errorf("%d files were open at once, want 2 at most", most)
	}
	if n := testkit.RowsOf(in.Counts())["records out of order"]; n != 0 {
		t.Errorf("%d out of order", n)
	}
}

// TestGoesOnWithoutABrokenFile: one of several files that cannot be
// read any more costs its own records, and an error at the end.
func TestGoesOnWithoutABrokenFile(t *testing.T) {
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "a.gor"), requestsAt(0, 100))
	gone := testkit.WriteFile(t, filepath.Join(dir, "b.gor"), requestsAt(50, 60))
	testkit.WriteFile(t, filepath.Join(dir, "c.gor"), requestsAt(70, 80))
	in := newReplay(t, filepath.Join(dir, "*.gor"), pace.Limit{}, nil)
	testkit.Must(t, os.Remove(gone))
	buf := make([]byte, 4<<10)
	n := 0
	var err error
	for ; err == nil; n++ {
		_, err = in.Read(buf)
	}
	if n-1 != 4 || err == io.EOF || !strings.Contains(err.Error(), "b.gor") {
		t.Errorf("%d records, then %v; want 4 and an error that names b.gor", n-1, err)
	}
	if !in.log.Has("going on with the other files") {
		t.Errorf("said %q", in.log.Lines())
	}
}

// TestReplaysWhatWasRecorded: what a recorder wrote comes back at its times.
func TestReplaysWhatWasRecorded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.gor.zst")
	out, err := recording.Open(recording.Config{Pattern: name, Mode: 0o600, FlushInterval: time.Hour, QueueBytes: 1 << 20, Logf: t.Logf})
	testkit.Must(t, err)
	for i := range 5 {
		m := payload.Meta{Type: payload.Request, ID: []byte("a"), Time: recordStart + int64(i)*1e6, Duration: -1, Length: -1}
		_, err := out.Write(fmt.Appendf(payload.AppendMeta(nil, m), "GET /%d HTTP/1.1\r\n\r\n", i))
		testkit.Must(t, err)
	}
	testkit.Must(t, out.Settle(nil))
	testkit.Must(t, out.Close())
	got := newReplay(t, name, pace.Limit{}, nil).read(t, 10)
	if targets(got) != "/0/1/2/3/4" || !slices.Equal(times(got), []float64{0, 1, 2, 3, 4}) {
		t.Errorf("replayed %s at %v", targets(got), times(got))
	}
}
