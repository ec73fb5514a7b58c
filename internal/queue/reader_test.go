package queue

import (
	"errors"
	"io"
	"testing"
)

// A message that does not fit is kept for the next Read, and the end comes
// after all that was put.
func TestReader(t *testing.T) {
	q := New(10, 1<<10)
	for _, msg := range []string{"first", "", "third"} {
		if err := q.Put([]byte(msg)); err != nil {
			t.Fatal(err)
		}
	}
	q.Close()
	r := Reader{Queue: q}
	short, enough := make([]byte, 4), make([]byte, 5)
	for range 2 {
		if n, err := r.Read(short); n != 0 || !errors.Is(err, io.ErrShortBuffer) {
			t.Errorf("Read into 4 bytes: %d, %v", n, err)
		}
	}
	if held(q) == 0 {
		t.Error("the message that waits for a larger buffer takes no memory")
	}
	for _, want := range []string{"first", "", "third"} {
		if n, err := r.Read(enough); err != nil || string(enough[:n]) != want {
			t.Errorf("got %q, %v; want %q", enough[:n], err, want)
		}
	}
	for range 2 {
		if n, err := r.Read(enough); n != 0 || err != io.EOF {
			t.Errorf("after the end: %d, %v", n, err)
		}
	}
}
