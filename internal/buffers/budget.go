package buffers

import (
	"math"
	"sync/atomic"
)

// A Budget is an amount of memory, in bytes, that several owners share. An
// owner takes bytes before it allocates them and gives them back when it lets
// go of them. A nil Budget has no bound. All methods are safe for concurrent
// use and allocate nothing.
type Budget struct {
	limit int64
	used  atomic.Int64
	freed atomic.Pointer[chan struct{}] // closed at the next Give; nil: nobody waits
}

// NewBudget returns a Budget of limit bytes. A limit below one counts as one,
// so that a Budget never means "no bound" by mistake.
func NewBudget(limit int) *Budget { return &Budget{limit: int64(max(limit, 1))} }

// Take takes n bytes, or nothing and reports false when they are not there.
// Zero bytes are always there.
func (b *Budget) Take(n int) bool {
	if b == nil || n <= 0 {
		return true
	}
	for {
		used := b.used.Load()
		if used+int64(n) > b.limit {
			return false
		}
		if b.used.CompareAndSwap(used, used+int64(n)) {
			return true
		}
	}
}

// Give gives back n bytes that were taken.
func (b *Budget) Give(n int) {
	if b == nil || n <= 0 {
		return
	}
	b.used.Add(-int64(n))
	if b.freed.Load() == nil {
		return
	}
	if ch := b.freed.Swap(nil); ch != nil {
		close(*ch)
	}
}

// Freed returns a channel that is closed when something is given back after the
// call. Ask for it, look whether there is room now, and only then wait.
func (b *Budget) Freed() <-chan struct{} {
	if b == nil {
		return nil
	}
	ch := make(chan struct{})
	for !b.freed.CompareAndSwap(nil, &ch) {
		if old := b.freed.Load(); old != nil {
			return *old
		}
	}
	return ch
}

// Resize gives back from and takes to bytes, for a buffer that grows or
// shrinks. It changes nothing and reports false when they are not there; to
// shrink always succeeds.
func (b *Budget) Resize(from, to int) bool {
	if to <= from {
		b.Give(from - to)
		return true
	}
	return b.Take(to - from)
}

// Free is how many bytes Take would give now. It is a hint: others take too.
func (b *Budget) Free() int {
	if b == nil {
		return math.MaxInt
	}
	return int(b.limit - b.used.Load())
}

// Scarce reports whether less than half is free: then nothing should be held
// only because it may be of use again. It is a hint, as Free is.
func (b *Budget) Scarce() bool { return b != nil && int64(b.Free()) < b.limit/2 }
