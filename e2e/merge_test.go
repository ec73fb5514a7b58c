package e2e

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// twoRecordings are two files whose requests, with numbers in the order of time,
// alternate.
func twoRecordings(t *testing.T, n int, gap time.Duration) (even, odd string) {
	t.Helper()
	requests, times := testkit.Steady(n, gap)
	var parts [2][][]byte
	var at [2][]time.Duration
	for i := range requests {
		parts[i%2], at[i%2] = append(parts[i%2], requests[i]), append(at[i%2], times[i])
	}
	dir := t.TempDir()
	even = testkit.WriteFile(t, filepath.Join(dir, "z.gor"), testkit.Recording(parts[0], at[0]))
	odd = testkit.WriteFile(t, filepath.Join(dir, "a.gor"), testkit.Recording(parts[1], at[1]))
	return even, odd
}

// targetsOf are the targets of a recording's requests, and how far apart the
// first and the last were recorded.
func targetsOf(t *testing.T, name string) (targets []string) {
	t.Helper()
	bodies, _ := testkit.ReadRecording(t, name, payload.Request)
	for _, body := range bodies {
		targets = append(targets, strings.Fields(string(body))[1])
	}
	return targets
}

// TestTwoRecordingsAreMerged: what two flags name is replayed on one clock, in
// the order of time, as what one pattern names is.
func TestTwoRecordingsAreMerged(t *testing.T) {
	const n = 200
	even, odd := twoRecordings(t, n, time.Millisecond)
	var want []string
	for i := range n {
		want = append(want, fmt.Sprintf("/%d", i))
	}
	for _, args := range [][]string{
		{"--input-file", even, "--input-file", odd},
		{"--input-file", even + "|max", "--input-file", odd + "|max"},
		{"--input-file", odd + "|1000000", "--input-file", even + "|100%"},
		{"--input-file", even, "--input-file", odd, "--input-file-rate", "5000"},
		{"--input-file", odd, "--input-file", even, "--input-file-read-depth", "1"},
	} {
		out := filepath.Join(t.TempDir(), "out.gor")
		code, said := testkit.RunGor(t, append(args, "--output-file", out)...)
		if got := targetsOf(t, out); code != 0 || !slices.Equal(got, want) {
			t.Errorf("gor %q: exit %d, replayed %q:\n%s", args, code, got, said)
		}
		testkit.WantSums(t, said)
		if strings.Contains(said, "not merged") {
			t.Errorf("gor %q:\n%s", args, said)
		}
	}
}

// TestRecordingsOfDifferentSpeeds: they have no time in common, and Gor says
// what it does then, --check and the dry run too.
func TestRecordingsOfDifferentSpeeds(t *testing.T) {
	even, odd := twoRecordings(t, 40, time.Millisecond)
	args := []string{"--input-file", even + "|200%", "--input-file", odd, "--output-null"}
	note := "gor: input-file: " + even + "|200% and " + odd + " have different speeds and are not merged by time: each begins at once, with its own first record; give them one speed to keep their distance\n"
	for _, more := range []string{"--check", "--input-file-dry-run", "--verbose"} {
		code, said := testkit.RunGor(t, append(slices.Clone(args), more)...)
		if code != 0 || strings.Count(said, note) != 1 {
			t.Errorf("%s: exit %d, want a line about the speeds:\n%s", more, code, said)
		}
	}
}

// TestLimitsOfMergedRecordings: the number behind one flag limits its messages
// only.
func TestLimitsOfMergedRecordings(t *testing.T) {
	even, odd := twoRecordings(t, 20, 0)
	out := filepath.Join(t.TempDir(), "out.gor")
	code, said := testkit.RunGor(t, "--input-file", even, "--input-file", odd+"|1", "--output-file", out)
	var fromEven, fromOdd int
	for _, target := range targetsOf(t, out) {
		if testkit.Atoi(t, target[1:])%2 == 0 {
			fromEven++
		} else {
			fromOdd++
		}
	}
	// All odd ones come in one second, or in more when the machine halts.
	if code != 0 || fromEven != 10 || fromOdd < 1 || fromOdd > 5 {
		t.Errorf("exit %d, %d without a limit and %d of those with one:\n%s", code, fromEven, fromOdd, said)
	}
	if !strings.Contains(said, fmt.Sprintf("messages: 20 in = %d limited + 0 filtered + %d passed on", 10-fromOdd, 10+fromOdd)) {
		t.Errorf("the sums are not right:\n%s", said)
	}
}

// TestMistakesInMergedRecordings: the flag that is wrong is named.
func TestMistakesInMergedRecordings(t *testing.T) {
	even, odd := twoRecordings(t, 4, 0)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--input-file", even, "--input-file", odd + ".missing"}, "--input-file " + odd + ".missing: "},
		{[]string{"--input-file", even, "--input-file", filepath.Dir(odd) + "/[x"}, "--input-file " + filepath.Dir(odd) + "/[x: pattern"},
		{[]string{"--input-file", even, "--input-file", odd + "|100%", "--input-file-rate", "5"}, "--input-file " + odd + "|100%: |100% and --input-file-rate 5 both set the pace"},
	} {
		for _, more := range []string{"--check", "--input-file-dry-run", "--verbose"} {
			code, said := testkit.RunGor(t, append(slices.Clone(tt.args), "--output-null", more)...)
			if code == 0 || !strings.Contains(said, tt.want) {
				t.Errorf("gor %q %s: exit %d, want %q:\n%s", tt.args, more, code, tt.want, said)
			}
		}
	}
}
