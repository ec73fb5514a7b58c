package filter

import (
	"path"
	"slices"
	"strings"
)

// HasPattern reports whether a name of files or interfaces is a pattern.
func HasPattern(path string) bool { return strings.ContainsAny(path, "*?[") }

// MatchesAny reports whether an interface's name is one of these, or matches
// one as a pattern.
func MatchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return p == name || err == nil && ok
	})
}
