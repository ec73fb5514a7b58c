package plugin_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// listInput gives a list of messages, and then its error.
type listInput struct {
	msgs [][]byte
	err  error
}

func (l *listInput) Read(p []byte) (int, error) {
	if len(l.msgs) == 0 {
		return 0, l.err
	}
	if len(p) < len(l.msgs[0]) {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, l.msgs[0])
	l.msgs = l.msgs[1:]
	return n, nil
}
func (l *listInput) Close() error              { return nil }
func (l *listInput) Live() bool                { return false }
func (l *listInput) Counts() []stats.Count     { return nil }
func (l *listInput) Progress() plugin.Progress { return plugin.Progress{} }
func (l *listInput) Report(*plugin.Report)     {}
func (l *listInput) String() string            { return "list" }

func TestReaderGivesMessagesOfEverySize(t *testing.T) {
	const limit = 3 << 20
	var msgs [][]byte
	for i, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 1, limit, 100, limit + 1<<10, 5} {
		msgs = append(msgs, bytes.Repeat([]byte{byte('a' + i)}, size))
	}
	broken := errors.New("broken")
	r := plugin.NewReader(&listInput{msgs, broken}, limit)
	defer r.Free()
	for i, want := range msgs {
		if got, err := r.Next(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("message %d: %d bytes, %v; want %d bytes", i, len(got), err, len(want))
		}
	}
	if msg, err := r.Next(); msg != nil || err != broken {
		t.Errorf("after the last message: %q, %v", msg, err)
	}
}

func TestReaderDoesNotAllocateForSmallMessages(t *testing.T) {
	in := &listInput{err: io.EOF}
	r := plugin.NewReader(in, 1<<20)
	defer r.Free()
	msg := make([]byte, 300)
	in.msgs = make([][]byte, 2000)
	for i := range in.msgs {
		in.msgs[i] = msg
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for each message", n)
	}
}
