// Package route groups requests that one handler answers: /users/17/orders/9f8e7d6c
// is one of GET /users/{id}/orders/{id}.
package route

import (
	"bytes"
	"strings"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/verdict/kind"
)

const (
	// Most bounds the routes. More than people read, and each has counters.
	Most = 2000
	// Other is the route of what comes when there are as many.
	Other = "(other)"
	// Unknown is the route of an answer whose request was not recorded.
	Unknown = "?"

	// manyChildren is how many names stand at one place of a path at most before
	// they are taken for names of things: user names, slugs. An API has fewer
	// resources than that beside each other.
	manyChildren = 100
	// anyName stands for a name at such a place.
	anyName = "{name}"
	// anyID stands for a part that names one thing among many.
	anyID = "{id}"

	// mostSegments and mostSegment bound what is kept of a path.
	mostSegments = 16
	mostSegment  = 64
	// longestMethod bounds a method, in bytes; the longest that is registered has 17.
	longestMethod = 20
)

// A Pattern is what a person says of a route: "/users/*/orders/*", in which * is one
// segment and ** any number of them.
type Pattern struct {
	Method   string // empty for all
	Segments []string
	Name     string // of the route, without the method
	Used     uint64 // requests that matched
}

// A Grouper names routes. It learns from what it sees, so that early names may have
// to be put together later: see Final. It serves one goroutine.
type Grouper struct {
	patterns []*Pattern
	roots    map[string]*level // by method
	known    map[string]bool
}

// A level is one place of a path.
type level struct {
	children map[string]*level
	many     bool // children has anyName alone
}

// New returns a Grouper that tries the patterns first.
func New(patterns []*Pattern) *Grouper {
	return &Grouper{patterns: patterns, roots: make(map[string]*level), known: make(map[string]bool)}
}

// Of returns the route of a raw request, Unknown when it is none.
func (g *Grouper) Of(request []byte) string {
	line, _, ok := bytes.Cut(bytes.TrimLeft(request, "\r\n"), []byte{'\n'})
	if !ok {
		return Unknown
	}
	method, rest, ok := bytes.Cut(line, []byte{' '})
	target, _, ok2 := bytes.Cut(bytes.TrimLeft(rest, " "), []byte{' '})
	if !ok || !ok2 || len(method) > longestMethod {
		return Unknown
	}
	if _, path, absolute := http1.CutAbsolute(target); absolute {
		target = path
	}
	if i := bytes.IndexAny(target, "?#"); i >= 0 {
		target = target[:i]
	}
	return g.name(string(method), string(target))
}

func (g *Grouper) name(method, path string) string {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for _, p := range g.patterns {
		if (p.Method == "" || p.Method == method) && Match(p.Segments, segments) {
			p.Used++
			return g.bounded(method + " " + p.Name)
		}
	}
	segments = segments[:min(len(segments), mostSegments)]
	at := g.roots[method]
	if at == nil {
		at = &level{}
		if len(g.known) < Most {
			g.roots[method] = at
		}
	}
	full := len(g.known) >= Most
	for i, s := range segments {
		segments[i], at = at.step(general(s), full)
	}
	return g.bounded(method + " /" + strings.Join(segments, "/"))
}

// bounded returns name, or Other when there are enough routes already.
func (g *Grouper) bounded(name string) string {
	if !g.known[name] {
		if len(g.known) >= Most {
			return Other
		}
		g.known[name] = true
	}
	return name
}

// step returns the name of a segment at a level, and the level behind it. A level
// that is full learns nothing more.
func (l *level) step(s string, full bool) (string, *level) {
	if l.many && s != anyID {
		s = anyName
	}
	next := l.children[s]
	if next != nil || full {
		if next == nil {
			next = &level{}
		}
		return s, next
	}
	if len(l.children) >= manyChildren {
		l.merge()
		return l.step(s, full)
	}
	if l.children == nil {
		l.children = make(map[string]*level)
	}
	next = &level{}
	l.children[s] = next
	return s, next
}

// merge puts all children in one, but those that are ids already.
func (l *level) merge() {
	l.many = true
	all := &level{}
	ids := l.children[anyID]
	for s, child := range l.children {
		if s != anyID {
			all.take(child)
		}
	}
	l.children = map[string]*level{anyName: all}
	if ids != nil {
		l.children[anyID] = ids
	}
}

// take adds what another level has.
func (l *level) take(other *level) {
	if other.many && !l.many {
		l.merge()
	}
	for s, child := range other.children {
		_, at := l.step(s, false)
		at.take(child)
	}
}

// Final returns the name that a route has after all that was seen since Of gave it
// this one.
func (g *Grouper) Final(name string) string {
	method, path, ok := strings.Cut(name, " ")
	at := g.roots[method]
	if !ok || at == nil {
		return name
	}
	for _, p := range g.patterns {
		if p.Name == path {
			return name
		}
	}
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, s := range segments {
		segments[i], at = at.step(s, true)
	}
	return method + " /" + strings.Join(segments, "/")
}

// general returns a segment, or what stands for it when it names one thing among
// many. In a file's name the part before a dot may: app.3f9a2c1b.js, 17.json.
func general(s string) string {
	if kind.NamesOne(s) {
		return anyID
	}
	if strings.Contains(s, ".") {
		parts := strings.Split(s, ".")
		for i, p := range parts[:len(parts)-1] {
			if kind.NamesOne(p) {
				parts[i] = anyID
			}
		}
		s = strings.Join(parts, ".")
	}
	if len(s) > mostSegment {
		return anyName
	}
	return s
}

// Match reports whether segments are what a pattern says: * is one of them and ** any
// number, none too; everything else is itself.
func Match(pattern, segments []string) bool {
	for i, p := range pattern {
		if p == "**" {
			for n := 0; n <= len(segments)-i; n++ {
				if Match(pattern[i+1:], segments[i+n:]) {
					return true
				}
			}
			return false
		}
		if i >= len(segments) || p != "*" && p != segments[i] {
			return false
		}
	}
	return len(pattern) == len(segments)
}
