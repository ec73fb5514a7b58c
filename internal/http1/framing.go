package http1

import (
	"bytes"
	"math"
)

// framing is what the headers of one head say about the body and the
// connection.
type framing struct {
	length    bool   // there is a Content-Length
	badLength *Error // why the first wrong Content-Length is wrong
	coding    bool   // there is a Transfer-Encoding
	chunked   bool   // chunked is one of its codings
	last      bool   // chunked is its last coding
	close     bool   // Connection: close
	keepAlive bool   // Connection: keep-alive
	upgrade   bool   // Connection: upgrade
	upgradeTo bool   // there is an Upgrade header
}

// parseHead reads the head that b begins with and sets the state for what
// follows it. It returns the index after the head; when b ends before the
// head does, whole is false and only the start line was checked. With an
// error n is the index of the byte that showed it. It looks at the bytes of
// the start line from p.checked on as new.
func (p *Parser) parseHead(b []byte) (n int, whole bool) {
	first := bytes.IndexByte(b, '\n')
	if first < 0 {
		if bad := p.checkStart(b); bad >= 0 {
			return bad, false
		}
		return len(b), false
	}
	if !p.startDone {
		if bad := p.checkStart(b[:first]); bad >= 0 {
			return bad, false
		}
	}
	p.head = Head{Length: -1}
	if p.err = p.startLine(b[:first]); p.err != nil {
		return first, false
	}

	var f framing
	h := &p.head
	pos, lines, bare := first+1, 1, 0
	if b[first-1] != '\r' {
		bare++
	}
	for {
		empty := emptyLine(b[pos:])
		if empty < 0 {
			return len(b), false
		}
		if empty > 0 {
			pos += empty
			lines++
			bare += 2 - empty
			break
		}
		next, l, lf := fieldLine(b, pos)
		if next < 0 {
			return len(b), false
		}
		lines += l
		h.Fields++
		bare += lf
		switch b[pos] {
		case 'C', 'c', 'T', 't', 'U', 'u', 'E', 'e':
			h.field(b[pos:next-1], &f)
		case ' ', '\t':
			l = 2 // it folds the start line
		}
		if l > 1 {
			h.Flags |= ObsFold
		}
		pos = next
	}
	if bare > 0 {
		h.Flags |= BareLF
	}
	if bytes.Count(b[:pos], []byte{'\r'}) > lines-bare {
		h.Flags |= BareCR
	}
	h.HeadLen = pos
	p.headDone = true
	p.err = p.frame(&f)
	return pos, true
}

// field reads the header lines that framing depends on.
func (h *Head) field(line []byte, f *framing) {
	switch lower(line[0]) {
	case 'c':
		if value, ok := h.cutName(line, "content-length"); ok {
			f.length = true
			h.contentLength(value, f)
		} else if value, ok := h.cutName(line, "connection"); ok {
			for elem, rest := element(value); elem != nil; elem, rest = element(rest) {
				f.close = f.close || equalFold(elem, "close")
				f.keepAlive = f.keepAlive || equalFold(elem, "keep-alive")
				f.upgrade = f.upgrade || equalFold(elem, "upgrade")
			}
		}
	case 't':
		if value, ok := h.cutName(line, "transfer-encoding"); ok {
			f.coding, f.last = true, false
			for elem, rest := element(value); elem != nil; elem, rest = element(rest) {
				f.last = equalFold(elem, "chunked")
				if f.last && f.chunked {
					h.Flags |= ChunkedTwice
				}
				f.chunked = f.chunked || f.last
			}
		}
	case 'u':
		if value, ok := h.cutName(line, "upgrade"); ok {
			f.upgradeTo = len(trim(value)) > 0
		}
	case 'e':
		if value, ok := h.cutName(line, "expect"); ok {
			h.Expect100 = equalFold(trim(value), "100-continue")
		}
	}
}

