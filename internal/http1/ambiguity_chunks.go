package http1

import "bytes"

// plainChunks says what is not plain about a chunked body, which is all of b.
func plainChunks(b []byte) Ambiguity {
	extensions := 0
	for {
		size, digits := int64(0), 0
		for digits < len(b) {
			d, ok := unhex(b[digits])
			if !ok {
				break
			}
			digits++
			if digits > plainHex {
				return OddChunk
			}
			size = size<<4 | int64(d)
		}
		if digits == 0 || b[0] == '0' && digits > 1 {
			return OddChunk
		}
		n, ok := plainExtension(b[digits:])
		extensions += n
		if !ok || extensions > plainExtensions {
			return OddChunk
		}
		b = b[digits+n+2:]
		if size == 0 {
			return plainTrailers(b)
		}
		if int64(len(b)) < size+2 {
			return NotWhole
		}
		if b[size] != '\r' || b[size+1] != '\n' {
			return OddChunk
		}
		b = b[size+2:]
	}
}

// plainExtension returns the length of the extensions that b begins with, up
// to their CRLF. Those with a quoted value are not plain: readers disagree
// about what ends one.
func plainExtension(b []byte) (n int, ok bool) {
	token := func() bool {
		from := n
		for n < len(b) && isTchar(b[n]) {
			n++
		}
		return n > from
	}
	for n < len(b) && b[n] == ';' {
		n++
		if !token() {
			return 0, false
		}
		if n < len(b) && b[n] == '=' {
			n++
			if !token() {
				return 0, false
			}
		}
	}
	return n, n+1 < len(b) && b[n] == '\r' && b[n+1] == '\n'
}

// plainTrailers says what is not plain about a trailer section, which is all
// of b.
func plainTrailers(b []byte) Ambiguity {
	if len(b) > plainTrailer {
		return OddTrailer
	}
	for pos := 0; ; {
		if bytes.HasPrefix(b[pos:], []byte("\r\n")) {
			if pos+2 < len(b) {
				return NotWhole
			}
			return Plain
		}
		colon, end, why := plainField(b, pos)
		if why != Plain {
			return why
		}
		switch name := b[pos:colon]; {
		case isNamed(name, "content-length"), isNamed(name, "transfer-encoding"):
			return OddTrailer
		}
		pos = end + 2
	}
}
