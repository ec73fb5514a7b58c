package console

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Clean returns s as it can be shown in one line of a terminal or a log: what a
// terminal acts upon, what ends a line, what turns the direction of text, and
// what is no UTF-8, is escaped as in a Go string (\n, \x1b, \u0085, \xff). Names
// in certificates, answers of servers, ids and headers of messages, and names of
// files are text of strangers, and one of them could otherwise forge a line of
// the ledger. A text that is shown whole already is returned as it is.
func Clean(s string) string {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !shown(r, n) {
			return clean(s, i)
		}
		i += n
	}
	return s
}

// clean is Clean for a text whose first i bytes are shown as they are.
func clean(s string, i int) string {
	var b strings.Builder
	b.WriteString(s[:i])
	for i < len(s) {
		r, n := utf8.DecodeRuneInString(s[i:])
		if shown(r, n) {
			b.WriteString(s[i : i+n])
		} else {
			quoted := strconv.Quote(s[i : i+n])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		i += n
	}
	return b.String()
}

// shown reports whether a rune of n bytes only takes up room. A tab does.
func shown(r rune, n int) bool {
	if r == utf8.RuneError && n == 1 {
		return false
	}
	return strconv.IsPrint(r) || r == '\t'
}
