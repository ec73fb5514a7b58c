package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/stats"
)

// A report is what a plugin says of itself at the end, beyond its counts:
// lines for people, and the same as values for programs.
type report struct {
	w      io.Writer
	values map[string]any
}

func newReport(w io.Writer) *report { return &report{w: w, values: map[string]any{}} }

// line adds a line for people. Whoever cannot take it has no use for an error.
func (r *report) line(format string, args ...any) {
	_, _ = io.WriteString(r.w, console.Clean(fmt.Sprintf(format, args...))+"\n")
}

// value adds what --summary-json shows under that name.
func (r *report) value(name string, v any) { r.values[name] = v }

// durations are percentiles in seconds.
type durations struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99.9"`
	Max   float64 `json:"max"`
}

func durationsOf(s *stats.Snapshot) durations {
	q := func(f float64) float64 { return s.Quantile(f).Seconds() }
	return durations{s.Count(), q(0.5), q(0.9), q(0.99), q(0.999), s.Max().Seconds()}
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

// roundSpan leaves a duration the digits that a person reads.
func roundSpan(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
