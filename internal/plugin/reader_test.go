package plugin_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/plugin/plugintest"
)

func TestReaderGivesMessagesOfEverySize(t *testing.T) {
	const limit = 3 << 20
	var msgs [][]byte
	for i, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 1, limit, 100, limit + 1<<10, 5} {
		msgs = append(msgs, bytes.Repeat([]byte{byte('a' + i)}, size))
	}
	broken := errors.New("broken")
	r := plugin.NewReader(&plugintest.ListInput{Messages: msgs, Err: broken}, limit)
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
	in := &plugintest.ListInput{}
	r := plugin.NewReader(in, 1<<20)
	defer r.Free()
	msg := make([]byte, 300)
	in.Messages = make([][]byte, 2000)
	for i := range in.Messages {
		in.Messages[i] = msg
	}
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for each message", n)
	}
}
