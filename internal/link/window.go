package link

// window is the messages that a sender keeps: those it has taken from its
// source and not yet released, in order. Numbers begin at 1.
type window struct {
	ring  []slot
	head  int // index of the oldest
	count int
	first uint64 // number of the oldest, or of the next to come
	bytes int
}

type slot struct {
	msg  []byte
	fate fate
	end  uint64 // on the plain stream: bytes of the connection up to its end; valid when it is written
}

// fate is what became of a message, as the ledger will say when it leaves the
// window.
type fate uint8

const (
	delivered fate = iota
	tooLarge       // for the receiver
	malformed      // no header: it cannot be a record
	separated      // its payload holds the separator, and the link is the plain stream
	broken         // with a plain connection, before the receiver is known to have had it
	fates
)

// next is the number of the next message to come.
func (w *window) next() uint64 { return w.first + uint64(w.count) }

// at returns the message with that number, which is in the window. The slot
// is valid until the window changes.
func (w *window) at(number uint64) *slot {
	return &w.ring[(w.head+int(number-w.first))%len(w.ring)]
}

func (w *window) push(msg []byte) {
	if w.count == len(w.ring) {
		ring := make([]slot, max(64, 2*len(w.ring)))
		n := copy(ring, w.ring[w.head:])
		copy(ring[n:], w.ring[:w.head])
		w.ring, w.head = ring, 0
	}
	w.ring[(w.head+w.count)%len(w.ring)] = slot{msg: msg}
	w.count++
	w.bytes += len(msg)
}

// pop takes off the oldest.
func (w *window) pop() slot {
	s := w.ring[w.head]
	w.ring[w.head] = slot{}
	w.head = (w.head + 1) % len(w.ring)
	w.count--
	w.first++
	w.bytes -= len(s.msg)
	return s
}
