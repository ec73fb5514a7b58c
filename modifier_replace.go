package main

import (
	"bytes"
	"errors"
	"regexp"

	"github.com/buger/gor/internal/http1"
)

// A replacer is regexp's ReplaceAll that finds the matches once, tells whether
// there is one, and uses its memory again.
type replacer struct {
	re    *regexp.Regexp
	parts []templatePart
	out   []byte
}

// A templatePart is text, or a group of the match when group is not negative.
type templatePart struct {
	text  []byte
	group int
}

// newReplacer refuses a template with what stands neither in a URL nor in a
// header: the marks of parseTemplate rely on it.
func newReplacer(re *regexp.Regexp, template string) (*replacer, error) {
	if !http1.ValidHeaderValue(template) {
		return nil, errors.New("the replacement has a character that no header or URL may have")
	}
	return &replacer{re: re, parts: parseTemplate(re, template)}, nil
}

// parseTemplate has regexp itself expand the template, with groups whose text
// is a mark, and parts the result at the marks.
func parseTemplate(re *regexp.Regexp, template string) []templatePart {
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
			return parts
		}
		parts = append(parts, templatePart{nil, int(rest[0]) | int(rest[1])<<8 | int(rest[2])<<16})
		expanded = rest[3:]
	}
}

// replace returns src with every match replaced, and false when there is none.
// The result is valid until the next call.
func (r *replacer) replace(src []byte) ([]byte, bool) {
	matches := r.re.FindAllSubmatchIndex(src, -1)
	if matches == nil {
		return nil, false
	}
	r.out = r.out[:0]
	done := 0
	for _, m := range matches {
		r.out = append(r.out, src[done:m[0]]...)
		for _, part := range r.parts {
			switch {
			case part.group < 0:
				r.out = append(r.out, part.text...)
			case m[2*part.group] >= 0:
				r.out = append(r.out, src[m[2*part.group]:m[2*part.group+1]]...)
			}
		}
		done = m[1]
	}
	r.out = append(r.out, src[done:]...)
	return r.out, true
}
