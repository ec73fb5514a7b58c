package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// TestSpill: what is sent while there is no receiver is on disk when Gor has
// ended, and at the receiver, once and in order, when both are there; what
// comes later comes behind it.
func TestSpill(t *testing.T) {
	dir := t.TempDir()
	spillDir := filepath.Join(dir, "spill")
	addr := testkit.FreePort(t)
	requests, times := testkit.Steady(3000, 0)
	part := func(name string, from, to int) string {
		return testkit.WriteFile(t, filepath.Join(dir, name), testkit.Recording(requests[from:to], times[from:to]))
	}
	send := func(file, want string) {
		t.Helper()
		code, said := testkit.RunGor(t, "--input-file", file+"|max", "--output-tcp", addr, "--output-tcp-spill", spillDir, "--on-full", "wait")
		if code != 0 || !strings.Contains(said, want) {
			t.Errorf("exit %d, want 0 and %q:\n%s", code, want, said)
		}
		testkit.WantSums(t, said)
	}
	send(part("a.gor", 0, 1000), "1000 kept on disk")
	send(part("b.gor", 1000, 2000), "1000 messages of an earlier run")

	out := filepath.Join(dir, "out.gor")
	receiver := testkit.StartGor(t, "--input-tcp", addr, "--output-file", out)
	send(part("c.gor", 2000, 3000), "1000 delivered")
	receiver.Stop()

	got, _ := testkit.ReadRecording(t, out, '1')
	if len(got) != len(requests) {
		t.Fatalf("%d requests arrived, want %d", len(got), len(requests))
	}
	for i := range got {
		if string(got[i]) != string(requests[i]) {
			t.Fatalf("request %d is %q, want %q", i, got[i], requests[i])
		}
	}
	if left, _ := filepath.Glob(filepath.Join(spillDir, "*", "*.gor")); len(left) > 0 {
		t.Errorf("%v are left", left)
	}
}

// TestSpillBound: a spill takes no more than its size, what it has no room for
// is shed, counted, and what it has is sent.
func TestSpillBound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	addr := testkit.FreePort(t)
	body := strings.Repeat("x", 60<<10)
	var requests [][]byte
	for i := range 600 { // 36 MB
		requests = append(requests, fmt.Appendf(nil, "POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", i, len(body), body))
	}
	file := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), testkit.Recording(requests, make([]time.Duration, len(requests))))
	spillDir := filepath.Join(dir, "spill")
	// The input waits for the disk; for a spill that is full it does not, beside
	// another output.
	code, said := testkit.RunGor(t, "--input-file", file+"|max", "--output-tcp", addr, "--output-tcp-spill", spillDir, "--output-tcp-spill-size", "16mb",
		"--output-null", "--drain-timeout", "500ms")
	// What the full spill had no room for was still in memory.
	if code != 1 || !strings.Contains(said, "holds what --output-tcp-spill-size allows") {
		t.Errorf("exit %d:\n%s", code, said)
	}
	testkit.WantSums(t, said)
	var size int64
	for _, name := range must1(filepath.Glob(filepath.Join(spillDir, "*", "*.gor"))) {
		info, err := os.Stat(name)
		testkit.Must(t, err)
		size += info.Size()
	}
	if size < 12<<20 || size > 16<<20 {
		t.Errorf("the spill has %d bytes, want nearly 16 MB", size)
	}
}

func must1[T any](v T, _ error) T { return v }

// TestSpillLowDisk: while the disk has too little room nothing is spilled, which
// is said once.
func TestSpillLowDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	requests, times := testkit.Steady(400, 2*time.Millisecond)
	file := testkit.WriteFile(t, filepath.Join(dir, "in.gor"), testkit.Recording(requests, times))
	code, said := testkit.RunGor(t, "--input-file", file, "--output-tcp", testkit.FreePort(t), "--output-tcp-spill", filepath.Join(dir, "spill"),
		"--min-free", "99.999%", "--drain-timeout", "300ms")
	if code != 1 || strings.Count(said, "less than --min-free") != 1 || !strings.Contains(said, " 400 unsent") {
		t.Errorf("exit %d, want 1, one line about the disk and 400 unsent:\n%s", code, said)
	}
	testkit.WantSums(t, said)
}

func TestSpillRefused(t *testing.T) {
	dir := t.TempDir()
	holder := testkit.StartGor(t, "--input-dummy", "--output-tcp", "127.0.0.1:1", "--output-tcp-spill", dir)
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--output-tcp", "127.0.0.1:1", "--output-tcp-spill", dir}, 1, "a folder of its own"},
		{[]string{"--output-tcp", "127.0.0.1:1", "--output-tcp-spill", t.TempDir(), "--output-tcp-workers", "2"}, 2, "leave out --output-tcp-workers 2"},
		{[]string{"--output-tcp", "127.0.0.1:1", "--output-tcp-spill", "/dev/null/x"}, 1, "/dev/null"},
		{[]string{"--output-null", "--output-tcp-spill", t.TempDir()}, 2, "does nothing without --output-tcp"},
		{[]string{"--output-tcp", "127.0.0.1:1", "--output-tcp-spill-size", "1kb"}, 2, "want a size from"},
	} {
		code, said := testkit.RunGor(t, append(test.args, "--input-dummy")...)
		if code != test.code || !strings.Contains(said, test.want) {
			t.Errorf("%q: exit %d, want %d and %q:\n%s", test.args, code, test.code, test.want, said)
		}
	}
	holder.Stop()
}
