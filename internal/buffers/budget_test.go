package buffers

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
)

func TestBudget(t *testing.T) {
	b := NewBudget(100)
	if !b.Take(80) || b.Take(21) || !b.Take(20) || b.Take(1) || b.Free() != 0 {
		t.Errorf("a budget of 100 bytes is not that: %d are free", b.Free())
	}
	b.Give(50)
	if b.Free() != 50 || b.Scarce() || !b.Resize(20, 60) || b.Resize(60, 90) || b.Free() != 10 || !b.Scarce() {
		t.Errorf("after 50 bytes were given back: %d free", b.Free())
	}
	freed := b.Freed()
	select {
	case <-freed:
		t.Error("freed before anything was given back")
	default:
	}
	b.Resize(60, 0)
	b.Give(30)
	select {
	case <-freed:
	default:
		t.Error("what was given back did not wake who waits")
	}
	if b.Free() != 100 {
		t.Errorf("%d bytes left", 100-b.Free())
	}
	if least := NewBudget(0); !least.Take(1) || least.Take(1) {
		t.Error("a budget of nothing is not one byte")
	}
	var none *Budget
	if !none.Take(math.MaxInt) || none.Free() != math.MaxInt || none.Scarce() {
		t.Error("a nil Budget has a bound")
	}
	none.Give(1)
}

// Whoever takes at the same time, no bound is passed and nothing is left.
func TestBudgetShared(t *testing.T) {
	b := NewBudget(1000)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(i)))
			for range 5000 {
				if n := rng.IntN(400); b.Take(n) {
					if free := b.Free(); free < 0 || free > 1000-n {
						t.Errorf("%d bytes are free while %d are taken", free, n)
					}
					b.Give(n)
				}
			}
		})
	}
	wg.Wait()
	if b.Free() != 1000 {
		t.Errorf("%d bytes taken", 1000-b.Free())
	}
}

func TestBudgetAllocates(t *testing.T) {
	b := NewBudget(1000)
	if n := testing.AllocsPerRun(100, func() { b.Take(100); b.Give(100) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
