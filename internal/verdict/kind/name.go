package kind

import "strings"

// NamesOne reports whether a part of a path, or a key of an object, names one
// thing among many: a number, a UUID, a long hexadecimal number, or one of these
// behind a prefix, as in cus_9f8e7d6c5b4a.
func NamesOne(s string) bool {
	if s == "" || len(s) > mostName {
		return false
	}
	if Number(s) || IsUUID(s) || isULID(s) || longHex(s) || Of(s) == Date {
		return true
	}
	return prefixed(s)
}

// mostName bounds the names that are looked at, in bytes: tokens in a path are
// longer, but then they have the digits below.
const mostName = 512

// Number reports whether s is an integer.
func Number(s string) bool {
	s = strings.TrimPrefix(s, "-")
	for i := range len(s) {
		if s[i]-'0' > 9 {
			return false
		}
	}
	return s != ""
}

// leastLongHex is how many hexadecimal digits cannot be a word with a number such
// as "cafe2" or "decade1": eight, as abbreviated commits have.
const leastLongHex = 8

func longHex(s string) bool {
	if len(s) < leastLongHex {
		return false
	}
	digits := 0
	for i := range len(s) {
		if !hexDigit(s[i]) {
			return false
		}
		if s[i] <= '9' {
			digits++
		}
	}
	return digits >= 2
}

const (
	// longestPrefix bounds what stands before the _ or - of a prefixed id, in bytes.
	longestPrefix = 12
	// leastSuffix is how much stands behind it at least, in bytes, when it is no
	// number: "order-2a" may well be a name.
	leastSuffix = 8
)

// prefixed reports whether s is letters, _ or - or :, and then a number or a random
// word: letters and digits that alternate as no word does.
func prefixed(s string) bool {
	i := strings.LastIndexAny(s, "_-:")
	if i < 1 || i > longestPrefix || i == len(s)-1 {
		return random(s)
	}
	for j := range i {
		if c := s[j] | 0x20; c-'a' > 'z'-'a' && s[j] != '_' && s[j] != '-' {
			return random(s)
		}
	}
	rest := s[i+1:]
	return Number(rest) || longHex(rest) || random(rest)
}

// random reports whether s is letters and digits that alternate at least three
// times: "v2" and "mp4" do once or twice, "3kTMd82hX" does four times.
func random(s string) bool {
	if len(s) < leastSuffix {
		return false
	}
	changes := 0
	for i := range len(s) {
		c := s[i]
		if !alphanumeric(c) && c != '_' && c != '-' {
			return false
		}
		if i > 0 && alphanumeric(c) && alphanumeric(s[i-1]) && (c <= '9') != (s[i-1] <= '9') {
			changes++
		}
	}
	return changes >= 3
}
