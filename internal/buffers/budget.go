package buffers

import "sync/atomic"

// A Budget is an amount of memory, in bytes, that several owners share. An
// owner takes bytes before it allocates them and gives them back when it lets
// go of them. A share of a Budget has a bound of its own and takes from the
// whole as well. A nil Budget has no bound. All methods are safe for concurrent
// use and allocate nothing.
type Budget struct {
	limit   int64
	whole   *Budget // nil: this is not a share
	used    atomic.Int64
	peak    atomic.Int64
	refused atomic.Uint64
	freed   atomic.Pointer[chan struct{}] // closed at the next Give; nil: nobody waits
}

// NewBudget returns a Budget of limit bytes. A limit below one counts as one,
// so that a Budget never means "no bound" by mistake.
func NewBudget(limit int) *Budget { return &Budget{limit: int64(max(limit, 1))} }

// Share returns a Budget of at most limit bytes of b. The shares of a Budget
// may together be larger than it: whoever comes first takes. The share of a
// nil Budget has its own bound alone.
func (b *Budget) Share(limit int) *Budget {
	s := NewBudget(limit)
	s.whole = b
	return s
}

// Take takes n bytes, or nothing and reports false when they are not there.
// Zero bytes are always there.
func (b *Budget) Take(n int) bool {
	if b == nil || n <= 0 {
		return true
	}
	for {
		used := b.used.Load()
		if used+int64(n) > b.limit {
			b.refused.Add(1)
			return false
		}
		if b.used.CompareAndSwap(used, used+int64(n)) {
			b.note(used + int64(n))
			break
		}
	}
	if !b.whole.Take(n) {
		b.used.Add(-int64(n))
		b.refused.Add(1)
		return false
	}
	return true
}

// Force takes n bytes whether they are there or not: for what is in memory
// already, and for what would otherwise never be let through.
func (b *Budget) Force(n int) {
	for ; b != nil && n > 0; b = b.whole {
		b.note(b.used.Add(int64(n)))
	}
}

// Give gives back n bytes that were taken.
func (b *Budget) Give(n int) {
	for ; b != nil && n > 0; b = b.whole {
		b.used.Add(-int64(n))
		if b.freed.Load() != nil {
			if ch := b.freed.Swap(nil); ch != nil {
				close(*ch)
			}
		}
	}
}

// Freed returns a channel that is closed when something is given back after the
// call. Ask for it, look whether there is room now, and only then wait.
func (b *Budget) Freed() <-chan struct{} {
	if b == nil {
		return nil
	}
	for b.whole != nil {
		b = b.whole // what is given back to a share is given back to the whole
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
	least := int64(1<<63 - 1)
	for ; b != nil; b = b.whole {
		least = min(least, b.limit-b.used.Load())
	}
	return int(max(least, 0))
}

// Scarce reports whether less than half is free: then nothing should be held
// only because it may be of use again. It is a hint, as Free is.
func (b *Budget) Scarce() bool { return b != nil && int64(b.Free()) < b.limit/2 }

// Used is how many bytes are taken.
func (b *Budget) Used() int {
	if b == nil {
		return 0
	}
	return int(b.used.Load())
}

// Peak is the most that was taken at one time.
func (b *Budget) Peak() int {
	if b == nil {
		return 0
	}
	return int(b.peak.Load())
}

// Refused is how often Take found too little.
func (b *Budget) Refused() uint64 {
	if b == nil {
		return 0
	}
	return b.refused.Load()
}

func (b *Budget) note(used int64) {
	for {
		peak := b.peak.Load()
		if used <= peak || b.peak.CompareAndSwap(peak, used) {
			return
		}
	}
}
