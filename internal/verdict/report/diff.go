package report

import (
	"bytes"
	"encoding/json"
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/verdict"
	"github.com/buger/gor/internal/verdict/align"
)

const (
	// bodyMost bounds what is decoded of a body to be shown, in bytes: a page is for
	// reading, and gor show has the whole.
	bodyMost = 512 << 10
	// depthMost is how deep JSON may be nested to be indented. Deeper indents would
	// multiply what a stranger sends.
	depthMost = 32
	// around is how many equal lines stand before and after a difference, and
	// linesMost how many lines of a pair are shown: some screens.
	around    = 3
	linesMost = 150
	// lineMost bounds the marked part of a line, and besideMost what stands before
	// and after it, in bytes.
	lineMost   = 1000
	besideMost = 200
)

// A line stands on both sides, or differs. Its text is safe to show but for markup.
type line struct {
	Kind     string // "same", "diff" or "skip"
	Old, New marked
}

// A marked text differs from the other side's in its middle.
type marked struct{ Before, Middle, After string }

// readable returns an answer as lines: the head, an empty line, and the body without
// codings, JSON indented.
func readable(a *verdict.Answer) []string {
	if a == nil {
		return []string{"no answer is recorded"}
	}
	head, content, err := verdict.Decoded(a, bodyMost)
	lines := split(head)
	if err != nil {
		lines = append(lines, "("+err.Error()+")")
	}
	if len(content) == 0 {
		return lines
	}
	var indented bytes.Buffer
	if shallow(content) && json.Indent(&indented, content, "", "  ") == nil {
		content = indented.Bytes()
	}
	return append(append(lines, ""), split(content)...)
}

// split returns lines without their ends.
func split(text []byte) (lines []string) {
	for l := range bytes.Lines(text) {
		lines = append(lines, string(bytes.TrimRight(l, "\r\n")))
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// shallow reports whether JSON is nested at most depthMost deep. Brackets in strings
// count too: that only keeps a text from being indented.
func shallow(text []byte) bool {
	depth := 0
	for _, c := range text {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		if depth > depthMost {
			return false
		}
	}
	return true
}

// sideBySide returns the lines of two texts that differ, with some around them. cut says
// that there are more.
func sideBySide(a, b []string) (lines []line, cut bool) {
	seed := maphash.MakeSeed()
	hashes := func(lines []string) []uint64 {
		all := make([]uint64, len(lines))
		for i, l := range lines {
			all[i] = maphash.String(seed, l)
		}
		return all
	}
	gaps, _ := align.Gaps(hashes(a), hashes(b))
	equal := func(from, to int) {
		for _, l := range a[from:to] {
			text := marked{After: tail(l)}
			lines = append(lines, line{"same", text, text})
		}
	}
	at := 0 // in a: what is before is shown or skipped
	for _, g := range gaps {
		first := max(at, g.OldFrom-around)
		if at > 0 {
			shown := min(at+around, first)
			equal(at, shown)
			at = shown
		}
		if first > at {
			lines = append(lines, line{Kind: "skip"})
		}
		equal(first, g.OldFrom)
		for i := range max(g.OldTo-g.OldFrom, g.NewTo-g.NewFrom) {
			var x, y string
			if g.OldFrom+i < g.OldTo {
				x = a[g.OldFrom+i]
			}
			if g.NewFrom+i < g.NewTo {
				y = b[g.NewFrom+i]
			}
			if len(lines) >= linesMost {
				return lines, true
			}
			old, new := mark(x, y)
			lines = append(lines, line{"diff", old, new})
		}
		at = g.OldTo
	}
	if len(gaps) > 0 {
		equal(at, min(at+around, len(a)))
	}
	return lines, false
}

// mark finds what two lines have in common at their beginning and at their end.
func mark(a, b string) (old, new marked) {
	from := 0
	for from < len(a) && from < len(b) && a[from] == b[from] {
		from++
	}
	for from > 0 && (from < len(a) && !utf8.RuneStart(a[from]) || from < len(b) && !utf8.RuneStart(b[from])) {
		from--
	}
	n := 0
	for n < len(a)-from && n < len(b)-from && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	for n > 0 && !utf8.RuneStart(a[len(a)-n]) {
		n--
	}
	part := func(s string) marked {
		before, middle, after := s[:from], s[from:len(s)-n], s[len(s)-n:]
		if len(before) > besideMost {
			before = "…" + before[len(before)-besideMost:]
		}
		if len(middle) > lineMost {
			middle = middle[:lineMost] + "…"
		}
		return marked{clean(before), clean(middle), tail(after)}
	}
	return part(a), part(b)
}

// tail is a text, cut at its end.
func tail(s string) string {
	if len(s) > besideMost {
		return clean(s[:besideMost]) + "…"
	}
	return clean(s)
}

// clean makes visible what turns the direction of text or controls a terminal, and what
// is no UTF-8.
func clean(s string) string { return console.Clean(strings.TrimSuffix(s, "\n")) }
