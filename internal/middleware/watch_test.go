package middleware

import (
	"testing"
	"time"
)

func TestWatch(t *testing.T) {
	start := time.Unix(1_700_000_000, 0)
	never := time.Unix(0, 0)
	type step struct {
		after int // seconds
		given uint64
		last  time.Time
		want  uint64 // 0: nothing is told
	}
	for name, steps := range map[string][]step{
		"a program that holds everything back": {{0, 0, never, 0}, {60, 0, never, 0}, {61, 30, never, 0}, {69, 100, never, 0}, {70, 110, never, 110}, {80, 500, never, 0}},
		"one that answers":                     {{0, 0, never, 0}, {5, 100, start.Add(5 * time.Second), 0}, {14, 200, start.Add(14 * time.Second), 0}, {20, 300, start.Add(20 * time.Second), 0}},
		"a filter that drops most":             {{0, 0, never, 0}, {5, 1, never, 0}, {14, 2, never, 0}, {15, 20, start.Add(15 * time.Second), 0}},
		"one that stops":                       {{0, 0, never, 0}, {5, 100, start.Add(4 * time.Second), 0}, {6, 120, start.Add(4 * time.Second), 0}, {15, 150, start.Add(4 * time.Second), 50}},
		"no traffic":                           {{0, 50, start, 0}, {500, 50, start, 0}, {501, 90, start, 0}},
	} {
		var w watch
		for _, s := range steps {
			n, in, tell := w.look(start.Add(time.Duration(s.after)*time.Second), s.given, s.last)
			if n != s.want || tell != (s.want > 0) || tell && in < swallowedAfter {
				t.Errorf("%s, after %d s: told of %d in %s, want %d", name, s.after, n, in, s.want)
			}
		}
	}
}
