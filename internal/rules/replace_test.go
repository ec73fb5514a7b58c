package rules

import (
	"fmt"
	"regexp"
	"strings"
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
		cached := newCachingReplacer(newReplacer(re, parts))
		for _, src := range []string{src, src + "x", src} { // their memory is used again
			check := func(got []byte, ok bool) {
				if ok != re.MatchString(src) {
					t.Fatalf("%q on %q: match %v", pattern, src, ok)
				}
				if want := re.ReplaceAllString(src, template); ok && string(got) != want {
					t.Fatalf("%q with %q on %q: %q, want %q", pattern, template, src, got, want)
				}
			}
			check(r.replace([]byte(src)))
			check(cached.replace([]byte(src)))
		}
	})
}

// TestCachingReplacer: more values than are remembered, and longer ones, are
// replaced as they would be without.
func TestCachingReplacer(t *testing.T) {
	re := regexp.MustCompile("^(.*)[.]example[.]com$")
	parts, err := parseTemplate(re, "$1.beta")
	if err != nil {
		t.Fatal(err)
	}
	c := newCachingReplacer(newReplacer(re, parts))
	for range 2 {
		for i := range 4 * cacheSlots {
			for _, src := range []string{
				fmt.Sprintf("a%d.example.com", i), fmt.Sprintf("b%d.example.org", i), "",
				fmt.Sprintf("%d%s.example.com", i, strings.Repeat("c", cacheLongest)),
			} {
				got, ok := c.replace([]byte(src))
				if want := re.ReplaceAllString(src, "$1.beta"); ok != (want != src) || ok && string(got) != want {
					t.Fatalf("%q became %q, %v, want %q", src, got, ok, want)
				}
			}
		}
	}
	for i := range c.slots {
		if n := cap(c.slots[i].src) + cap(c.slots[i].out); n > 4*cacheLongest {
			t.Errorf("slot %d keeps %d bytes", i, n)
		}
	}
}
