package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/stats"
)

// The ledger says what became of every message. For an input,
//
//	read = limited + filtered + passed
//
// and for an output, of which all get what all inputs passed, or with
// --split-output a share,
//
//	offered = shed + limited + delivered + failed + unsent + kept
//
// Responses that reach an HTTP output have a term of their own.
type ledger struct {
	inputs  []inputLedger
	outputs []outputLedger
}

type inputLedger struct {
	name                            string
	read, limited, filtered, passed uint64
	before                          []stats.Count // lost before it was a message
	report                          func(*report)
}

type outputLedger struct {
	name          string
	offered, shed uint64
	fates         []stats.Count // of what it took
	report        func(*report)
}

func takeLedger(e *emitter) ledger {
	var l ledger
	flows, outlets := slices.Concat(e.flows, e.echoes), e.outputs
	if e.gate != nil {
		flows, outlets = append(flows, e.back), append([]*outlet{e.gate}, outlets...)
	}
	for _, f := range flows {
		in := inputLedger{name: f.in.String(), filtered: f.filtered.Load(), report: f.in.Report}
		for _, row := range f.in.Counts() {
			if row.Kind == stats.Limited {
				in.limited += row.N
			} else {
				in.before = append(in.before, row)
			}
		}
		crowded := f.crowded.Load() // first: never more than what was read
		if crowded > 0 {
			in.before = append(in.before, stats.Count{Name: crowdedRow, N: crowded})
		}
		read := f.read.Load() - crowded
		in.read = read + in.limited
		in.passed = read - in.filtered
		l.inputs = append(l.inputs, in)
	}
	for _, o := range outlets {
		fates := o.Counts() // first: never more than what was offered
		l.outputs = append(l.outputs, outputLedger{
			name:    o.String(),
			offered: o.offered.Load(),
			shed:    o.shed.Load(),
			fates:   fates,
			report:  o.Report,
		})
	}
	return l
}

// ignoredRow names the row of what an output has no use for: it is neither
// delivered nor failed.
const ignoredRow = "responses ignored"

// crowdedRow names the row of requests that rules could not be applied to: to
// pass them on as they are could pass on what a rule was to take out.
const crowdedRow = "too many header fields"

// writeSummary is what stands on stderr at the end. unread is how many lines
// could not be written there before.
func writeSummary(w io.Writer, e *emitter, took time.Duration, unread uint64) {
	l := takeLedger(e)
	fmt.Fprintf(w, "gor: ledger after %s\n", took.Round(time.Millisecond))
	for _, in := range l.inputs {
		fmt.Fprintf(w, "  %s\n", console.Clean(in.name))
		fmt.Fprintf(w, "    messages: %s\n", in.equation())
		if rows := nonZero(in.before); len(rows) > 0 {
			fmt.Fprintf(w, "    before that: %s\n", list(rows))
		}
		in.report(newReport(indented{w}))
	}
	for _, out := range l.outputs {
		fmt.Fprintf(w, "  %s\n", console.Clean(out.name))
		fmt.Fprintf(w, "    messages: %s\n", out.equation())
		out.report(newReport(indented{w}))
	}
	if unread > 0 {
		fmt.Fprintf(w, "  stderr: %d lines were not written: nothing read them\n", unread)
	}
}

func (in inputLedger) equation() string {
	return fmt.Sprintf("%d in = %d limited + %d filtered + %d passed on", in.read, in.limited, in.filtered, in.passed)
}

// equation always shows shed, delivered, failed and unsent; of the reasons,
// those that occurred.
func (out outputLedger) equation() string {
	terms := []string{fmt.Sprintf("%d shed", out.shed)}
	var reasons []string
	for _, row := range out.fates {
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
	term := fmt.Sprintf("%d failed", out.failed())
	if len(reasons) > 0 {
		term += " (" + strings.Join(reasons, ", ") + ")"
	}
	terms = append(terms, term)
	return fmt.Sprintf("%d offered = %s", out.offered, strings.Join(terms, " + "))
}

// failed is the sum over all reasons for which messages were not delivered.
func (out outputLedger) failed() (n uint64) {
	for _, row := range out.fates {
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

func list(rows []stats.Count) string {
	parts := make([]string, len(rows))
	for i, row := range rows {
		parts[i] = fmt.Sprintf("%d %s", row.N, row.Name)
	}
	return strings.Join(parts, ", ")
}

// printStats prints the counts so far every five seconds until done.
func (r *runner) printStats(done <-chan struct{}) {
	every(stats.GaugePeriod, done, func() {
		l := takeLedger(r.em)
		for _, in := range l.inputs {
			r.log.Printf("stats: %s: %s", in.name, in.equation())
		}
		for _, out := range l.outputs {
			r.log.Printf("stats: %s: %s", out.name, out.equation())
		}
	})
}

// printCaptures prints what the captures have counted, as often.
func (r *runner) printCaptures(done <-chan struct{}) {
	every(stats.GaugePeriod, done, func() {
		for _, line := range takeLedger(r.em).captures() {
			r.log.Printf("%s", line)
		}
	})
}

// every calls f after each period until done.
func every(period time.Duration, done <-chan struct{}, f func()) {
	t := time.NewTicker(period)
	defer t.Stop()
	for {
		select {
		case <-done:
			return
		case <-t.C:
			f()
		}
	}
}

// captures gives a line for each capture, with the rows that are not zero.
func (l ledger) captures() (lines []string) {
	for _, in := range l.inputs {
		if !strings.HasPrefix(in.name, "input-raw ") {
			continue
		}
		line := in.name + ": nothing yet"
		for i, row := range nonZero(in.before) {
			if i == 0 {
				line = in.name + ":"
			} else {
				line += ","
			}
			line += " " + row.Name + " " + grouped(row.N)
		}
		lines = append(lines, line)
	}
	return lines
}

// grouped writes n with a comma before each three digits.
func grouped(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
