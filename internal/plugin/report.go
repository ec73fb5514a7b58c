package plugin

import (
	"fmt"
	"io"
	"time"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/stats"
)

// A Report is what a plugin reports at the end, beyond its counts:
// lines for people, and the same as values for programs.
type Report struct {
	w      io.Writer
	values map[string]any

	peer     Peer
	statuses map[int]uint64
	latency  *stats.Snapshot
	compared *Compared
	counters []Counter
	unable   []string
	findings []string
}

// Compared is how many statuses of a target's answers are those that were recorded.
type Compared struct{ Equal, Different uint64 }

// A Counter is a number that only grows, as Prometheus has it, unless it is a Gauge.
type Counter struct {
	Name, Help string
	Gauge      bool
	N          uint64
	Labels     []string // name, value, name, value ...
}

// A Peer says whether an output has reached what it sends to.
type Peer int

const (
	NoPeer    Peer = iota // it sends to nobody: a file, standard output
	Unreached             // no connection was ready to carry a message so far
	Reached
)

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

// Peer says whether the output's peer was ever reached; without a call there is
// none.
func (r *Report) Peer(reached bool) {
	r.peer = Unreached
	if reached {
		r.peer = Reached
	}
}

// Statuses says how many answers had which status. The report keeps the map.
func (r *Report) Statuses(n map[int]uint64) { r.statuses = n }

// Latency says how long answers took.
func (r *Report) Latency(s *stats.Snapshot) { r.latency = s }

// Compared says how many statuses are those that were recorded, and how many are not.
func (r *Report) Compared(equal, different uint64) { r.compared = &Compared{equal, different} }

// Counter adds a number for those who collect metrics. Labels are names, each with its
// value behind it.
func (r *Report) Counter(name, help string, n uint64, labels ...string) {
	r.counters = append(r.counters, Counter{Name: name, Help: help, N: n, Labels: labels})
}

// Gauge adds a number that may fall.
func (r *Report) Gauge(name, help string, n uint64, labels ...string) {
	r.counters = append(r.counters, Counter{Name: name, Help: help, Gauge: true, N: n, Labels: labels})
}

// Unable says, in a sentence, that the output could not do what it is for, which makes
// the run a failure.
func (r *Report) Unable(sentence string) { r.unable = append(r.unable, sentence) }

// Finding says, in a sentence, what the output found that the user wants to fail for.
func (r *Report) Finding(sentence string) { r.findings = append(r.findings, sentence) }

// Figures are what a Report knows in types that programs can reckon with.
type Figures struct {
	Peer     Peer
	Statuses map[int]uint64  // how many answers had which; nil where none were read
	Latency  *stats.Snapshot // nil where none was measured
	Compared *Compared       // nil where no answers were recorded
	Counters []Counter
	Unable   []string // see Report.Unable
	Findings []string // see Report.Finding
}

// FiguresOf asks a plugin for them.
func FiguresOf(report func(*Report)) Figures {
	r := NewReport(io.Discard)
	report(r)
	return Figures{r.peer, r.statuses, r.latency, r.compared, r.counters, r.unable, r.findings}
}

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
