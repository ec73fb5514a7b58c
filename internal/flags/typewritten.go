package flags

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Web pages and word processors replace what was typed: two hyphens become a
// dash, quotes become curly, and a space may be one that does not break. Who
// pastes a command from there sees no difference.

// dashes are what stands where a hyphen was typed.
var dashes = map[rune]string{
	'\u2010': "a hyphen of Unicode", '\u2011': "a hyphen that does not break", '\u2012': "a figure dash",
	'\u2013': "an en dash", '\u2014': "an em dash", '\u2015': "a horizontal bar", '\u2212': "a minus sign",
}

// dashed reports whether an argument begins with a dash of any kind.
func dashed(arg string) bool {
	first, _ := utf8.DecodeRuneInString(arg)
	return first == '-' || dashes[first] != ""
}

// typewritten returns arg as it was typed before somebody made it look better,
// and an error when it is not the same. Only an argument that begins with a dash
// of any kind is looked at, and of that only the flag's name.
func typewritten(arg string) (string, error) {
	if !dashed(arg) {
		return arg, nil
	}
	name, value, given := strings.Cut(arg, "=")
	if name, pasted, ok := strings.Cut(name, "\u00a0"); ok && !given {
		return name + "=" + pasted, fmt.Errorf("the space behind %s is one that does not break, as web pages have it; type it again: %s %s", name, name, pasted)
	}
	what := ""
	plain := strings.Map(func(r rune) rune {
		if dashes[r] == "" {
			return r
		}
		what = dashes[r]
		return '-'
	}, name)
	if what == "" {
		return arg, nil
	}
	plain = "--" + strings.TrimLeft(plain, "-")
	err := fmt.Errorf("%q has %s where hyphens belong, as web pages make it; type %s", name, what, plain)
	if given {
		plain += "=" + value
	}
	return plain, err
}

// straightQuotes refuses a value that begins with a quote which no shell takes
// for one.
func straightQuotes(value string) error {
	first, size := utf8.DecodeRuneInString(value)
	if !strings.ContainsRune("\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb", first) {
		return nil
	}
	return errors.New("it begins with a quote (" + value[:size] + ") as web pages have it, which is none to a shell; type \" or '")
}
