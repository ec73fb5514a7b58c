package http1

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// An Ambiguity says what about a request another reader may take in another
// way, so that it sees the end of the request elsewhere than a Parser does.
// Zero is a request with one reading.
type Ambiguity uint8

// The zero value is Plain. The others are in the order in which they are
// found.
const (
	Plain             Ambiguity = iota
	OddLead                     // empty lines before the request (RFC 9112 section 2.2)
	OddRequestLine              // other than method SP target SP version (section 3)
	OddVersion                  // other than HTTP/1.0 and HTTP/1.1 (section 2.3)
	OddLineEnd                  // LF without CR, or CR without LF (section 2.2)
	OddControl                  // another control character in the head (RFC 9110 section 5.5)
	FoldedLine                  // a line that begins with a blank (section 5.2)
	OddFieldName                // no colon, no name, or a blank before the colon (section 5.1)
	OddLength                   // Content-Length that is not a plain number, or more than one (section 6.3)
	OddCoding                   // Transfer-Encoding other than one "chunked" (section 6.1)
	LengthAndCoding             // both
	CodingIn10                  // Transfer-Encoding in HTTP/1.0 (section 6.1)
	LengthIsHopByHop            // Connection names a header that says where the body ends (RFC 9110 section 7.6.1)
	SeveralHosts                // Host more than once, which ends the connection at most readers (section 3.2)
	OddExpect                   // Expect other than one "100-continue" (RFC 9110 section 10.1.1)
	OddTrailer                  // a length in the trailer section, or announced for it (RFC 9110 section 6.5.1)
	UnexpectedContent           // content for a method that defines none (RFC 9110 section 9.3)
	OddChunk                    // a chunk line other than plain digits and extensions (section 7.1)
	NotWhole                    // the bytes are not exactly one request
)

const (
	// plainDigits is how many digits a plain Content-Length has at most: 18
	// always fit an int64.
	plainDigits = 18

	// plainHex is how many digits a plain chunk size has at most. Eight are
	// 4 GB, and no reader has a smaller integer.
	plainHex = 8

	// plainExtensions bounds the extensions of all chunks of a request, and
	// plainTrailer its trailer section, in bytes. Go's server refuses chunk
	// lines and trailers from 4 KiB on.
	plainExtensions = 1 << 10
	plainTrailer    = 2 << 10
)

// RequestAmbiguity says whether every reader can be trusted to see the end of
// msg, which is one request, at the end of msg. A target that sees another end
// takes the rest for a request of its own, and its answers on that connection
// are one off from then on (RFC 9112 section 11.2).
//
// It knows the requests with one reading and calls all others ambiguous: what
// it was not told of is not plain. It keeps nothing, allocates nothing for a plain one, and
// looks at the content of a body that is not chunked not at all.
func RequestAmbiguity(msg []byte) Ambiguity {
	var h strictHead
	n, why := h.read(msg, nil)
	if why != Plain {
		return why
	}
	return h.bodyAmbiguity(msg[n:])
}

// bodyAmbiguity is RequestAmbiguity for the body behind a plain head.
func (h *strictHead) bodyAmbiguity(body []byte) (why Ambiguity) {
	switch {
	case h.chunked:
		why = plainChunks(body)
	case int64(len(body)) != h.length:
		why = NotWhole
	}
	if why == Plain && len(body) > 0 && h.noContent {
		why = UnexpectedContent
	}
	return why
}

// HeadAmbiguity is RequestAmbiguity for the head of a request alone, and tells
// whether its body is chunked, which may be ambiguous too.
func HeadAmbiguity(head []byte) (why Ambiguity, chunked bool) {
	var h strictHead
	_, why = h.read(head, nil)
	if why == Plain && h.noContent && (h.chunked || h.length > 0) {
		why = UnexpectedContent
	}
	return why, h.chunked
}

// strictHead is what a plain head says of its body.
type strictHead struct {
	length    int64 // 0 without Content-Length
	chunked   bool
	hasLength bool
	expect    bool
	host      bool
	minor0    bool
	noContent bool // the method defines no content
	method    int  // where the method ends
	target    int  // where the target, which begins a space later, ends
}

