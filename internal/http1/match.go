package http1

import "bytes"

// CompleteHead reports whether b begins with a complete and valid head, of a
// response or of a request. It is the test for entering a stream that was
// joined in the middle or has lost bytes, and is strict so that the content
// of an upload does not pass for a head: every line ends in CR LF and is well
// formed, nothing is folded, spacing is as in the grammar, the version is
// HTTP/1, and the head can be framed.
func CompleteHead(b []byte, response bool) bool { return matchHead(b, response) == matchWhole }

// LooksLikeHead reports whether b is, or begins with, or may with more bytes
// become, what CompleteHead accepts. While it is true and CompleteHead is
// not, the head goes on beyond b.
func LooksLikeHead(b []byte, response bool) bool { return matchHead(b, response) != matchNone }

type match uint8

const (
	matchNone match = iota
	matchPart
	matchWhole
)

func matchHead(b []byte, response bool) match {
	head := b[:min(len(b), MaxHead)]
	line, pos, m := strictLine(head, 0)
	switch {
	case m == matchNone:
		return matchNone
	case m == matchPart && response:
		return partIf(strictStatusPart(line))
	case m == matchPart:
		return partIf(strictRequestPart(line))
	case response && !strictStatusLine(line), !response && !strictRequestLine(line):
		return matchNone
	}
	for {
		line, pos, m = strictLine(head, pos)
		switch {
		case m == matchNone:
			return matchNone
		case m == matchPart:
			return partIf(len(head) < MaxHead && strictFieldPart(line))
		case len(line) == 0:
			p := Parser{response: response}
			if _, whole := p.parseHead(head[:pos]); !whole || p.err != nil {
				return matchNone
			}
			return matchWhole
		case !strictField(line):
			return matchNone
		}
	}
}

func partIf(ok bool) match {
	if ok {
		return matchPart
	}
	return matchNone
}

// strictLine cuts the line at pos, which must end in CR LF, and returns the
// index after it. When b ends before the line does, line is what there is of
// it, without a CR at its end.
func strictLine(b []byte, pos int) (line []byte, next int, m match) {
	i := bytes.IndexByte(b[pos:], '\n')
	if i < 0 {
		return cutCR(b[pos:]), len(b), matchPart
	}
	if i == 0 || b[pos+i-1] != '\r' {
		return nil, 0, matchNone
	}
	return b[pos : pos+i-1], pos + i + 1, matchWhole
}

func strictRequestLine(line []byte) bool {
	r, err := splitRequestLine(line)
	if err != nil || r.odd || r.methodEnd > sniffMethod {
		return false
	}
	return strictTarget(line[:r.methodEnd], line[r.targetStart:r.targetEnd], true)
}

// strictTarget reports whether target has one of the forms of RFC 9112
// section 3.2, with the schemes that HTTP is proxied for; or, when it is not
// whole, may begin one.
func strictTarget(method, target []byte, whole bool) bool {
	switch {
	case len(target) == 0:
		return !whole
	case !ValidTarget(target):
		return false
	case target[0] == '/', string(target) == "*", string(method) == "CONNECT":
		return true
	}
	for _, scheme := range []string{"http://", "https://"} {
		n := min(len(scheme), len(target))
		if equalFold(target[:n], scheme[:n]) && (n < len(target) || !whole) {
			return true
		}
	}
	return false
}

// strictRequestPart looks at a request line without its end. A word that is
// longer than any method is taken for text.
func strictRequestPart(line []byte) bool {
	n := 0
	for n < len(line) && isTchar(line[n]) {
		n++
	}
	if n > sniffMethod || n == 0 && len(line) > 0 {
		return false
	}
	if n == len(line) {
		return true
	}
	if line[n] != ' ' {
		return false
	}
	target, rest, whole := bytes.Cut(line[n+1:], []byte{' '})
	return strictTarget(line[:n], target, whole) && (startsWith(versionPrefix+"1", rest) || isVersion(rest))
}

// statusShape is how a status line begins; without a reason phrase, some
// servers leave out the last space.
const statusShape = "HTTP/1.d ddd "

func strictStatusLine(line []byte) bool {
	var h Head
	return h.statusLine(line) == nil && h.Flags == 0 && strictStatusPart(line)
}

func strictStatusPart(line []byte) bool {
	for i, c := range line {
		switch {
		case i >= len(statusShape):
			return ValidHeaderValue(line)
		case statusShape[i] == 'd' && isDigit(c), statusShape[i] == c:
		default:
			return false
		}
	}
	return true
}

func strictField(line []byte) bool {
	name, value, ok := bytes.Cut(line, []byte{':'})
	return ok && isToken(name) && ValidHeaderValue(value)
}

func strictFieldPart(line []byte) bool {
	name, value, ok := bytes.Cut(line, []byte{':'})
	return ok && isToken(name) && ValidHeaderValue(value) || !ok && (len(name) == 0 || isToken(name))
}
