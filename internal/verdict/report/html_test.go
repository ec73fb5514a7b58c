package report

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/buger/gor/internal/verdict"
)

func TestHTML(t *testing.T) {
	v := testVerdict(t)
	v.Notes = append(v.Notes, hostile)
	v.UnusedRules = append(v.UnusedRules, hostile)
	v.Files = append(v.Files, hostile)
	v.Routes = append(v.Routes, verdict.Route{Name: hostile})
	v.Rows = append(v.Rows, verdict.Row{Route: hostile, Path: hostile, Why: hostile, Samples: []verdict.Sample{{ID: hostile, Old: hostile, New: hostile}}})
	var b bytes.Buffer
	if err := writeHTML(&b, v); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if name := os.Getenv("GOR_REPORT"); name != "" { // to look at it
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{
		"<h1>regression: GET /hostile/{id}: status 200 -&gt; 500 in 20 of 20 pairs",
		"60 pairs: 20 equal",
		"gor show old.gor cart00",
		"<div>  &#34;price&#34;: 9.<del>9</del>9,</div><div>  &#34;price&#34;: 9.<ins>8</ins>9,</div>", // the body, indented
		"<code>GET /cart/0 HTTP/1.1</code>",
		`alert(1)`, `\u202egnp\x1b[2J\x00\xff`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the page", want)
		}
	}
	if n := strings.Count(text, "<script>"); n != 1 || strings.Count(text, "</script>") != 1 {
		t.Errorf("%d scripts", n)
	}
	if i := strings.IndexAny(text, "\x00\x1b\u202e"); i >= 0 || !strings.Contains(text, "default-src &#39;none&#39;") {
		t.Errorf("control characters at %d, or no policy", i)
	}
	for _, fetched := range []string{"src=", "href=", "url(", "@import", "http://", "https://"} {
		if strings.Contains(text, fetched) {
			t.Errorf("%s is in the page", fetched)
		}
	}
}

// What is equal is left out, and what differs stands beside each other.
func TestSideBySide(t *testing.T) {
	var a, b []string
	for i := range 100 {
		a, b = append(a, fmt.Sprint("line ", i)), append(b, fmt.Sprint("line ", i))
	}
	b[50] = "line fifty"
	lines, cut := sideBySide(a, b)
	var got []string
	for _, l := range lines {
		got = append(got, l.Kind)
	}
	if cut || strings.Join(got, " ") != "skip same same same diff same same same" {
		t.Errorf("%v, cut %v", got, cut)
	}
	if d := lines[4]; d.Old != (marked{"line ", "50", ""}) || d.New != (marked{"line ", "fifty", ""}) {
		t.Errorf("%+v", d)
	}
	if lines, _ = sideBySide(a, a); len(lines) != 0 {
		t.Errorf("equal texts: %v", lines)
	}
	for i := range b {
		b[i] = "x" + strings.Repeat("long", 10_000)
	}
	if lines, cut = sideBySide(a, b[:1]); len(lines) != 100 || cut {
		t.Errorf("%d lines, cut %v", len(lines), cut)
	}
	if lines, cut = sideBySide(append(a, a...), b); len(lines) != linesMost || !cut || len(lines[0].New.Middle) > lineMost+len("…") {
		t.Errorf("%d lines, cut %v", len(lines), cut)
	}
}

func TestMarkTearsNoRune(t *testing.T) {
	old, new := mark("aüb", "aöb") // they share their first byte
	if old != (marked{"a", "ü", "b"}) || new != (marked{"a", "ö", "b"}) {
		t.Errorf("%q, %q", old, new)
	}
	old, new = mark("aĀb", "aŀb") // and these the last
	if old != (marked{"a", "Ā", "b"}) || new != (marked{"a", "ŀ", "b"}) {
		t.Errorf("%q, %q", old, new)
	}
}

func TestDeepJSONIsNotIndented(t *testing.T) {
	deep := strings.Repeat("[", 5000) + strings.Repeat("]", 5000)
	if lines := readable(answer(200, "application/json", deep)); len(lines) > 10 {
		t.Errorf("%d lines", len(lines))
	}
}