// read reads the head that msg begins with and returns the index after it, or
// what is not plain about it. With m it appends each field to the index of m,
// which is of msg.
func (h *strictHead) read(msg []byte, m *message) (n int, why Ambiguity) {
	pos, why := h.requestLine(msg)
	if why != Plain {
		return 0, why
	}
	for {
		if rest := msg[pos:]; len(rest) >= 2 && rest[0] == '\r' && rest[1] == '\n' {
			break
		}
		colon, end, why := plainField(msg, pos)
		if why == Plain {
			why = h.field(msg[pos:colon], msg[colon+1:end])
		}
		if why != Plain {
			return 0, why
		}
		if m != nil {
			if len(m.fields) == MaxFields || end > MaxHead {
				return 0, NotWhole // more than is indexed
			}
			m.addPlain(pos, colon, end)
		}
		pos = end + 2
	}
	return pos + 2, h.lengths(msg)
}

// lengths says what is not plain about the fields of msg's head together.
func (h *strictHead) lengths(msg []byte) Ambiguity {
	switch {
	case h.chunked && h.hasLength:
		return LengthAndCoding
	case h.chunked && h.minor0:
		return CodingIn10
	case (h.chunked || h.hasLength) && bytes.HasPrefix(msg, []byte("CONNECT ")):
		return UnexpectedContent
	}
	return Plain
}

// requestLine reads the request line and returns the index after it.
func (h *strictHead) requestLine(msg []byte) (n int, why Ambiguity) {
	if len(msg) > 0 && (msg[0] == '\r' || msg[0] == '\n') {
		return 0, OddLead
	}
	end := controlAt(msg, 0)
	if end+1 >= len(msg) {
		return 0, NotWhole
	}
	switch {
	case msg[end] == '\t':
		return 0, OddRequestLine
	case msg[end] != '\r' && msg[end] != '\n':
		return 0, OddControl
	case msg[end] != '\r' || msg[end+1] != '\n':
		return 0, OddLineEnd
	}
	line := msg[:end]
	method := 0
	for method < len(line) && isTchar(line[method]) {
		method++
	}
	version := len(line) - versionLen
	if method == 0 || version < method+3 || line[method] != ' ' || line[version-1] != ' ' ||
		string(line[version:version+len(versionPrefix)]) != versionPrefix || line[len(line)-1]-'0' > 1 ||
		bytes.IndexByte(line[method+1:version-1], ' ') >= 0 {
		return 0, oddRequestLine(line)
	}
	h.method, h.target = method, version-1
	h.minor0 = line[len(line)-1] == '0'
	// "Content received in a GET request has no generally defined semantics
	// [...] and might lead some implementations to reject the request and close
	// the connection because of its potential as a request smuggling attack":
	// RFC 9110 section 9.3.1, and the same of HEAD and DELETE; TRACE must have
	// none. Servers that know of no content leave it on the connection, as Python's
	// http.server does.
	switch string(line[:method]) {
	case "GET", "HEAD", "DELETE", "TRACE":
		h.noContent = true
	}
	return end + 2, Plain
}

// oddRequestLine says what is not plain about a request line.
func oddRequestLine(line []byte) Ambiguity {
	parts := bytes.Split(line, []byte{' '})
	if len(parts) == 3 && isToken(parts[0]) && len(parts[1]) > 0 {
		return OddVersion
	}
	return OddRequestLine
}

