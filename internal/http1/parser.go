package http1

import "bytes"

// Bounds on what a sender may make a Parser scan or hold before it gives up.
const (
	// MaxHead is the largest head, in bytes. Servers refuse heads of 8 KiB
	// (Apache, nginx) to 64 KiB (IIS) or 1 MiB (Go, which counts values
	// loosely); 256 KiB leaves room for gateways with large cookies and
	// tokens, and is all that one connection can make a Parser hold.
	MaxHead = 256 << 10

	// MaxFields is the most header fields of a head that is indexed: of a head
	// of one-letter lines the index would take many times the head's own
	// memory. Servers take fewer: Apache 100 and HAProxy 101 unless told
	// otherwise, Node.js 2,000.
	MaxFields = 4096

	// MaxChunkLine is the longest chunk-size line, extensions and line end
	// included, in bytes: the line bound of most servers.
	MaxChunkLine = 8 << 10

	// MaxTrailer is the largest trailer section, in bytes.
	MaxTrailer = 64 << 10

	// keepBuffer is how much head buffer a Parser keeps for the next message.
	// Most heads are smaller. With 10,000 connections that each had a head in
	// pieces it amounts to 40 MB; Held and Release let the caller keep it down.
	keepBuffer = 4 << 10
)

// state is where in a message a Parser stands.
type state uint8

const (
	inLead       state = iota // empty lines before a message
	inHead                    // in an unfinished head
	inBody                    // left bytes of a Content-Length body to come
	inClose                   // in a body that ends with the stream
	inChunkSize               // before or in the hex digits
	inChunkBlank              // blanks after the digits
	inChunkExt                // extension, up to LF
	inChunkCR                 // after the digits and CR, wants LF
	inChunkData               // left bytes of chunk data to come
	inChunkEnd                // after chunk data, wants CR or LF
	inChunkEndLF              // after chunk data and CR, wants LF
	inTrailer                 // trailer section, up to an empty line
	isDone
)

// A Parser finds where messages end in a byte stream. The zero value is ready
// for a request. It looks at each byte once or twice, keeps none but those of
// a head that came in pieces, and allocates nothing in steady state. It
// serves one direction of one connection and one goroutine.
type Parser struct {
	head Head
	err  *Error

	state      state
	line       lineState // within head or trailer
	response   bool
	toHead     bool // the response answers HEAD
	toConnect  bool // the response answers CONNECT
	headDone   bool
	opaque     bool
	haveDigits bool // chunk size
	lastCR     bool // the last byte of the chunk line was CR
	startDone  bool // the start line of a head in pieces was checked

	lead    int    // bytes of empty lines before the message
	checked int    // bytes of the start line that were checked before it was whole
	scanned int    // bytes of the chunk line or trailer so far
	left    int64  // bytes of body or chunk data to come; the size while it is read
	buf     []byte // a head that came in pieces
}

// ResetRequest makes the next byte fed the first of a request, or of empty
// lines before it.
func (p *Parser) ResetRequest() { p.reset(false) }

// ResetResponse makes the next byte fed the first of a response, or of empty
// lines before it. The response is taken to answer neither HEAD nor CONNECT
// until SetRequest says otherwise.
func (p *Parser) ResetResponse() { p.reset(true) }

func (p *Parser) reset(response bool) {
	buf := p.buf[:0]
	if cap(buf) > keepBuffer {
		buf = nil
	}
	*p = Parser{response: response, buf: buf}
}

// SetRequest says which request the response answers, because HEAD and
// CONNECT decide whether it has a body. Call it after ResetResponse and
// before the head is complete.
func (p *Parser) SetRequest(head, connect bool) { p.toHead, p.toConnect = head, connect }

// Feed looks at b, the next bytes of the stream, and returns how many of them
// belong to the current message and whether it ends with them. n is less than
// len(b) only when done, or with an error. Any split of a stream into calls
// gives the same messages and errors.
//
// Empty lines before the message are counted in n; Lead says how many there
// were. b is neither kept nor changed.
//
// An error is an *Error. It is final until the next Reset; n is then the
// number of bytes before the one that showed it. After a message is done,
// Feed takes nothing until the next Reset.
func (p *Parser) Feed(b []byte) (n int, done bool, err error) {
	if p.err != nil {
		return 0, false, p.err
	}
	for n < len(b) && p.state != isDone {
		n += p.step(b[n:])
		if p.err != nil {
			return n, false, p.err
		}
	}
	return n, p.state == isDone, nil
}

