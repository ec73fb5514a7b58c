package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/buger/gor/internal/verdict"
)

// A keeper keeps pairs in memory.
type keeper struct{ pairs []*verdict.Pair }

func (k *keeper) Keep(p *verdict.Pair) int64 {
	c := *p
	k.pairs = append(k.pairs, &c)
	return int64(len(k.pairs))
}

func (k *keeper) Load(ref int64) (*verdict.Pair, error) { return k.pairs[ref-1], nil }

// hostile is what a stranger may answer: markup, the end of a script, an override of the
// direction, a terminal's command, and what is not UTF-8.
const hostile = "</script><script>alert(1)</script>]]>\u202egnp\x1b[2J\x00\xff\"'`{{.}}"

func answer(status int, typ, body string) *verdict.Answer {
	return &verdict.Answer{Bytes: fmt.Appendf(nil, "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", status, typ, len(body), body)}
}

// testVerdict is a verdict over a broken route, a hostile one and an equal one.
func testVerdict(t *testing.T) *Verdict {
	e := verdict.New(verdict.Config{BodyMost: 1 << 20, Keeper: &keeper{}, Old: "old", New: "new"})
	for i := range 20 {
		add := func(route string, old, new *verdict.Answer) {
			e.Add(&verdict.Pair{ID: fmt.Sprintf("%s%02d", route, i), Request: fmt.Appendf(nil, "GET /%s/%d HTTP/1.1\r\nHost: a\r\n\r\n", route, i), Old: old, New: new})
		}
		add("cart", answer(200, "application/json", `{"a":1,"price":9.99,"z":2}`), answer(200, "application/json", `{"a":1,"price":9.89,"z":2}`))
		add("hostile", answer(200, "text/plain", "fine"), answer(500, "text/plain", hostile))
		add("equal", answer(200, "text/plain", "x"), answer(200, "text/plain", "x"))
	}
	failOn, err := verdict.ParseFailOn("status-class")
	if err != nil {
		t.Fatal(err)
	}
	return &Verdict{Result: e.Result(), Files: []string{"old.gor", "it's new.gor"}, FailOn: failOn}
}

func TestJSON(t *testing.T) {
	v := testVerdict(t)
	var b bytes.Buffer
	if err := writeJSON(&b, v); err != nil {
		t.Fatal(err)
	}
	var rows []jsonRow
	for line := range bytes.Lines(b.Bytes()) {
		var row jsonRow
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		rows = append(rows, row)
	}
	if len(rows) != len(v.Rows) || rows[0].Path != "status" || rows[0].Route != "GET /hostile/{id}" || rows[0].Standing != "regression" {
		t.Errorf("%d rows, want %d: %s", len(rows), len(v.Rows), b.Bytes())
	}
	for _, want := range []string{`"route":"GET /cart/{id}","path":"body.price","severity":"value"`, `{"id":"cart00","old":"9.99","new":"9.89"}`, `"compared":20,"differs":20,"share":1,`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.Bytes())
		}
	}
	if strings.ContainsAny(b.String(), "\x1b\x00") {
		t.Error("control characters are in it")
	}
}

// A case fails when --fail-on names it, and says how to look at it.
func TestJUnit(t *testing.T) {
	v := testVerdict(t)
	var b bytes.Buffer
	if err := writeJUnit(&b, v); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	cases := map[string]junitCase{}
	failures, tests := 0, 0
	for _, s := range got.Suites {
		failures, tests = failures+s.Failures, tests+s.Tests
		for _, c := range s.Cases {
			if _, twice := cases[s.Name+" "+c.Name]; twice || c.Class != s.Name {
				t.Errorf("%s %s: twice %v, class %s", s.Name, c.Name, twice, c.Class)
			}
			cases[s.Name+" "+c.Name] = c
		}
	}
	if failures != 1 || got.Failures != 1 || tests != len(cases) || got.Tests != tests || got.Errors != 0 {
		t.Errorf("%d failures of %d cases in\n%s", failures, tests, b.Bytes())
	}
	if c := cases["GET /hostile/{id} status"]; c.Failure == nil || c.Failure.Message != "status 200 -> 500 in 20 of 20 pairs" ||
		!strings.Contains(c.Failure.Text, "gor show old.gor hostile00\n") || !strings.Contains(c.Failure.Text, `gor show 'it'\''s new.gor' hostile00`) {
		t.Errorf("%+v", c.Failure)
	}
	if c := cases["GET /cart/{id} body.price"]; c.Failure != nil || !strings.Contains(c.Out, "cart00") {
		t.Errorf("%+v", c)
	}
	if c, ok := cases["GET /equal/{id} answers"]; !ok || c.Failure != nil {
		t.Errorf("%v %+v", ok, c)
	}
	if strings.ContainsAny(b.String(), "\x1b\x00\u202e") {
		t.Error("control characters are in it")
	}
}

// A verdict over nothing is not a success in CI.
func TestJUnitOfNothing(t *testing.T) {
	e := verdict.New(verdict.Config{BodyMost: 1 << 20, Keeper: &keeper{}, Old: "old", New: "new"})
	var b bytes.Buffer
	if err := writeJUnit(&b, &Verdict{Result: e.Result()}); err != nil || !strings.Contains(b.String(), `errors="1"`) {
		t.Errorf("%v\n%s", err, b.Bytes())
	}
}

// Files are made for their owner alone, and never in place of another.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	c := Config{JSON: filepath.Join(dir, "a.jsonl"), JUnit: filepath.Join(dir, "a.xml"), HTML: filepath.Join(dir, "a.html")}
	if err := c.Check(); err != nil || !c.Any() {
		t.Fatal(err)
	}
	v := testVerdict(t)
	if err := c.Write(v); err != nil {
		t.Fatal(err)
	}
	for _, f := range c.formats() {
		info, err := os.Stat(f.name)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
			t.Errorf("%s: %v, %v", f.name, info, err)
		}
	}
	for _, err := range []error{c.Check(), c.Write(v)} {
		if err == nil || !strings.Contains(err.Error(), "nothing is overwritten") {
			t.Errorf("written again: %v", err)
		}
	}
	for _, c := range []Config{{JSON: "same.x", JUnit: "./same.x"}, {JSON: filepath.Join(dir, "none", "a")}} {
		if c.Check() == nil {
			t.Errorf("%v can be written", c)
		}
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	if err := (&Config{JSON: link}).Write(v); err == nil {
		t.Error("a link is followed")
	}
	if _, err := os.Stat(filepath.Join(dir, "elsewhere")); err == nil || !os.IsNotExist(err) {
		t.Errorf("%v, want %v", err, fs.ErrNotExist)
	}
}
