package buffers

import "runtime"

// A Block is memory for one large message, outside of the collector's heap when
// it is at least LargeFrom. Its owner frees it; a Block that is forgotten is
// freed by the collector.
type Block struct {
	Bytes   []byte // of the length that was asked for; nil after Free
	mapped  []byte
	cleanup runtime.Cleanup
}

// NewBlock returns a Block of n bytes, which are zero.
func NewBlock(n int) *Block {
	if n >= LargeFrom {
		return NewKept(n)
	}
	return &Block{Bytes: make([]byte, n)}
}

// NewKept is NewBlock for memory that is used for many messages one after the
// other: outside of the heap, whatever its size. To the collector megabytes that
// are kept look like megabytes in use, and with a heap that may not grow it would
// hardly ever rest.
func NewKept(n int) *Block {
	if mapped := mapMemory(n); mapped != nil {
		b := &Block{Bytes: mapped[:n:n], mapped: mapped}
		b.cleanup = runtime.AddCleanup(b, unmapMemory, mapped)
		return b
	}
	return &Block{Bytes: make([]byte, n)}
}

// Free gives the memory back at once. Nobody may use Bytes any more. It does
// nothing on a nil Block, or when called again.
func (b *Block) Free() {
	if b == nil {
		return
	}
	if b.mapped != nil {
		b.cleanup.Stop()
		unmapMemory(b.mapped)
	}
	b.Bytes, b.mapped = nil, nil
}
