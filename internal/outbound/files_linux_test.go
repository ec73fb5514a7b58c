package outbound

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Too many open files say nothing of the target: it is not taken to be down,
// the limit is named, and the try is made again.
func TestTooManyOpenFiles(t *testing.T) {
	h := &Health{}
	tries := 0
	var told []string
	lack := ExplainFiles(&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)})
	open := func(time.Time) error {
		if tries++; tries < 4 {
			return lack
		}
		return nil
	}
	err := h.Connect(context.Background(), time.Now().Add(time.Minute), open, func(err error) { told = append(told, err.Error()) })
	if err != nil || tries != 4 || !h.since.IsZero() {
		t.Errorf("%v after %d tries, down since %v", err, tries, h.since)
	}
	if len(told) != 1 || !strings.Contains(told[0], "ulimit -n") || strings.Contains(told[0], "down") {
		t.Errorf("told %q", told)
	}
	open = func(time.Time) error { return lack }
	if err := h.Connect(context.Background(), time.Now().Add(30*time.Millisecond), open, func(error) {}); ConnectOutcome(err) != TooManyFiles || !h.since.IsZero() {
		t.Errorf("%v, down since %v; want too many open files, and not down", err, h.since)
	}
	var ne net.Error
	if !errors.As(lack, &ne) || !errors.Is(lack, syscall.EMFILE) {
		t.Errorf("%v is no error of the network", lack)
	}
}
