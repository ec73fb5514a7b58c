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
		if mapped := mapMemory(n); mapped != nil {
			b := &Block{Bytes: mapped[:n:n], mapped: mapped}
			b.cleanup = runtime.AddCleanup(b, unmapMemory, mapped)
			return b
		}
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
