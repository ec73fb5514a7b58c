package pace

import "github.com/buger/gor/internal/buffers"

// A Reorder puts messages in the order of their times as far as a window of
// bounded size allows. It holds copies. The use is: Push until Full, then Pop
// one for each Push, then Pop the rest. Messages of equal times keep their
// order. Not safe for concurrent use.
type Reorder struct {
	depth, limit int
	inOrder      inOrder // messages that came behind all others in it
	heap         []held  // the rest, as a heap
	bytes        int     // length of all messages that are held
	caps         int     // capacity of their buffers
	seq          uint64
	out          []byte         // what Pop returned last
	outBlock     *buffers.Block // what out lies in, when it is large
	outSource    int            // of out
	free         buffers.Free

	newest     int64 // the latest time pushed, of this generation
	popped     int64 // the latest time popped, of this generation
	anyNewest  bool
	anyPopped  bool
	run        stepRun // of pushes behind popped
	generation uint32

	outOfOrder, late uint64
}

type held struct {
	generation uint32
	time       int64
	seq        uint64
	source     int
	msg        []byte
	block      *buffers.Block // what msg lies in, when it is large
}

func (h *held) before(o *held) bool {
	if h.generation != o.generation {
		return h.generation < o.generation
	}
	if h.time != o.time {
		return h.time < o.time
	}
	return h.seq < o.seq
}

// NewReorder returns a window of depth messages and so many bytes; one larger
// message is held alone. At a depth of 1 or less messages pass as they come.
func NewReorder(depth, bytes int) *Reorder {
	return &Reorder{depth: max(depth, 1), limit: max(bytes, 1)}
}

// Full reports whether a message has to come out before the next goes in.
func (r *Reorder) Full() bool { return r.Len() >= r.depth || r.bytes >= r.limit }

// Len returns how many messages are held.
func (r *Reorder) Len() int { return r.inOrder.len() + len(r.heap) }

// OutOfOrder returns how many messages came after one with a later time.
func (r *Reorder) OutOfOrder() uint64 { return r.outOfOrder }

// Late returns how many of those came after one with a later time was popped:
// the window was too small to put them in their place.
func (r *Reorder) Late() uint64 { return r.late }

// Push takes a copy of msg, which was recorded at time t. source is the caller's,
// and comes back with Source.
func (r *Reorder) Push(t int64, msg []byte, source int) {
	if r.anyNewest && t < r.newest {
		r.outOfOrder++
	} else {
		r.newest, r.anyNewest = t, true
	}
	if r.anyPopped && t < r.popped {
		r.late++
		r.step(t)
	} else {
		r.run.n = 0
	}
	r.seq++
	buf := r.free.Get(len(msg))
	var block *buffers.Block
	switch {
	case buf != nil:
	case len(msg) >= buffers.LargeFrom:
		block = buffers.NewBlock(len(msg))
		buf = block.Bytes
	default:
		buf = buffers.New(len(msg))
	}
	h := held{r.generation, t, r.seq, source, buf[:copy(buf, msg)], block}
	r.bytes += len(msg)
	r.caps += cap(h.msg)
	if r.inOrder.push(h) {
		return
	}
	r.heap = append(r.heap, h)
	r.up(len(r.heap) - 1)
}

// step notices that the recorder's clock was set back: many messages in a row are
// late, and in order among themselves. They go behind what is held, which would
// otherwise stay to the end.
func (r *Reorder) step(t int64) {
	if r.run.steps(t) {
		r.generation++
		r.newest, r.anyPopped = t, false
	}
}

// Peek returns the time of the message that Pop would return, and whether
// there is one.
func (r *Reorder) Peek() (int64, bool) {
	if first := r.first(); first != nil {
		return first.time, true
	}
	return 0, false
}

// first returns the earliest message, nil when there is none.
func (r *Reorder) first() *held {
	switch first := r.inOrder.first(); {
	case len(r.heap) == 0:
		return first
	case first == nil || r.heap[0].before(first):
		return &r.heap[0]
	default:
		return first
	}
}

// Pop returns the earliest message and its time, or false when there is none.
// msg is valid until the next Push or Pop.
func (r *Reorder) Pop() (msg []byte, t int64, ok bool) {
	r.Release()
	// A buffer is little larger than its message. What goes beyond twice that
	// is of sizes that were needed once; those of now come back by themselves.
	if r.free.Bytes()+r.caps > 2*r.limit {
		r.free.Drop()
	}
	first := r.first()
	if first == nil {
		return nil, 0, false
	}
	h := *first
	if first == r.inOrder.first() {
		r.inOrder.pop()
	} else {
		r.popHeap()
	}
	r.bytes -= len(h.msg)
	r.caps -= cap(h.msg)
	if h.generation == r.generation && (!r.anyPopped || h.time > r.popped) {
		r.popped, r.anyPopped = h.time, true
	}
	r.out, r.outBlock, r.outSource = h.msg, h.block, h.source
	return h.msg, h.time, true
}

// Source returns what Push was given with the message that Pop returned last.
func (r *Reorder) Source() int { return r.outSource }

// Release ends the use of what Pop returned last, before the next message comes:
// two large ones need not be in memory.
func (r *Reorder) Release() {
	if r.outBlock != nil {
		r.outBlock.Free()
	} else {
		r.free.Put(r.out)
	}
	r.out, r.outBlock = nil, nil
}

// inOrder is messages in their order. Nearly all of a recording come so, and need
// no heap.
type inOrder struct {
	list []held
	head int // of the first
}

func (o *inOrder) len() int { return len(o.list) - o.head }

// push takes h, unless it is before the last message.
func (o *inOrder) push(h held) bool {
	if o.len() > 0 && h.before(&o.list[len(o.list)-1]) {
		return false
	}
	if o.head > len(o.list)/2 {
		n := copy(o.list, o.list[o.head:])
		clear(o.list[n:])
		o.list, o.head = o.list[:n], 0
	}
	o.list = append(o.list, h)
	return true
}

func (o *inOrder) first() *held {
	if o.len() == 0 {
		return nil
	}
	return &o.list[o.head]
}

func (o *inOrder) pop() {
	o.list[o.head] = held{}
	o.head++
}

// The heap is written out since container/heap would box every message.

func (r *Reorder) popHeap() {
	last := len(r.heap) - 1
	r.heap[0] = r.heap[last]
	r.heap[last] = held{}
	r.heap = r.heap[:last]
	r.down()
}

func (r *Reorder) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !r.heap[i].before(&r.heap[parent]) {
			return
		}
		r.heap[i], r.heap[parent] = r.heap[parent], r.heap[i]
		i = parent
	}
}

func (r *Reorder) down() {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(r.heap) {
			return
		}
		if right := child + 1; right < len(r.heap) && r.heap[right].before(&r.heap[child]) {
			child = right
		}
		if !r.heap[child].before(&r.heap[i]) {
			return
		}
		r.heap[i], r.heap[child] = r.heap[child], r.heap[i]
		i = child
	}
}
