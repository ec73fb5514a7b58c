package payload

import (
	"bytes"
)

// What a reader forgives before a header line.

// byteOrderMark is what some editors put in front of a text, U+FEFF in UTF-8. Where such files are put together
// it stands between records too.
const byteOrderMark = "\xEF\xBB\xBF"

// forgiven returns how many bytes of line, where a header should be, and of the line end after it are passed
// over without a word: people edit recordings.
func forgiven(line []byte) int {
	switch {
	case isBlankLine(line):
		return len(line) + 1
	case bytes.HasPrefix(line, []byte(byteOrderMark)):
		return len(byteOrderMark)
	case string(trimBlanks(line)) == Separator[1:len(Separator)-1]:
		// Two separators in a row, as a mended recording may have them, enclose nothing that could be lost;
		// their line ends may coincide.
		return len(line) + 1
	}
	return 0
}

// Forgiven returns how many bytes at the beginning of b, where a record should begin, are a blank line or a
// byte-order mark, which readers pass over.
func Forgiven(b []byte) int {
	line, _, whole := bytes.Cut(b[:min(len(b), maxHeader)], []byte{'\n'})
	if !whole && !bytes.HasPrefix(line, []byte(byteOrderMark)) {
		return 0
	}
	return forgiven(line)
}

// BeginsRecording reports whether head, the beginning of a text, is that of a recording: a header line, perhaps
// after a byte-order mark and blank lines.
func BeginsRecording(head []byte) bool {
	for {
		line, rest, _ := bytes.Cut(head, []byte{'\n'})
		if _, _, err := parseMeta(line); err == nil {
			return true
		}
		n := forgiven(line)
		if n == 0 || len(rest) == 0 {
			return false
		}
		head = head[n:]
	}
}

// isBlankLine reports whether line has nothing but blanks.
func isBlankLine(line []byte) bool { return len(trimBlanks(line)) == 0 }
