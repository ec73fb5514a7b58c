package jsondiff

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	oracle "github.com/wI2L/jsondiff"

	"github.com/buger/gor/internal/verdict/finding"
)

// FuzzDiff holds two texts against each other: nothing differs from itself, what is
// JSON to the standard library is JSON here, and what differs one way differs the
// other way.
func FuzzDiff(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.50,"x",null,true]}`, `[{"id":1},{"id":2}]`, `{"a":1,"a":2}`, "1\n2", `"\ud800"`, "\"\xff\"", `[1e999999999999]`} {
		f.Add([]byte(s), []byte(`{"a":[1,3]}`))
		f.Add([]byte(s), []byte(s))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		d := New()
		count := func(x, y []byte) int {
			err1, err2 := d.Parse(x, y)
			if err1 == ErrSyntax && json.Valid(x) {
				t.Fatalf("%q is JSON", x)
			}
			if err1 != nil || err2 != nil {
				return -1
			}
			n := 0
			d.Diff("body", func(finding.Finding) { n++ })
			return n
		}
		if n := count(a, slices.Clone(a)); n > 0 {
			t.Fatalf("%q differs from itself", a)
		}
		if n, m := count(a, b), count(b, a); (n == 0) != (m == 0) {
			t.Fatalf("%q and %q: %d differences, and back %d", a, b, n, m)
		}
	})
}

// random is a document of few names and values, so that two of them have much in
// common.
func random(r *rand.Rand, depth int) any {
	switch n := r.IntN(8); {
	case depth > 0 && n < 3:
		m := map[string]any{}
		for range r.IntN(4) {
			m[string(rune('a'+r.IntN(4)))] = random(r, depth-1)
		}
		return m
	case depth > 0 && n < 5:
		l := []any{}
		for range r.IntN(4) {
			l = append(l, random(r, depth-1))
		}
		return l
	case n == 5:
		return r.IntN(3)
	case n == 6:
		return strings.Repeat("x", r.IntN(3))
	}
	return []any{nil, true, false}[r.IntN(3)]
}

// Another library for the same agrees on whether two documents differ, and, where
// there are no lists to align, on where.
func TestAgreesWithOracle(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	d := New()
	differed, without := 0, 0
	for range 20_000 {
		a, _ := json.Marshal(random(r, 3))
		b, _ := json.Marshal(random(r, 3))
		patch, err := oracle.CompareJSON(a, b)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		if err1, err2 := d.Parse(a, b); err1 != nil || err2 != nil {
			t.Fatalf("%s %v, %s %v", a, err1, b, err2)
		}
		d.Diff("", func(f finding.Finding) { got = append(got, strings.ReplaceAll(f.Path, ".", "/")) })
		if (len(got) > 0) != (len(patch) > 0) {
			t.Fatalf("%s %s: we find %v, the oracle %v", a, b, got, patch)
		}
		if len(got) > 0 {
			differed++
		}
		if strings.ContainsRune(string(a)+string(b), '[') {
			continue
		}
		without++
		var want []string
		for _, op := range patch {
			want = append(want, op.Path)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("%s %s: we find %s, the oracle %s", a, b, strconv.Quote(strings.Join(got, " ")), strings.Join(want, " "))
		}
	}
	if differed < 1000 || without < 1000 {
		t.Errorf("%d pairs differed, %d had no list: too few to say anything", differed, without)
	}
}
