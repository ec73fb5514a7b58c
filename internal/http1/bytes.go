package http1

// The tchar set of RFC 9110 section 5.6.2, one bit per byte value: bytes 0 to
// 63 and 64 to 127.
const (
	tcharLow  uint64 = 0x03ff6cfa00000000
	tcharHigh uint64 = 0x57ffffffc7fffffe
)

// isTchar reports whether c may stand in a token.
func isTchar(c byte) bool {
	if c < 64 {
		return tcharLow>>c&1 != 0
	}
	return c < 128 && tcharHigh>>(c-64)&1 != 0
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

func isDigit(c byte) bool { return c-'0' <= 9 }

// isToken reports whether b is one or more tchar.
func isToken[T string | []byte](b T) bool {
	for i := 0; i < len(b); i++ {
		if !isTchar(b[i]) {
			return false
		}
	}
	return len(b) > 0
}

// lower folds ASCII letters alone: folding with |0x20 would make CR equal '-'.
func lower(c byte) byte {
	if c-'A' <= 'Z'-'A' {
		return c | 0x20
	}
	return c
}

// equalFold reports whether a and b are equal but for the case of ASCII
// letters.
func equalFold[T string | []byte](a []byte, b T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

// trim cuts spaces, tabs and the line ends of folding off both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && isSpace(b[0]) {
		b = b[1:]
	}
	for len(b) > 0 && isSpace(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	return b
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
