package http1

// ValidHeaderName reports whether s may be the name of a header: a token (RFC
// 9110 section 5.1). Methods are tokens too.
func ValidHeaderName[T string | []byte](s T) bool { return isToken(s) }

// ValidHeaderValue reports whether s may be the value of a header: no control
// characters but tab (RFC 9110 section 5.5), so that a value cannot end its
// line. Bytes from 0x80 on may stand in it.
func ValidHeaderValue[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

// ValidTarget reports whether s may be the target of a request: not empty, no
// control characters and no spaces. Bytes from 0x80 on, which clients do
// send, may stand in it.
func ValidTarget[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return len(s) > 0
}
