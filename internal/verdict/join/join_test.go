package join

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/verdict"
)

// Pairs whose halves lie further apart than the window are joined all the same, each
// once, and no file stays.
func TestHalvesFarApart(t *testing.T) {
	dir := t.TempDir()
	got := map[string]int{}
	roles := Roles{}
	j := New(Joining{
		Tmp:   dir,
		Whole: func(parts []Part) bool { return len(parts) == 3 },
		Emit: func(id string, parts []Part, _ bool) bool {
			g := roles.sort(parts, true)
			is := g.of("")
			if g.old == nil || is == nil || string(g.request) != "GET "+id || is.Error != "reset" || g.old.Took != 7 || g.old.Replayed {
				t.Errorf("%s: %+v", id, g)
			}
			got[id]++
			return true
		},
	})
	const n = 600
	filler := bytes.Repeat([]byte("x"), 60_000) // 36 MB in all
	add := func(p Part) {
		if err := j.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		id := fmt.Sprint(i)
		add(Part{Type: payload.Request, ID: id, Answer: verdict.Answer{Bytes: []byte("GET " + id)}})
		add(Part{Type: payload.Response, ID: id, Answer: verdict.Answer{Bytes: filler, Took: 7, Time: 5}})
	}
	if j.held > Window || j.files == nil {
		t.Errorf("%d bytes are held, spilled: %v", j.held, j.files != nil)
	}
	for i := range n {
		add(Part{Type: payload.ReplayResponse, ID: fmt.Sprint(n - 1 - i), Answer: verdict.Answer{Error: "reset", Replayed: true}})
	}
	if err := j.End(); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if len(got) != n {
		t.Errorf("%d pairs", len(got))
	}
	for id, times := range got {
		if times != 1 {
			t.Errorf("%s comes %d times", id, times)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

func TestRoles(t *testing.T) {
	part := func(source Source, typ byte, label string) Part {
		return Part{Source: source, Type: typ, Answer: verdict.Answer{Label: label, Bytes: fmt.Appendf(nil, "%d%c%s", source, typ, label)}}
	}
	show := func(a *verdict.Answer) string {
		if a == nil {
			return "-"
		}
		return string(a.Bytes)
	}
	for _, c := range []struct {
		name  string
		roles Roles
		parts []Part
		want  string // old, again, and the new ones
	}{
		{"original and replay", Roles{}, []Part{part(0, '2', ""), part(0, '3', "")}, "02 - 03"},
		{"three targets", Roles{}, []Part{part(0, '2', ""), part(0, '3', Candidate), part(0, '3', Secondary), part(0, '3', Primary)}, "03primary 03secondary 03candidate"},
		{"two new versions", Roles{}, []Part{part(0, '3', "b"), part(0, '2', ""), part(0, '3', Candidate), part(0, '3', "b")}, "02 - 03b 03candidate"},
		{"two recordings", Roles{Against: 1}, []Part{part(0, '2', ""), part(1, '2', ""), part(1, '3', "")}, "02 - 13"},
		{"three targets in the second recording", Roles{Against: 1}, []Part{part(0, '2', ""), part(1, '3', Primary), part(1, '3', Secondary), part(1, '3', Candidate)}, "13primary 13secondary 13candidate"},
		{"a capture of the new version", Roles{Against: 1}, []Part{part(0, '2', ""), part(1, '2', "")}, "02 - 12"},
		{"two replays", Roles{Against: 1}, []Part{part(0, '3', ""), part(1, '3', "")}, "03 - 13"},
		{"two replays with labels", Roles{Against: 1}, []Part{part(0, '2', ""), part(0, '3', Primary), part(1, '3', Candidate)}, "03primary - 13candidate"},
		{"two runs", Roles{Against: 1, Runs: true}, []Part{part(0, '2', ""), part(0, '3', ""), part(1, '2', ""), part(1, '3', "")}, "03 - 13"},
		{"two runs of a labelled target", Roles{Against: 1, Runs: true}, []Part{part(0, '2', ""), part(0, '3', Primary), part(1, '2', ""), part(1, '3', Primary)}, "03primary - 13primary"},
		{"an unknown type", Roles{}, []Part{part(0, '2', ""), part(0, '4', ""), part(0, '3', "")}, "02 - 03"},
		{"nothing new", Roles{}, []Part{part(0, '2', "")}, "02 -"},
	} {
		g := c.roles.sort(c.parts, true)
		got := show(g.old) + " " + show(g.again)
		for _, n := range g.newer {
			got += " " + show(&n.part.Answer)
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestStore(t *testing.T) {
	s, err := NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	a := &verdict.Pair{ID: "a", Request: []byte("GET /"), Old: &verdict.Answer{Bytes: []byte("old"), Took: 3}, New: &verdict.Answer{Error: "reset", Label: "new", Replayed: true}}
	first, second := s.Keep(a), s.Keep(&verdict.Pair{ID: "b", Again: &verdict.Answer{Bytes: []byte("x")}})
	if p, err := s.Load(first); err != nil || p.ID != "a" || string(p.Request) != "GET /" || string(p.Old.Bytes) != "old" || p.Old.Took != 3 || p.New.Error != "reset" || p.New.Label != "new" || p.Again != nil {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err := s.Load(second); err != nil || p.ID != "b" || string(p.Again.Bytes) != "x" || p.Old != nil {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := s.Load(1 << 40); err == nil {
		t.Error("what was never kept is loaded")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDiskMost: requests that nothing ever answers fill the disk up to the bound and
// no further; beyond it they are done with as they are, each counted.
func TestDiskMost(t *testing.T) {
	const most, n, size = 1 << 20, 400, 10_000
	emitted := 0
	j := New(Joining{
		Window: 100_000, Tmp: t.TempDir(), DiskMost: most, Late: 1,
		Whole: func([]Part) bool { return false },
		Emit: func(_ string, _ []Part, must bool) bool {
			if must {
				emitted++
			}
			return must
		},
	})
	for i := range n {
		if err := j.Add(Part{Type: payload.Request, ID: fmt.Sprint(i), Answer: verdict.Answer{Bytes: make([]byte, size)}}); err != nil {
			t.Fatal(err)
		}
	}
	var sizes int64
	for _, size := range j.files.sizes {
		sizes += size
	}
	if sizes < most/2 || sizes > most || j.Apart == 0 || int(j.Apart) != emitted {
		t.Errorf("%d bytes on disk, at most %d; %d groups given up, %d emitted", sizes, most, j.Apart, emitted)
	}
	if err := j.End(); err != nil {
		t.Fatal(err)
	}
	if emitted != n {
		t.Errorf("%d of %d groups", emitted, n)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
}
