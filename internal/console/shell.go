package console

import "strings"

// ShellWord returns a word as a shell takes it, to be typed or pasted. What has
// control characters in it is escaped for the eye, and means another word then.
func ShellWord(word string) string {
	special := strings.ContainsFunc(word, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+,=", r))
	})
	if word != "" && !special {
		return word
	}
	return "'" + strings.ReplaceAll(Clean(word), "'", `'\''`) + "'"
}
