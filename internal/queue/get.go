package queue

import "time"

// Get returns the oldest message. It waits for one at most for idle, or without
// end when idle is zero or less. It returns false when cancel is closed, even
// if there are messages, when idle has passed, or when the queue is closed and
// empty: Drained tells the last case from the others.
func (q *Queue) Get(cancel <-chan struct{}, idle time.Duration) (Item, bool) {
	if IsClosed(cancel) {
		return Item{}, false
	}
	q.mu.Lock()
	if q.count == 0 && !q.await(cancel, idle) {
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

// GetBatch fills dst with the oldest messages, as many as there are, and
// returns their number. It waits for the first as Get does, not for more.
// It returns zero where Get returns false, and for an empty dst.
func (q *Queue) GetBatch(dst []Item, cancel <-chan struct{}, idle time.Duration) int {
	if len(dst) == 0 || IsClosed(cancel) {
		return 0
	}
	q.mu.Lock()
	if q.count == 0 && !q.await(cancel, idle) {
		q.mu.Unlock()
		return 0
	}
	n := 0
	for n < len(dst) && q.count > 0 {
		dst[n] = q.pop()
		n++
	}
	w := q.wake()
	q.wakePutters()
	q.mu.Unlock()
	w.notify()
	return n
}

// Each calls f with every message that no worker has yet, oldest first. f must
// not keep it, nor use the queue.
func (q *Queue) Each(f func(msg []byte)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.count {
		f(q.ring[(q.head+i)%len(q.ring)].Bytes)
	}
}

// await waits until there is a message and returns true, or false for the
// reasons that Get has. Call with the lock held; it is held on return.
func (q *Queue) await(cancel <-chan struct{}, idle time.Duration) bool {
	if q.closed {
		return false
	}
	w := q.waiter()
	expired := w.expire(idle)
	for {
		q.getters.push(w)
		q.waiting++
		q.counted()
		q.mu.Unlock()
		over := false
		select {
		case <-w.ch:
			q.mu.Lock()
			q.waking--
		case <-cancel:
			q.leave(w)
			over = true
		case <-expired:
			q.leave(w)
			over = true
		}
		if over || q.count > 0 || q.closed {
			break
		}
	}
	q.release(w)
	if IsClosed(cancel) {
		// This one may have been woken for a message that it does not take.
		if next := q.wake(); next != nil {
			next.ch <- struct{}{}
		}
		q.counted()
		return false
	}
	// Also when idle has passed: a message that came meanwhile is taken. Then
	// the caller takes it before it counts.
	if q.count == 0 {
		q.counted()
		return false
	}
	return true
}

// leave takes the lock, and w off its list or else the token that is on its
// way to it.
func (q *Queue) leave(w *waiter) {
	q.mu.Lock()
	if w.listed {
		q.removeGetter(w)
		return
	}
	q.mu.Unlock()
	<-w.ch
	q.mu.Lock()
	q.waking--
}

// Room returns true when there may be room: for a message of the size that was
// last refused, or when the queue is closed, so that the next Put says so. It
// waits at most d, and returns false then or when cancel is closed.
func (q *Queue) Room(cancel <-chan struct{}, d time.Duration) bool {
	q.mu.Lock()
	need := q.refused
	if q.closed || q.fits(need) && !q.lacking {
		q.mu.Unlock()
		return true
	}
	if d <= 0 || IsClosed(cancel) {
		q.mu.Unlock()
		return false
	}
	var freed <-chan struct{}
	if q.lacking {
		freed = q.large.Freed()
		if q.fits(need) && q.large.Room(need) {
			q.mu.Unlock()
			return true
		}
	}
	w := q.waiter()
	w.need = need
	expired := w.expire(d)
	q.putters.push(w)
	q.mu.Unlock()

	cancelled := false
	select {
	case <-w.ch:
		q.mu.Lock()
	case <-cancel:
		cancelled = true
		q.mu.Lock()
	case <-freed: // by another queue
		q.mu.Lock()
	case <-expired:
		q.mu.Lock()
	}
	if w.listed {
		q.putters.remove(w)
	} else {
		// wakePutters sends under the lock: the token is there or was taken.
		select {
		case <-w.ch:
		default:
		}
	}
	ok := !cancelled && (q.closed || q.fits(need))
	q.release(w)
	q.mu.Unlock()
	return ok
}

// wakePutters wakes the writers whose message fits. They are woken when a
// quarter of the room is free, not at the first message of it, while others
// wait to be sent: otherwise each message would cost a full queue two changes of
// goroutine. Call with the lock held.
func (q *Queue) wakePutters() {
	if q.putters.head == nil {
		return
	}
	if !q.closed && q.count+q.promised > q.items-(q.items+3)/4 {
		return
	}
	if !q.closed && q.count > 0 && q.held > q.bytes-q.bytes/4 {
		return
	}
	for w := q.putters.head; w != nil; {
		next := w.next
		if q.closed || q.fits(w.need) {
			q.putters.remove(w)
			w.ch <- struct{}{}
		}
		w = next
	}
}

// IsClosed reports whether c is closed. Nobody sends on it.
func IsClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// Sleep waits, and returns false when cancel was closed before.
func Sleep(cancel <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-cancel:
		return false
	}
}
