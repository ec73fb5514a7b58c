// Package ledger says what became of every message, as text for people, as
// JSON and as Prometheus reads it. For an input,
//
//	read = limited + filtered + passed
//
// and for an output, which gets all that the inputs passed or with
// --split-output a share of it,
//
//	offered = shed + limited + delivered + failed + unsent + kept
//
// Responses that reach an HTTP output have a term of their own.
package ledger

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// A Ledger is the state of all plugins at one moment, in the order of the
// command line.
type Ledger struct {
	Inputs  []Input
	Outputs []Output
}

// An Input is what became of what an input gave.
type Input struct {
	Name                            string
	Read, Limited, Filtered, Passed uint64
	Before                          []stats.Count        // of what never became a message
	Report                          func(*plugin.Report) // what the plugin says beyond its counts
}

// NewInput makes the equation of an input from its own rows, where one each
// may be of kind stats.Limited and stats.Filtered, and from how many messages it
// passed on.
func NewInput(in plugin.Input, passed uint64) Input {
	l := Input{Name: in.String(), Passed: passed, Report: in.Report}
	for _, row := range in.Counts() {
		switch row.Kind {
		case stats.Limited:
			l.Limited += row.N
		case stats.Filtered:
			l.Filtered += row.N
		default:
			l.Before = append(l.Before, row)
		}
	}
	l.Read = l.Passed + l.Limited + l.Filtered
	return l
}

// An Output is what became of what an output was offered.
type Output struct {
	Name          string
	Offered, Shed uint64
	Fates         []stats.Count // of what it took
	Report        func(*plugin.Report)
}

// NewOutput makes the equation of an output. offered and shed are asked after
// the output's own rows, which so never are more than what was offered.
func NewOutput(out plugin.Output, offered, shed func() uint64) Output {
	fates := out.Counts()
	return Output{Name: out.String(), Offered: offered(), Shed: shed(), Fates: fates, Report: out.Report}
}

// Write writes the ledger for people, as it stands on stderr at the end. unread
// is how many lines could not be written there before.
func (l Ledger) Write(w io.Writer, took time.Duration, unread uint64) {
	fmt.Fprintf(w, "gor: ledger after %s\n", took.Round(time.Millisecond))
	for _, in := range l.Inputs {
		fmt.Fprintf(w, "  %s\n", console.Clean(in.Name))
		fmt.Fprintf(w, "    messages: %s\n", in.Equation())
		if before := Words(in.Before); before != "" {
			fmt.Fprintf(w, "    before that: %s\n", before)
		}
		in.Report(plugin.NewReport(indented{w}))
	}
	for _, out := range l.Outputs {
		fmt.Fprintf(w, "  %s\n", console.Clean(out.Name))
		fmt.Fprintf(w, "    messages: %s\n", out.Equation())
		out.Report(plugin.NewReport(indented{w}))
	}
	if unread > 0 {
		fmt.Fprintf(w, "  stderr: %d lines were not written: nothing read them\n", unread)
	}
}

// Equation is the input's sum in words.
func (in Input) Equation() string {
	return fmt.Sprintf("%d in = %d limited + %d filtered + %d passed on", in.Read, in.Limited, in.Filtered, in.Passed)
}

// Equation is the output's sum in words. It always shows shed, delivered, failed
// and unsent; of the reasons, those that occurred.
func (out Output) Equation() string {
	terms := []string{fmt.Sprintf("%d shed", out.Shed)}
	var reasons []string
	for _, row := range out.Fates {
		switch {
		case row.Kind == stats.Delivered || row.Kind == stats.Unsent || row.Kind == stats.Limited:
			terms = append(terms, fmt.Sprintf("%d %s", row.N, row.Name))
		case row.N == 0:
		case row.Kind == stats.Ignored || row.Kind == stats.Kept:
			terms = append(terms, fmt.Sprintf("%d %s", row.N, row.Name))
		default:
			reasons = append(reasons, fmt.Sprintf("%d %s", row.N, strings.TrimPrefix(row.Name, "failed: ")))
		}
	}
	term := fmt.Sprintf("%d failed", out.Failed())
	if len(reasons) > 0 {
		term += " (" + strings.Join(reasons, ", ") + ")"
	}
	terms = append(terms, term)
	return fmt.Sprintf("%d offered = %s", out.Offered, strings.Join(terms, " + "))
}

// Failed is the sum over all reasons for which messages were not delivered.
func (out Output) Failed() (n uint64) {
	for _, row := range out.Fates {
		switch row.Kind {
		case stats.Delivered, stats.Unsent, stats.Limited, stats.Ignored, stats.Kept:
		default:
			n += row.N
		}
	}
	return n
}

func nonZero(rows []stats.Count) []stats.Count {
	var some []stats.Count
	for _, row := range rows {
		if row.N > 0 {
			some = append(some, row)
		}
	}
	return some
}

// Words lists the rows that are not zero: "2 delivered, 1 reset".
func Words(rows []stats.Count) string {
	var parts []string
	for _, row := range nonZero(rows) {
		parts = append(parts, fmt.Sprintf("%d %s", row.N, row.Name))
	}
	return strings.Join(parts, ", ")
}

// Pending is how many messages the output has taken and not dealt with.
func (out Output) Pending() uint64 {
	done := out.Shed + stats.Sum(out.Fates)
	return out.Offered - min(out.Offered, done)
}

// Line is what the input has counted before its messages, in one line, with
// the rows that are not zero.
func (in Input) Line() string {
	rows := nonZero(in.Before)
	if len(rows) == 0 {
		return in.Name + ": nothing yet"
	}
	parts := make([]string, len(rows))
	for i, row := range rows {
		parts[i] = row.Name + " " + grouped(row.N)
	}
	return in.Name + ": " + strings.Join(parts, ", ")
}

// grouped writes n with a comma before each three digits.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// indented puts the lines of a plugin's report below its ledger. Each Write
// is whole lines.
type indented struct{ w io.Writer }

func (i indented) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if _, err := fmt.Fprintf(i.w, "    %s", strings.TrimLeft(line, " ")); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
