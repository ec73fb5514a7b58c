package main

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	equationLine = regexp.MustCompile(`messages: (\d+) (?:in|offered) = (.*)`)
	equationTerm = regexp.MustCompile(`(\d+) [a-zA-Z]`)
	inBrackets   = regexp.MustCompile(`\([^)]*\)`)
)

// wantSums checks every equation of a ledger that a program printed, and that
// the reasons for failures sum to the failures.
func wantSums(t *testing.T, said string) {
	t.Helper()
	lines := 0
	for line := range strings.Lines(said) {
		m := equationLine.FindStringSubmatch(line)
		if m == nil || strings.HasPrefix(line, "gor: stats") {
			continue
		}
		lines++
		if left, right := atoi(t, m[1]), sumTerms(t, inBrackets.ReplaceAllString(m[2], "")); left != right {
			t.Errorf("the ledger's sum is %d, not %d: %s", right, left, line)
		}
		if reasons := inBrackets.FindString(m[2]); reasons != "" {
			failed := regexp.MustCompile(`(\d+) failed`).FindStringSubmatch(m[2])
			if failed == nil || atoi(t, failed[1]) != sumTerms(t, reasons) {
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
		sum += atoi(t, m[1])
	}
	return sum
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	must(t, err)
	return n
}
