package main

import (
	"testing"
	"time"
)

// judge finds what is late, missing, drifting and out of order.
func TestJudge(t *testing.T) {
	const n = 1000
	p := plan{}
	for i := range n {
		p.times = append(p.times, time.Duration(i)*time.Millisecond)
	}
	// base is the way to the receiver, which is the same for all.
	stamps := func(late func(i int) time.Duration) []int64 {
		const base = 5 * time.Second
		out := make([]int64, n)
		for i := range out {
			out[i] = int64(base + p.times[i] + late(i))
		}
		return out
	}
	if r := judge(p, stamps(func(int) time.Duration { return 0 })); r != (result{}) {
		t.Errorf("punctual: %+v", r)
	}
	r := judge(p, stamps(func(i int) time.Duration {
		if i%4 == 3 {
			return 200 * time.Microsecond
		}
		return 0
	}))
	if r.p50 != 0 || r.p90 != 200*time.Microsecond || r.most != 200*time.Microsecond || r.offset != 0 {
		t.Errorf("a quarter late: %+v", r)
	}
	if r := judge(p, stamps(func(i int) time.Duration { return time.Duration(i) * time.Microsecond })); r.offset != 900*time.Microsecond {
		t.Errorf("drift: %+v", r)
	}
	s := stamps(func(int) time.Duration { return 0 })
	s[8], s[12] = s[12], s[8] // of one connection
	s[100] = 0
	if r := judge(p, s); r.inversions != 1 || r.missing != 1 {
		t.Errorf("swapped and missing: %+v", r)
	}
}

func TestPlansAreInOrder(t *testing.T) {
	for _, p := range plans(2) {
		if len(p.times) < 100 {
			t.Errorf("%s: %d requests", p.name, len(p.times))
		}
		for i := range p.times[1:] {
			if p.times[i+1] < p.times[i] {
				t.Errorf("%s: request %d is due before the one before it", p.name, i+1)
			}
		}
	}
}
