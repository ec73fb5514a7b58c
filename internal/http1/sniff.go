package http1

import "bytes"

// Preface is what the first bytes of a stream show it to be.
type Preface uint8

const (
	PrefaceNeedMore Preface = iota // the bytes may still become any of several
	PrefaceHTTP1                   // a request line or status line of HTTP/1
	PrefaceHTTP2                   // the connection preface of RFC 9113 section 3.4
	PrefaceTLS                     // a TLS record
	PrefaceSSH                     // an SSH identification string
	PrefaceUnknown
)

const (
	http2Preface = "PRI * HTTP/2.0\r\n"
	sshPreface   = "SSH-"
	// sniffMethod bounds how many bytes without a space may be taken for a
	// method; the longest registered one, UPDATEREDIRECTREF, has 17.
	sniffMethod = 32
)

// Sniff says what a stream is by its first bytes, in either direction. It
// needs at most one start line. A stream that was joined in the middle is
// mostly PrefaceUnknown, but at a record of TLS it is recognised.
func Sniff(b []byte) Preface {
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
	}
	if len(b) == 0 {
		return PrefaceNeedMore
	}
	if b[0] >= 0x14 && b[0] <= 0x17 {
		return sniffTLS(b)
	}
	switch {
	case bytes.HasPrefix(b, []byte(http2Preface)):
		return PrefaceHTTP2
	case bytes.HasPrefix(b, []byte(sshPreface)):
		return PrefaceSSH
	case startsWith(http2Preface, b), startsWith(sshPreface, b), startsWith(versionPrefix, b):
		return PrefaceNeedMore
	case bytes.HasPrefix(b, []byte(versionPrefix)):
		return PrefaceHTTP1
	}
	return sniffRequest(b)
}

func startsWith(s string, b []byte) bool {
	return len(b) < len(s) && s[:len(b)] == string(b)
}

// sniffTLS looks at a record header: type 20 to 23, version 3.0 to 3.4 and a
// length of at most 2^14 + 2048 (RFC 8446 section 5.1, RFC 5246 section
// 6.2.3).
func sniffTLS(b []byte) Preface {
	if len(b) > 1 && b[1] != 3 || len(b) > 2 && b[2] > 4 {
		return PrefaceUnknown
	}
	if len(b) < 5 {
		return PrefaceNeedMore
	}
	if n := int(b[3])<<8 | int(b[4]); n == 0 || n > 1<<14+2048 {
		return PrefaceUnknown
	}
	return PrefaceTLS
}

func sniffRequest(b []byte) Preface {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		if _, err := splitRequestLine(cutCR(b[:i])); err != nil {
			return PrefaceUnknown
		}
		return PrefaceHTTP1
	}
	n := 0
	for n < len(b) && isTchar(b[n]) {
		n++
	}
	switch {
	case n == len(b) && n <= sniffMethod:
		return PrefaceNeedMore
	case n == 0 || n > sniffMethod || b[n] != ' ':
		return PrefaceUnknown
	case n+1 == len(b):
		return PrefaceNeedMore
	}
	return PrefaceHTTP1
}
