package link

import (
	"io"

	"github.com/buger/gor/internal/payload"
)

const (
	// smallBuffer is what a connection always has, twice: 8 MiB for as many
	// connections as there may be.
	smallBuffer = 4 << 10

	// largeBuffer is for connections that are busy, or have a message that
	// fits in no small one.
	largeBuffer = 256 << 10

	// spanShare bounds the messages that are found in a buffer at a time: one
	// for so many of its bytes, so that their spans take half of that again.
	// largeCost is a large buffer with them.
	spanShare = 48
	spanBytes = 24
	largeCost = largeBuffer + largeBuffer/spanShare*spanBytes
)

// A buffer is read into by a connection and then lent to Read, with the
// messages found in it.
type buffer struct {
	bytes   []byte
	n       int // bytes that are filled
	spans   []span
	next    int  // first span that Read has not given
	cost    int  // bytes of budget it holds
	kept    bool // the connection goes on with it after Read
	packed  bool // what came compressed was unpacked into it
	peer    *peer
	session *session // nil on the plain stream
}

// span is one message in a buffer, or a frame without one.
type span struct {
	from, to uint32 // a buffer holds a message of 1 GiB at most
	number   uint64 // 0: not numbered
	push     bool   // the sender asks for an acknowledgment
	rewrite  bool   // the header is of an old form, or was edited
}

// crowded reports whether b holds as many spans as it may before they are
// handed on.
func (b *buffer) crowded() bool { return len(b.spans) >= max(1, len(b.bytes)/spanShare) }

// add puts sp behind the other spans. One without a message is made one with a
// span before it, as far as that says the same: they cost the sender little.
func (b *buffer) add(sp span) {
	if n := len(b.spans); n > 0 && sp.empty() {
		last := &b.spans[n-1]
		switch {
		case sp.number == 0:
			last.push = last.push || sp.push
			return
		case last.empty() && last.number > 0:
			last.number = sp.number
			return
		}
	}
	b.spans = append(b.spans, sp)
}

func (sp *span) empty() bool { return sp.from == sp.to }

// copyTo copies the message to p, with a header of four fields at least.
func (sp *span) copyTo(p, b []byte) (int, error) {
	msg := b[sp.from:sp.to]
	if !sp.rewrite {
		if len(p) < len(msg) {
			return 0, io.ErrShortBuffer
		}
		return copy(p, msg), nil
	}
	m, body, err := payload.Split(msg)
	if err != nil {
		return 0, err // it was parsed before
	}
	var room [headerRoom]byte
	head := payload.AppendMeta(room[:0], m)
	if len(p) < len(head)+len(body) {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, head)
	return n + copy(p[n:], body), nil
}

// reset empties b for the next read.
func (b *buffer) reset() {
	b.n, b.next, b.spans = 0, 0, b.spans[:0]
}

// Which buffer a connection reads into. A connection that waits for a larger
// buffer holds at most a smaller one, and who has the largest waits for none:
// nobody can wait in a circle.

// small returns the one of the connection's own buffers that is free.
func (p *peer) small() *buffer {
	for i, b := range p.smalls {
		switch {
		case b == nil:
			p.smalls[i] = &buffer{bytes: make([]byte, smallBuffer), peer: p}
			return p.smalls[i]
		case b != p.fill && b != p.away:
			b.reset()
			return b
		}
	}
	return nil // not reached: fill and away are two, and one of them is asked for
}

// largeOne makes a buffer for which the budget was taken.
func (p *peer) largeOne() *buffer {
	b, _ := p.r.pool.Get().(*buffer)
	if b == nil {
		b = &buffer{bytes: make([]byte, largeBuffer)}
	}
	b.reset()
	b.cost, b.kept, b.peer, b.session = largeCost, false, p, nil
	return b
}

// try returns a buffer for need bytes without waiting, or nil.
func (p *peer) try(need int) *buffer {
	if need > largeBuffer {
		return nil
	}
	if need > smallBuffer || p.full && !p.r.large.contended() {
		if p.r.large.try(largeCost) {
			return p.largeOne()
		}
	}
	if need <= smallBuffer {
		return p.small()
	}
	return nil
}

// obtain waits for a buffer for need bytes. It returns nil when the receiver
// closes.
func (p *peer) obtain(need int) *buffer {
	switch {
	case need <= smallBuffer:
		return p.small()
	case need <= largeBuffer:
		if !p.r.large.take(largeCost, p.r.closing) {
			return nil
		}
		return p.largeOne()
	}
	if !p.r.big.take(need, p.r.closing) {
		return nil
	}
	return &buffer{bytes: make([]byte, need), cost: need, peer: p}
}

// release ends the use of b. It may be called by Read's goroutine.
func (p *peer) release(b *buffer) {
	switch {
	case b == nil || b.cost == 0:
	case b.packed:
		cost := b.cost
		b.peer, b.session = nil, nil
		if len(b.bytes) == unpackBuffer {
			p.r.unpacker.pool.Put(b)
		}
		p.r.unpacked.give(cost)
	case len(b.bytes) == largeBuffer:
		cost := b.cost // b is another's once it is in the pool
		b.peer, b.session = nil, nil
		p.r.pool.Put(b)
		p.r.large.give(cost)
	default:
		p.r.big.give(b.cost)
	}
}
