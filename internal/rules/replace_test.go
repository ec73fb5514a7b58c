package rules

import (
	"regexp"
	"testing"
)

// FuzzReplacer: it does what regexp's ReplaceAll does.
func FuzzReplacer(f *testing.F) {
	for _, seed := range [][3]string{
		{"/v1/user/([^/]+)/ping", "/v2/user/$1/ping", "/v1/user/joe/ping"},
		{"(?P<host>.*).example.com", "${host}.beta$$${2}$nope", "www.example.com.example.com"},
		{"a*", "<$0>", "baac"}, {"^a", "b", "aaa"}, {"(?m)^a", "b", "a\na"}, {"a|^b", "c", "bab"}, {"ab", "", "abxab"}, {"(?i)ab*", "-", "aBbA"}, {"a$|$", "x", "ba"}, {"(a)|(b)", "$2-$1", "abba"}, {"^", "x", ""}, {`\b`, "|", "two words"}, {"(?s).", "$0$0", "\xff\n"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	f.Fuzz(func(t *testing.T, pattern, template, src string) {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return
		}
		parts, err := parseTemplate(re, template)
		if err != nil {
			return
		}
		r := newReplacer(re, parts)
		for range 2 { // its memory is used again
			got, ok := r.replace([]byte(src))
			if ok != re.MatchString(src) {
				t.Fatalf("%q on %q: match %v", pattern, src, ok)
			}
			if want := re.ReplaceAllString(src, template); ok && string(got) != want {
				t.Fatalf("%q with %q on %q: %q, want %q", pattern, template, src, got, want)
			}
		}
	})
}
