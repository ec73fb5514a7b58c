package main

import (
	"testing"
	"time"

	"github.com/buger/gor/internal/plugin"
)

func TestTimeLeft(t *testing.T) {
	for _, tt := range []struct {
		elapsed   time.Duration
		done, all int64
		want      string
	}{
		{0, 0, progressParts, "?"},
		{time.Second, 0, progressParts, "?"},
		{2 * time.Second, progressParts / 10, progressParts, "18s"},
		{15 * time.Second, progressParts * 3 / 4, progressParts, "5s"},
		{time.Minute, 1, progressParts, "16666h39m0s"},
		{time.Second, progressParts, progressParts, "0s"},
		{time.Second, progressParts + 1, progressParts, "0s"},
	} {
		if got := timeLeft(tt.elapsed, tt.done, tt.all); got != tt.want {
			t.Errorf("%s for %d of %d: %s left, want %s", tt.elapsed, tt.done, tt.all, got, tt.want)
		}
	}
}

// progressInput is only as far as it says.
type progressInput struct {
	plugin.Input
	p plugin.Progress
}

func (p progressInput) Progress() plugin.Progress { return p.p }

// TestProgressOfSeveralInputs: each has a unit of its own, and the one that has
// the most before it counts.
func TestProgressOfSeveralInputs(t *testing.T) {
	at := func(done, all int64, lag time.Duration) plugin.Input {
		return progressInput{p: plugin.Progress{Done: done, All: all, Lag: lag}}
	}
	for _, tt := range []struct {
		inputs []plugin.Input
		want   plugin.Progress
		all    int64
	}{
		{[]plugin.Input{at(5, 10, 0)}, plugin.Progress{Done: progressParts / 2}, progressParts},
		{[]plugin.Input{at(1e9, 20e9, 3), at(5, 10, 7), at(10, 10, 0)}, plugin.Progress{Done: progressParts / 20, Lag: 7}, progressParts},
		{[]plugin.Input{at(0, 10, 0), at(9, 10, 0)}, plugin.Progress{}, progressParts},
		{[]plugin.Input{at(5, 10, 0), at(0, 0, 0)}, plugin.Progress{Done: progressParts / 2}, 0},
	} {
		r := &runner{plugs: &plugins{inputs: tt.inputs}}
		got, all := r.progress()
		if all != tt.all || all > 0 && got != tt.want {
			t.Errorf("%+v of %d, want %+v of %d", got, all, tt.want, tt.all)
		}
	}
}
