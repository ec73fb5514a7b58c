package testkit

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/buger/gor/internal/stats"
)

// What the lines of a ledger are made of.
var (
	EquationLine = regexp.MustCompile(`messages: (\d+) (?:in|offered) = (.*)`) // the left side, and the right
	equationTerm = regexp.MustCompile(`(\d+) [a-zA-Z]`)
	InBrackets   = regexp.MustCompile(`\([^)]*\)`) // reasons, behind what they add up to
)

// WantSums checks that every equation of the ledger that a Gor printed is true,
// and that the reasons for failures add up to the failures.
func WantSums(t *testing.T, said string) {
	t.Helper()
	lines := 0
	for line := range strings.Lines(said) {
		m := EquationLine.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(line, "gor: stats") {
			continue
		}
		lines++
		if left, right := Atoi(t, m[1]), sumTerms(t, InBrackets.ReplaceAllString(m[2], "")); left != right {
			t.Errorf("the ledger's sum is %d, not %d: %s", right, left, line)
		}
		if reasons := InBrackets.FindString(m[2]); reasons != "" {
			failed := regexp.MustCompile(`(\d+) failed`).FindStringSubmatch(m[2])
			if failed == nil || Atoi(t, failed[1]) != sumTerms(t, reasons) {
				t.Errorf("the reasons do not sum to the failures: %s", line)
			}
		}
	}
	if lines < 2 {
		t.Errorf("the ledger has %d equations, want one for each plugin:\n%s", lines, said)
	}
}

func sumTerms(t *testing.T, s string) (sum int) {
	for _, m := range equationTerm.FindAllStringSubmatch(s, -1) {
		sum += Atoi(t, m[1])
	}
	return sum
}

// Atoi parses a decimal number.
func Atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	Must(t, err)
	return n
}

// RowsOf adds up the rows of each name.
func RowsOf(rows []stats.Count) map[string]uint64 {
	m := make(map[string]uint64)
	for _, row := range rows {
		m[row.Name] += row.N
	}
	return m
}
