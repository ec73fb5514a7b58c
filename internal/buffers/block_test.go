package buffers

import (
	"bytes"
	"runtime"
	"testing"
)

func TestBlock(t *testing.T) {
	for _, n := range []int{0, 1, LargeFrom - 1, LargeFrom, LargeFrom + 1, 16 << 20} {
		b := NewBlock(n)
		if len(b.Bytes) != n || cap(b.Bytes) != n || bytes.Count(b.Bytes, []byte{0}) != n {
			t.Errorf("a block of %d bytes has %d, or they are not zero", n, len(b.Bytes))
		}
		for i := range b.Bytes {
			b.Bytes[i] = 1
		}
		b.Free()
		b.Free()
		if b.Bytes != nil {
			t.Error("freed and still there")
		}
	}
	(*Block)(nil).Free()
	for range 100 { // forgotten ones: 1.6 GB if they stayed
		NewBlock(16 << 20).Bytes[0] = 1
		runtime.GC()
	}
}
