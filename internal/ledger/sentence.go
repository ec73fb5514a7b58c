package ledger

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// A Run says how a ledger is told in one sentence.
type Run struct {
	Came    string // how messages came in: "captured", "received"; "": they were replayed
	Noun    string // what they are, in the plural: "requests", "messages"
	Inputs  int    // how many of the ledger's inputs are the run's: what came back from elsewhere follows them
	Outputs int    // how many of the last outputs are: a middleware stands before them
	Took    time.Duration
}

// Sentence tells a person in one sentence how a run went: what came in, what of it
// was delivered, and why the rest was not.
func (l Ledger) Sentence(r Run) string {
	var read uint64
	for _, in := range l.Inputs[:r.Inputs] {
		read += in.Read
	}
	came, took := cmp.Or(r.Came, "replayed"), plugin.RoundSpan(r.Took).String()
	before, outputs := l.before(r), l.Outputs[len(l.Outputs)-r.Outputs:]
	switch {
	case read == 0:
		return fmt.Sprintf("%s nothing in %s%s", came, took, because(before))
	case len(outputs) == 1:
		out := outputs[0]
		total := read - min(read, out.Sum(stats.Ignored))
		reasons := append(before, out.lost()...)
		if r.Came == "" {
			return fmt.Sprintf("replayed %s %s in %s%s", share(out.done(), total), r.Noun, took, because(reasons))
		}
		return fmt.Sprintf("%s %s %s in %s, delivered %s%s", came, grouped(total), r.Noun, took, of(out.done(), total), because(reasons))
	}
	text := fmt.Sprintf("%s %s %s in %s%s", came, grouped(read), r.Noun, took, because(before))
	for i, out := range outputs {
		text += [...]string{"; ", ", "}[min(i, 1)] + fmt.Sprintf("%s: %s delivered", console.Clean(out.Name), of(out.done(), read-min(read, out.Sum(stats.Ignored))))
		if lost := some(out.lost()); lost != "" {
			text += " (" + lost + ")"
		}
	}
	return text
}

// before lists what never came to an output of the run.
func (l Ledger) before(r Run) (rows []stats.Count) {
	for i, in := range l.Inputs {
		for _, row := range in.Before {
			if row.Kind == stats.Lost && i < r.Inputs {
				rows = append(rows, row)
			}
		}
		// Behind a middleware stand the filters of all inputs.
		rows = append(rows, stats.Count{Name: "over a limit", N: in.Limited}, stats.Count{Name: "filtered", N: in.Filtered})
	}
	for _, out := range l.Outputs[:len(l.Outputs)-r.Outputs] {
		back := l.Inputs[len(l.Inputs)-1]
		rows = append(rows, out.lost()...)
		rows = append(rows, stats.Count{Name: "not returned by the middleware", N: out.done() - min(out.done(), back.Read)})
	}
	return rows
}

// share is n of total, with both numbers unless they are the same.
func share(n, total uint64) string {
	if n == total {
		return "all " + grouped(total)
	}
	return grouped(n) + " of " + grouped(total)
}

// of is n where total was just said.
func of(n, total uint64) string {
	if n == total {
		return "all"
	}
	return grouped(n)
}

// done is how many messages an output delivered, or keeps until it can.
func (out Output) done() uint64 { return out.Sum(stats.Delivered) + out.Sum(stats.Kept) }

// lost lists what became of the messages that the output was offered and did not
// deliver.
func (out Output) lost() []stats.Count {
	return []stats.Count{
		{Name: "failed", N: out.Failed()}, {Name: "shed", N: out.Shed}, {Name: "unsent", N: out.Sum(stats.Unsent)}, {Name: "over a limit", N: out.Sum(stats.Limited)},
		{Name: "kept on disk", N: out.Sum(stats.Kept)},
	}
}

// because lists reasons behind a colon; it is empty when there are none.
func because(rows []stats.Count) string {
	if list := some(rows); list != "" {
		return ": " + list
	}
	return ""
}

// some lists the most frequent of the rows that are not zero; rows of one name are
// added up.
func some(rows []stats.Count) string {
	var sums []stats.Count
	for _, row := range rows {
		i := slices.IndexFunc(sums, func(sum stats.Count) bool { return sum.Name == row.Name })
		if i < 0 {
			i, sums = len(sums), append(sums, stats.Count{Name: row.Name})
		}
		sums[i].N += row.N
	}
	sums = nonZero(sums)
	slices.SortStableFunc(sums, func(a, b stats.Count) int { return cmp.Compare(b.N, a.N) })
	var parts []string
	for _, row := range sums[:min(len(sums), reasonsShown)] {
		parts = append(parts, grouped(row.N)+" "+row.Name)
	}
	if len(sums) > reasonsShown {
		parts = append(parts, grouped(stats.Sum(sums[reasonsShown:]))+" other")
	}
	return strings.Join(parts, ", ")
}

// Progress is how the run goes. The first inputs are its sources.
func (l Ledger) Progress(inputs int) (p console.Progress) {
	for _, in := range l.Inputs[:inputs] {
		p.Messages += in.Read
		for _, row := range in.Before {
			if row.Kind == stats.Lost {
				p.Lost += row.N
			}
		}
	}
	for _, out := range l.Outputs {
		p.Lost += out.Shed
		p.Failed += out.Failed()
		p.Queued += out.Pending()
	}
	return p
}
