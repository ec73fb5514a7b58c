// Package kind recognises values that are new in every answer, or name one thing
// among many: UUIDs, times, digests, tokens, numbers. Two answers that have
// different values of one kind at one place may well mean the same.
package kind

import (
	"strings"
	"time"
)

// A Kind is what a value looks like. The zero value is nothing in particular.
type Kind uint8

// The kinds.
const (
	_ Kind = iota
	UUID
	ULID
	Time // a date with a time of day
	Date
	Hex // a digest, or an id as MongoDB and tracing have it
	JWT
)

const (
	// mostValue bounds what is looked at, in bytes: JWTs with many claims have a
	// few thousand.
	mostValue = 8 << 10
	// leastHex is the shortest digest: 64 bits, as spans of a trace have.
	leastHex = 16
)

// Of returns what s looks like. Blanks and quotes around it, and the W/ of a weak
// ETag, do not matter.
func Of(s string) Kind {
	s = Bare(s)
	if len(s) < len("2006-01-02") || len(s) > mostValue {
		return 0
	}
	switch {
	case IsUUID(s):
		return UUID
	case isHex(s):
		return Hex
	case isJWT(s):
		return JWT
	case isULID(s):
		return ULID
	}
	return timeOf(s)
}

// Bare takes off blanks, quotes and the W/ of a weak ETag.
func Bare(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "W/")
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	return s
}

// Same returns the kind that both values have, digests only when they are equally
// long. A value that was never set is no other value of its kind.
func Same(a, b string) (Kind, bool) {
	k := Of(a)
	if k == 0 || k != Of(b) || k == Hex && len(Bare(a)) != len(Bare(b)) || unset(k, Bare(a)) != unset(k, Bare(b)) {
		return 0, false
	}
	return k, true
}

// unset reports whether a value is what programs have for none: the nil and the max
// UUID (RFC 9562 sections 5.9 and 5.10), the zero time of Go and .NET, and 1970.
func unset(k Kind, s string) bool {
	switch k {
	case UUID:
		digits := strings.Trim(strings.TrimPrefix(s, "urn:uuid:"), "{}")
		return strings.Trim(digits, "0-") == "" || strings.Trim(digits, "fF-") == ""
	case Time, Date:
		day := strings.HasPrefix(s, "0001-01-01") || strings.HasPrefix(s, "1970-01-01")
		return day && (k == Date || strings.HasPrefix(s[len("0001-01-01T"):], "00:00")) || strings.Contains(s, " 1970 00:00:00")
	}
	return false
}

// IsUUID reports whether s is a UUID in the form of RFC 9562 section 4, in either
// case, perhaps in braces or after urn:uuid:.
func IsUUID(s string) bool {
	s = strings.TrimPrefix(s, "urn:uuid:")
	if len(s) == 38 && s[0] == '{' && s[37] == '}' {
		s = s[1:37]
	}
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if s[i] != '-' {
				return false
			}
		} else if !hexDigit(s[i]) {
			return false
		}
	}
	return true
}

func hexDigit(c byte) bool { return c-'0' <= 9 || (c|0x20)-'a' <= 5 }

// isHex asks for a letter and a digit, so that neither a card's number nor a word
// is a digest.
func isHex(s string) bool {
	if len(s) < leastHex || len(s) > 128 || len(s)%2 != 0 {
		return false
	}
	var digit, letter bool
	for i := range len(s) {
		if !hexDigit(s[i]) {
			return false
		}
		if s[i] <= '9' {
			digit = true
		} else {
			letter = true
		}
	}
	return digit && letter
}

// isJWT looks for three parts in base64url, the first of which begins a JSON object
// (RFC 7515 section 7.1).
func isJWT(s string) bool {
	s = strings.TrimPrefix(s, "Bearer ")
	if !strings.HasPrefix(s, "eyJ") || strings.Count(s, ".") != 2 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !alphanumeric(c) && c != '-' && c != '_' && c != '.' && c != '=' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool { return c-'0' <= 9 || (c|0x20)-'a' <= 'z'-'a' }

// isULID looks for 26 digits in Crockford's base 32, the first of which is at most 7,
// and some are digits and others letters.
func isULID(s string) bool {
	if len(s) != 26 || s[0] > '7' {
		return false
	}
	digits := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c-'0' <= 9:
			digits++
		case c < 'A' || c > 'Z' || c == 'I' || c == 'L' || c == 'O' || c == 'U':
			return false
		}
	}
	return digits > 0 && digits < len(s)
}

// longestTime is more than any of the layouts below takes.
const longestTime = 40

// timeLayouts are those of RFC 9110 section 5.6.7 and of what languages print,
// beside the ISO form that isoTime reads.
var timeLayouts = []string{time.RFC1123, time.RFC1123Z, time.RFC850, time.ANSIC, time.UnixDate, time.RubyDate, "02/Jan/2006:15:04:05 -0700"}

func timeOf(s string) Kind {
	if len(s) > longestTime {
		return 0
	}
	if k := isoTime(s); k != 0 {
		return k
	}
	if (s[0]|0x20)-'a' > 'z'-'a' && s[0]-'0' > 9 || !strings.Contains(s, ":") {
		return 0
	}
	for _, layout := range timeLayouts {
		if _, err := time.Parse(layout, s); err == nil {
			return Time
		}
	}
	return 0
}

// isoTime reads 2006-01-02, and with T or a space 15:04 and whatever is behind it.
func isoTime(s string) Kind {
	if !matches(s, "0000-00-00") || s[5] > '1' || s[8] > '3' {
		return 0
	}
	s = s[10:]
	if s == "" {
		return Date
	}
	if s[0] != 'T' && s[0] != ' ' && s[0] != 't' || !matches(s[1:], "00:00") {
		return 0
	}
	for i := 6; i < len(s); i++ {
		if c := s[i]; c-'0' > 9 && !strings.ContainsRune(":.,+-Zz UTC", rune(c)) {
			return 0
		}
	}
	return Time
}

// matches reports whether s begins as the picture does, in which 0 is any digit.
func matches(s, picture string) bool {
	if len(s) < len(picture) {
		return false
	}
	for i := range len(picture) {
		if picture[i] == '0' {
			if s[i]-'0' > 9 {
				return false
			}
		} else if s[i] != picture[i] {
			return false
		}
	}
	return true
}
