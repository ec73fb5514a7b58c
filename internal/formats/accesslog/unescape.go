package accesslog

import (
	"bytes"
	"encoding/hex"
	"unicode/utf8"
)

// An escaping is how a server writes bytes that would break its line.
type escaping uint8

const (
	escapeBackslash escaping = iota // \x22 of nginx, \" and \n and \xhh of Apache, \u00XX of JSON
	escapeNone                      // bytes stand for themselves
	escapePercent                   // %20, and %2520 for what was %20 (CloudFront)
)

// unescape returns what a value stands for: v itself, or new room at the end of
// scratch, which is returned too.
func unescape(scratch, v []byte, how escaping) (value, _ []byte) {
	mark := byte('\\')
	switch how {
	case escapeNone:
		return v, scratch
	case escapePercent:
		mark = '%'
	}
	if bytes.IndexByte(v, mark) < 0 {
		return v, scratch
	}
	from := len(scratch)
	for i := 0; i < len(v); i++ {
		switch {
		case v[i] != mark:
			scratch = append(scratch, v[i])
		case how == escapePercent:
			if c, ok := hexByte(v, i+1); ok {
				scratch = append(scratch, c)
				i += 2
			} else {
				scratch = append(scratch, '%')
			}
		default:
			var n int
			scratch, n = appendEscaped(scratch, v[i+1:])
			i += n
		}
	}
	return scratch[from:len(scratch):len(scratch)], scratch
}

// appendEscaped appends what the bytes after a backslash stand for, and returns
// how many they are.
func appendEscaped(dst, v []byte) (_ []byte, n int) {
	if len(v) == 0 {
		return append(dst, '\\'), 0
	}
	switch v[0] {
	case 'x', 'X':
		if c, ok := hexByte(v, 1); ok {
			return append(dst, c), 3
		}
		return append(dst, '\\'), 0
	case 'u':
		high, ok1 := hexByte(v, 1)
		low, ok2 := hexByte(v, 3)
		if !ok1 || !ok2 {
			return append(dst, '\\'), 0
		}
		r, n := rune(high)<<8|rune(low), 5
		if r >= 0xD800 && r < 0xDC00 && len(v) >= 11 && v[5] == '\\' && v[6] == 'u' { // a pair of surrogates
			high, ok1 := hexByte(v, 7)
			low, ok2 := hexByte(v, 9)
			if second := rune(high)<<8 | rune(low); ok1 && ok2 && second >= 0xDC00 && second < 0xE000 {
				r, n = (r-0xD800)<<10|(second-0xDC00)+0x10000, 11
			}
		}
		return utf8.AppendRune(dst, r), n
	case 'n':
		return append(dst, '\n'), 1
	case 'r':
		return append(dst, '\r'), 1
	case 't':
		return append(dst, '\t'), 1
	case 'b':
		return append(dst, '\b'), 1
	case 'f':
		return append(dst, '\f'), 1
	case 'v':
		return append(dst, '\v'), 1
	}
	return append(dst, v[0]), 1 // \" and \\ and \/
}

func hexByte(v []byte, i int) (byte, bool) {
	if i+1 >= len(v) {
		return 0, false
	}
	var b [1]byte
	_, err := hex.Decode(b[:], v[i:i+2])
	return b[0], err == nil
}
