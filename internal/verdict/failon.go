package verdict

import (
	"fmt"
	"strings"

	"github.com/buger/gor/internal/verdict/finding"
)

// A FailOn says for what a comparison fails.
type FailOn struct {
	any, regression bool
	severities      []Severity
}

// ParseFailOn reads a list with commas of none, any (suspects too), regression, and
// names of severities, for regressions of that one alone: "status class", "removed".
// A dash may stand for the blank. Who names slower fails for what is suspect too: without
// the old version's second answers nothing slower is more than that.
func ParseFailOn(text string) (f FailOn, err error) {
	for word := range strings.SplitSeq(text, ",") {
		word = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(word)), "-", " ")
		switch word {
		case "none":
		case "any":
			f.any = true
		case "regression":
			f.regression = true
		default:
			s, ok := finding.ParseSeverity(word)
			if !ok || s == finding.SameKind {
				return f, fmt.Errorf("%q is nothing to fail on: want regression, any, none, or some of unanswered, status-class, status, removed, retyped, value, slower, added, order", word)
			}
			f.severities = append(f.severities, s)
		}
	}
	return f, nil
}

// Fails reports whether a row is one to fail for.
func (f FailOn) Fails(r *Row) bool {
	if f.any && r.Standing >= Suspect || f.regression && r.Standing == Regression {
		return true
	}
	for _, s := range f.severities {
		if r.Severity == s && (r.Standing == Regression || s == finding.Slower && r.Standing == Suspect) {
			return true
		}
	}
	return false
}

// Fails reports whether any row is one to fail for.
func (res *Result) Fails(f FailOn) bool {
	for i := range res.Rows {
		if f.Fails(&res.Rows[i]) {
			return true
		}
	}
	return false
}
