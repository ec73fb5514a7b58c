package recording

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

func TestFileName(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 89, time.Local)
	msg := aMessage('2', "0123abcd", "x")
	tests := []struct {
		pattern, want, folder string
		varies                bool
	}{
		{"x.gor", "x.gor", ".", false},
		{"/a/b/x.gor", "/a/b/x.gor", "/a/b", false},
		{"100%.gor", "100%.gor", ".", false},
		{"%q%%.gor%", "%q%%.gor%", ".", false},
		{"%Y-%m-%d/%H%M%S.gor", "2026-03-04/050607.gor", "2026-03-04", true},
		{"%NS.gor", "89.gor", ".", true},
		{"%N%S.gor", "%N07.gor", ".", true},
		{"%t/%r.gor", "2/0123abcd.gor", ".", true},
		{"a/%Y/x%r/y.gor", "a/2026/x0123abcd/y.gor", "a/2026", true},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			n := newNames(tt.pattern)
			if got := string(n.at(now, msg)); got != tt.want || n.varies() != tt.varies {
				t.Errorf("name %q, varies %v; want %q, %v", got, n.varies(), tt.want, tt.varies)
			}
			if got := n.folder(now); got != tt.folder {
				t.Errorf("folder %q, want %q", got, tt.folder)
			}
		})
	}
}

func TestFileNameFollowsTheClock(t *testing.T) {
	n := newNames("%S.gor")
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.Local)
	var got []string
	for _, d := range []time.Duration{0, 999 * time.Millisecond, time.Second, 61 * time.Second, 0} {
		got = append(got, string(n.at(at.Add(d), nil)))
	}
	if want := []string{"07.gor", "07.gor", "08.gor", "08.gor", "07.gor"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFileNameRandomWord(t *testing.T) {
	a, b := newNames("%i-%i.gor"), newNames("%i-%i.gor")
	first := string(a.at(time.Now(), nil))
	if a.varies() || len(first) != len("01234567-01234567.gor") {
		t.Errorf("name %q", first)
	}
	if word, rest, _ := strings.Cut(first, "-"); word+".gor" != rest {
		t.Errorf("two words in %q", first)
	}
	if second := string(b.at(time.Now(), nil)); second == first {
		t.Errorf("two runs have %q", first)
	}
}

// TestFileNameStaysInItsFolder: an id may come from another host.
func TestFileNameStaysInItsFolder(t *testing.T) {
	n := newNames("d/%r.gor")
	if got := string(n.at(time.Now(), aMessage('1', "../../etc/x", ""))); got != "d/______etc_x.gor" {
		t.Errorf("got %q", got)
	}
}

func TestChunkName(t *testing.T) {
	for name, want := range map[string]string{
		"x.gor":           "x_3.gor",
		"x.gor.gz":        "x_3.gor.gz",
		"/a.b/x.gor.zst":  "/a.b/x_3.gor.zst",
		"x":               "x_3",
		"x.gz":            "x_3.gz",
		"/a.b/x":          "/a.b/x_3",
		".hidden":         ".hidden_3",
		"2026.03.04.gor":  "2026.03.04_3.gor",
		"/a/.hidden.gor":  "/a/.hidden_3.gor",
		"requests.tar.gz": "requests_3.tar.gz",
	} {
		if got := chunkName(name, 3); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// TestNamesByMessage: messages of more names than files may be open
// come in turn, and each file has its own, whole and in order.
func TestNamesByMessage(t *testing.T) {
	dir := t.TempDir()
	out := open(t, filepath.Join(dir, "%t", "%r.gor"), nil)
	const ids, rounds = 3 * openFiles, 4
	want := make(map[string][][]byte)
	for round := range rounds {
		for id := range ids {
			kind := '1' + byte(id%2)
			msg := aMessage(kind, fmt.Sprintf("id%d", id), fmt.Sprintf("GET /%d HTTP/1.1\r\n\r\n", round))
			out.put(t, msg)
			name := filepath.Join(dir, string(kind), fmt.Sprintf("id%d.gor", id))
			want[name] = append(want[name], msg)
		}
	}
	out.settle(t)
	if n := len(out.w.targets); n > openFiles {
		t.Errorf("%d files are open, want %d at most", n, openFiles)
	}
	testkit.Must(t, out.Close())
	for name, msgs := range want {
		wantRecords(t, name, msgs...)
	}
	if got := testkit.RowsOf(out.Counts()); got["delivered"] != ids*rounds {
		t.Errorf("counts %v", got)
	}
}

// TestNameOfOneMessageFails: a name that cannot be opened costs its
// own messages, and they are counted.
func TestNameOfOneMessageFails(t *testing.T) {
	dir := t.TempDir()
	testkit.Must(t, os.Mkdir(filepath.Join(dir, "bad.gor"), 0o700)) // where a file should be
	out := open(t, filepath.Join(dir, "%r.gor"), nil)
	good := aMessage('1', "good", "GET / HTTP/1.1\r\n\r\n")
	out.put(t, aMessage('1', "bad", "GET / HTTP/1.1\r\n\r\n"), good)
	out.settle(t)
	wantRecords(t, filepath.Join(dir, "good.gor"), good)
	if got := testkit.RowsOf(out.Counts()); got["failed: write"] != 1 || got["delivered"] != 1 {
		t.Errorf("counts %v", got)
	}
	if out.log.Count("is a directory") != 1 {
		t.Errorf("said %q, want the cause once", out.log.Lines())
	}
}

// TestNewNameClosesTheOld: another program may have the file of the
// hour before.
func TestNewNameClosesTheOld(t *testing.T) {
	dir := t.TempDir()
	out := open(t, filepath.Join(dir, "%H.gor"), nil)
	testkit.Must(t, out.Close()) // from here on the test is the writer
	w := out.w
	at := time.Date(2026, 3, 4, 5, 59, 59, 0, time.Local)
	a := w.target(w.names.at(at, nil))
	testkit.Must(t, w.open(a))
	w.target(w.names.at(at.Add(time.Second), nil))
	if a.file != nil || len(w.targets) != 1 {
		t.Error("the file of the old name is still open")
	}
}

// TestMisnamed: a name that promises a compression that Gor does not write is said
// to have none, and recorded to.
func TestMisnamed(t *testing.T) {
	for name, want := range map[string]bool{"x.gor": false, "x.gor.gz": false, "x.zst": false, "x.gor.bz2": true, "x.xz": true, "bz2.gor": false} {
		out := open(t, filepath.Join(t.TempDir(), name), nil)
		if got := out.log.Has("it is not compressed"); got != want {
			t.Errorf("%s: said %v, want %v", name, got, want)
		}
	}
}
