//go:build fence

package buffers

import (
	"runtime/debug"
	"testing"
)

// A late use faults, also of memory of which only the queues' copies were let
// go: otherwise the other tests would show nothing with this tag.
func TestFence(t *testing.T) {
	debug.SetPanicOnFault(true)
	block := NewBlock(100)
	late := map[string][]byte{"a block": block.Bytes}
	block.Free()
	copies := NewCopies(NewBudget(100))
	cp := copies.Take([]byte("message"))
	late["a copy"] = cp.Bytes
	cp.Free()
	NewBlock(100) // is not given the same addresses
	for what, b := range late {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s was read after it was freed", what)
				}
			}()
			t.Log(b[0])
		}()
	}
}
