package queue

import "sync"

// A Bell wakes goroutines that wait in a select. Whoever takes the channel of
// Next before looking for work, and waits for it to be closed, misses no Ring,
// however long the work takes. The zero value is ready.
type Bell struct {
	mu sync.Mutex
	ch chan struct{} // nil: nobody waits
}

// Next returns the channel that the next Ring closes.
func (b *Bell) Next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch == nil {
		b.ch = make(chan struct{})
	}
	return b.ch
}

// Ring wakes all who wait. It costs a lock when nobody does.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ch != nil {
		close(b.ch)
		b.ch = nil
	}
}
