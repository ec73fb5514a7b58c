package jsondiff

import (
	"fmt"
	"strings"
	"testing"

	"github.com/buger/gor/internal/verdict/finding"
)

// diff returns the findings as "severity path", and panics when a text is not JSON.
func diff(d *Differ, old, new string) []string {
	if err, err2 := d.Parse([]byte(old), []byte(new)); err != nil || err2 != nil {
		panic(fmt.Sprint(old, err, new, err2))
	}
	all := []string{}
	d.Diff("body", func(f finding.Finding) { all = append(all, f.Severity.String()+" "+f.Path) })
	return all
}

func TestDiff(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"members have no order", `{"a":1,"b":2}`, `{"b":2,"a":1}`, ""},
		{"numbers are decimals", `[1, 1.50, 100, -0.0, 0.1e1]`, `[1.0, 1.5, 1e2, 0, 1]`, ""},
		{"decimals are exact", `[0.1]`, `[0.10000000000000000001]`, "value body[]"},
		{"large numbers are exact", `{"id_number":9007199254740993}`, `{"id_number":9007199254740992}`, "value body.id_number"},
		{"escapes mean letters", `["\u0041\n"]`, `["A\u000a"]`, ""},
		{"value", `{"items":[{"price":10}]}`, `{"items":[{"price":11}]}`, "value body.items[].price"},
		{"removed", `{"a":{"b":1,"c":2}}`, `{"a":{"c":2}}`, "removed body.a.b"},
		{"added", `{}`, `{"a":null}`, "added body.a"},
		{"retyped", `{"a":1}`, `{"a":"1"}`, "retyped body.a"},
		{"retyped to null", `{"a":1}`, `{"a":null}`, "retyped body.a"},
		{"a word is not its string", `[true]`, `["true"]`, "retyped body[]"},
		{"retyped document", `{}`, `[]`, "retyped body"},
		{"order", `[1,2,3]`, `[3,1,2]`, "order body[]"},
		{"order by key", `[{"id":1,"a":1},{"id":2,"a":1}]`, `[{"id":2,"a":1},{"id":1,"a":2}]`, "value body[].a; order body[]"},
		{"truncated", `[{"id":1},{"id":2},{"id":3},{"id":4}]`, `[{"id":1}]`, "removed body[]; removed body[]; removed body[]"},
		{"inserted by key", `[{"id":1},{"id":2}]`, `[{"id":1},{"id":9},{"id":2}]`, "added body[]"},
		{"inserted without a key", `["a","b","c"]`, `["a","x","b","c"]`, "added body[]"},
		{"changed without a key", `[{"a":1,"b":1},{"a":2,"b":2}]`, `[{"a":1,"b":1},{"a":2,"b":3}]`, "value body[].b"},
		{"moved and changed", `["a","b","c","d"]`, `["c","b","x","a"]`, "order body[]; value body[]"},
		{"emptied", `{"l":[1,2]}`, `{"l":[]}`, "removed body.l[]; removed body.l[]"},
		{"ids that are new each time identify nothing",
			`[{"id":"123e4567-e89b-12d3-a456-426614174000","a":1},{"id":"223e4567-e89b-12d3-a456-426614174000","a":2}]`,
			`[{"id":"323e4567-e89b-12d3-a456-426614174000","a":1},{"id":"423e4567-e89b-12d3-a456-426614174000","a":3}]`,
			"same kind body[].id; same kind body[].id; value body[].a"},
		{"times", `{"at":"2024-05-06T07:08:09Z"}`, `{"at":"2025-05-06T07:08:09Z"}`, "same kind body.at"},
		{"name appears twice", `{"a":1}`, `{"a":2,"a":1}`, "value body.a"},
		{"name twice, the first changed", `{"a":3,"a":1}`, `{"a":2,"a":1}`, "value body.a"},
		{"name twice, in both", `{"a":3,"a":1}`, `{"a":3,"a":1}`, ""},
		{"maps by id", `{"users":{"17":{"n":1},"18":{"n":2}}}`, `{"users":{"17":{"n":2}}}`, "value body.users.{id}.n; removed body.users.{id}"},
		{"odd names", `{"a.b":1}`, `{"a.b":2}`, `value body["a.b"]`},
		{"lines", "{\"a\":1}\n{\"a\":2}\n", "{\"a\":1}\n{\"a\":3}\n", "value body[].a"},
	} {
		if got := strings.Join(diff(New(), c.old, c.new), "; "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestNotJSON(t *testing.T) {
	d := New()
	for _, s := range []string{"", " ", "{", "[1,]", "{\"a\":1,}", "[1 2]", "01", "1.", "-", "1e", "nul", "\"a", "\"\\x\"", "\"a\nb\"", "{a:1}", "{\"a\" 1}", "]", "[1]]", "{} x", "\"\\", "\"\\u12\""} {
		if err, _ := d.Parse([]byte(s), []byte("1")); err != ErrSyntax {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{strings.Repeat("[", MostDepth+2), "[" + strings.Repeat("1,", MostNodes+1) + "1]"} {
		if err, _ := d.Parse([]byte(s), []byte("1")); err != ErrTooLarge {
			t.Errorf("%.10q...: %v", s, err)
		}
	}
}

func TestRules(t *testing.T) {
	d := New()
	d.Rules.Tolerance = func(path string) Tolerance {
		switch path {
		case "body.price":
			return Tolerance{Absolute: 0.01}
		case "body.rate":
			return Tolerance{Relative: 0.01}
		}
		return Tolerance{}
	}
	d.Rules.Unordered = func(path string) (string, bool) {
		switch path {
		case "body.tags[]":
			return "", true
		case "body.rows[]":
			return "sku", true
		}
		return "", false
	}
	for _, c := range []struct{ old, new, want string }{
		{`{"price":1.10}`, `{"price":1.11}`, ""},
		{`{"price":1.10}`, `{"price":1.12}`, "value body.price"},
		{`{"rate":100}`, `{"rate":99}`, ""},
		{`{"rate":100}`, `{"rate":98.9}`, "value body.rate"},
		{`{"other":1}`, `{"other":1.0001}`, "value body.other"},
		{`{"tags":["a","b"]}`, `{"tags":["b","a"]}`, ""},
		{`{"tags":["a","b"]}`, `{"tags":["b","a","c"]}`, "added body.tags[]"},
		{`{"rows":[{"sku":"a","n":1},{"sku":"b","n":2}]}`, `{"rows":[{"sku":"b","n":3},{"sku":"a","n":1}]}`, "value body.rows[].n"},
	} {
		if got := strings.Join(diff(d, c.old, c.new), "; "); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.old, c.new, got, c.want)
		}
	}
}

func TestTimesAsNumbers(t *testing.T) {
	d := New()
	d.OldTime, d.NewTime = 1700000000_000000000, 1700086400_000000000
	for _, c := range []struct{ old, new, want string }{
		{`[1700000001]`, `[1700086401]`, "same kind body[]"},
		{`[1700000001.25]`, `[1700086401.5]`, "same kind body[]"},
		{`[1700000001000]`, `[1700086401000]`, "same kind body[]"},
		{`[1700000001]`, `[1600000000]`, "value body[]"},
		{`[1700000001]`, `[17]`, "value body[]"},
	} {
		if got := strings.Join(diff(d, c.old, c.new), "; "); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.old, c.new, got, c.want)
		}
	}
}

// Lists that are too long to align are compared all the same.
func TestLongLists(t *testing.T) {
	var old, new strings.Builder
	old.WriteString("[-1")
	new.WriteString("[-2")
	for i := range 20_000 {
		fmt.Fprintf(&old, ",%d", i)
		fmt.Fprintf(&new, ",%d", i+20_000*(i%2))
	}
	got := diff(New(), old.String()+",-3]", new.String()+",-4]")
	if len(got) != 10_002 || got[0] != "value body[]" {
		t.Errorf("%d findings, first %v", len(got), got[:1])
	}
}
