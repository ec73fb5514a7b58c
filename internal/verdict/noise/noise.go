// Package noise weighs evidence: whether the new version differs from the old one
// more often than the old one does from itself.
package noise

import (
	"cmp"
	"math"
	"slices"
)

// FalseDiscovery is which part of all paths that are called a regression may be noise:
// the rate of Benjamini and Hochberg.
const FalseDiscovery = 0.05

// SignTest returns the probability that of a+b differences of which each falls on
// either side with the same chance, a or more fall on the first: the exact one-sided
// sign test.
func SignTest(a, b uint64) float64 {
	n := a + b
	if n == 0 {
		return 1
	}
	if a <= b {
		// Only the tail below is short.
		return 1 - tail(n, n-a+1)
	}
	return tail(n, a)
}

// tail is the probability of at least k heads in n fair throws; k > n/2.
func tail(n, k uint64) float64 {
	if k > n {
		return 0
	}
	log := lchoose(n, k) - float64(n)*math.Ln2
	sum, term := 0.0, 1.0
	for i := k; i <= n; i++ {
		sum += term
		term *= float64(n-i) / float64(i+1)
		if term < 1e-17*sum {
			break
		}
	}
	return min(1, math.Exp(log)*sum)
}

// lchoose is the logarithm of the binomial coefficient.
func lchoose(n, k uint64) float64 { return lfact(n) - lfact(k) - lfact(n-k) }

func lfact(n uint64) float64 {
	l, _ := math.Lgamma(float64(n) + 1)
	return l
}

// Fisher returns the probability that, of the differences that two samples of one
// population have, the first sample has a or more: the exact one-sided test of
// Fisher. a of n differ in the first, b of m in the second.
func Fisher(a, n, b, m uint64) float64 {
	a, b = min(a, n), min(b, m)
	k := a + b
	if k == 0 || m == 0 {
		return 1
	}
	all := lchoose(n+m, k)
	sum := 0.0
	for i := a; i <= min(n, k); i++ {
		if k-i > m {
			continue
		}
		p := math.Exp(lchoose(n, i) + lchoose(m, k-i) - all)
		sum += p
		if p < 1e-17*sum && i > a {
			break
		}
	}
	return min(1, sum)
}

// Discoveries reports which of the probabilities are so small that, with all of those
// called a discovery, the expected part of false ones is at most rate: the procedure
// of Benjamini and Hochberg.
func Discoveries(p []float64, rate float64) []bool {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(p[i], p[j]) })
	found := make([]bool, len(p))
	last := -1
	for k, i := range order {
		if p[i] <= rate*float64(k+1)/float64(len(p)) {
			last = k
		}
	}
	for _, i := range order[:last+1] {
		found[i] = true
	}
	return found
}

// MedianRanks returns between which of n ordered values, counted from zero, the
// median of what they are a sample of lies with a confidence of at least 95 %, or
// the first and the last when there are too few values for that.
func MedianRanks(n uint64) (low, high uint64) {
	if n == 0 {
		return 0, 0
	}
	// The number of values below the median is binomial; 1.96 standard deviations,
	// and one more so that few values do not claim too much.
	half := 1.96 * math.Sqrt(float64(n)) / 2
	middle := float64(n-1) / 2
	return uint64(max(0, math.Floor(middle-half))), min(n-1, uint64(math.Ceil(middle+half)))
}
