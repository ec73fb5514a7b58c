// Package threshold decides whether a run was good enough: conditions such as
// "failed>1%" and "p99>500ms" are read at the start and held against the ledger
// at the end.
package threshold

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A List is conditions, each of which makes a run a failure. The zero value has
// none.
type List []Condition

// A Condition compares one figure with a bound.
type Condition struct {
	text  string // as it was typed, without spaces around it
	what  kind
	name  string // of a sum or a row, or the percentile as it was typed
	rank  float64
	code  int // a status, or the first digit of a class
	op    string
	bound *big.Rat // a number, a percentage, or ns; so that 3 of 3000 are exactly 0.1%
	unit  unit
}

// A kind says where a condition's figure comes from. The zero value is none.
type kind uint8

const (
	_         kind = iota
	sum            // of an input or output, by its name in the ledger
	row            // one reason
	status         // answers of one status
	class          // answers of one class of statuses
	quantile       // of the latency
	longest        // latency
	meanOfAll      // latency
	different      // statuses that are not the recorded ones
)

type unit uint8

const (
	count unit = iota
	percent
	duration
)

// operators, the longer before those that they begin with.
var operators = [...]string{">=", "<=", "!=", "==", ">", "<", "="}

// maxConditions bounds a list, and maxText one condition: far more than anybody
// types, so that a file of settings gone wrong is refused and not read for long.
const (
	maxConditions = 100
	maxText       = 200
)

// sums are what the ledger adds up.
var sums = [...]string{"read", "limited", "filtered", "passed", "lost", "offered", "shed", "delivered", "failed", "unsent", "kept", "ignored"}

// Parse reads conditions that commas part. reasons are the names of the ledger's
// rows that a condition may name beside its sums, as "refused" and "lost: gap".
func Parse(text string, reasons []string) (List, error) {
	var list List
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		if len(list) == maxConditions {
			return nil, fmt.Errorf("more than %d conditions", maxConditions)
		}
		c, err := parseOne(part, reasons)
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

func parseOne(text string, reasons []string) (Condition, error) {
	c := Condition{text: text}
	switch {
	case text == "":
		return c, errors.New(`want conditions such as "failed>1%,5xx>0,p99>500ms", with nothing empty between the commas`)
	case len(text) > maxText:
		return c, fmt.Errorf("a condition is longer than %d characters", maxText)
	}
	at := strings.IndexAny(text, "<>=!")
	if at < 0 {
		return c, fmt.Errorf("%q has no comparison; write it as in %s>0", text, text)
	}
	for _, op := range operators {
		if strings.HasPrefix(text[at:], op) {
			c.op = op
			break
		}
	}
	if c.op == "" { // a ! alone
		return c, fmt.Errorf("%q has no comparison; > >= < <= = and != are understood", text)
	}
	if err := c.parseFigure(strings.TrimSpace(text[:at]), reasons); err != nil {
		return c, err
	}
	return c, c.parseBound(strings.TrimSpace(text[at+len(c.op):]))
}

// parseFigure reads what stands before the comparison.
func (c *Condition) parseFigure(typed string, reasons []string) error {
	name := strings.ToLower(typed)
	if slices.Contains(sums[:], name) {
		c.what, c.name = sum, name
		return nil
	}
	switch {
	case name == "":
		return fmt.Errorf("%q says no figure before the comparison; write it as in failed%s", c.text, c.text)
	case name == "max":
		c.what = longest
		return nil
	case name == "mean":
		c.what = meanOfAll
		return nil
	case name == "different":
		c.what = different
		return nil
	case len(name) == 3 && name[1:] == "xx" && name[0] >= '1' && name[0] <= '9':
		c.what, c.code = class, int(name[0]-'0')
		return nil
	}
	if n, err := strconv.ParseUint(name, 10, 16); err == nil {
		if n < 100 || n > 999 {
			return fmt.Errorf("%q: a status has three digits, as in 503>0", c.text)
		}
		c.what, c.code = status, int(n)
		return nil
	}
	if rank, is := strings.CutPrefix(name, "p"); is {
		if q, err := strconv.ParseFloat(rank, 64); err == nil {
			if !(q > 0 && q < 100) {
				return fmt.Errorf("%q: a percentile lies between p0 and p100, as in p99>500ms; the longest of all is max", c.text)
			}
			c.what, c.name, c.rank = quantile, name, q/100
			return nil
		}
	}
	for _, reason := range reasons {
		if plain(reason) == plain(name) {
			c.what, c.name = row, plain(reason)
			return nil
		}
	}
	return fmt.Errorf("%q: no figure is called %q; there are %s, statuses (5xx, 503, or different from the recorded ones), latencies (p50, p95, p99.9, mean, max) and each reason in the summary, such as refused or timeout",
		c.text, typed, strings.Join(sums[:], ", "))
}

// plain is a row's name as conditions have it: without what it is a reason of, and
// with spaces or hyphens between its words.
func plain(row string) string {
	row = strings.ToLower(row)
	for _, of := range [...]string{"failed: ", "lost: "} {
		row = strings.TrimPrefix(row, of)
	}
	return strings.NewReplacer("-", " ", "_", " ").Replace(row)
}

// parseBound reads what stands behind the comparison.
func (c *Condition) parseBound(typed string) error {
	latency := c.what == quantile || c.what == longest || c.what == meanOfAll
	if number, is := strings.CutSuffix(typed, "%"); is && !latency {
		p, ok := decimal(strings.TrimSpace(number))
		if !ok || p.Cmp(big.NewRat(100, 1)) > 0 {
			return fmt.Errorf("%q: want a percentage from 0%% to 100%%", c.text)
		}
		c.unit, c.bound = percent, p
		return nil
	}
	if latency {
		d, err := time.ParseDuration(typed)
		if err != nil || d < 0 {
			return fmt.Errorf("%q: want a duration such as 500ms or 1.5s", c.text)
		}
		c.unit, c.bound = duration, new(big.Rat).SetInt64(int64(d))
		return nil
	}
	n, err := strconv.ParseUint(typed, 10, 64)
	if err != nil {
		return fmt.Errorf("%q: want a whole number or a percentage, such as 10 or 1%%", c.text)
	}
	c.bound = new(big.Rat).SetUint64(n)
	return nil
}

// decimal reads digits with a point among them at most: an exponent could be any
// size.
func decimal(s string) (*big.Rat, bool) {
	if strings.Trim(s, "0123456789.") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}

// holds compares a figure with the bound.
func (c *Condition) holds(figure *big.Rat) bool {
	cmp := figure.Cmp(c.bound)
	switch c.op {
	case ">":
		return cmp > 0
	case ">=":
		return cmp >= 0
	case "<":
		return cmp < 0
	case "<=":
		return cmp <= 0
	case "!=":
		return cmp != 0
	}
	return cmp == 0
}

// String is the condition as it was typed.
func (c Condition) String() string { return c.text }

// NeedsStatuses returns the first condition that compares statuses, if any, and
// NeedsLatency the first that compares latencies.
func (l List) NeedsStatuses() (Condition, bool) { return l.first(status, class, different) }

// NeedsLatency is described there.
func (l List) NeedsLatency() (Condition, bool) { return l.first(quantile, longest, meanOfAll) }

func (l List) first(of ...kind) (Condition, bool) {
	for _, c := range l {
		if slices.Contains(of, c.what) {
			return c, true
		}
	}
	return Condition{}, false
}
