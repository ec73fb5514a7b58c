package assemble

import (
	"sync"
	"time"

	"github.com/buger/gor/internal/buffers"
)

// Bounds of what waits between the assembler and Next.
const (
	// batchBytes is when a batch is full: large enough that a lock and a
	// wake-up per batch vanish, small enough to stay in a cache.
	batchBytes = 256 << 10
	// HandoverBytes bounds all batches together, as the queues' share of the
	// program's memory does; one larger message is admitted alone.
	HandoverBytes = 2 << 20
	// pressureGrain is how often a live source that waits for Next to take a
	// batch looks at its ring, which holds what comes meanwhile.
	pressureGrain = 5 * time.Millisecond
	// messageOverhead is what a message costs beside its bytes: its entry.
	messageOverhead = 168
)

// A batch is a run of complete messages.
type batch struct {
	arena   []byte
	block   *buffers.Block // what arena lies in
	entries []entry
}

// An entry is a message whose bytes are arena[from:to].
type entry struct {
	Message
	from, to int
}

// memory is what the batch takes, full or empty.
func (b *batch) memory() int { return cap(b.arena) + messageOverhead*cap(b.entries) }

func (b *batch) cost() int { return len(b.arena) + messageOverhead*len(b.entries) }

// A Handover passes batches from the assemblers to Next.
type Handover struct {
	limit int // bytes

	mu      sync.Mutex
	ready   sync.Cond // something is queued, or the end
	room    sync.Cond // something was taken, or nobody waits any more
	queue   []*batch
	bytes   int // of the queue
	free    []*batch
	kept    int // memory of those in free
	writers int // that have not ended
	hurried bool
}

// NewHandover returns a handover for batches of at most limit bytes together.
func NewHandover(limit int) *Handover {
	h := &Handover{limit: limit}
	h.ready.L, h.room.L = &h.mu, &h.mu
	return h
}

// put queues b and returns an empty batch in its place. When there is no room
// it waits until mustShed, and then the writer gets b back, and false: a message
// that is shed costs less than the packets that the kernel would drop, which
// may lie in many. A nil mustShed waits without end.
func (h *Handover) put(b *batch, mustShed func() bool) (*batch, bool) {
	cost := b.cost()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.await(cost, mustShed) {
		return b, false
	}
	h.queue = append(h.queue, b)
	h.bytes += cost
	h.ready.Signal()
	return h.empty(), true
}

// last takes a writer's last batch, whether there is room or not.
func (h *Handover) last(b *batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(b.entries) > 0 {
		h.queue = append(h.queue, b)
		h.bytes += b.cost()
	}
	h.writers--
	h.ready.Broadcast()
}

// roomFor reports whether cost bytes more may be queued. h.mu is held.
func (h *Handover) roomFor(cost int) bool {
	return h.bytes == 0 || h.bytes+cost <= h.limit || h.hurried
}

// await waits for room and reports whether there is. h.mu is held.
func (h *Handover) await(cost int, mustShed func() bool) bool {
	for !h.roomFor(cost) {
		if mustShed == nil {
			h.room.Wait()
			continue
		}
		if mustShed() {
			return false
		}
		t := time.AfterFunc(pressureGrain, func() {
			h.mu.Lock() // not before Wait has begun
			defer h.mu.Unlock()
			h.room.Broadcast()
		})
		h.room.Wait()
		t.Stop()
	}
	return true
}

// empty returns a batch without messages. h.mu is held.
func (h *Handover) empty() *batch {
	n := len(h.free)
	if n == 0 {
		return &batch{}
	}
	b := h.free[n-1]
	h.free = h.free[:n-1]
	h.kept -= b.memory()
	return b
}

// get returns the next batch and takes back done, the one before it, if any;
// nil is the end.
func (h *Handover) get(done *batch) *batch {
	h.mu.Lock()
	defer h.mu.Unlock()
	if done != nil {
		h.recycle(done)
	}
	for len(h.queue) == 0 && h.writers > 0 {
		h.ready.Wait()
	}
	if len(h.queue) == 0 {
		return nil
	}
	b := h.queue[0]
	h.queue = h.queue[:copy(h.queue, h.queue[1:])]
	h.bytes -= b.cost()
	h.room.Broadcast()
	return b
}

// halfFull reports whether more waits than half of what may.
func (h *Handover) halfFull() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.bytes > h.limit/2
}

// recycle keeps b for reuse, unless that were more memory than what is queued can
// have taken: batches of large messages are a quarter empty, and one more is at
// each end. A reader that falls behind and catches up, again and again, would
// otherwise have most of them made anew. h.mu is held.
func (h *Handover) recycle(b *batch) {
	b.arena, b.entries = b.arena[:0], b.entries[:0]
	if h.kept+b.memory() > h.limit+h.limit/2 {
		b.block.Free()
		b.arena, b.block = nil, nil
		return
	}
	h.kept += b.memory()
	h.free = append(h.free, b)
}

// Hurry makes put wait no more: the source is about to end, and what it still
// gives is taken whether there is room or not.
func (h *Handover) Hurry() {
	h.mu.Lock()
	h.hurried = true
	h.mu.Unlock()
	h.room.Broadcast()
}

// A Reader takes messages from a handover, for one goroutine.
type Reader struct {
	from *Handover
	cur  *batch
	at   int
	msg  Message

	// Yield is called every few messages while few wait; nil is not. It may let
	// another program have the core.
	Yield func()
	taken uint
}

// yieldMessages is how many messages are given between two yields: with what
// their reader does with them 30 to 50 µs of work. See yieldFrames of a ring.
const yieldMessages = 96

// NewReader returns the reader of a handover, of which there is one.
func NewReader(from *Handover) *Reader { return &Reader{from: from} }

// Next returns the next message, which is valid until the call after it, and nil
// when all writers have ended and all messages were taken. A request comes before
// its response.
func (r *Reader) Next() *Message {
	for r.cur == nil || r.at == len(r.cur.entries) {
		r.cur, r.at = r.from.get(r.cur), 0
		if r.cur == nil {
			return nil
		}
	}
	if r.taken++; r.taken%yieldMessages == 0 && r.Yield != nil && !r.from.halfFull() {
		r.Yield()
	}
	e := &r.cur.entries[r.at]
	r.at++
	r.msg = e.Message
	r.msg.Data = r.cur.arena[e.from:e.to:e.to]
	return &r.msg
}
