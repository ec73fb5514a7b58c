package testkit

import (
	"strings"
	"testing"
)

// SplitCommand splits a command line as a shell does, with quotes and no
// expansion.
func SplitCommand(t *testing.T, line string) []string {
	t.Helper()
	var words []string
	var word strings.Builder
	in, started := rune(0), false
	for _, c := range line {
		switch {
		case in != 0 && c == in:
			in = 0
		case in != 0:
			word.WriteRune(c)
		case c == '\'' || c == '"':
			in, started = c, true
		case c == ' ' || c == '\n':
			if started {
				words = append(words, word.String())
				word.Reset()
			}
			started = false
		default:
			word.WriteRune(c)
			started = true
		}
	}
	if in != 0 {
		t.Fatalf("unclosed quote in %q", line)
	}
	if started {
		words = append(words, word.String())
	}
	return words
}
