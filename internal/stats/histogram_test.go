package stats

import (
	"math/rand/v2"
	"slices"
	"sort"
	"sync"
	"testing"
	"time"
)

// near reports whether got is want within the histogram's 0.1 % or 1 µs.
func near(got, want time.Duration) bool {
	return (got - want).Abs() <= max(want/1000, time.Microsecond)
}

func TestHistogramEmpty(t *testing.T) {
	h := NewHistogram()
	if s := h.Snapshot(); s.Count() != 0 || s.Max() != 0 || s.Mean() != 0 || s.Quantile(0.5) != 0 {
		t.Errorf("empty: count %d, max %v, mean %v, median %v", s.Count(), s.Max(), s.Mean(), s.Quantile(0.5))
	}
	if h.shards[0].Load() != nil {
		t.Error("an unused histogram took memory")
	}
}

func TestHistogramRange(t *testing.T) {
	tests := []struct {
		name      string
		add, want time.Duration
	}{
		{"negative", -time.Second, 0},
		{"zero", 0, 0},
		{"rounded down", 1499 * time.Nanosecond, time.Microsecond},
		{"rounded up", 1500 * time.Nanosecond, 2 * time.Microsecond},
		{"1 ms", time.Millisecond, time.Millisecond},
		{"an hour", time.Hour, time.Hour},
		{"a day", 24 * time.Hour, time.Hour},
		{"all", 1<<63 - 1, time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := NewHistogram()
			h.Record(tt.add)
			s := h.Snapshot()
			for name, got := range map[string]time.Duration{
				"max": s.Max(), "mean": s.Mean(), "median": s.Quantile(0.5), "first": s.Quantile(0), "last": s.Quantile(1),
			} {
				if !near(got, tt.want) {
					t.Errorf("%s = %v, want %v", name, got, tt.want)
				}
			}
			if s.Count() != 1 {
				t.Errorf("Count = %d", s.Count())
			}
		})
	}
}

// Quantiles of values recorded by several goroutines at once are those of the
// sorted values.
func TestHistogramQuantiles(t *testing.T) {
	const workers, each = 8, 20000
	all := make([]time.Duration, workers*each)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range all {
		all[i] = time.Duration(rng.ExpFloat64() * float64(20*time.Millisecond))
	}
	h := NewHistogram()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for _, d := range all[w*each : (w+1)*each] {
				h.Record(d)
			}
		})
	}
	wg.Wait()

	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	s := h.Snapshot()
	if s.Count() != workers*each {
		t.Fatalf("Count = %d, want %d", s.Count(), workers*each)
	}
	for _, q := range []float64{0.5, 0.9, 0.99, 0.999, 1} {
		want := all[min(int(q*float64(len(all))), len(all)-1)]
		// One rank more or less may lie in the next bucket.
		if got := s.Quantile(q); (got - want).Abs() > max(want/300, 2*time.Microsecond) {
			t.Errorf("Quantile(%v) = %v, want %v", q, got, want)
		}
	}
	if !near(s.Max(), all[len(all)-1]) {
		t.Errorf("Max = %v, want %v", s.Max(), all[len(all)-1])
	}
}

func TestHistogramAllocates(t *testing.T) {
	h := NewHistogram()
	h.Record(time.Second)
	if n := testing.AllocsPerRun(1000, func() { h.Record(time.Millisecond) }); n != 0 {
		t.Errorf("Record allocates %v times", n)
	}
}

// One shard must stay as small as the package says.
func TestHistogramMemory(t *testing.T) {
	if n := newHDR().ByteSize(); n > 200<<10 {
		t.Errorf("one shard takes %d bytes", n)
	}
	h := NewHistogram()
	for range 1000 {
		h.Record(time.Millisecond)
	}
	for i := 1; i < maxShards; i++ {
		if h.shards[i].Load() != nil {
			t.Error("a single writer made a second shard")
		}
	}
}

func BenchmarkHistogramRecord(b *testing.B) {
	h := NewHistogram()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		d := time.Duration(0)
		for pb.Next() {
			d += 37 * time.Microsecond
			h.Record(d & (1<<33 - 1))
		}
	})
}

func BenchmarkHistogramSnapshot(b *testing.B) {
	h := NewHistogram()
	h.Record(time.Second)
	b.ReportAllocs()
	for b.Loop() {
		h.Snapshot()
	}
}

// TestBuckets: what is counted at or below a bound rises with it, and the sum is
// that of what was recorded.
func TestBuckets(t *testing.T) {
	h := NewHistogram()
	for _, d := range []time.Duration{time.Millisecond, 2 * time.Millisecond, 30 * time.Millisecond, 2 * time.Second} {
		h.Record(d)
	}
	s := h.Snapshot()
	got := s.AtMost([]time.Duration{500 * time.Microsecond, time.Millisecond, 10 * time.Millisecond, time.Second, time.Hour})
	if want := []uint64{0, 1, 2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if sum := s.Sum(); sum < 2031*time.Millisecond || sum > 2035*time.Millisecond {
		t.Errorf("sum %s, want 2.033s", sum)
	}
}
