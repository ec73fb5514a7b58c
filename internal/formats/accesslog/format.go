package accesslog

import (
	"bytes"
	"strconv"
)

// A part of a format is a field, or text that stands between fields.
type part struct {
	literal string // valid iff isField is false
	field   field
	isField bool
}

// format is how a line is written.
type format struct {
	name   string
	parts  []part
	strict bool // nothing may follow the last part
	syslog bool // the lines may have come by syslog
}

// A parseError says where in a line what was expected was not.
type parseError struct {
	column int // from 1, in bytes
	want   string
}

func (p *parseError) Error() string {
	return "column " + strconv.Itoa(p.column) + ": " + p.want
}

// parse reads a line.
func (f *format) parse(line []byte, e *entry, r *reading) *parseError {
	pos := 0
	if f.syslog {
		pos = len(line) - len(withoutSyslog(line))
	}
	for i := range f.parts {
		p := &f.parts[i]
		if !p.isField {
			if len(line)-pos < len(p.literal) || string(line[pos:pos+len(p.literal)]) != p.literal {
				return &parseError{pos + 1, "want " + strconv.Quote(p.literal)}
			}
			pos += len(p.literal)
			continue
		}
		next := ""
		if i+1 < len(f.parts) {
			next = f.parts[i+1].literal
		}
		n := valueEnd(line[pos:], &p.field, next, f.strict, r)
		if n >= 0 && i+2 < len(f.parts) {
			n = beforeStamp(line[pos:], n, next, &f.parts[i+2], r)
		}
		if n < 0 {
			return &parseError{pos + 1, "want a value and then " + strconv.Quote(next)}
		}
		if !p.field.set(e, line[pos:pos+n], r) {
			return &parseError{pos + 1, "want a time, not " + strconv.Quote(string(line[pos:pos+min(n, 40)]))}
		}
		pos += n
	}
	if f.strict && pos < len(line) {
		return &parseError{pos + 1, "want the end of the line"}
	}
	return nil
}

// beforeStamp returns where a value ends that has a time behind it and ended at n at
// first sight: a name of a user may hold the " [" that stands before the time.
func beforeStamp(b []byte, n int, next string, after *part, r *reading) int {
	if !after.isField || after.field.role != startRole && after.field.role != endRole || next == "" {
		return n
	}
	const mostTries = 16
	end := n
	for range mostTries {
		if _, _, _, ok := r.stamps.read(&after.field.stamp, b[end+len(next):]); ok {
			return end
		}
		i := bytes.Index(b[end+1:], []byte(next))
		if i < 0 {
			break
		}
		end += 1 + i
	}
	return n // the error is at the first
}

// valueEnd returns the length of a value that ends where next begins, -1 when it
// does nowhere.
func valueEnd(b []byte, f *field, next string, strict bool, r *reading) int {
	if next == "" {
		if strict {
			return len(b)
		}
		if i := bytes.IndexByte(b, ' '); i >= 0 {
			return i
		}
		return len(b)
	}
	if next[0] == '"' && f.escape == escapeBackslash {
		return quotedEnd(b, next)
	}
	if f.role == capturedHeaders { // perhaps none; the request is in the last quotes
		return bytes.LastIndex(bytes.TrimRight(b, "\" "), []byte(next))
	}
	if f.role == startRole || f.role == endRole { // such as 10/Oct/2000:13:55:36 -0700, with a blank in it
		if _, n, _, ok := r.stamps.read(&f.stamp, b); ok && bytes.HasPrefix(b[n:], []byte(next)) {
			return n
		}
	}
	i := bytes.Index(b, []byte(next))
	if f.role == envoyCounts {
		// Up to the five quoted values at the end of the line.
		end := len(b)
		for range 10 {
			end = bytes.LastIndexByte(b[:end], '"')
			if end < 0 {
				return -1
			}
		}
		return end - 1
	}
	if f.role == requestRole && next[0] == ' ' { // not in quotes: three words
		if at := bytes.Index(b, []byte(" HTTP/")); at >= 0 {
			if j := bytes.Index(b[at+1:], []byte(next)); j >= 0 {
				return at + 1 + j
			}
		}
	}
	for f.list && i > 0 && next[0] == ' ' && (b[i-1] == ',' || b[i-1] == ':' && i > 1 && b[i-2] == ' ' || bytes.HasPrefix(b[i:], []byte(" : "))) {
		j := bytes.Index(b[i+1:], []byte(next))
		if j < 0 {
			return len(b)
		}
		i += 1 + j
	}
	return i
}

// quotedEnd returns where next begins, which starts with a quote that no
// backslash escapes.
func quotedEnd(b []byte, next string) int {
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(next))
		if i < 0 {
			return -1
		}
		i += at
		back := 0
		for back < i && b[i-1-back] == '\\' {
			back++
		}
		if back%2 == 0 {
			return i
		}
		at = i + 1
	}
}
