package plugintest

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// An Input is one to be tested, and the requests that it will give, in order; nil
// stands for a request of its own.
type Input struct {
	plugin.Input
	Wants [][]byte
}

// TestInput reads the messages, with too small a buffer first, and closes the
// input while a Read waits.
func TestInput(t *testing.T, in Input) {
	if in.String() == "" {
		t.Error("String is empty")
	}
	buf := make([]byte, 64<<10)
	for i, want := range in.Wants {
		// Too small a buffer keeps the message for the next call.
		for range 2 {
			if n, err := in.Read(buf[:10]); n != 0 || !errors.Is(err, io.ErrShortBuffer) {
				t.Fatalf("Read into 10 bytes: %d, %v; want io.ErrShortBuffer", n, err)
			}
		}
		n, err := in.Read(buf)
		if err != nil {
			t.Fatalf("Read: %v", err)
		}
		meta, body, err := payload.Split(buf[:n])
		if err != nil || meta.Type != payload.Request || len(meta.ID) == 0 {
			t.Fatalf("message %q: %v", buf[:n], err)
		}
		if want != nil && !bytes.Equal(body, want) {
			t.Errorf("message %d is %q, want %q", i, body, want)
		}
	}
	// Close ends a Read that waits, and all later ones.
	ended := make(chan error, 1)
	go func() {
		_, err := in.Read(buf)
		ended <- err
	}()
	for range 2 {
		if err := in.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	select {
	case err := <-ended:
		if !errors.Is(err, io.EOF) {
			t.Errorf("Read after Close: %v, want io.EOF", err)
		}
	case <-time.After(timeout):
		t.Fatal("Close does not end a Read")
	}
	if _, err := in.Read(buf); !errors.Is(err, io.EOF) {
		t.Errorf("a later Read: %v, want io.EOF", err)
	}
	for _, row := range in.Counts() {
		if row.Kind != stats.Note && row.Kind != stats.Lost && row.Kind != stats.Limited && row.Kind != stats.Filtered {
			t.Errorf("%q is of kind %d, which no row of an input is", row.Name, row.Kind)
		}
	}
	in.Report(plugin.NewReport(io.Discard))
}

// Collect reads an input to its end; the function waits for that and returns
// the bodies.
func Collect(t *testing.T, in io.Reader) func() [][]byte {
	var list [][]byte
	done := make(chan error, 1)
	go func() {
		buf := make([]byte, 1<<20)
		for {
			n, err := in.Read(buf)
			if err != nil {
				done <- err
				return
			}
			list = append(list, bytes.Clone(payload.Body(buf[:n])))
		}
	}()
	return func() [][]byte {
		select {
		case err := <-done:
			if !errors.Is(err, io.EOF) {
				t.Errorf("input ended with %v, want io.EOF", err)
			}
		case <-time.After(timeout):
			t.Fatal("the input does not end")
		}
		return list
	}
}
