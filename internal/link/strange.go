package link

import (
	"bytes"
	"encoding/hex"
)

// sniffBytes is how much of a first record is looked at to tell what a strange
// peer speaks.
const sniffBytes = 512

// plainStart reports whether b may begin a plain record.
func plainStart(b []byte) bool {
	return (len(b) < 1 || b[0] >= '1' && b[0] <= '9') && (len(b) < 2 || b[1] == ' ')
}

// helloLike reports whether b may begin a hello.
func helloLike(b []byte) bool {
	n := min(len(b), len(helloStart))
	return string(b[:n]) == helloStart[:n]
}

// stranger says what begins with b, which begins neither a record nor a hello.
// sure is false when more bytes could tell more.
func stranger(b []byte) (what string, sure bool) {
	switch {
	case len(b) >= 2 && b[0] == 0x16 && b[1] == 3:
		return "TLS; this input needs --input-tcp-secure, or that Gor no --output-tcp-secure", true
	case bytes.Contains(b, []byte{0xC2, 0xB6}):
		return "the framing of Gor 0.7 to 0.9.4; update that Gor", true
	}
	line, _, whole := bytes.Cut(b, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if isHex(line) && len(line) >= 4 {
		if whole || len(line) >= sniffBytes {
			return "the framing of Gor 0.9.6 to 0.9.8; update that Gor", true
		}
		return "something that is not a record", false
	}
	if whole && bytes.Contains(line, []byte(" HTTP/1.")) {
		// A request may still turn out to be framed as 0.7 did it.
		return httpWords, len(b) >= sniffBytes
	}
	return "something that is not a record", len(b) >= sniffBytes
}

func isHex(line []byte) bool {
	var pair [1]byte
	for ; len(line) >= 2; line = line[2:] {
		if _, err := hex.Decode(pair[:], line[:2]); err != nil {
			return false
		}
	}
	return true
}
