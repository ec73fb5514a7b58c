package buffers

import (
	"sync"
	"sync/atomic"
)

// Copies makes the copies of large messages that queues keep, from a Budget: one
// for all queues that are given the same message. A nil Copies makes one for
// each, without a bound. All methods are safe for concurrent use.
type Copies struct {
	budget *Budget
	mu     sync.Mutex
	offers map[*byte]*Copy // by where the message lies that is on offer; nil: no copy yet
}

// A Copy is a message that queues share. Nobody changes its bytes.
type Copy struct {
	Bytes []byte // nil when all who held it have let go of it
	of    *Copies
	block *Block
	users atomic.Int32
}

// NewCopies returns Copies that draw from b.
func NewCopies(b *Budget) *Copies { return &Copies{budget: b, offers: map[*byte]*Copy{}} }

// Offer says that the same msg will be given to several queues, until Withdraw,
// and that its bytes stay as they are.
func (c *Copies) Offer(msg []byte) {
	if c == nil || len(msg) < LargeFrom {
		return
	}
	c.mu.Lock()
	c.offers[&msg[0]] = nil
	c.mu.Unlock()
}

// Withdraw ends an Offer.
func (c *Copies) Withdraw(msg []byte) {
	if c == nil || len(msg) < LargeFrom {
		return
	}
	c.mu.Lock()
	cp := c.offers[&msg[0]]
	delete(c.offers, &msg[0])
	c.mu.Unlock()
	cp.Free()
}

// Take returns a copy of msg, which has at least LargeFrom bytes, or nil when
// there is no memory for it. Who takes it frees it.
func (c *Copies) Take(msg []byte) *Copy {
	if c == nil {
		return newCopy(nil, msg)
	}
	c.mu.Lock()
	cp, offered := c.offers[&msg[0]]
	if cp != nil && len(cp.Bytes) == len(msg) {
		cp.users.Add(1) // the offer holds it, so there is at least one
		c.mu.Unlock()
		return cp
	}
	c.mu.Unlock()
	if !c.budget.Take(len(msg)) {
		return nil
	}
	made := newCopy(c, msg)
	if offered && cp == nil {
		c.mu.Lock()
		if other, still := c.offers[&msg[0]]; still && other == nil {
			made.users.Add(1)
			c.offers[&msg[0]] = made
		}
		c.mu.Unlock()
	}
	return made
}

// Room reports whether Take would find memory for n bytes now.
func (c *Copies) Room(n int) bool { return c == nil || c.budget.Free() >= n }

// Freed is Budget.Freed.
func (c *Copies) Freed() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.budget.Freed()
}

func newCopy(c *Copies, msg []byte) *Copy {
	block := NewBlock(len(msg))
	copy(block.Bytes, msg)
	cp := &Copy{Bytes: block.Bytes, of: c, block: block}
	cp.users.Store(1)
	return cp
}

// Free ends one user's use of a Copy. It does nothing on a nil Copy.
func (cp *Copy) Free() {
	if cp == nil || cp.users.Add(-1) > 0 {
		return
	}
	n := len(cp.Bytes)
	cp.Bytes = nil
	cp.block.Free()
	if cp.of != nil {
		cp.of.budget.Give(n)
	}
}
