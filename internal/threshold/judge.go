package threshold

import (
	"fmt"
	"math/big"
	"strconv"
	"time"

	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// A measure is a figure of one input or output.
type measure struct {
	n, of uint64 // ns where it is a latency
	words string // what n is, behind the number
	whole string // what of is, behind the number
}

// Passed holds the conditions against a ledger, and returns a line for each input
// and output of which one is true: the condition, whose it is, and its figure. A
// share of nothing is not judged, nor is a latency that nobody measured.
func (l List) Passed(of ledger.Ledger) []string {
	var lines []string
	for _, c := range l {
		for _, in := range of.Inputs {
			if m, ok := c.ofInput(in); ok {
				lines = c.judge(lines, in.Name, m)
			}
		}
		for _, out := range of.Outputs {
			if m, ok := c.ofOutput(out); ok {
				lines = c.judge(lines, out.Name, m)
			}
		}
	}
	return lines
}

// judge appends a line if the condition is true.
func (c *Condition) judge(lines []string, whose string, m measure) []string {
	figure := new(big.Rat).SetUint64(m.n)
	if c.unit == percent {
		if m.of == 0 {
			return lines
		}
		figure.Mul(figure, big.NewRat(100, 1)).Quo(figure, new(big.Rat).SetUint64(m.of))
	}
	if !c.holds(figure) {
		return lines
	}
	text := fmt.Sprintf("%s: %s: ", c.text, whose)
	switch {
	case c.unit == duration:
		text += fmt.Sprintf("%s was %s", m.words, time.Duration(m.n).Round(time.Microsecond))
	case m.of == 0 || m.whole == "":
		text += fmt.Sprintf("%d %s", m.n, m.words)
	default:
		text += fmt.Sprintf("%d of %d %s %s (%s%%)", m.n, m.of, m.whole, m.words, share(float64(m.n)/float64(m.of)))
	}
	return append(lines, text)
}

// share writes a part of 1 in percent, with as many digits as show that it is
// neither nothing nor all.
func share(part float64) string {
	for digits := 1; digits < 6; digits++ {
		text := strconv.FormatFloat(100*part, 'f', digits, 64)
		if n, _ := strconv.ParseFloat(text, 64); (n > 0 || part == 0) && (n < 100 || part >= 1) {
			return text
		}
	}
	return strconv.FormatFloat(100*part, 'g', 3, 64)
}

func (c *Condition) ofInput(in ledger.Input) (measure, bool) {
	lost := uint64(0)
	for _, r := range in.Before {
		if r.Kind == stats.Lost {
			lost += r.N
		}
	}
	read := in.Read
	switch {
	case c.what == row:
		for _, r := range in.Before {
			if plain(r.Name) == c.name {
				return measure{r.N, read + lost, c.name, "messages:"}, true
			}
		}
		return measure{}, false
	case c.what != sum:
		return measure{}, false
	}
	switch c.name {
	case "read":
		return measure{n: read, words: "read"}, true
	case "limited":
		return measure{in.Limited, read, "limited", "messages"}, true
	case "filtered":
		return measure{in.Filtered, read, "filtered", "messages"}, true
	case "passed":
		return measure{in.Passed, read, "passed on", "messages"}, true
	case "lost":
		return measure{lost, read + lost, "lost", "messages"}, true
	}
	return measure{}, false
}

func (c *Condition) ofOutput(out ledger.Output) (measure, bool) {
	wanted := out.Wanted()
	of := func(words string, n uint64) (measure, bool) {
		return measure{n, wanted, words, "messages"}, true
	}
	switch c.what {
	case row:
		for _, r := range out.Fates {
			if plain(r.Name) == c.name {
				return measure{r.N, wanted, c.name, "messages:"}, true
			}
		}
		return measure{0, wanted, c.name, "messages:"}, true
	case different:
		if n := plugin.FiguresOf(out.Report).Compared; n != nil {
			return measure{n.Different, n.Equal + n.Different, "different", "statuses"}, true
		}
	case status, class:
		return c.ofStatuses(plugin.FiguresOf(out.Report).Statuses)
	case quantile, longest, meanOfAll:
		return c.ofLatency(plugin.FiguresOf(out.Report).Latency)
	case sum:
		switch c.name {
		case "offered":
			return measure{n: out.Offered, words: "offered"}, true
		case "shed":
			return of("shed", out.Shed)
		case "failed":
			return of("failed", out.Failed())
		case "limited", "delivered", "unsent", "kept", "ignored":
			kind := map[string]stats.Kind{"limited": stats.Limited, "delivered": stats.Delivered, "unsent": stats.Unsent, "kept": stats.Kept, "ignored": stats.Ignored}[c.name]
			if c.name == "ignored" {
				wanted = out.Offered
			}
			return of(c.name, out.Sum(kind))
		}
	}
	return measure{}, false
}

func (c *Condition) ofStatuses(n map[int]uint64) (measure, bool) {
	if n == nil {
		return measure{}, false
	}
	m := measure{whole: "answers", words: strconv.Itoa(c.code)}
	if c.what == class {
		m.words += "xx"
	}
	m.words = "were " + m.words
	for code, times := range n {
		m.of += times
		if code == c.code || c.what == class && code/100 == c.code {
			m.n += times
		}
	}
	if m.of == 0 {
		m.whole, m.words = "", "answers "+m.words
	}
	return m, true
}

func (c *Condition) ofLatency(s *stats.Snapshot) (measure, bool) {
	if s == nil || s.Count() == 0 {
		return measure{}, false
	}
	switch c.what {
	case longest:
		return measure{n: uint64(s.Max()), words: "the longest latency"}, true
	case meanOfAll:
		return measure{n: uint64(s.Mean()), words: "the mean latency"}, true
	}
	return measure{n: uint64(s.Quantile(c.rank)), words: c.name}, true
}
