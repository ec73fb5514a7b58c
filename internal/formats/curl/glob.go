package curl

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// globMost bounds the URLs that one with {a,b} and [1-9] stands for, and globBytes
// their bytes.
const (
	globMost  = 100_000
	globBytes = maxCommand
)

// expandGlob gives the URLs that curl makes of one: for {a,b} a URL with each of the
// words, for [1-9], [01-10:2] and [a-z] one with each number or letter; the last varies
// fastest. A backslash goes before a brace or bracket that stands for itself.
func expandGlob(url string) ([]string, error) {
	if !strings.ContainsAny(url, "{[]}") {
		return []string{url}, nil
	}
	urls := []string{""}
	for rest := url; rest != ""; {
		var choices []string
		var err error
		switch end := globLiteral(rest); {
		case end != "":
			choices, rest = []string{unescapeGlob(end)}, rest[len(end):]
		case rest[0] == '{':
			choices, rest, err = globSet(rest[1:])
		case rest[0] == '[':
			choices, rest, err = globRange(rest[1:])
		default:
			err = fmt.Errorf("%q closes nothing", rest[:1])
		}
		if err == nil && len(urls)*len(choices) > globMost {
			err = fmt.Errorf("it stands for more than %d URLs", globMost)
		}
		if err != nil {
			return nil, fmt.Errorf("the URL %.80q: %w; with -g its braces and brackets stand for themselves", url, err)
		}
		if urls = combine(urls, choices); urls == nil {
			return nil, fmt.Errorf("the URL %.80q stands for more than 16 MB of URLs", url)
		}
	}
	return urls, nil
}

// combine gives each beginning with each end behind it, or nil when that is too much.
func combine(begins, ends []string) (all []string) {
	size := 0
	for _, begin := range begins {
		for _, end := range ends {
			if size += len(begin) + len(end); size > globBytes {
				return nil
			}
			all = append(all, begin+end)
		}
	}
	return all
}

// globLiteral is the beginning of text that stands for itself; an address of IPv6 in
// brackets does.
func globLiteral(text string) string {
	i := 0
	for i < len(text) {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte("{[]}", text[i+1]) >= 0:
			i += 2
		case c == '[' && literalIPv6(text[i:]) > 0:
			i += literalIPv6(text[i:])
		case strings.IndexByte("{[]}", c) >= 0:
			return text[:i]
		default:
			i++
		}
	}
	return text
}

// literalIPv6 is the length of an address in brackets that text begins with, or 0.
func literalIPv6(text string) int {
	end := strings.IndexByte(text, ']')
	if end < 0 {
		return 0
	}
	if addr, err := netip.ParseAddr(text[1:end]); err != nil || !addr.Is6() {
		return 0
	}
	return end + 1
}

func unescapeGlob(text string) string {
	return strings.NewReplacer(`\{`, "{", `\}`, "}", `\[`, "[", `\]`, "]").Replace(text)
}

// globSet reads a,b} and returns what is behind it.
func globSet(text string) (words []string, rest string, err error) {
	word := ""
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && strings.IndexByte("{[]},", text[i+1]) >= 0:
			i++
			word += text[i : i+1]
		case c == '{' || c == '[' || c == ']':
			return nil, "", fmt.Errorf("%q is inside of braces", text[i:i+1])
		case c == '}':
			if words = append(words, word); len(words) == 1 && word == "" {
				return nil, "", fmt.Errorf("there is nothing in the braces")
			}
			return words, text[i+1:], nil
		case c == ',':
			words, word = append(words, word), ""
		default:
			word += text[i : i+1]
		}
	}
	return nil, "", fmt.Errorf("a brace is not closed")
}

// globRange reads 1-9], 01-10:2] or a-z:3] and returns what is behind it.
func globRange(text string) (list []string, rest string, err error) {
	within, rest, closed := strings.Cut(text, "]")
	from, to, ok := strings.Cut(within, "-")
	to, by, stepped := strings.Cut(to, ":")
	step := uint64(1)
	if stepped {
		step, err = strconv.ParseUint(by, 10, 32)
	}
	if !closed || !ok || err != nil || step == 0 {
		return nil, "", fmt.Errorf("[%.40s is not a range such as [1-9] or [a-z]", text)
	}
	isLetter := func(s string) bool { return len(s) == 1 && (s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z') }
	if isLetter(from) && isLetter(to) && from <= to && from[0]&0x20 == to[0]&0x20 {
		for c := uint64(from[0]); c <= uint64(to[0]); c += step {
			list = append(list, string(rune(c)))
		}
		return list, rest, nil
	}
	first, err1 := strconv.ParseUint(from, 10, 62)
	last, err2 := strconv.ParseUint(to, 10, 62)
	switch {
	case err1 != nil || err2 != nil || first > last:
		return nil, "", fmt.Errorf("[%s] is not a range such as [1-9] or [a-z]", within)
	case (last-first)/step >= globMost:
		return nil, "", fmt.Errorf("[%s] stands for more than %d URLs", within, globMost)
	}
	width := 0 // of numbers with a zero in front
	if len(from) > 1 && from[0] == '0' {
		width = len(from)
	}
	for n := first; n <= last; n += step {
		list = append(list, fmt.Sprintf("%0*d", width, n))
	}
	return list, rest, nil
}
