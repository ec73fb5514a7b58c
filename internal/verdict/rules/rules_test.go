package rules

import (
	"slices"
	"strings"
	"testing"

	"github.com/buger/gor/internal/verdict/finding"
)

const sample = `
[[ignore]]
path = ["body.items[].updated_at", "header.ETag"]
[[ignore]]
path = "**.trace"
route = "GET /users/*"
[[ignore]]
path = "never"
[[tolerance]]
path = "$.price"
relative = "1%"
[[unordered]]
path = "body.tags[*]"
key = "sku"
[[expect]]
path = "status"
from = 200
to = 201
route = "/orders/**"
why = "orders are made later"
[[route]]
pattern = "/shop/*/**"
name = "/shop"
[[noise]]
route = "GET /a"
path = "body.n"
severity = "value"
compared = 10
differed = 4
`

func TestRules(t *testing.T) {
	var s Set
	if err := s.Parse("verdict.toml", []byte(sample)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what      string
		got, want bool
	}{
		{"exact", s.Ignore("GET /x", "body.items[].updated_at"), true},
		{"a name that only begins so", s.Ignore("GET /x", "body.items[].updated_at_all"), false},
		{"header in any case", s.Ignore("GET /x", "header.etag"), true},
		{"any depth", s.Ignore("GET /users/{id}", "body.a.b[].trace"), true},
		{"no depth", s.Ignore("GET /users/{id}", "trace"), true},
		{"another route", s.Ignore("GET /orders/{id}", "body.a.trace"), false},
		{"another method", s.Ignore("POST /users/{id}", "body.a.trace"), false},
		{"expected", s.Expected("POST /orders/{id}/x", finding.Finding{Path: "status", Old: "200", New: "201"}), true},
		{"expected otherwise", s.Expected("POST /orders", finding.Finding{Path: "status", Old: "200", New: "500"}), false},
		{"expected elsewhere", s.Expected("POST /users", finding.Finding{Path: "status", Old: "200", New: "201"}), false},
		{"tolerance", s.Tolerance("GET /", "body.price").Relative == 0.01, true},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v", c.what, c.got)
		}
	}
	if key, yes := s.Unordered("GET /", "body.tags[]"); !yes || key != "sku" {
		t.Error("tags are ordered")
	}
	if n := s.Noise("GET /a", "body.n", finding.Value); n != (Noise{10, 4}) {
		t.Errorf("%v", n)
	}
	want := []string{"verdict.toml: [[ignore]] no. 3, never", "verdict.toml: [[route]] no. 1, /shop/*/**"}
	if got := s.Unused(); !slices.Equal(got, want) {
		t.Errorf("unused: %q", got)
	}
	var none *Set
	if none.Ignore("", "") || none.Expected("", finding.Finding{}) || none.Unused() != nil {
		t.Error("no rules match")
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		`[[ignore]]`:                                   "path is missing",
		"[[ignore]]\npath = ''":                        "path is empty",
		"[[ignore]]\npath = 'a[0]'":                    "write []",
		"[[ignore]]\npath = 'a..b'":                    "a name is missing",
		"[[ignore]]\npath = 'a['":                      "closing bracket",
		"[[ignore]]\npath = '[\"a'":                    "quotes",
		"[[ignore]]\npath = 'a'\nkey = 'b'":            "key has no meaning here",
		"[[ignore]]\npth = 'a'":                        "ignore.pth",
		"[[ignor]]\npath = 'a'":                        `"ignor"`,
		"[[ignore]]\npath = 'a'\nroute = 'users'":      "GET /users/*",
		"[[tolerance]]\npath = 'a'":                    "absolute or relative is missing",
		"[[tolerance]]\npath = 'a'\nrelative = 'much'": "not a number",
		"[[tolerance]]\npath = 'a'\nabsolute = -1":     "not negative",
		"[[route]]\npattern = 'x'":                     "GET /users/*",
		"[[noise]]\nseverity = 'status'":               "never noise",
		"[[noise]]\nseverity = 'removed'":              "never noise",
		"[[noise]]\nseverity = 'x'":                    "is none",
		"[[ignore]":                                    "verdict.toml",
	} {
		var s Set
		if err := s.Parse("verdict.toml", []byte(text)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "verdict.toml") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWhatWasLearntIsReadAgain(t *testing.T) {
	all := []Learnt{{"GET /a", `body["a\nb"]`, finding.Value, Noise{7, 3}}, {"GET /b", "body", finding.Order, Noise{1, 1}}}
	text, err := Write("learnt\nof runs", all)
	if err != nil {
		t.Fatal(err)
	}
	var s Set
	if err := s.Parse("noise.toml", text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, l := range all {
		if got := s.Noise(l.Route, l.Path, l.Severity); got != l.Noise {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add("[[ignore]]\npath='a[\"b\"].c'")
	f.Fuzz(func(t *testing.T, text string) {
		var s Set
		if s.Parse("x", []byte(text)) == nil {
			s.Ignore("GET /a", "body.a")
			s.Unused()
		}
	})
}

// Every path that a finding can have is a pattern that matches it.
func FuzzSegments(f *testing.F) {
	f.Add("a", "b.c")
	f.Add("[]", "\"")
	f.Fuzz(func(t *testing.T, a, b string) {
		path := finding.Child(finding.Elements(finding.Child(finding.BodyPath, a)), b)
		got, err := split(path)
		if err != nil || len(got) != 4 || got[2] != "[]" {
			t.Fatalf("%q: %q, %v", path, got, err)
		}
	})
}
