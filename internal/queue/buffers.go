package queue

import "math/bits"

const (
	// smallestBuffer is about the shortest header line a message can have.
	smallestBuffer = 64

	// largestKept is the largest buffer that is kept for the next message:
	// one rare upload must not pin its megabytes. A body of 64 KiB and its head
	// still fit.
	largestKept = 128 << 10

	// Four sizes for each power of two: at most a quarter of a buffer (half
	// of one of the smallest) is idle.
	stepsPerDoubling = 4

	classes = 11*stepsPerDoubling + 1 // 64 bytes to 128 KiB
)

// sizeClass returns the class of buffers that hold n bytes, n <= largestKept,
// and their size.
func sizeClass(n int) (class, size int) {
	if n <= smallestBuffer {
		return 0, smallestBuffer
	}
	// n lies in (base, 2*base]; the steps divide that range in four.
	shift := bits.Len(uint(n-1)) - 1
	base := 1 << shift
	step := base / stepsPerDoubling
	k := (n - base + step - 1) / step
	return (shift-6)*stepsPerDoubling + k, base + k*step
}

// buffers keeps buffers between messages, by size class. The queue's lock
// guards it: its memory counts against the queue's bound, which a sync.Pool
// cannot do.
type buffers struct {
	free  [classes][][]byte
	bytes int // capacity of all that is in free
}

// get returns a kept buffer for n bytes, or nil.
func (b *buffers) get(n int) []byte {
	if n > largestKept {
		return nil
	}
	c, _ := sizeClass(n)
	list := b.free[c]
	if len(list) == 0 {
		return nil
	}
	buf := list[len(list)-1]
	list[len(list)-1] = nil
	b.free[c] = list[:len(list)-1]
	b.bytes -= cap(buf)
	return buf
}

// put keeps a buffer that newBuffer made, unless it is large.
func (b *buffers) put(buf []byte) {
	if cap(buf) > largestKept {
		return
	}
	c, _ := sizeClass(cap(buf))
	b.free[c] = append(b.free[c], buf)
	b.bytes += cap(buf)
}

// drop lets go of all buffers.
func (b *buffers) drop() {
	for c := range b.free {
		clear(b.free[c])
		b.free[c] = b.free[c][:0]
	}
	b.bytes = 0
}

// newBuffer makes a buffer for n bytes of exactly its class's size.
func newBuffer(n int) []byte {
	if n > largestKept {
		return make([]byte, n)
	}
	_, size := sizeClass(n)
	return make([]byte, size)
}
