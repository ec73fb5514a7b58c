package queue

import "time"

// A Taker is a worker without a goroutine: while it has nothing to do, the message
// that comes next is handed to it by who puts it. It is for one queue.
type Taker struct {
	// Take is called with a message, as soon as Put has it and without the queue's
	// lock, or with ok false when there will be none. It must not wait.
	Take func(it Item, ok bool)

	waiter waiter
	since  time.Duration // when it began to wait
}

// Await returns the oldest message. When there is none, it returns false, and
// Take is called later. Not while t waits.
func (q *Queue) Await(t *Taker) (Item, bool) {
	q.mu.Lock()
	if q.count == 0 {
		if q.closed {
			q.mu.Unlock()
			t.Take(Item{}, false)
			return Item{}, false
		}
		t.waiter.taker, t.since = t, time.Since(q.start)
		q.getters.push(&t.waiter)
		q.waiting++
		q.counted()
		q.mu.Unlock()
		return Item{}, false
	}
	it := q.pop()
	w := q.wake()
	q.wakePutters()
	q.mu.Unlock()
	w.notify()
	return it, true
}

// Withdraw ends the wait of t if it has lasted for d, and then returns zero. If
// not, t goes on waiting, and Withdraw returns how long it has to wait for that.
// It returns false when t does not wait.
func (q *Queue) Withdraw(t *Taker, d time.Duration) (left time.Duration, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !t.waiter.listed {
		return 0, false
	}
	left = d - (time.Since(q.start) - t.since)
	if left > 0 {
		return left, true
	}
	q.removeGetter(&t.waiter)
	q.counted()
	return 0, true
}
