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

// fit cuts text to so many characters.
func fit(text string, width int) string {
	if width <= 0 || utf8.RuneCountInString(text) <= width {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(width-1, 0)]) + "…"
}
