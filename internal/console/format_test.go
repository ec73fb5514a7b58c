package console

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

// msgs wants every line to be an object with a time, and returns their texts.
func msgs(t *testing.T, text string) (all []string) {
	t.Helper()
	for line := range strings.Lines(text) {
		var o struct {
			Time time.Time
			Msg  string
		}
		if err := json.Unmarshal([]byte(line), &o); err != nil || time.Since(o.Time) > time.Hour {
			t.Errorf("%v: %q", err, line)
		}
		all = append(all, o.Msg)
	}
	return all
}

func TestJSONHasEveryLine(t *testing.T) {
	r := &reader{}
	c := New(r)
	c.SetFormat(JSON)
	c.Printf("%q <&> \x1b\xff", "one")
	io.WriteString(c, "two\nthr")
	c.Printf("between")
	io.WriteString(c, "ee\n\xff\n")
	io.WriteString(c, strings.Repeat("x", maxHalf+1)) // never ends
	io.WriteString(c, "half")
	c.Last(func(w io.Writer, _ uint64) { fmt.Fprint(w, "gor: ledger\n  in\n") })
	c.Close()
	want := []string{`"one" <&> \x1b\xff`, "two", "between", "three", "\ufffd", strings.Repeat("x", maxHalf+1), "half", "ledger", "  in"}
	if got := msgs(t, r.text()); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestMissingLinesAreSaidInJSON(t *testing.T) {
	r, c := newHanging(func(c *Console) { c.SetFormat(JSON) })
	for range maxPending / 50 {
		c.Printf("a line of some length that nobody reads at all")
	}
	close(r.hold)
	c.Close()
	got := msgs(t, r.text())
	if !slices.ContainsFunc(got, func(s string) bool { return strings.HasSuffix(s, " lines are missing here: nothing read stderr") }) {
		t.Errorf("%d lines, none says that others are missing", len(got))
	}
}

func TestTextHasTimes(t *testing.T) {
	r := &reader{}
	c := New(r)
	c.SetFormat(Text)
	c.Printf("one")
	io.WriteString(c, "2026-01-02 15:04:05 statistics\n")
	c.Close()
	first, second, _ := strings.Cut(r.text(), "\n")
	if at, err := time.Parse(timeForm+" gor: one", first); err != nil || time.Since(at) > time.Hour || second != "2026-01-02 15:04:05 statistics\n" {
		t.Errorf("%v: %q", err, r.text())
	}
}
