package main

import (
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// barWidth and columns are how wide the pictures are, in characters.
const (
	barWidth = 24
	columns  = 60
)

// compare draws what both sites saw and fails unless every request arrived once
// and unchanged.
func compare(was, is []request) error {
	before, after := byKind(was), byKind(is)
	most := max(1, slices.Max(append(slices.Collect(maps.Values(before)), 0)))
	say("   %-13s %-*s %s", "", barWidth+5, "production", "staging")
	for _, kind := range slices.Sorted(maps.Keys(before)) {
		say("   %-13s %-*s %s", kind, barWidth+5, bar(before[kind], most), bar(after[kind], most))
	}
	say("")
	say("   requests over time, one column for %s", columnTime(was).Round(time.Millisecond))
	say("   production    %s", timeline(was, columnTime(was)))
	say("   staging       %s", timeline(is, columnTime(was)))
	say("")

	sums := map[[sha256.Size]byte]int{}
	for _, r := range was {
		sums[r.sum]++
	}
	same := 0
	for _, r := range is {
		if sums[r.sum] > 0 {
			sums[r.sum]--
			same++
		}
	}
	say("   %d of %d requests reached staging; method, path, number and body are equal in %d", len(is), len(was), same)
	if same != len(was) || len(is) != len(was) {
		return errors.New("staging did not see what production saw")
	}
	return nil
}

func byKind(list []request) map[string]int {
	n := map[string]int{}
	for _, r := range list {
		n[r.kind]++
	}
	return n
}

// bar is n as a bar and a number, most being the longest bar.
func bar(n, most int) string {
	return strings.Repeat("█", n*barWidth/most) + " " + strconv.Itoa(n)
}

// columnTime is how much time a column of the timeline stands for.
func columnTime(list []request) time.Duration {
	if len(list) < 2 {
		return time.Millisecond
	}
	return list[len(list)-1].at.Sub(list[0].at)/columns + 1
}

// timeline draws how many requests came in each column's time.
func timeline(list []request, column time.Duration) string {
	var counts [columns]int
	most := 1
	for _, r := range list {
		i := min(int(r.at.Sub(list[0].at)/column), columns-1)
		counts[i]++
		most = max(most, counts[i])
	}
	levels := []rune(" ▁▂▃▄▅▆▇█")
	var line strings.Builder
	for _, n := range counts {
		line.WriteRune(levels[(n*(len(levels)-1)+most-1)/most])
	}
	return line.String()
}
