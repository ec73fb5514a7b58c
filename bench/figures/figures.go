// Package figures is what the benchmarks' tables have in common.
package figures

import "slices"

// Median returns the middle of list, by what f says of each.
func Median[T any](list []T, f func(T) float64) float64 {
	values := make([]float64, len(list))
	for i, v := range list {
		values[i] = f(v)
	}
	return middle(values)
}

// Ratio returns the median over the rounds of f of one program through f of
// another. What changes on the machine meanwhile changes both of a round.
func Ratio[T any](a, b []T, f func(T) float64) float64 {
	values := make([]float64, len(a))
	for i, v := range a {
		values[i] = f(v) / f(b[i])
	}
	return middle(values)
}

func middle(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// Verdict is how a goal is called.
func Verdict(met bool) string {
	if met {
		return "met"
	}
	return "missed"
}