// cutName returns the value of a header line, untrimmed, if it has that name,
// which must be in lower case.
func (h *Head) cutName(line []byte, name string) (value []byte, ok bool) {
	i := len(name)
	if len(line) <= i || !equalFold(line[:i], name) {
		return nil, false
	}
	for i < len(line)-1 && isBlank(line[i]) {
		i++
	}
	if line[i] != ':' {
		return nil, false
	}
	if i > len(name) {
		h.Flags |= SpaceBeforeColon
	}
	return line[i+1:], true
}

// element cuts the first element that is not empty off a comma-separated
// list, trimmed. elem is nil when there is none.
func element(list []byte) (elem, rest []byte) {
	for len(list) > 0 {
		i := bytes.IndexByte(list, ',')
		if i < 0 {
			i = len(list)
		}
		elem = trim(list[:i])
		list = list[min(i+1, len(list)):]
		if len(elem) > 0 {
			return elem, list
		}
	}
	return nil, nil
}

// contentLength reads the value of one Content-Length header. RFC 9110
// section 8.6 allows for a list of equal numbers, which is what some proxies
// make of a repeated header.
func (h *Head) contentLength(value []byte, f *framing) {
	for more := true; more; {
		var elem []byte
		elem, value, more = bytes.Cut(value, []byte{','})
		n, err := parseLength(trim(elem))
		switch {
		case err != nil:
			if f.badLength == nil {
				f.badLength = err
			}
		case h.Length < 0:
			h.Length = n
		case h.Length == n:
			h.Flags |= RepeatedLength
		default:
			h.Flags |= ConflictingLength
		}
	}
}

// parseLength reads digits and nothing else: no sign, as strconv would take.
func parseLength(b []byte) (int64, *Error) {
	if len(b) == 0 {
		return -1, errContentLength
	}
	var n int64
	over := false
	for _, c := range b {
		if !isDigit(c) {
			return -1, errContentLength
		}
		d := int64(c - '0')
		if n > (math.MaxInt64-d)/10 {
			over = true
			continue // a letter further on is the better reason
		}
		n = n*10 + d
	}
	if over {
		return -1, errLengthOverflow
	}
	return n, nil
}

// frame decides how the message goes on after its head: RFC 9112 section 6.3,
// in its order.
func (p *Parser) frame(f *framing) *Error {
	h := &p.head
	if f.coding {
		if f.length {
			h.Flags |= BothLengths
		}
		if h.Minor == 0 {
			h.Flags |= ChunkedIn10
		}
	}
	h.Upgrade = f.upgrade && f.upgradeTo
	h.CloseAfter = f.close || h.Minor == 0 && !f.keepAlive

	switch {
	case p.withoutBody():
		if p.response && (h.Status < 200 || h.Status == 204) && (f.coding || h.Length > 0) {
			h.Flags |= LengthWithoutBody
		}
		p.state = isDone
	case f.last:
		h.Chunked = true
		p.state = inChunkSize
	case f.coding && !p.response:
		return errNotChunked
	case f.coding:
		h.Flags |= OtherCoding
		p.untilClose()
	case f.badLength != nil:
		return f.badLength
	case h.Length > 0:
		p.left = h.Length
		p.state = inBody
	case h.Length < 0 && p.response:
		p.untilClose()
	default:
		p.state = isDone
	}
	return nil
}

func (p *Parser) untilClose() {
	p.head.UntilClose, p.head.CloseAfter = true, true
	p.state = inClose
}

// withoutBody reports messages that end with their head whatever it says, and
// notes when what follows is another protocol.
func (p *Parser) withoutBody() bool {
	h := &p.head
	if !p.response {
		// RFC 9110 section 9.3.6: what follows is for the tunnel.
		return h.IsConnect
	}
	p.opaque = h.Status == 101 || p.toConnect && h.Status/100 == 2
	return p.opaque || p.toHead || h.Status < 200 || h.Status == 204 || h.Status == 304
}
