package buffers

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

func TestBudget(t *testing.T) {
	whole := NewBudget(100)
	a, b := whole.Share(80), whole.Share(80)
	if !a.Take(80) || a.Take(1) {
		t.Error("a share of 80 bytes is not that")
	}
	if b.Take(21) || !b.Take(20) || b.Take(1) {
		t.Error("a share took more than the whole had, or less")
	}
	if a.Used() != 80 || b.Used() != 20 || whole.Used() != 100 || b.Free() != 0 {
		t.Errorf("used %d + %d of %d, %d free", a.Used(), b.Used(), whole.Used(), b.Free())
	}
	a.Give(50)
	if b.Free() != 50 || !b.Resize(20, 60) || b.Resize(60, 90) || b.Used() != 60 {
		t.Errorf("after 50 bytes were given back: %d free, %d used", b.Free(), b.Used())
	}
	b.Force(100)
	if whole.Used() != 190 || whole.Free() != 0 || whole.Peak() != 190 || a.Take(1) {
		t.Errorf("after Force: %d used, %d at most", whole.Used(), whole.Peak())
	}
	b.Resize(160, 0)
	a.Give(30)
	if whole.Used() != 0 || a.Used() != 0 || b.Used() != 0 {
		t.Errorf("%d bytes left", whole.Used())
	}
	if b.Refused() != 3 {
		t.Errorf("refused %d times, want 3", b.Refused())
	}
	freed := a.Freed()
	select {
	case <-freed:
		t.Error("freed before anything was given back")
	default:
	}
	b.Force(1)
	b.Give(1)
	select {
	case <-freed:
	default:
		t.Error("what one share gave back did not wake who waits at another")
	}
	var none *Budget
	if !none.Take(math.MaxInt) || none.Used() != 0 || none.Free() != math.MaxInt || none.Share(5).Take(6) {
		t.Error("a nil Budget has a bound, or its share has none")
	}
	none.Force(1)
	none.Give(1)
}

// Whoever takes at the same time, no bound is passed and nothing is left.
func TestBudgetShared(t *testing.T) {
	whole := NewBudget(1000)
	var wg sync.WaitGroup
	for i := range 8 {
		share := whole.Share(300)
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for range 5000 {
				if n := rng.IntN(400); share.Take(n) {
					share.Give(n)
				}
			}
			if share.Used() != 0 || share.Peak() > 300 {
				t.Errorf("a share has %d bytes taken, and had %d", share.Used(), share.Peak())
			}
		})
	}
	wg.Wait()
	if whole.Used() != 0 || whole.Peak() > 1000 {
		t.Errorf("%d bytes taken, %d at most", whole.Used(), whole.Peak())
	}
}

func TestBudgetAllocates(t *testing.T) {
	b := NewBudget(1000).Share(500)
	if n := testing.AllocsPerRun(100, func() { b.Take(100); b.Give(100) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
