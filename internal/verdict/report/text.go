package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/verdict"
	"github.com/buger/gor/internal/verdict/join"
)

const (
	// mostShown is how many rows are shown: a screen.
	mostShown = 20
	// samplesShown is how many ids stand in a row.
	samplesShown = 2
)

// WriteTexts writes verdicts for a terminal. Of several, each has its version's name
// before it.
func WriteTexts(w io.Writer, all []join.Verdict) error {
	for _, v := range all {
		if len(all) > 1 {
			if _, err := fmt.Fprintf(w, "%s\n", console.Clean(v.New+" against "+v.Old+":")); err != nil {
				return err
			}
		}
		if err := WriteText(w, v.Result); err != nil {
			return err
		}
	}
	return nil
}

// WriteText writes a verdict for a terminal: one sentence, and the worst rows with ids
// to look at.
func WriteText(w io.Writer, res *verdict.Result) error {
	var b strings.Builder
	line := func(format string, args ...any) { b.WriteString(console.Clean(fmt.Sprintf(format, args...)) + "\n") }
	line("%s", res.Sentence)
	t := &res.Totals
	line("%d pairs: %d equal, %d with noise alone, %d suspect, %d with a regression", t.Compared, t.Equal, t.Harmless, t.Suspect, t.Regressed)
	if t.StatusDifferent > 0 {
		var changes []string
		for _, c := range res.Statuses {
			changes = append(changes, fmt.Sprintf("%s -> %s x %d", statusName(c.Old), statusName(c.New), c.N))
		}
		line("status equal %d, different %d (%s)", t.StatusEqual, t.StatusDifferent, strings.Join(changes, ", "))
	}
	for i := range res.Rows[:min(len(res.Rows), mostShown)] {
		r := &res.Rows[i]
		var ids []string
		for _, s := range r.Samples[:min(len(r.Samples), samplesShown)] {
			ids = append(ids, s.ID)
		}
		line("%-10s %-12s %5.1f%%  %s  %s  %s", r.Standing, r.Severity, 100*r.Share(), r.Route, r.Path, strings.Join(ids, " "))
		if len(r.Samples) > 0 && (r.Samples[0].Old != "" || r.Samples[0].New != "") {
			line("           %s -> %s; %s", valueOf(r.Samples[0].Old), valueOf(r.Samples[0].New), r.Why)
		}
	}
	if n := len(res.Rows) - mostShown; n > 0 {
		line("and %d more", n)
	}
	for _, name := range res.UnusedRules {
		line("a rule matched nothing: %s", name)
	}
	for _, note := range res.Notes {
		line("note: %s", note)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// statusName is a status, or what stands for none.
func statusName(status int) string {
	if status == 0 {
		return "no answer"
	}
	return strconv.Itoa(status)
}

// valueOf is what stands in an answer, as text: JSON as it is written there, in which
// a string has its quotes and a number has none.
func valueOf(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}
