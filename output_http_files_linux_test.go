package main

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/buger/gor/internal/outbound"
)

// Too many open files say nothing of the target: it is not taken to be down,
// the limit is named, and the try is made again.
func TestTooManyOpenFiles(t *testing.T) {
	h := &health{}
	tries := 0
	var told []string
	lack := outbound.ExplainFiles(&net.OpError{Op: "dial", Err: os.NewSyscallError("socket", syscall.EMFILE)})
	open := func() error {
		if tries++; tries < 4 {
			return lack
		}
		return nil
	}
	reason := h.connect(context.Background(), time.Now().Add(time.Minute), open, func(err error) { told = append(told, err.Error()) })
	if reason != sendable || tries != 4 || !h.since.IsZero() {
		t.Errorf("reason %d after %d tries, down since %v", reason, tries, h.since)
	}
	if len(told) != 1 || !strings.Contains(told[0], "ulimit -n") || strings.Contains(told[0], "down") {
		t.Errorf("told %q", told)
	}
	open = func() error { return lack }
	if reason := h.connect(context.Background(), time.Now().Add(30*time.Millisecond), open, func(error) {}); reason != failFiles || !h.since.IsZero() {
		t.Errorf("reason %d, down since %v; want %d and not down", reason, h.since, failFiles)
	}
	var ne net.Error
	if !errors.As(lack, &ne) || !errors.Is(lack, syscall.EMFILE) {
		t.Errorf("%v is no error of the network", lack)
	}
}
