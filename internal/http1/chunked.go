package http1

import "bytes"

// stepChunked takes bytes of a chunked body, which are not empty.
//
//	chunked-body = *( size [ext] CRLF data CRLF ) 1*"0" [ext] CRLF *trailer CRLF
//
// (RFC 9112 section 7.1.) LF alone is taken for CRLF. LF ends the line also
// inside of a quoted extension value, where the grammar does not allow it: a
// parser that looked for the closing quote instead would let a sender hide a
// message from every other.
func (p *Parser) stepChunked(b []byte) int {
	switch p.state {
	case inChunkData:
		n := p.take(len(b))
		if p.left == 0 {
			p.state = inChunkEnd
		}
		return n
	case inChunkEnd, inChunkEndLF:
		return p.chunkEnd(b[0])
	case inTrailer:
		return p.trailer(b)
	}
	window := b[:min(len(b), MaxChunkLine-p.scanned)]
	if len(window) == 0 {
		p.err = errChunkLine
		return 0
	}
	n := p.chunkLine(window)
	p.scanned += n
	if p.err == nil && p.state >= inChunkData {
		p.scanned = 0
	}
	return n
}

// chunkLine takes bytes of a line with a chunk's size, up to its end.
func (p *Parser) chunkLine(b []byte) int {
	for n, c := range b {
		switch {
		case p.state == inChunkExt:
			return n + p.chunkExt(b[n:])
		case p.state == inChunkSize && p.hexDigit(c):
			if p.err != nil {
				return n
			}
		case !p.haveDigits:
			p.err = errChunkSize
			return n
		case c == '\n':
			if p.state != inChunkCR {
				p.head.Flags |= BareLF
			}
			p.chunkStart()
			return n + 1
		case p.state == inChunkCR:
			p.err = errChunkSize
			return n
		case c == '\r':
			p.state = inChunkCR
		case c == ';':
			p.state, p.lastCR = inChunkExt, false
		case isBlank(c):
			p.state = inChunkBlank
		default:
			p.err = errChunkSize
			return n
		}
	}
	return len(b)
}

// hexDigit adds a digit to the chunk size. It returns false when c is none.
func (p *Parser) hexDigit(c byte) bool {
	var d int64
	switch l := c | 0x20; {
	case isDigit(c):
		d = int64(c - '0')
	case 'a' <= l && l <= 'f':
		d = int64(l-'a') + 10
	default:
		return false
	}
	// 16 more per digit must still fit an int64.
	const most = 1<<59 - 1
	if p.left > most {
		p.err = errChunkOverflow
		return true
	}
	p.left = p.left<<4 | d
	p.haveDigits = true
	return true
}

// chunkExt takes bytes of extensions, up to the end of the line.
func (p *Parser) chunkExt(b []byte) int {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		p.lastCR = b[len(b)-1] == '\r'
		return len(b)
	}
	if i > 0 {
		p.lastCR = b[i-1] == '\r'
	}
	if !p.lastCR {
		p.head.Flags |= BareLF
	}
	p.chunkStart()
	return i + 1
}

// chunkStart goes on after a line with a chunk's size.
func (p *Parser) chunkStart() {
	p.haveDigits = false
	if p.left > 0 {
		p.state = inChunkData
	} else {
		p.state, p.line = inTrailer, lineStart
	}
}

// chunkEnd takes one byte of the line end after a chunk's data.
func (p *Parser) chunkEnd(c byte) int {
	switch {
	case c == '\n':
		if p.state == inChunkEnd {
			p.head.Flags |= BareLF
		}
		p.state = inChunkSize
	case c == '\r' && p.state == inChunkEnd:
		p.state = inChunkEndLF
	default:
		p.err = errChunkEnd
		return 0
	}
	return 1
}

// trailer takes bytes of the trailer section, up to its empty line.
func (p *Parser) trailer(b []byte) int {
	window := b[:min(len(b), MaxTrailer-p.scanned)]
	end, line := blankLine(window, p.line)
	if end >= 0 {
		p.state = isDone
		return end
	}
	p.line = line
	p.scanned += len(window)
	if p.scanned == MaxTrailer {
		p.err = errTrailerTooLarge
	}
	return len(window)
}
