package recording

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/testkit"
)

func TestDiskFull(t *testing.T) {
	dir := testkit.TinyDisk(t)
	filler := testkit.WriteFile(t, filepath.Join(dir, "filler"), make([]byte, 3<<20))
	name := filepath.Join(dir, "x.gor")
	out := open(t, name, nil)
	wantRecovery(t, out, name, "no space left on device", func() {
		got, damage := testkit.ReadBack(t, name)
		if len(got) == 0 || damage.Any() {
			t.Errorf("on the full disk are %d records, %s", len(got), damage)
		}
		testkit.Must(t, os.Remove(filler))
	})
}

// TestRoom: what is to be left free is left, but for the flush
// that gets there.
func TestRoom(t *testing.T) {
	for _, pattern := range []string{"x.gor", "%r.gor"} { // a name of its own for each id is not a reason to give up
		t.Run(strings.Trim(pattern, "%"), func(t *testing.T) {
			dir := testkit.TinyDisk(t)
			filler := testkit.WriteFile(t, filepath.Join(dir, "filler"), make([]byte, 2<<20))
			out := open(t, filepath.Join(dir, pattern), func(c *Config) { c.Room = disk.MinFree{Percent: 25}.Check })
			wantRecovery(t, out, filepath.Join(dir, strings.Replace(pattern, "%r", "a", 1)), "of 4.0mb left", func() {
				free, _, _ := disk.Space(dir)
				if free >= 1<<20 || free < 1<<20-fileBuffer-16<<10 {
					t.Errorf("%d bytes are free, want 1 MB less one flush", free)
				}
				testkit.WriteFile(t, filepath.Join(dir, "another"), make([]byte, 64<<10)) // what is left changes
				testkit.Eventually(t, "more attempts than a name gets", func() bool {
					return out.log.Has("of 4.0mb left") && time.Since(out.LastProgress()) > time.Second
				})
				testkit.Must(t, os.Remove(filler))
			})
			if out.w.stops.Load() != 1 || out.w.stoppedFor.Load() < int64(time.Second) {
				t.Errorf("stopped %d times for %s", out.w.stops.Load(), time.Duration(out.w.stoppedFor.Load()))
			}
		})
	}
}

// TestCloseDuringAHangingWrite: what hangs is given up, and counted.
func TestCloseDuringAHangingWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "pipe")
	testkit.Must(t, unix.Mkfifo(name, 0o600))
	out := open(t, name, nil)
	out.patience = time.Millisecond
	msg := aMessage('1', "a", string(make([]byte, 200<<10))) // more than a pipe holds
	out.put(t, msg, msg)
	taken := fillUp(t, out, msg) + 2
	if err := out.Close(); err == nil {
		t.Error("Close of a hanging write returned nil")
	}
	if got := testkit.RowsOf(out.Counts()); got["unsent"] != taken || got["delivered"] != 0 {
		t.Errorf("counts %v, want %d unsent", got, taken)
	}
	r, err := os.Open(name)
	testkit.Must(t, err)
	defer r.Close()
	out.patience = testkit.Timeout
	go io.Copy(io.Discard, r) // ends when the writer has closed its side
	testkit.Must(t, out.Close())
}

// TestStartsOnALowDisk: it is said then, not at the first message.
func TestStartsOnALowDisk(t *testing.T) {
	dir := t.TempDir()
	if _, _, ok := disk.Space(dir); !ok {
		t.Skip("TestStartsOnALowDisk: this system does not tell what is free on a disk")
	}
	low := func(c *Config) { c.Room = disk.MinFree{Bytes: 1 << 62}.Check }
	for _, pattern := range []string{"x.gor", "%Y.gor"} {
		out := open(t, filepath.Join(dir, pattern), low)
		if out.log.Count(" left; trying again") != 1 || len(out.log.Lines()) != 1 {
			t.Errorf("%s: said %q at the start", pattern, out.log.Lines())
		}
		out.put(t, aMessage('1', "a", "x"))
		testkit.Must(t, out.Close())
		if got := testkit.RowsOf(out.Counts()); got["unsent"] != 1 {
			t.Errorf("%s: counts %v", pattern, got)
		}
		if len(out.log.Lines()) != 1 {
			t.Errorf("%s: said %q", pattern, out.log.Lines())
		}
	}
	// A device has no disk to fill.
	out := open(t, os.DevNull, low)
	out.put(t, aMessage('1', "a", "x"))
	out.settle(t)
}
