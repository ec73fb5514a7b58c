package plugin

import (
	"fmt"
	"io"
	"time"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/stats"
)

// A Report is what a plugin says of itself at the end, beyond its counts:
// lines for people, and the same as values for programs.
type Report struct {
	w      io.Writer
	values map[string]any
}

// NewReport returns a Report whose lines go to w.
func NewReport(w io.Writer) *Report { return &Report{w: w, values: map[string]any{}} }

// Line adds a line for people. Whoever cannot take it has no use for an error.
func (r *Report) Line(format string, args ...any) {
	_, _ = io.WriteString(r.w, console.Clean(fmt.Sprintf(format, args...))+"\n")
}

// Value adds what programs find under that name.
func (r *Report) Value(name string, v any) { r.values[name] = v }

// Values are what Value added so far. The caller must not change them.
func (r *Report) Values() map[string]any { return r.values }

// Durations are percentiles in seconds.
type Durations struct {
	Count uint64  `json:"count"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p99.9"`
	Max   float64 `json:"max"`
}

// DurationsOf takes them from a histogram.
func DurationsOf(s *stats.Snapshot) Durations {
	q := func(f float64) float64 { return s.Quantile(f).Seconds() }
	return Durations{s.Count(), q(0.5), q(0.9), q(0.99), q(0.999), s.Max().Seconds()}
}

// RoundSpan leaves a duration the digits that a person reads.
func RoundSpan(d time.Duration) time.Duration {
	if d < 10*time.Second {
		return d.Round(time.Millisecond)
	}
	return d.Round(100 * time.Millisecond)
}
