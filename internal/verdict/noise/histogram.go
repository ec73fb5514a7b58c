package noise

import "math"

// A Histogram counts positive numbers in buckets that grow by two percent, from 2^-30
// to 2^42: nanoseconds to an hour, and ratios. It takes memory for what lies between
// its smallest and its largest value: 4 bytes a bucket, at most 10 KB. The zero value
// is empty.
type Histogram struct {
	first  int32 // bucket of counts[0]
	counts []uint32
	n      uint64
}

const (
	growth     = 1.02
	leastValue = 1.0 / (1 << 30)
	mostValue  = 1 << 42
)

func bucket(v float64) int32 {
	if math.IsNaN(v) {
		v = leastValue
	}
	return int32(math.Floor(math.Log(min(max(v, leastValue), mostValue)) / math.Log(growth)))
}

// Add counts a value.
func (h *Histogram) Add(v float64) {
	b := bucket(v)
	switch {
	case len(h.counts) == 0:
		h.first, h.counts = b, []uint32{0}
	case b < h.first:
		h.counts = append(make([]uint32, h.first-b), h.counts...)
		h.first = b
	case int(b-h.first) >= len(h.counts):
		h.counts = append(h.counts, make([]uint32, int(b-h.first)-len(h.counts)+1)...)
	}
	if i := b - h.first; h.counts[i] < math.MaxUint32 {
		h.counts[i]++
	}
	h.n++
}

// Bytes is the memory that its counts take.
func (h *Histogram) Bytes() int { return 4 * cap(h.counts) }

// Merge adds all values of another.
func (h *Histogram) Merge(o *Histogram) {
	for i, n := range o.counts {
		if n == 0 {
			continue
		}
		h.Add(value(o.first + int32(i)))
		at := o.first + int32(i) - h.first
		h.counts[at] += n - 1
		h.n += uint64(n - 1)
	}
}

// N is how many values there are.
func (h *Histogram) N() uint64 { return h.n }

// value is the middle of a bucket.
func value(b int32) float64 { return math.Pow(growth, float64(b)+0.5) }

// At returns the value of a rank, counted from zero, to one percent; 0 when there is
// none.
func (h *Histogram) At(rank uint64) float64 {
	for i, n := range h.counts {
		if rank < uint64(n) {
			return value(h.first + int32(i))
		}
		rank -= uint64(n)
	}
	if len(h.counts) == 0 {
		return 0
	}
	return value(h.first + int32(len(h.counts)) - 1)
}

// Quantile returns the value below which the part q of all values lies.
func (h *Histogram) Quantile(q float64) float64 {
	if h.n == 0 {
		return 0
	}
	return h.At(uint64(math.Ceil(q*float64(h.n))) - 1)
}

// Median returns the median with the bounds of its confidence interval of 95 %.
func (h *Histogram) Median() (median, low, high float64) {
	l, u := MedianRanks(h.n)
	return h.At((h.n - min(h.n, 1)) / 2), h.At(l), h.At(u)
}

// Buckets calls yield with the upper end and the count of at most n adjacent buckets
// that hold all values.
func (h *Histogram) Buckets(n int, yield func(upTo float64, count uint64)) {
	if len(h.counts) == 0 {
		return
	}
	width := (len(h.counts) + n - 1) / n
	for i := 0; i < len(h.counts); i += width {
		sum := uint64(0)
		for _, c := range h.counts[i:min(i+width, len(h.counts))] {
			sum += uint64(c)
		}
		yield(math.Pow(growth, float64(h.first)+float64(i+width)), sum)
	}
}
