package finding

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestPaths(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{Child(Elements(Child(BodyPath, "items")), "price"), "body.items[].price"},
		{Child(HeaderPath, "content-type"), "header.content-type"},
		{Child(BodyPath, "a.b"), `body["a.b"]`},
		{Child(BodyPath, ""), `body[""]`},
		{Child(BodyPath, "*"), `body["*"]`},
		{Child(BodyPath, "a\nb"), `body["a\nb"]`},
		{Child(BodyPath, "naïve"), "body.naïve"},
		{Child(BodyPath, "\xff"), `body["\xff"]`},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
	}
}

func TestCutTearsNoRune(t *testing.T) {
	for n := range 8 {
		s := strings.Repeat("a", n) + strings.Repeat("ü", MostText)
		got := Cut(s)
		if len(got) > MostText || !utf8.ValidString(got) {
			t.Errorf("after %d letters: %d bytes, %q", n, len(got), got)
		}
	}
	if got := Cut([]byte("short")); got != "short" {
		t.Errorf("%q", got)
	}
}

func TestSeverityNames(t *testing.T) {
	for s := SameKind; s < severities; s++ {
		if got, ok := ParseSeverity(s.String()); !ok || got != s {
			t.Errorf("%d: %q gives %d, %v", s, s.String(), got, ok)
		}
	}
	if _, ok := ParseSeverity(""); ok {
		t.Error("no severity has no name")
	}
}
