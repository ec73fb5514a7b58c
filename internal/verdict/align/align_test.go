package align

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// rebuild is b made of a and what the gaps take from b.
func rebuild(a, b []uint64, gaps []Gap) []uint64 {
	var out []uint64
	at := 0
	for _, g := range gaps {
		out = append(out, a[at:g.OldFrom]...)
		out = append(out, b[g.NewFrom:g.NewTo]...)
		at = g.OldTo
	}
	return append(out, a[at:]...)
}

func TestGapsRebuild(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	sequence := func() []uint64 {
		s := make([]uint64, rnd.IntN(12))
		for i := range s {
			s[i] = rnd.Uint64N(4)
		}
		return s
	}
	for range 2000 {
		a, b := sequence(), sequence()
		gaps, whole := Gaps(a, b)
		if got := rebuild(a, b, gaps); !whole || !slices.Equal(got, b) {
			t.Fatalf("%v %v: %v gives %v", a, b, gaps, got)
		}
		if same, _ := Gaps(a, a); same != nil {
			t.Fatalf("%v differs from itself: %v", a, same)
		}
	}
}

func TestGapsAreSmallest(t *testing.T) {
	gaps, _ := Gaps([]uint64{1, 2, 3, 4, 5}, []uint64{1, 3, 9, 5})
	if want := []Gap{{1, 2, 1, 1}, {3, 4, 2, 3}}; !slices.Equal(gaps, want) {
		t.Errorf("%v, want %v", gaps, want)
	}
}

func TestTooLargeIsOneGap(t *testing.T) {
	a, b := make([]uint64, 2000), make([]uint64, 2000)
	for i := range a {
		a[i], b[i] = uint64(i), uint64(i+10_000)
	}
	b[0], b[1999] = a[0], a[1999]
	gaps, whole := Gaps(a, b)
	if want := []Gap{{1, 1999, 1, 1999}}; whole || !slices.Equal(gaps, want) {
		t.Errorf("%v %v", gaps, whole)
	}
}