// step takes as much of b, which is not empty, as one state takes.
func (p *Parser) step(b []byte) int {
	switch p.state {
	case inLead:
		n := 0
		for n < len(b) && (b[n] == '\r' || b[n] == '\n') {
			n++
		}
		p.lead += n
		if n < len(b) {
			p.state = inHead
		}
		return n
	case inHead:
		return p.stepHead(b)
	case inBody:
		n := p.take(len(b))
		if p.left == 0 {
			p.state = isDone
		}
		return n
	case inClose:
		return len(b)
	default:
		return p.stepChunked(b)
	}
}

// take counts up to n bytes off what is left and returns how many.
func (p *Parser) take(n int) int {
	if int64(n) > p.left {
		n = int(p.left)
	}
	p.left -= int64(n)
	return n
}

// stepHead takes bytes of the head. A head that lies whole in b is read
// there; else its pieces are collected.
func (p *Parser) stepHead(b []byte) int {
	window := b[:min(len(b), MaxHead-len(p.buf))]
	if len(p.buf) == 0 {
		n, whole := p.parseHead(window)
		if p.err != nil || whole {
			return n
		}
		p.line = lineEnd(window)
		p.startDone = bytes.IndexByte(window, '\n') >= 0
		return p.keepHead(window)
	}

	rest := 0
	if !p.startDone {
		i := bytes.IndexByte(window, '\n')
		if i < 0 {
			if bad := p.checkStart(window); bad >= 0 {
				return bad
			}
			return p.keepHead(window)
		}
		if bad := p.checkStart(window[:i]); bad >= 0 {
			return bad
		}
		p.buf = append(p.buf, window[:i+1]...)
		if p.err = p.startLine(p.buf[:len(p.buf)-1]); p.err != nil {
			return i
		}
		p.startDone, p.line, rest = true, lineStart, i+1
	}
	end := -1
	end, p.line = blankLine(window[rest:], p.line)
	if end < 0 {
		return rest + p.keepHead(window[rest:])
	}
	p.buf = append(p.buf, window[rest:rest+end]...)
	p.parseHead(p.buf)
	return rest + end
}

// keepHead collects a piece of a head that has not ended with it.
func (p *Parser) keepHead(piece []byte) int {
	if len(p.buf)+len(piece) >= MaxHead {
		p.err = errHeadTooLarge
	} else {
		p.buf = append(p.buf, piece...)
	}
	return len(piece)
}

// Head is the head of the current message, nil before it is complete. It is
// valid until the next Reset.
func (p *Parser) Head() *Head {
	if !p.headDone {
		return nil
	}
	return &p.head
}

// Started reports whether a byte of the current message was fed. Empty lines
// before it belong to no message and are not a start.
func (p *Parser) Started() bool { return p.state != inLead }

// StartRead reports whether the start line was read whole and is one of HTTP/1.
func (p *Parser) StartRead() bool { return p.startDone || p.headDone }

// Lead is how many of the bytes fed since the last Reset were empty lines
// before the message, which belong to no message.
func (p *Parser) Lead() int { return p.lead }

// Done reports whether the current message is complete.
func (p *Parser) Done() bool { return p.state == isDone }

// Held is how many bytes of memory the Parser holds for heads in pieces, at
// most MaxHead rounded up by append.
func (p *Parser) Held() int { return cap(p.buf) }

// Release gives the memory of Held back, unless a head is unfinished.
func (p *Parser) Release() {
	if p.headDone || p.err != nil || len(p.buf) == 0 {
		p.buf = nil
	}
}

// Remaining is how many bytes a Content-Length body still wants, 0 when the
// message is not in such a body.
func (p *Parser) Remaining() int64 {
	if p.state == inBody {
		return p.left
	}
	return 0
}

// Skip passes a hole of n bytes in the stream by arithmetic, and reports
// whether it could: the hole must lie wholly inside a Content-Length body,
// the data of one chunk, or a body that ends with the stream. A hole that
// reaches the end of a Content-Length body completes the message; ask Done.
// When Skip returns false nothing has changed.
func (p *Parser) Skip(n int64) bool {
	if n < 0 || p.err != nil {
		return false
	}
	switch p.state {
	case inClose:
		return true
	case inBody, inChunkData:
		if n > p.left {
			return false
		}
		p.left -= n
		if p.left > 0 {
			return true
		}
		if p.state == inBody {
			p.state = isDone
		} else {
			p.state = inChunkEnd
		}
		return true
	}
	return false
}

// End says that the stream ended, and reports whether that completes the
// message, as it does a response body without a length.
func (p *Parser) End() bool {
	if p.err != nil || p.state != inClose {
		return false
	}
	p.state = isDone
	return true
}

// Opaque reports that what follows this response is not HTTP: it is a 101, or
// the 2xx that answers CONNECT. The side of the requests cannot know that;
// Head says IsConnect and Upgrade there.
func (p *Parser) Opaque() bool { return p.opaque }