// plainField reads the field line at pos and returns where its colon and its
// CRLF are.
func plainField(msg []byte, pos int) (colon, end int, why Ambiguity) {
	for colon = pos; colon < len(msg) && isTchar(msg[colon]); colon++ {
	}
	switch {
	case colon == len(msg):
		return 0, 0, NotWhole
	case msg[colon] == ':' && colon > pos:
	case colon == pos && isBlank(msg[pos]):
		return 0, 0, FoldedLine
	case msg[colon] == '\r' || msg[colon] == '\n':
		return 0, 0, oddEnd(msg, colon)
	case msg[colon] < ' ' && msg[colon] != '\t' || msg[colon] == 0x7f:
		return 0, 0, OddControl
	default:
		return 0, 0, OddFieldName
	}
	for end = colon + 1; ; end++ {
		end = controlAt(msg, end)
		switch {
		case end+1 >= len(msg):
			return 0, 0, NotWhole
		case msg[end] == '\r' && msg[end+1] == '\n':
			return colon, end, Plain
		case msg[end] == '\r' || msg[end] == '\n':
			return 0, 0, OddLineEnd
		case msg[end] != '\t':
			return 0, 0, OddControl
		}
	}
}

// oddEnd says what is wrong with a line that ends at i before a colon.
func oddEnd(msg []byte, i int) Ambiguity {
	if msg[i] == '\r' && i+1 < len(msg) && msg[i+1] == '\n' {
		return OddFieldName
	}
	return OddLineEnd
}

// field reads the fields on which the end of the body depends.
func (h *strictHead) field(name, value []byte) Ambiguity {
	switch lower(name[0]) {
	case 'c':
		if isNamed(name, "content-length") {
			n, ok := plainNumber(value)
			if h.hasLength || !ok || bytes.IndexByte(name, '_') >= 0 {
				return OddLength
			}
			h.hasLength, h.length = true, n
		} else if equalFold(name, "connection") && namesLength(value) {
			return LengthIsHopByHop
		}
	case 't':
		if isNamed(name, "transfer-encoding") {
			if h.chunked || !equalFold(trimSpaces(value), "chunked") || bytes.IndexByte(name, '_') >= 0 {
				return OddCoding
			}
			h.chunked = true
		} else if equalFold(name, "trailer") && (namesLength(value) || HasToken(value, "trailer")) {
			return OddTrailer
		}
	case 'h':
		if equalFold(name, "host") {
			if h.host {
				return SeveralHosts
			}
			h.host = true
		}
	case 'e':
		if equalFold(name, "expect") {
			if h.expect || !equalFold(trimSpaces(value), "100-continue") {
				return OddExpect
			}
			h.expect = true
		}
	}
	return Plain
}

// isNamed reports whether a field has that name, or would have it for a reader
// that knows names as CGI spells them, where "_" stands for "-" (RFC 3875
// section 4.1.18).
func isNamed(name []byte, want string) bool {
	if len(name) != len(want) {
		return false
	}
	for i, c := range name {
		c = lower(c)
		if c != want[i] && (c != '_' || want[i] != '-') {
			return false
		}
	}
	return true
}

// namesLength reports whether a list of field names has one on which the end
// of the body depends: a proxy that takes it for hop-by-hop does not send it on.
func namesLength(list []byte) bool {
	for elem, rest := element(list); elem != nil; elem, rest = element(rest) {
		if isNamed(elem, "content-length") || isNamed(elem, "transfer-encoding") {
			return true
		}
	}
	return false
}

// trimSpaces cuts the spaces before a value. Tabs there, and blanks behind it,
// are allowed, but nobody writes them, and not everybody cuts them.
func trimSpaces(value []byte) []byte {
	for len(value) > 0 && value[0] == ' ' {
		value = value[1:]
	}
	return value
}

// plainNumber reads a number as it is written everywhere, without leading
// zeros.
func plainNumber(value []byte) (n int64, ok bool) {
	value = trimSpaces(value)
	if len(value) == 0 || len(value) > plainDigits || value[0] == '0' && len(value) > 1 {
		return 0, false
	}
	for _, c := range value {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// controlAt returns the index of the first control character at or after i,
// len(b) when there is none. It looks at eight bytes at a time: values are
// most of a head.
func controlAt(b []byte, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		del := x ^ 0x7f*ones
		// A byte borrows from the next only when it is one that is looked
		// for: the lowest top bit is right.
		if found := ((x-' '*ones) & ^x | (del-ones) & ^del) & tops; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] != 0x7f {
		i++
	}
	return i
}
