package filter

import (
	"errors"
	"path"
	"slices"
	"strings"
)

// HasPattern reports whether a name of files or interfaces is a pattern.
func HasPattern(path string) bool { return strings.ContainsAny(path, "*?[") }

// ParseInterface reads the name of an interface, or a pattern of names.
func ParseInterface(s string) (string, error) {
	if _, err := path.Match(s, ""); err != nil || s == "" {
		return "", errors.New("want the name of an interface such as eth0, or a pattern such as veth*")
	}
	if s == "localhost" {
		s = "lo" // so GoReplay's own example calls it
	}
	return s, nil
}

// MatchesAny reports whether an interface's name is one of these, or matches
// one as a pattern.
func MatchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return p == name || err == nil && ok
	})
}
