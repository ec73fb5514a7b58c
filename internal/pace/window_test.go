package pace

import (
	"math/rand/v2"
	"testing"
)

func TestWindow(t *testing.T) {
	const ms = second / 1000
	start := int64(1_400_000_000 * second)
	tests := []struct {
		name string
		n    int
		at   []int64 // ms after start
		want string  // y or n for each
	}{
		{"first n of a second", 2, []int64{0, 1, 2, 999}, "yynn"},
		{"next second counts anew", 2, []int64{0, 1, 2, 1000, 1001, 1002}, "yynyyn"},
		{"nothing is saved up", 2, []int64{0, 5000, 5001, 5002}, "yyyn"},
		{"seconds are counted from the first", 1, []int64{500, 1100, 1400, 1500, 1600, 2500}, "ynnyny"},
		{"later seconds stay on that grid", 1, []int64{0, 1900, 2100, 2200, 3000}, "yyyny"},
		{"a clock set back", 1, []int64{5000, 100, 200, 1100}, "yyny"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := NewWindow(tt.n)
			for i, at := range tt.at {
				want := tt.want[i] == 'y'
				if free := w.Free(start + at*ms); free != want {
					t.Errorf("Free at %d ms = %v, want %v", at, free, want)
				}
				if got := allow(&w, start+at*ms); got != want {
					t.Errorf("allow at %d ms = %v, want %v", at, got, want)
				}
			}
		})
	}
}

// allow spends what is free.
func allow(w *Window, now int64) bool {
	free := w.Free(now)
	if free {
		w.Spend(now)
	}
	return free
}

// Free alone costs nothing; Spend does.
func TestWindowSpend(t *testing.T) {
	w := NewWindow(1)
	for range 3 {
		if !w.Free(10) {
			t.Fatal("Free = false before Spend")
		}
	}
	w.Spend(10)
	if w.Free(10) {
		t.Error("Free = true after Spend")
	}
}

// A stream faster than the limit gets exactly n of every second.
func TestWindowExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		n := 1 + rng.IntN(50)
		w := NewWindow(n)
		const seconds = 20
		var each [seconds]int
		for now := int64(0); now < seconds*second; now += 1 + rng.Int64N(2*second/100) {
			if allow(&w, now) {
				each[now/second]++
			}
		}
		for i, got := range each {
			if got != n {
				t.Errorf("second %d: %d messages, want %d", i, got, n)
			}
		}
	}
}

func TestWindowAllocates(t *testing.T) {
	w := NewWindow(10)
	now := int64(0)
	if n := testing.AllocsPerRun(100, func() { now += second / 100; allow(&w, now) }); n != 0 {
		t.Errorf("Free and Spend allocate %v times", n)
	}
}

func BenchmarkWindow(b *testing.B) {
	w := NewWindow(1000)
	now := int64(0)
	for b.Loop() {
		now += 1000
		allow(&w, now)
	}
}
