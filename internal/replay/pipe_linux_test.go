package replay

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/testkit"
)

func aPipe(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pipe")
	testkit.Must(t, unix.Mkfifo(name, 0o600))
	return name
}

// TestFromAPipe: what is read from a pipe to look at it is not lost,
// and Close ends a Read that waits for its other end.
func TestFromAPipe(t *testing.T) {
	name := aPipe(t)
	w, err := os.OpenFile(name, os.O_RDWR, 0) // so that opening it waits for nobody
	testkit.Must(t, err)
	defer w.Close()
	_, err = w.Write(requestsAt(0, 1, 2, 3))
	testkit.Must(t, err)
	cfg := testConfig()
	cfg.Depth = 2
	in := newReplay(t, name, pace.Limit{}, cfg)
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

func TestPipeDoesNotLoop(t *testing.T) {
	name := aPipe(t)
	w, err := os.OpenFile(name, os.O_RDWR, 0)
	testkit.Must(t, err)
	defer w.Close()
	_, err = w.Write(requestsAt(0, 1))
	testkit.Must(t, err)
	cfg := testConfig()
	cfg.Loop = true
	if _, err := Open(*withPattern(cfg, name)); !errors.As(err, new(*LoopError)) {
		t.Errorf("a pipe was taken to be read twice: %v", err)
	}
}
