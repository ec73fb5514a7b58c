package plugin

import (
	"testing"
	"time"
)

// progressInput is only as far as it says.
type progressInput struct {
	Input
	p Progress
}

func (p progressInput) Progress() Progress { return p.p }

// TestProgressOfSeveralInputs: each has a unit of its own, and the one that has
// the most before it counts.
func TestProgressOfSeveralInputs(t *testing.T) {
	at := func(done, all int64, lag time.Duration) Input {
		return progressInput{p: Progress{Done: done, All: all, Lag: lag}}
	}
	for _, tt := range []struct {
		inputs []Input
		want   Progress
		all    int64
	}{
		{[]Input{at(5, 10, 0)}, Progress{Done: ProgressParts / 2}, ProgressParts},
		{[]Input{at(1e9, 20e9, 3), at(5, 10, 7), at(10, 10, 0)}, Progress{Done: ProgressParts / 20, Lag: 7}, ProgressParts},
		{[]Input{at(0, 10, 0), at(9, 10, 0)}, Progress{}, ProgressParts},
		{[]Input{at(5, 10, 0), at(0, 0, 0)}, Progress{Done: ProgressParts / 2}, 0},
	} {
		tt.want.All = tt.all
		if got := Overall(tt.inputs); got.All != tt.all || got.All > 0 && got != tt.want {
			t.Errorf("%+v, want %+v", got, tt.want)
		}
	}
}
