package join

import (
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/verdict"
)

// The labels of targets that have a role. Of others, each is a new version.
const (
	Primary   = "primary"
	Secondary = "secondary"
	Candidate = "candidate"
)

// Roles say which answer is the old version's and which the new one's.
type Roles struct {
	// Against is the first Source of the new version's recordings; 0: all recordings
	// have both, the captured answers being the old version's, or those of the
	// target that is called primary.
	Against Source

	// PreferReplayed takes replayed answers of the old recordings before captured
	// ones: two runs of one version are compared by what they answered to Gor.
	PreferReplayed bool
}

// Whole reports whether parts are a request with the answers of both versions.
func (r Roles) Whole(parts []Part) bool {
	p := r.Pair("", parts)
	return len(p.Request) > 0 && p.Old != nil && p.New != nil
}

// Pair puts parts with one id together. The pair refers to them.
func (r Roles) Pair(id string, parts []Part) verdict.Pair {
	p := verdict.Pair{ID: id}
	var captured, replayed *Part // of the old version
	var candidate *Part
	for i := range parts {
		part := &parts[i]
		isNew := r.Against > 0 && part.Source >= r.Against
		switch {
		case part.Type == payload.Request:
			if len(p.Request) == 0 {
				p.Request = part.Bytes
			}
		case isNew:
			// A recording of a replay has the original answers too.
			if candidate == nil || candidate.Type == payload.Response {
				candidate = part
			}
		case part.Type == payload.Response:
			captured = first(captured, part)
		case r.Against > 0 || part.Label == Primary:
			replayed = first(replayed, part)
		case part.Label == Secondary:
			if p.Again == nil {
				p.Again = &part.Answer
			}
		default:
			if candidate == nil || part.Label == Candidate && candidate.Label != Candidate {
				candidate = part
			}
		}
	}
	old := first(captured, replayed)
	if replayed != nil && (r.Against == 0 || r.PreferReplayed) {
		old = replayed
	}
	if old != nil {
		p.Old = &old.Answer
	}
	if candidate != nil {
		p.New = &candidate.Answer
	}
	return p
}

func first(a, b *Part) *Part {
	if a != nil {
		return a
	}
	return b
}
