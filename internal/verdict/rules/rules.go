// Package rules reads what people want of a comparison: what to ignore, how far
// numbers may lie apart, which lists have no order, which changes are wanted, and
// which requests belong together. It also reads and writes what was learnt of noise.
package rules

import (
	"fmt"
	"strings"

	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/jsondiff"
	"github.com/buger/gor/internal/verdict/route"
)

// A Set is the rules of one comparison. A nil Set has none. It serves one goroutine.
type Set struct {
	ignore, tolerance, unordered, expect []*rule

	// Routes are the patterns for a route.Grouper, with what they are called.
	Routes     []*route.Pattern
	routeNames []string

	noise map[noiseKey]Noise
}

// A rule applies to some places of some routes.
type rule struct {
	name  string // for people: `verdict.toml: [[ignore]] no. 2, body.items[].updated_at`
	paths [][]string
	route []string // empty: all; the first is the method, "" for all
	used  uint64

	tolerance jsondiff.Tolerance
	key       string  // of unordered
	from, to  *string // of expect; nil: anything
}

// Noise is what was learnt of a place: in how many comparisons of a version with
// itself it differed.
type Noise struct{ Compared, Differed uint64 }

type noiseKey struct {
	route, path string
	severity    finding.Severity
}

// applies reports whether a rule is for that place, and remembers that it was.
func (r *rule) applies(routeName string, path []string) bool {
	if !r.forRoute(routeName) {
		return false
	}
	for _, p := range r.paths {
		if route.Match(p, path) {
			r.used++
			return true
		}
	}
	return false
}

func (r *rule) forRoute(name string) bool {
	if len(r.route) == 0 {
		return true
	}
	method, path, _ := strings.Cut(name, " ")
	return (r.route[0] == "" || r.route[0] == method) && route.Match(r.route[1:], strings.Split(strings.Trim(path, "/"), "/"))
}

func find(all []*rule, routeName, path string) *rule {
	if len(all) == 0 {
		return nil
	}
	segments := Segments(path)
	for _, r := range all {
		if r.applies(routeName, segments) {
			return r
		}
	}
	return nil
}

// Ignore reports whether differences at a path do not matter.
func (s *Set) Ignore(routeName, path string) bool {
	return s != nil && find(s.ignore, routeName, path) != nil
}

// HasTolerance and HasUnordered report whether there are such rules at all.
func (s *Set) HasTolerance() bool { return s != nil && len(s.tolerance) > 0 }
func (s *Set) HasUnordered() bool { return s != nil && len(s.unordered) > 0 }

// Tolerance returns how far the numbers at a path may lie apart.
func (s *Set) Tolerance(routeName, path string) jsondiff.Tolerance {
	if r := find(s.tolerance, routeName, path); r != nil {
		return r.tolerance
	}
	return jsondiff.Tolerance{}
}

// Unordered reports whether the list at a path has no order, and which member
// identifies its elements.
func (s *Set) Unordered(routeName, path string) (key string, yes bool) {
	if r := find(s.unordered, routeName, path); r != nil {
		return r.key, true
	}
	return "", false
}

// Expected reports whether a difference is a change that people want.
func (s *Set) Expected(routeName string, f finding.Finding) bool {
	if s == nil || len(s.expect) == 0 {
		return false
	}
	segments := Segments(f.Path)
	for _, r := range s.expect {
		if (r.from == nil || *r.from == f.Old) && (r.to == nil || *r.to == f.New) && r.applies(routeName, segments) {
			return true
		}
	}
	return false
}

// Noise returns what was learnt of a place.
func (s *Set) Noise(routeName, path string, severity finding.Severity) Noise {
	if s == nil {
		return Noise{}
	}
	return s.noise[noiseKey{routeName, path, severity}]
}

// Unused names the rules that matched nothing.
func (s *Set) Unused() []string {
	if s == nil {
		return nil
	}
	var all []string
	for _, list := range [][]*rule{s.ignore, s.tolerance, s.unordered, s.expect} {
		for _, r := range list {
			if r.used == 0 {
				all = append(all, r.name)
			}
		}
	}
	for i, p := range s.Routes {
		if p.Used == 0 {
			all = append(all, s.routeNames[i])
		}
	}
	return all
}

// Segments splits a path as finding makes it: "body.items[].price" is body, items,
// [], price. A name in quotes is one segment, without them.
func Segments(path string) []string {
	all, err := split(path)
	if err != nil { // it was not made by finding
		return strings.Split(path, ".")
	}
	return all
}

func split(path string) ([]string, error) {
	var all []string
	for path != "" {
		switch {
		case strings.HasPrefix(path, "[]"), strings.HasPrefix(path, "[*]"):
			all = append(all, "[]")
			path = path[strings.IndexByte(path, ']')+1:]
		case strings.HasPrefix(path, `["`):
			name, rest, err := cutQuoted(path[1:])
			if err != nil || !strings.HasPrefix(rest, "]") {
				return nil, fmt.Errorf("%q has no end of its quotes and bracket", path)
			}
			all = append(all, name)
			path = rest[1:]
		case path[0] == '[':
			end := strings.IndexByte(path, ']')
			if end < 0 {
				return nil, fmt.Errorf("%q has no closing bracket", path)
			}
			return nil, fmt.Errorf("%q: elements of a list have no number or name: write []", path[:end+1])
		default:
			n := strings.IndexAny(path, ".[")
			if n < 0 {
				n = len(path)
			}
			if n == 0 {
				return nil, fmt.Errorf("a name is missing before %q", path)
			}
			all = append(all, path[:n])
			path = path[n:]
		}
		if strings.HasPrefix(path, ".") {
			path = path[1:]
			if path == "" || path[0] == '.' {
				return nil, fmt.Errorf("a name is missing behind a dot")
			}
		} else if path != "" && path[0] != '[' {
			return nil, fmt.Errorf("a dot is missing before %q", path)
		}
	}
	return all, nil
}
