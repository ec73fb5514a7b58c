package link

import "sync"

// A budget is memory that connections share. Who asks for more than all of it
// is admitted alone. Waiters are served in their order, so that a large one is
// not passed over for ever.
type budget struct {
	mu      sync.Mutex
	all     int // bytes
	free    int
	waiting []*waiter
}

type waiter struct {
	bytes   int
	granted chan struct{}
}

func newBudget(bytes int) *budget { return &budget{all: bytes, free: bytes} }

// try takes n bytes if they are free and nobody waits.
func (b *budget) try(n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	n = min(n, b.all)
	if len(b.waiting) > 0 || n > b.free {
		return false
	}
	b.free -= n
	return true
}

// take waits for n bytes. It returns false, having taken nothing, when cancel
// is closed.
func (b *budget) take(n int, cancel <-chan struct{}) bool {
	b.mu.Lock()
	n = min(n, b.all)
	if len(b.waiting) == 0 && n <= b.free {
		b.free -= n
		b.mu.Unlock()
		return true
	}
	self := &waiter{bytes: n, granted: make(chan struct{})}
	b.waiting = append(b.waiting, self)
	b.mu.Unlock()
	select {
	case <-self.granted:
		return true
	case <-cancel:
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, w := range b.waiting {
		if w == self {
			b.waiting = append(b.waiting[:i], b.waiting[i+1:]...)
			b.grant() // the next may be smaller
			return false
		}
	}
	b.free += n // granted meanwhile
	b.grant()
	return false
}

// give returns n bytes that were taken.
func (b *budget) give(n int) {
	b.mu.Lock()
	b.free += min(n, b.all)
	b.grant()
	b.mu.Unlock()
}

// grant serves waiters. Call with the lock held.
func (b *budget) grant() {
	for len(b.waiting) > 0 && b.waiting[0].bytes <= b.free {
		c := b.waiting[0]
		b.waiting = b.waiting[1:]
		b.free -= c.bytes
		close(c.granted)
	}
}

// contended reports whether somebody waits.
func (b *budget) contended() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting) > 0
}
