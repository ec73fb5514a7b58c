package recording

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// TestAfterInterference: whatever others do to the file while it is
// recorded to, the next records are in a file of that name, and whole.
func TestAfterInterference(t *testing.T) {
	msgs := [][]byte{aMessage('1', "a", "GET /a HTTP/1.1\r\n\r\n"), aMessage('1', "b", "GET /b HTTP/1.1\r\n\r\n")}
	first := payload.AppendRecord(nil, msgs[0])
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, name string)
		want [][]byte // in the file of that name
		said string
	}{
		{"the file is removed", func(t *testing.T, name string) { testkit.Must(t, os.Remove(name)) }, msgs[1:], "was removed"},
		{"the folder is removed", func(t *testing.T, name string) { testkit.Must(t, os.RemoveAll(filepath.Dir(name))) }, msgs[1:], "was removed"},
		{"another file takes its place", func(t *testing.T, name string) {
			other := testkit.WriteFile(t, name+".other", first)
			testkit.Must(t, os.Rename(other, name))
		}, msgs, "was removed"},
		{"it is emptied", func(t *testing.T, name string) { testkit.Must(t, os.Truncate(name, 0)) }, msgs[1:], "was cut"},
		{"it is cut inside a record", func(t *testing.T, name string) { testkit.Must(t, os.Truncate(name, int64(len(first)-20))) }, msgs[1:], "was cut"},
		{"a record is added", func(t *testing.T, name string) { appendTo(t, name, first) }, [][]byte{msgs[0], msgs[0], msgs[1]}, "was written"},
		{"half a record is added", func(t *testing.T, name string) { appendTo(t, name, first[:30]) }, msgs, "was written"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "folder", "x.gor")
			out := open(t, name, nil)
			out.put(t, msgs[0])
			out.settle(t)
			tt.do(t, name)
			out.put(t, msgs[1])
			out.settle(t)
			got, _ := testkit.ReadBack(t, name)
			if len(got) != len(tt.want) {
				t.Fatalf("%d messages %q, want %d", len(got), got, len(tt.want))
			}
			for i := range got {
				if !bytes.Equal(got[i], tt.want[i]) {
					t.Errorf("message %d is %q, want %q", i, got[i], tt.want[i])
				}
			}
			if out.log.Count(tt.said) != 1 {
				t.Errorf("said %q, want %q once", out.log.Lines(), tt.said)
			}
			if n := testkit.RowsOf(out.Counts())["delivered"]; n != 2 {
				t.Errorf("%d delivered, want 2", n)
			}
		})
	}
}

func appendTo(t *testing.T, name string, b []byte) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	testkit.Must(t, err)
	_, err = f.Write(b)
	testkit.Must(t, err)
	testkit.Must(t, f.Close())
}

// TestReopens: after a rename the records go on into the renamed
// file, and after reopen into a new one.
func TestReopens(t *testing.T) {
	name := filepath.Join(t.TempDir(), "x.gor")
	msgs := [][]byte{aMessage('1', "a", "GET /a HTTP/1.1\r\n\r\n"), aMessage('1', "b", "GET /b HTTP/1.1\r\n\r\n"), aMessage('1', "c", "GET /c HTTP/1.1\r\n\r\n")}
	out := open(t, name, nil)
	out.put(t, msgs[0])
	out.settle(t)
	testkit.Must(t, os.Rename(name, name+".1"))
	out.put(t, msgs[1])
	out.reopen()
	testkit.Eventually(t, "the reopening", func() bool { return !out.w.reopen.Load() })
	out.put(t, msgs[2])
	out.settle(t)
	wantRecords(t, name+".1", msgs[:2]...)
	wantRecords(t, name, msgs[2])
}

// TestDeviceFull: /dev/full takes nothing, ever.
func TestDeviceFull(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("TestDeviceFull: there is no /dev/full")
	}
	out := open(t, "/dev/full", nil)
	msg := aMessage('1', "a", strings.Repeat("x", 1000))
	taken := fillUp(t, out, msg)
	cancel := make(chan struct{})
	close(cancel)
	if err := out.Settle(cancel); err == nil {
		t.Error("Settle of what could not be written returned nil")
	}
	testkit.Eventually(t, "a line that names the cause", func() bool { return out.log.Has("no space left on device") })
	testkit.Must(t, out.Close())
	if got := testkit.RowsOf(out.Counts()); got["unsent"] != taken || got["delivered"] != 0 {
		t.Errorf("counts %v, want %d unsent", got, taken)
	}
	if n := out.log.Count("no space left"); n != 1 {
		t.Errorf("said %d times what is wrong: %q", n, out.log.Lines())
	}
}

// fillUp writes until the output takes no more and returns how many it took.
func fillUp(t *testing.T, out testRecorder, msg []byte) (taken uint64) {
	t.Helper()
	for deadline := time.Now().Add(testkit.Timeout); ; taken++ {
		if time.Now().After(deadline) {
			t.Fatalf("the output takes more and more: %d messages", taken)
		}
		if _, err := out.Write(msg); err == nil {
			continue
		}
		if !out.Room(nil, 50*time.Millisecond) {
			return taken
		}
		taken--
	}
}

// wantRecovery has an output run into a failure: it takes what its queue holds
// and no more, says why, and goes on when it can, with nothing lost.
func wantRecovery(t *testing.T, out testRecorder, name, cause string, recover func()) {
	t.Helper()
	msg := aMessage('1', "a", strings.Repeat("x", 10_000))
	taken := uint64(0)
	testkit.Eventually(t, "a line that names the cause", func() bool {
		taken += fillUp(t, out, msg) // a writer that had no turn for a moment is not a disk that is full
		return out.log.Has(cause)
	})
	if got := testkit.RowsOf(out.Counts()); got["delivered"] == taken {
		t.Errorf("%d taken and all delivered", taken)
	}
	recover()
	out.put(t, msg)
	taken++
	out.settle(t)
	got, damage := testkit.ReadBack(t, name)
	if uint64(len(got)) != taken || damage.Any() {
		t.Errorf("%d records of %d, %s", len(got), taken, damage)
	}
	if n := out.log.Count(cause); n != 1 || out.log.Count("recording again") != 1 {
		t.Errorf("said %q, want the cause once and the end of it once", out.log.Lines())
	}
	testkit.Must(t, out.Close())
	if got := testkit.RowsOf(out.Counts()); got["delivered"] != taken || stats.Sum(out.Counts()) != taken {
		t.Errorf("counts %v, want %d delivered", got, taken)
	}
}
