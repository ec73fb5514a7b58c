package buffers

import (
	"bytes"
	"sync"
	"testing"
)

func TestCopies(t *testing.T) {
	budget := NewBudget(2 * LargeFrom)
	c := NewCopies(budget)
	msg := bytes.Repeat([]byte{7}, LargeFrom)
	one, two := c.Take(msg), c.Take(msg)
	if one == two || c.Take(msg) != nil || c.Room(1) || !bytes.Equal(one.Bytes, msg) {
		t.Error("what is not on offer has a copy for each, as far as there is room")
	}
	two.Free()

	c.Offer(msg)
	a, b := c.Take(msg), c.Take(msg)
	if a != b || budget.used.Load() != 2*LargeFrom {
		t.Errorf("a message on offer has two copies, %d bytes", budget.used.Load())
	}
	a.Free()
	b.Free()
	if d := c.Take(msg); d != a { // the offer holds it still
		t.Error("a message on offer was copied again")
	} else {
		c.Withdraw(msg)
		msg[0] = 8 // the buffer is used for the next message
		if d.Bytes[0] != 7 || budget.used.Load() != 2*LargeFrom {
			t.Error("a copy went with its offer")
		}
		d.Free()
	}
	next := c.Take(msg)
	if next == a || next.Bytes[0] != 8 {
		t.Error("the next message in the same buffer was taken for the last")
	}
	next.Free()
	one.Free()
	c.Offer(msg[:LargeFrom-1])
	c.Withdraw(msg[:LargeFrom-1])
	if budget.used.Load() != 0 || len(c.offers) != 0 {
		t.Errorf("%d bytes and %d offers are left", budget.used.Load(), len(c.offers))
	}
	var none *Copies
	none.Offer(msg)
	none.Take(msg).Free()
	none.Withdraw(msg)
}

// Users that let go at the same time free a copy once.
func TestCopiesFreedOnce(t *testing.T) {
	budget := NewBudget(LargeFrom)
	c := NewCopies(budget)
	msg := make([]byte, LargeFrom)
	for range 50 {
		c.Offer(msg)
		var wg sync.WaitGroup
		for range 4 {
			cp := c.Take(msg)
			wg.Go(cp.Free)
		}
		c.Withdraw(msg)
		wg.Wait()
		if budget.used.Load() != 0 {
			t.Fatalf("%d bytes are left", budget.used.Load())
		}
	}
}
