package queue

import "time"

// A waiter is a goroutine that waits for a message or for room. It belongs to
// the queue and is used again, timer and all, so that waiting allocates
// nothing. Guarded by the queue's lock but for the receive from ch.
type waiter struct {
	ch         chan struct{} // one token for each time it was taken off its list
	timer      *time.Timer
	prev, next *waiter
	listed     bool
	need       int // Room: the size that was refused

	taker *Taker // in the place of ch: who is handed a message
	it    Item   // for the taker
}

// expire returns the channel that fires after d, or nil for none.
func (w *waiter) expire(d time.Duration) <-chan time.Time {
	if d <= 0 {
		return nil
	}
	if w.timer == nil {
		w.timer = time.NewTimer(d)
	} else {
		w.timer.Reset(d)
	}
	return w.timer.C
}

// list is a doubly linked list of waiters, last in first out: the workers that
// worked last go on, the others stay idle and may end.
type list struct {
	head *waiter
}

func (l *list) push(w *waiter) {
	w.prev, w.next = nil, l.head
	if l.head != nil {
		l.head.prev = w
	}
	l.head = w
	w.listed = true
}

func (l *list) remove(w *waiter) {
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		l.head = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
	w.listed = false
}

// notify tells a waiter that was taken off its list by wake. Call without the lock.
func (w *waiter) notify() {
	switch {
	case w == nil:
	case w.taker != nil:
		it := w.it
		w.it = Item{}
		w.taker.Take(it, true)
	default:
		w.ch <- struct{}{}
	}
}

// waiter returns a waiter that nobody uses. Call with the lock held.
func (q *Queue) waiter() *waiter {
	if w := q.idle; w != nil {
		q.idle = w.next
		w.next = nil
		return w
	}
	return &waiter{ch: make(chan struct{}, 1)}
}

// release gives back a waiter that is on no list and has no token. Call with
// the lock held.
func (q *Queue) release(w *waiter) {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.next = q.idle
	q.idle = w
}
