package join

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/buger/gor/internal/verdict"
)

// MostVersions bounds the new versions that are compared at once. They share the memory
// for their counters.
const MostVersions = 8

type engine struct {
	label string
	*verdict.Engine
}

// engine returns that of a label, nil when there are too many others.
func (c *Comparison) engine(label string) *verdict.Engine {
	for _, e := range c.engines {
		if e.label == label {
			return e.Engine
		}
	}
	if len(c.engines) >= MostVersions {
		return nil
	}
	if c.budget == nil {
		c.budget = verdict.NewBudget(cmp.Or(c.cfg.Counters, verdict.CountersMost), c.versions())
	}
	cfg := verdict.Config{
		Rules: c.cfg.Rules, BodyMost: c.cfg.BodyMost, Keeper: c.store, Old: "old", New: "new", Budget: c.budget, Routes: c.routes,
	}
	if slices.Contains(c.labels, Primary) {
		cfg.Old = Primary
	}
	if label != "" {
		cfg.New = label
	}
	e := verdict.New(cfg)
	e.Missed(c.unmatched)
	c.engines = append(c.engines, engine{label, e})
	return e
}

// versions is how many new versions are known.
func (c *Comparison) versions() (n int) {
	for _, label := range c.labels {
		if label != Primary && label != Secondary {
			n++
		}
	}
	return min(n, MostVersions)
}

// compareLabels puts the candidate first, and the others in their order.
func compareLabels(a, b string) int {
	rank := func(s string) string {
		if s == Candidate {
			return ""
		}
		return "1" + s
	}
	switch x, y := rank(a), rank(b); {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// notes say what was not compared as it should be.
func (c *Comparison) notes() (notes []string) {
	note := func(n uint64, format string, args ...any) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf(format, append([]any{n}, args...)...))
		}
	}
	if c.cfg.Against > 0 && c.groups > 0 && c.both == 0 {
		notes = append(notes, "no id is in both recordings: they are not of the same requests; the second one has to be a replay of the first")
	}
	note(c.joiner.Repeated, "%d records were left out, because there were too many with their id")
	note(c.joiner.Apart, "%d requests were compared before all of their answers had come: there was no room to wait for them")
	note(c.leftOver, "%d requests were not compared: the run was ended before")
	note(c.leftOut, "%d answers were left out: there are more than %d new versions", MostVersions)
	return notes
}
