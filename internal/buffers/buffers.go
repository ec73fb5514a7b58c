// Package buffers keeps buffers between messages, by size, so that a steady
// flow of messages allocates nothing.
package buffers

import "math/bits"

const (
	// smallestBuffer is about the shortest header line a message can have.
	smallestBuffer = 64

	// LargestKept is the largest buffer that is kept for the next message:
	// one rare upload must not pin its megabytes. A body of 64 KiB and its head
	// still fit.
	LargestKept = 128 << 10

	// Four sizes for each power of two: at most a quarter of a buffer (half
	// of one of the smallest) is idle.
	stepsPerDoubling = 4

	classes = 11*stepsPerDoubling + 1 // 64 bytes to 128 KiB
)

// sizeClass returns the class of buffers that hold n bytes, n <= LargestKept,
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

// Free is buffers that nobody uses. It is not safe for concurrent use: its
// memory counts against a bound of its owner, which a sync.Pool cannot do.
type Free struct {
	free  [classes][][]byte
	bytes int
}

// Bytes is the capacity of all buffers that are kept.
func (f *Free) Bytes() int { return f.bytes }

// Get returns a kept buffer for n bytes, of all its capacity, or nil.
func (f *Free) Get(n int) []byte {
	if n > LargestKept {
		return nil
	}
	c, _ := sizeClass(n)
	list := f.free[c]
	if len(list) == 0 {
		return nil
	}
	buf := list[len(list)-1]
	list[len(list)-1] = nil
	f.free[c] = list[:len(list)-1]
	f.bytes -= cap(buf)
	return buf
}

// Put keeps a buffer that New made, unless it is large.
func (f *Free) Put(buf []byte) {
	if cap(buf) == 0 || cap(buf) > LargestKept {
		return
	}
	c, _ := sizeClass(cap(buf))
	f.free[c] = append(f.free[c], buf[:cap(buf)])
	f.bytes += cap(buf)
}

// Drop lets go of all buffers.
func (f *Free) Drop() {
	for c := range f.free {
		clear(f.free[c])
		f.free[c] = f.free[c][:0]
	}
	f.bytes = 0
}

// New makes a buffer for n bytes, of exactly its class's size.
func New(n int) []byte {
	if n > LargestKept {
		return make([]byte, n)
	}
	_, size := sizeClass(n)
	return make([]byte, size)
}
