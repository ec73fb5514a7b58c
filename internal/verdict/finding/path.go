package finding

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// The paths that do not lie in a body, and what the others begin with.
const (
	AnswerPath  = "answer"  // whether there is an answer at all
	StatusPath  = "status"  // the status
	LatencyPath = "latency" // of a route
	BodyPath    = "body"    // the body as a whole, and what paths in it begin with
	HeaderPath  = "header"  // followed by Child and the name in lower case
	CookiePath  = "cookie"  // followed by Child, the cookie's name, and perhaps an attribute
)

// Child returns the path of the member name of what is at path: "body.user.name".
// A name that has a dot, a bracket, a star, a quote, a space or a control
// character in it, or none at all, is quoted as JSON has it: `body["a.b"]`.
func Child(path, name string) string {
	if plain(name) {
		return path + "." + name
	}
	return path + "[" + strconv.Quote(name) + "]"
}

// Elements returns the path of all elements of the list at path: "body.items[]".
func Elements(path string) string { return path + "[]" }

// mostName bounds a plain name in a path, in bytes.
const mostName = 200

func plain(name string) bool {
	if name == "" || len(name) > mostName || !utf8.ValidString(name) {
		return false
	}
	return !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r == 0x7F || strings.ContainsRune(`.[]*"\{}`, r)
	})
}

// Cut returns s cut to MostText bytes, without tearing a rune.
func Cut[T string | []byte](s T) string {
	if len(s) <= MostText {
		return string(s)
	}
	const dots = "…"
	n := MostText - len(dots)
	for n > 0 && n > MostText-len(dots)-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return string(s[:n]) + dots
}

// AnyChild returns the path of all members of what is at path whose names name one
// thing among many, as in {"users": {"17": ..., "18": ...}}: "body.users.{id}".
func AnyChild(path string) string { return path + ".{id}" }
