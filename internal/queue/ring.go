package queue

// The ring that holds the messages which nobody has taken. It is called with the
// lock held, but for Return.

// trim lets the kept buffers go when they and those in use are more than the
// bound can need: half above it, since a buffer is larger than its message.
func (q *Queue) trim() {
	if q.free.Bytes() > 0 && q.heldCap+q.free.Bytes() > q.bytes+q.bytes/2 {
		q.free.Drop()
	}
}

func (q *Queue) push(it Item) {
	if q.count == len(q.ring) {
		q.grow()
	}
	i := q.head + q.count
	if i >= len(q.ring) {
		i -= len(q.ring)
	}
	q.ring[i] = it
	q.count++
	q.counted()
}

// counted publishes what is known without the lock. Call with the lock held,
// after every change of the messages or the workers that wait.
func (q *Queue) counted() {
	q.length.Store(int64(q.count))
	q.short.Store(int64(q.count - q.waiting - q.waking))
}

// Return puts a message back that its worker has not dealt with. It is the
// oldest again, whatever the bounds are, also when the queue is closed.
func (q *Queue) Return(it Item) {
	it.Returned++
	q.mu.Lock()
	if q.count == len(q.ring) {
		q.grow()
	}
	q.head--
	if q.head < 0 {
		q.head += len(q.ring)
	}
	q.ring[q.head] = it
	q.count++
	q.counted()
	w := q.wake()
	q.mu.Unlock()
	w.notify()
}

// ringStart is the first size of a ring: a small one, since most queues are
// nearly empty.
const ringStart = 32

func (q *Queue) grow() {
	size := min(max(2*len(q.ring), ringStart), q.items)
	ring := make([]Item, max(size, q.count+1)) // one that is returned is above the bound
	n := copy(ring, q.ring[q.head:])
	copy(ring[n:], q.ring[:q.head])
	q.ring, q.head = ring, 0
}

func (q *Queue) pop() Item {
	it := q.ring[q.head]
	q.ring[q.head] = Item{}
	q.head++
	if q.head == len(q.ring) {
		q.head = 0
	}
	q.count--
	q.counted()
	return it
}
