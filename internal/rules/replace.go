package rules

import (
	"bytes"
	"errors"
	"regexp"
	"regexp/syntax"

	"github.com/buger/gor/internal/http1"
)

// A replacer is regexp's ReplaceAll that finds the matches once, tells whether
// there is one, and uses its memory again.
type replacer struct {
	re     *regexp.Regexp
	parts  []templatePart
	prefix []byte // every match begins with it; may be empty
	begins bool   // every match is at the beginning
	out    []byte
}

// A templatePart is text, or a group of the match when group is not negative.
type templatePart struct {
	text  []byte
	group int
}

func newReplacer(re *regexp.Regexp, parts []templatePart) *replacer {
	prefix, _ := re.LiteralPrefix()
	return &replacer{re: re, parts: parts, prefix: []byte(prefix), begins: onlyBegins(re)}
}

// onlyBegins reports whether every match of re is at the beginning of the text.
func onlyBegins(re *regexp.Regexp) bool {
	tree, err := syntax.Parse(re.String(), syntax.Perl) // as regexp.Compile does
	if err != nil {
		return false
	}
	program, err := syntax.Compile(tree.Simplify())
	return err == nil && program.StartCond()&syntax.EmptyBeginText != 0
}

// parseTemplate has regexp itself expand the template, with groups whose text
// is a mark, and parts the result at the marks. It refuses a template with what
// stands neither in a URL nor in a header: the marks rely on it.
func parseTemplate(re *regexp.Regexp, template string) ([]templatePart, error) {
	if !http1.ValidHeaderValue(template) {
		return nil, errors.New("the replacement has a character that no header or URL may have")
	}
	mark := []byte("\x00group\x00")
	var source []byte
	match := make([]int, 0, 2*(re.NumSubexp()+1))
	for group := range re.NumSubexp() + 1 {
		from := len(source)
		source = append(source, mark...)
		source = append(source, byte(group), byte(group>>8), byte(group>>16))
		match = append(match, from, len(source))
	}
	expanded := re.Expand(nil, []byte(template), source, match)
	var parts []templatePart
	for {
		text, rest, found := bytes.Cut(expanded, mark)
		if len(text) > 0 {
			parts = append(parts, templatePart{text, -1})
		}
		if !found {
			return parts, nil
		}
		parts = append(parts, templatePart{nil, int(rest[0]) | int(rest[1])<<8 | int(rest[2])<<16})
		expanded = rest[3:]
	}
}

// matchesFromStart reports whether the first match begins where src does.
func (r *replacer) matchesFromStart(src []byte) bool {
	first := r.re.FindIndex(src)
	return first != nil && first[0] == 0
}

// replace returns src with every match replaced, and false when there is none.
// The result is valid until the next call.
func (r *replacer) replace(src []byte) ([]byte, bool) {
	first := r.re.FindSubmatchIndex(src)
	if first == nil {
		return nil, false
	}
	r.out = r.out[:0]
	done := 0
	if r.isOnly(first, src) {
		done = r.appendMatch(src, 0, first)
	} else {
		for _, m := range r.re.FindAllSubmatchIndex(src, -1) {
			done = r.appendMatch(src, done, m)
		}
	}
	r.out = append(r.out, src[done:]...)
	return r.out, true
}

// isOnly reports whether it is sure that the first match is the only one: to
// find all costs another search and an allocation for each.
func (r *replacer) isOnly(first []int, src []byte) bool {
	switch {
	case first[0] == first[1]:
		return false // the rules for empty matches are regexp's
	case first[1] == len(src), r.begins:
		return true // an empty match behind another does not count
	}
	return len(r.prefix) > 0 && !bytes.Contains(src[first[1]:], r.prefix)
}

// appendMatch appends src from done to the match, and what replaces it. It
// returns the end of the match.
func (r *replacer) appendMatch(src []byte, done int, m []int) int {
	r.out = append(r.out, src[done:m[0]]...)
	for _, part := range r.parts {
		switch {
		case part.group < 0:
			r.out = append(r.out, part.text...)
		case m[2*part.group] >= 0:
			r.out = append(r.out, src[m[2*part.group]:m[2*part.group+1]]...)
		}
	}
	return m[1]
}
