package payload

import (
	"bytes"
	"slices"
	"strconv"
)

// Separator ends every record.
const Separator = "\n🐵🙈🙉\n"

// monkey is the first emoji of the separator. bytes.Index finds these four bytes in half the time that it
// needs for all fourteen.
const monkey = "🐵"

// Split returns the header and the body of msg, which is "header LF payload". It returns ErrHeader when msg
// does not begin with a header line. The ID, the attributes and the body refer to msg. A length in the header
// of a message only holds the attributes' place: it may be that of the body before a rewrite.
func Split(msg []byte) (m Meta, body []byte, err error) {
	i := bytes.IndexByte(msg[:min(len(msg), maxHeader)], '\n')
	if i < 0 {
		return Meta{Duration: -1, Length: -1}, nil, ErrHeader
	}
	if m, _, err = parseMeta(msg[:i]); err != nil {
		return m, nil, err
	}
	return m, msg[i+1:], nil
}

// Body returns what follows the header line of msg, nil when msg has no line end where a header's could be.
// The result refers to msg.
func Body(msg []byte) []byte {
	i := bytes.IndexByte(msg[:min(len(msg), maxHeader)], '\n')
	if i < 0 {
		return nil
	}
	return msg[i+1:]
}

// AppendRecord appends msg, which is "header LF payload", as a record with a length and the attributes of msg. A
// length that msg already carries is replaced; an attribute for which the header line has no room then is left
// out. When msg does not begin with a header line, dst is returned as it was: such
// bytes would damage the recording they are written to.
func AppendRecord(dst, msg []byte) []byte { return appendRecord(dst, msg, true) }

// AppendOldRecord appends msg as AppendRecord does, but with the four fields that older readers and
// middleware write themselves, without attributes. A payload that holds the separator does not survive this; see HasSeparator.
func AppendOldRecord(dst, msg []byte) []byte { return appendRecord(dst, msg, false) }

// HasSeparator reports whether a record of msg without a length would end too early: a separator occurs in
// msg, its first line end included, or is made there by the record's own, as in "header LF 🐵🙈🙉".
func HasSeparator(msg []byte) bool {
	i := bytes.IndexByte(msg, '\n')
	return i >= 0 && (bytes.HasSuffix(msg[i:], []byte(Separator[:len(Separator)-1])) || indexSeparator(msg[i:]) >= 0)
}

func appendRecord(dst, msg []byte, length bool) []byte {
	i := bytes.IndexByte(msg[:min(len(msg), maxHeader)], '\n')
	if i < 0 {
		return dst
	}
	m, four, err := parseMeta(msg[:i])
	if err != nil {
		return dst
	}
	body := msg[i+1:]
	dst = slices.Grow(dst, len(msg)+maxGrowth+1+maxNumber+len(Separator))
	start := len(dst)
	if four >= 0 {
		dst = append(dst, msg[:four]...)
	} else {
		dst = appendFields(dst, m, -1)
	}
	if length {
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, int64(len(body)), 10)
		if len(m.Attributes) > 0 {
			dst = appendAttributes(dst, start, m.Attributes)
		}
	}
	dst = append(dst, '\n')
	dst = append(dst, body...)
	return append(dst, Separator...)
}

// indexSeparator returns where the first separator in b begins, -1 when there is none.
func indexSeparator(b []byte) int {
	for at := 0; ; {
		i := bytes.Index(b[at:], []byte(monkey))
		if i < 0 {
			return -1
		}
		at += i
		if at > 0 && isSeparator(b[at-1:]) {
			return at - 1
		}
		at += len(monkey)
	}
}

// isSeparator reports whether b begins with the separator.
func isSeparator(b []byte) bool {
	return len(b) >= len(Separator) && string(b[:len(Separator)]) == Separator
}

// isCutSeparator reports whether b is the beginning of a separator, or empty, or a whole one.
func isCutSeparator(b []byte) bool {
	return len(b) <= len(Separator) && string(b) == Separator[:len(b)]
}

// cutSeparator returns how many bytes at the end of b begin a separator.
func cutSeparator(b []byte) int {
	for n := min(len(b), len(Separator)-1); n > 0; n-- {
		if string(b[len(b)-n:]) == Separator[:n] {
			return n
		}
	}
	return 0
}
