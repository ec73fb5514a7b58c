package http1

import "bytes"

const (
	versionPrefix = "HTTP/1."
	versionLen    = len("HTTP/1.1")
)

// checkStart looks at more bytes of a start line that may not be whole, so
// that what is not HTTP is refused at once instead of being collected. It
// returns the index of the first wrong byte and sets p.err, or -1. It finds a
// subset of what startLine finds, at the same bytes.
func (p *Parser) checkStart(piece []byte) int {
	if p.response {
		for i, c := range piece {
			if p.checked >= len(versionPrefix) {
				return -1
			}
			if c != versionPrefix[p.checked] {
				p.err = errStatusLine
				return i
			}
			p.checked++
		}
		return -1
	}
	if p.checked < 0 {
		return -1 // past the method
	}
	for i, c := range piece {
		if isTchar(c) {
			p.checked++
			continue
		}
		if !isBlank(c) || p.checked == 0 {
			p.err = errRequestLine
			return i
		}
		p.checked = -1
		return -1
	}
	return -1
}

// startLine reads a start line, which is without its LF, into p.head.
func (p *Parser) startLine(line []byte) *Error {
	if p.response {
		return p.head.statusLine(cutCR(line))
	}
	return p.head.requestLine(cutCR(line))
}

func (h *Head) requestLine(line []byte) *Error {
	r, err := splitRequestLine(line)
	if err != nil {
		return err
	}
	method := line[:r.methodEnd]
	h.IsHead = string(method) == "HEAD"
	h.IsConnect = string(method) == "CONNECT"
	h.Major, h.Minor = 1, int(line[r.protoStart+versionLen-1]-'0')
	if r.odd {
		h.Flags |= OddSpacing
	}
	return nil
}

// requestLine is where the parts of a request line lie.
type requestLine struct {
	methodEnd              int
	targetStart, targetEnd int
	protoStart, protoEnd   int
	odd                    bool // other than one space between the parts
}

// splitRequestLine finds the parts of a request line without its line end.
// The target is everything between the method and the version, so that it may
// hold spaces and any other byte.
func splitRequestLine(line []byte) (r requestLine, err *Error) {
	for r.methodEnd < len(line) && isTchar(line[r.methodEnd]) {
		r.methodEnd++
	}
	if r.methodEnd == 0 || r.methodEnd == len(line) || !isBlank(line[r.methodEnd]) {
		return r, errRequestLine
	}
	r.targetStart = r.methodEnd + 1
	for r.targetStart < len(line) && isBlank(line[r.targetStart]) {
		r.targetStart++
	}
	end := len(line)
	for end > r.targetStart && isBlank(line[end-1]) {
		end--
	}
	r.protoStart, r.protoEnd = end-versionLen, end
	if r.protoStart < r.targetStart || !isVersion(line[r.protoStart:end]) {
		if i := bytes.LastIndexByte(line[:end], ' '); i >= 0 && bytes.HasPrefix(line[i+1:], []byte("HTTP/")) {
			return r, errVersion
		}
		return r, errRequestLine
	}
	r.targetEnd = r.protoStart
	for r.targetEnd > r.targetStart && isBlank(line[r.targetEnd-1]) {
		r.targetEnd--
	}
	if r.targetEnd == r.targetStart || r.targetEnd == r.protoStart {
		return r, errRequestLine
	}
	r.odd = end < len(line) || r.targetStart > r.methodEnd+1 || r.targetEnd < r.protoStart-1 ||
		line[r.methodEnd] != ' ' || line[r.targetEnd] != ' ' ||
		hasBlank(line[r.targetStart:r.targetEnd])
	return r, nil
}

// isVersion reports whether b is HTTP/1 with a digit as minor version.
func isVersion(b []byte) bool {
	return len(b) == versionLen && string(b[:len(versionPrefix)]) == versionPrefix && isDigit(b[versionLen-1])
}

func hasBlank(b []byte) bool {
	return bytes.IndexByte(b, ' ') >= 0 || bytes.IndexByte(b, '\t') >= 0
}

// statusLine reads "HTTP/1.1 200 OK" without its line end. The reason phrase
// and the space before it may be missing.
func (h *Head) statusLine(line []byte) *Error {
	if len(line) < versionLen || !isVersion(line[:versionLen]) {
		return errStatusLine
	}
	rest := line[versionLen:]
	code := rest
	for len(code) > 0 && isBlank(code[0]) {
		code = code[1:]
	}
	blanks := len(rest) - len(code)
	if blanks == 0 || len(code) < 3 || !isDigit(code[0]) || code[0] == '0' || !isDigit(code[1]) || !isDigit(code[2]) {
		return errStatusLine
	}
	if len(code) > 3 && !isBlank(code[3]) {
		return errStatusLine
	}
	h.Status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	h.Major, h.Minor = 1, int(line[versionLen-1]-'0')
	if blanks > 1 || rest[0] != ' ' {
		h.Flags |= OddSpacing
	}
	return nil
}
