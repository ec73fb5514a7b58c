package tools

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// appendSafe appends text in a form that no terminal takes for a command, and
// that shows in the order in which it stands: control characters, bytes that are
// no UTF-8, and marks that turn the direction of text are escaped. lines keeps
// LF and tab.
func appendSafe(dst, text []byte, lines bool) []byte {
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			dst = append(dst, `\x`...)
			dst = append(dst, "0123456789abcdef"[text[0]>>4], "0123456789abcdef"[text[0]&15])
		case lines && (r == '\n' || r == '\t'):
			dst = append(dst, byte(r))
		case lines && r == '\r' && len(text) > 1 && text[1] == '\n':
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Co, r):
			quoted := strconv.QuoteRuneToASCII(r)
			dst = append(dst, quoted[1:len(quoted)-1]...)
		default:
			dst = append(dst, text[:n]...)
		}
		text = text[n:]
	}
	return dst
}

func safe(text string) string { return string(appendSafe(nil, []byte(text), false)) }

// fit cuts a text that is wider than so many columns.
func fit(text string, width int) string {
	if width <= 0 || len(text) <= width || columns(text) <= width {
		return text
	}
	used := 0
	for i, r := range text {
		if used += runeColumns(r); used > width-1 {
			return text[:i] + "…"
		}
	}
	return text
}

func columns(text string) (n int) {
	for _, r := range text {
		n += runeColumns(r)
	}
	return n
}

// runeColumns is how many columns of a terminal a character takes: two for those of
// East Asia and for pictures (Unicode Standard Annex 11, "W" and "F"), none for marks
// that stand on another.
func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo, unicode.Yi) && (r < 0xFF61 || r > 0xFFDC), // but for halfwidth forms
		r >= 0x3000 && r <= 0x303E, r >= 0xFF01 && r <= 0xFF60, r >= 0xFFE0 && r <= 0xFFE6, r >= 0x1F300 && r <= 0x1FAFF:
		return 2
	}
	return 1
}
