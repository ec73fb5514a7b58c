package stats

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const (
	// A latency is kept in µs up to an hour with 3 digits: 1 µs is finer than
	// any network, and no timeout of Gor is longer than an hour.
	histogramLongest = time.Hour
	histogramDigits  = 3

	// maxShards bounds a Histogram's memory: a shard of that range is 188 KB,
	// and a second one exists only after two Records met.
	maxShards = 4
)

// A Histogram keeps a distribution of durations with a precision of 0.1 %, at
// least 1 µs, in bounded memory (0.2 to 0.8 MB). Negative durations count as
// zero and longer ones than an hour as an hour. All methods are safe for
// concurrent use, and Record allocates nothing in steady state.
type Histogram struct {
	shards [maxShards]atomic.Pointer[shard]
}

type shard struct {
	mu  sync.Mutex
	hdr *hdrhistogram.Histogram
}

func newHDR() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, histogramLongest.Microseconds(), histogramDigits)
}

// NewHistogram returns an empty Histogram. It takes no memory to speak of
// before the first Record.
func NewHistogram() *Histogram { return &Histogram{} }

// Record adds one duration.
func (h *Histogram) Record(d time.Duration) {
	us := int64((min(max(d, 0), histogramLongest) + 500) / time.Microsecond)
	s := h.lock()
	// The value was cut to the range above: RecordValue cannot fail.
	_ = s.hdr.RecordValue(us)
	s.mu.Unlock()
}

// lock returns a shard, locked: the first that nobody holds. So one writer
// uses one shard, and only writers that really meet get another.
func (h *Histogram) lock() *shard {
	for i := range h.shards {
		s := h.shards[i].Load()
		if s == nil {
			s = &shard{hdr: newHDR()}
			if !h.shards[i].CompareAndSwap(nil, s) {
				s = h.shards[i].Load()
			}
		}
		if s.mu.TryLock() {
			return s
		}
	}
	s := h.shards[0].Load()
	s.mu.Lock()
	return s
}

// Snapshot merges what was recorded so far. It allocates about 0.2 MB, so it
// is for summaries and the like; take one and ask it for several quantiles.
func (h *Histogram) Snapshot() *Snapshot {
	snap := &Snapshot{hdr: newHDR()}
	for i := range h.shards {
		if s := h.shards[i].Load(); s != nil {
			s.mu.Lock()
			snap.hdr.Merge(s.hdr)
			s.mu.Unlock()
		}
	}
	return snap
}

// A Snapshot is a Histogram at one moment; it does not change any more.
type Snapshot struct {
	hdr *hdrhistogram.Histogram
}

// Quantile returns the duration that the fraction q (0 to 1) of all recorded
// ones did not exceed, zero when there is none.
func (s *Snapshot) Quantile(q float64) time.Duration {
	if s.hdr.TotalCount() == 0 {
		return 0
	}
	q = min(max(q, 0), 1)
	return s.cut(s.hdr.ValueAtQuantile(q * 100))
}

// Max returns the longest duration, zero when there is none.
func (s *Snapshot) Max() time.Duration { return s.cut(s.hdr.Max()) }

// cut turns µs into a duration. A bucket reports its upper end, which for the
// last one lies above what can be recorded.
func (s *Snapshot) cut(us int64) time.Duration {
	return min(time.Duration(us)*time.Microsecond, histogramLongest)
}

// Mean returns the mean duration, zero when there is none.
func (s *Snapshot) Mean() time.Duration {
	if s.hdr.TotalCount() == 0 {
		return 0
	}
	return min(time.Duration(s.hdr.Mean()*float64(time.Microsecond)), histogramLongest)
}

// AtMost returns how many durations were not longer than each of bounds, which
// rise.
func (s *Snapshot) AtMost(bounds []time.Duration) []uint64 {
	counts := make([]uint64, len(bounds))
	for _, bar := range s.hdr.Distribution() {
		if bar.Count == 0 {
			continue
		}
		d := time.Duration(bar.From) * time.Microsecond
		for i := len(bounds) - 1; i >= 0 && d <= bounds[i]; i-- {
			counts[i] += uint64(bar.Count)
		}
	}
	return counts
}

// Sum is all durations together.
func (s *Snapshot) Sum() time.Duration {
	if s.hdr.TotalCount() == 0 {
		return 0
	}
	return time.Duration(s.hdr.Mean() * float64(s.hdr.TotalCount()) * float64(time.Microsecond))
}

// Count returns how many durations were recorded.
func (s *Snapshot) Count() uint64 { return uint64(s.hdr.TotalCount()) }
