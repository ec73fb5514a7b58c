package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/internal/testkit"
)

func aPipe(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pipe")
	testkit.Must(t, unix.Mkfifo(name, 0o600))
	return name
}

// TestFileInputFromAPipe: what is read from a pipe to look at it is not lost,
// and Close ends a Read that waits for its other end.
func TestFileInputFromAPipe(t *testing.T) {
	name := aPipe(t)
	w, err := os.OpenFile(name, os.O_RDWR, 0) // so that opening it waits for nobody
	testkit.Must(t, err)
	defer w.Close()
	_, err = w.Write(requestsAt(0, 1, 2, 3))
	testkit.Must(t, err)
	s := defaultSettings()
	s.FileReadDepth = 2
	in := newReplay(t, name, noLimit(), s)
	if got := targets(in.read(t, 2)); got != "/0/1" {
		t.Errorf("got %s", got)
	}
	ended := make(chan error, 1)
	go func() {
		buf := make([]byte, 4<<10)
		for {
			if _, err := in.Read(buf); err != nil {
				ended <- err
				return
			}
		}
	}()
	testkit.Must(t, in.Close())
	select {
	case err := <-ended:
		if err != io.EOF {
			t.Errorf("Read: %v, want io.EOF", err)
		}
	case <-time.After(testkit.Timeout):
		t.Fatal("Close does not end a Read from a pipe")
	}
}

func TestFileInputPipeDoesNotLoop(t *testing.T) {
	name := aPipe(t)
	w, err := os.OpenFile(name, os.O_RDWR, 0)
	testkit.Must(t, err)
	defer w.Close()
	_, err = w.Write(requestsAt(0, 1))
	testkit.Must(t, err)
	s := defaultSettings()
	s.FileLoop = true
	if _, err := newFileInput(name, noLimit(), s, &pluginEnv{logf: t.Logf}); err == nil {
		t.Error("a pipe was taken for --input-file-loop")
	}
}

// TestFileOutputCloseDuringAHangingWrite: what hangs is given up, and counted.
func TestFileOutputCloseDuringAHangingWrite(t *testing.T) {
	name := aPipe(t)
	out := newRecording(t, name, nil)
	out.patience = time.Millisecond
	msg := aMessage('1', "a", string(make([]byte, 200<<10))) // more than a pipe holds
	out.put(t, msg, msg)
	taken := fillUp(t, out, msg) + 2
	if err := out.Close(); err == nil {
		t.Error("Close of a hanging write returned nil")
	}
	if got := rowsOf(out.Counts()); got["unsent"] != taken || got["delivered"] != 0 {
		t.Errorf("counts %v, want %d unsent", got, taken)
	}
	r, err := os.Open(name)
	testkit.Must(t, err)
	defer r.Close()
	out.patience = testkit.Timeout
	go io.Copy(io.Discard, r) // ends when the writer has closed its side
	testkit.Must(t, out.Close())
}
