package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// Undelivered says, a sentence for each, which outputs delivered nothing of what
// they were offered although a target could have got it: it refused, could not be
// reached, did not answer, or there was no room on the disk. What a message is
// itself to blame for is no such reason, nor is what a limit or the output's
// purpose left out. interrupted says that a signal ended the run: what was on its
// way then is not a failure either, unless there never was a connection. What outputs
// say themselves of what they could not do is added.
func (l Ledger) Undelivered(interrupted bool) []string {
	var sentences []string
	for _, out := range l.Outputs {
		if why := out.undelivered(interrupted); why != "" {
			sentences = append(sentences, out.Name+": "+why)
		}
		for _, why := range plugin.FiguresOf(out.Report).Unable {
			sentences = append(sentences, out.Name+": "+why)
		}
	}
	return sentences
}

// Findings says, a sentence for each, what outputs found that the user wants the run to
// fail for.
func (l Ledger) Findings() []string {
	var sentences []string
	for _, out := range l.Outputs {
		for _, what := range plugin.FiguresOf(out.Report).Findings {
			sentences = append(sentences, out.Name+": "+what)
		}
	}
	return sentences
}

func (out Output) undelivered(interrupted bool) string {
	failed := out.Sum(stats.Failed)
	lost := out.Shed + failed
	if unsent := out.Sum(stats.Unsent); unsent > 0 && (!interrupted || plugin.FiguresOf(out.Report).Peer == plugin.Unreached) {
		lost += unsent
	}
	if lost == 0 || out.Sum(stats.Delivered)+out.Sum(stats.Kept) > 0 {
		return ""
	}
	return fmt.Sprintf("delivered none of %s: %s", messages(out.Wanted()), out.reasons())
}

// Wanted is how many messages the output was offered that are of use to it.
func (out Output) Wanted() uint64 {
	return out.Offered - min(out.Offered, out.Sum(stats.Ignored))
}

// Sum adds up the output's rows of a kind.
func (out Output) Sum(kind stats.Kind) (n uint64) {
	for _, row := range out.Fates {
		if row.Kind == kind {
			n += row.N
		}
	}
	return n
}

// reasonsShown is how many reasons a sentence has room for.
const reasonsShown = 4

// reasons lists why messages were not delivered, the most frequent first.
func (out Output) reasons() string {
	rows := []stats.Count{{Name: "shed", N: out.Shed}}
	for _, row := range out.Fates {
		switch row.Kind {
		case stats.Failed, stats.Unfit, stats.Unsent:
			row.Name = strings.TrimPrefix(row.Name, "failed: ")
			rows = append(rows, row)
		}
	}
	rows = nonZero(rows)
	slices.SortStableFunc(rows, func(a, b stats.Count) int { return cmp.Compare(b.N, a.N) })
	text := Words(rows[:min(len(rows), reasonsShown)])
	if len(rows) > reasonsShown {
		text += fmt.Sprintf(" and %d other", stats.Sum(rows[reasonsShown:]))
	}
	return text
}

func messages(n uint64) string {
	if n == 1 {
		return "1 message"
	}
	return grouped(n) + " messages"
}
