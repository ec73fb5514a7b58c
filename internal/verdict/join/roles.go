package join

import (
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/verdict"
)

// The labels of targets that have a role. Every other label is a new version of its
// own, and so is Candidate.
const (
	Primary   = "primary"
	Secondary = "secondary"
	Candidate = "candidate"
)

// Roles say which answer is the old version's and which ones are the new versions'.
type Roles struct {
	// Against is the first Source of the new version's recordings; 0: all recordings
	// have both, the captured answers being the old version's unless a target is
	// called primary.
	Against Source

	// Runs says that both sides are runs of a replay of one version: replayed answers
	// count before captured ones, and labels mean nothing.
	Runs bool
}

// A group is the parts with one id, by their roles. It refers to them.
type group struct {
	request   []byte
	old       *verdict.Answer
	again     *verdict.Answer
	primary   bool // old is that target's
	newer     []newAnswer
	oldSource bool // some part is of the old recordings
	newSource bool // some part is of the new ones
}

// A newAnswer is what a new version answered.
type newAnswer struct {
	label string
	part  *Part
}

// of returns what the new version of that label answered, nil when it is not there.
func (g *group) of(label string) *verdict.Answer {
	for i := range g.newer {
		if g.newer[i].label == label {
			return &g.newer[i].part.Answer
		}
	}
	return nil
}

// sort gives each part its role. Of several parts with one role the first counts.
// captured says that a captured answer in the new recordings may be the new version's:
// when a replay was recorded there it is the old version's, passed on.
func (r Roles) sort(parts []Part, captured bool) (g group) {
	var original, replayed *Part // of the old version
	for i := range parts {
		part := &parts[i]
		isNew := r.Against > 0 && part.Source >= r.Against
		g.newSource, g.oldSource = g.newSource || isNew, g.oldSource || !isNew
		label := part.Label
		if r.Runs {
			label = ""
		}
		switch {
		case part.Type == payload.Request:
			if len(g.request) == 0 {
				g.request = part.Bytes
			}
		case part.Type == payload.Response:
			switch {
			case !isNew:
				original = first(original, part)
			case captured:
				g.add("", part)
			}
		case part.Type != payload.ReplayResponse:
			// It is not an answer.
		case label == Primary:
			if !g.primary {
				replayed, g.primary = part, true
			}
		case label == Secondary:
			if g.again == nil {
				g.again = &part.Answer
			}
		case isNew || r.Against == 0:
			g.add(label, part)
		default:
			replayed = first(replayed, part)
		}
	}
	old := first(original, replayed)
	if replayed != nil && (g.primary || r.Runs) {
		old = replayed
	}
	if old != nil {
		g.old = &old.Answer
	}
	return g
}

// add takes a new version's answer, unless there is one; a replayed one counts before
// a captured one.
func (g *group) add(label string, part *Part) {
	for i := range g.newer {
		if n := &g.newer[i]; n.label == label {
			if n.part.Type == payload.Response && part.Type != payload.Response {
				n.part = part
			}
			return
		}
	}
	g.newer = append(g.newer, newAnswer{label, part})
}

func first(a, b *Part) *Part {
	if a != nil {
		return a
	}
	return b
}
