package figures

import "testing"

func same(v float64) float64 { return v }

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		list []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{4, 2}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := Median(test.list, same); got != test.want {
			t.Errorf("Median(%v) = %v, want %v", test.list, got, test.want)
		}
	}
}

// A round on a slow machine says the same as one on a fast machine.
func TestRatio(t *testing.T) {
	if got := Ratio([]float64{2, 20, 200}, []float64{1, 10, 50}, same); got != 2 {
		t.Errorf("Ratio = %v, want 2", got)
	}
}
