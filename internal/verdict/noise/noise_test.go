package noise

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1e-3, math.Abs(b)) }

func TestSignTest(t *testing.T) {
	for _, c := range []struct {
		a, b uint64
		want float64
	}{
		{0, 0, 1}, {1, 0, 0.5}, {5, 0, 1.0 / 32}, {0, 5, 1}, {8, 2, 56.0 / 1024}, {5, 5, 638.0 / 1024}, {2, 8, 1013.0 / 1024}, {3, 2, 0.5},
	} {
		if got := SignTest(c.a, c.b); !near(got, c.want) {
			t.Errorf("%d against %d: got %v, want %v", c.a, c.b, got, c.want)
		}
	}
	if got := SignTest(20_000, 0); got != 0 && got > 1e-300 {
		t.Errorf("20000 against 0: %v", got)
	}
}

// The tea tasting lady, and what R's fisher.test(alternative = "greater") gives.
func TestFisher(t *testing.T) {
	for _, c := range []struct {
		a, n, b, m uint64
		want       float64
	}{
		{3, 4, 1, 4, 17.0 / 70}, {4, 4, 0, 4, 1.0 / 70}, {0, 4, 4, 4, 1}, {1, 1, 0, 1, 0.5}, {1, 5, 0, 0, 1},
	} {
		if got := Fisher(c.a, c.n, c.b, c.m); !near(got, c.want) {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

func TestDiscoveries(t *testing.T) {
	got := Discoveries([]float64{0.04, 0.001, 0.5, 0.03, 0.02}, 0.05)
	for i, want := range []bool{true, true, false, true, true} {
		if got[i] != want {
			t.Errorf("%d: %v", i, got[i])
		}
	}
	if got := Discoveries([]float64{0.04, 0.9, 0.9}, 0.05); got[0] {
		t.Error("one of three at 4 % is no discovery")
	}
}

// Of samples of one population the interval holds the median in at least 95 %.
func TestMedianInterval(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{5, 20, 100} {
		missed := 0
		for range 1000 {
			var h Histogram
			for range n {
				h.Add(math.Exp(r.NormFloat64()))
			}
			if _, low, high := h.Median(); low > growth || high < 1/growth {
				missed++
			}
		}
		if missed > 70 && n > 5 || missed > 120 {
			t.Errorf("%d values: missed %d of 1000", n, missed)
		}
	}
}

func TestHistogram(t *testing.T) {
	var h, o Histogram
	for i := range 1000 {
		h.Add(float64(i + 1))
		o.Add(float64(i+1) * 1000)
	}
	h.Merge(&o)
	if h.N() != 2000 {
		t.Errorf("%d values", h.N())
	}
	for q, want := range map[float64]float64{0.25: 500, 0.5: 1000, 0.75: 500_000} {
		if got := h.Quantile(q); got < want*0.97 || got > want*1.03 {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
	var sum uint64
	buckets := 0
	h.Buckets(40, func(_ float64, n uint64) { sum += n; buckets++ })
	if sum != 2000 || buckets > 40 {
		t.Errorf("%d values in %d buckets", sum, buckets)
	}
	var empty Histogram
	if m, _, _ := empty.Median(); m != 0 || empty.Quantile(0.9) != 0 {
		t.Error("nothing has a median")
	}
	empty.Add(math.Inf(1))
	empty.Add(-1)
	empty.Add(math.NaN())
}
