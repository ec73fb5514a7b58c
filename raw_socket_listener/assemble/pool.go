package assemble

import "github.com/buger/gor/internal/buffers"

// Chunk sizes, in bytes: a torn head or a stray segment should cost little,
// since ten thousand slow clients may each hold one; an upload should cost few
// allocations. The largest holds a full segment of a common offload size.
const (
	smallChunk  = 512
	mediumChunk = 4 << 10
	largeChunk  = 32 << 10

	chunkOverhead = 64 // what a chunk's own header and its allocation take
)

var chunkSizes = [...]int{smallChunk, mediumChunk, largeChunk}

// A chunk is a piece of memory of one of the sizes above.
type chunk struct {
	next  *chunk
	data  []byte // what is filled; the capacity is the chunk's size
	class int
	block *buffers.Block // what data lies in, when it is large
}

func newChunk(class int) *chunk {
	if size := chunkSizes[class]; size == largeChunk {
		block := buffers.NewKept(size)
		return &chunk{data: block.Bytes[:0], class: class, block: block}
	}
	return &chunk{data: make([]byte, 0, chunkSizes[class]), class: class}
}

// forget gives the chunk's memory back, at once when it is large.
func (c *chunk) forget() {
	c.data = nil
	c.block.Free()
}

// A pool hands out chunks and takes them back. What it keeps for reuse and
// what is in use stay below limit together, unless more is in use: then
// nothing is kept.
type pool struct {
	limit int
	used  int // bytes in use, with overhead
	kept  int // bytes in the free lists, with overhead
	free  [len(chunkSizes)]*chunk
}

func (p *pool) take(class int) *chunk {
	size := chunkSizes[class] + chunkOverhead
	p.used += size
	if c := p.free[class]; c != nil {
		p.free[class], c.next = c.next, nil
		p.kept -= size
		return c
	}
	if p.used+p.kept > p.limit {
		p.trim()
	}
	return newChunk(class)
}

func (p *pool) give(c *chunk) {
	size := chunkSizes[c.class] + chunkOverhead
	p.used -= size
	if p.used+p.kept+size > p.limit {
		c.forget()
		return
	}
	c.data = c.data[:0]
	c.next, p.free[c.class] = p.free[c.class], c
	p.kept += size
}

// trim forgets what is kept for reuse.
func (p *pool) trim() {
	for _, c := range p.free {
		for ; c != nil; c = c.next {
			c.forget()
		}
	}
	p.free = [len(chunkSizes)]*chunk{}
	p.kept = 0
}

// A buffer is a run of bytes in chunks of a pool.
type buffer struct {
	head, tail *chunk
	size       int // bytes
}

// add copies b behind what the buffer holds. At most largeChunk bytes that
// were added in one call to an empty buffer lie in one chunk.
func (p *pool) add(to *buffer, b []byte) {
	for len(b) > 0 {
		if to.tail == nil || len(to.tail.data) == cap(to.tail.data) {
			c := p.take(classFor(to.size, len(b)))
			if to.tail == nil {
				to.head = c
			} else {
				to.tail.next = c
			}
			to.tail = c
		}
		t := to.tail
		n := min(len(b), cap(t.data)-len(t.data))
		t.data = append(t.data, b[:n]...)
		to.size += n
		b = b[n:]
	}
}

// classFor chooses the chunk for n more bytes behind size: chunks grow with
// the buffer, so that at most as much is wasted as is held.
func classFor(size, n int) int {
	want := max(n, size)
	for class, s := range chunkSizes {
		if want <= s {
			return class
		}
	}
	return len(chunkSizes) - 1
}

// drop gives the buffer's memory back; the buffer is empty then.
func (p *pool) drop(b *buffer) {
	for c := b.head; c != nil; {
		next := c.next
		p.give(c)
		c = next
	}
	*b = buffer{}
}

// appendTo appends the buffer's bytes to dst.
func (b *buffer) appendTo(dst []byte) []byte {
	for c := b.head; c != nil; c = c.next {
		dst = append(dst, c.data...)
	}
	return dst
}

// prefix returns the bytes of the buffer's first chunk.
func (b *buffer) prefix() []byte {
	if b.head == nil {
		return nil
	}
	return b.head.data
}
