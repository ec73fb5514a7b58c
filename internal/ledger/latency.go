package ledger

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// latencyBounds are the buckets of latencies: those that Prometheus's libraries
// have, and finer ones below, because a target in the same network answers in
// less than its first.
var latencyBounds = []time.Duration{
	250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// addReport adds what an output reports beyond its counts: the statuses that
// came, and how long the exchanges took.
func (m *metricSet) addReport(report func(*plugin.Report), name string) {
	figures := plugin.FiguresOf(report)
	for _, status := range slices.Sorted(maps.Keys(figures.Statuses)) {
		m.add(metricDef{"", "gor_output_responses_total", "Responses of the target, by their status.", counter}, figures.Statuses[status], "output", name, "status", strconv.Itoa(status))
	}
	if c := figures.Compared; c != nil {
		def := metricDef{"", "gor_output_statuses_compared_total", "Answers of the target whose status is, or is not, that of the recorded answer.", counter}
		m.add(def, c.Equal, "output", name, "result", "equal")
		m.add(def, c.Different, "output", name, "result", "different")
	}
	m.addCounters(figures.Counters, "output", name)
	if figures.Latency != nil {
		m.addLatency(figures.Latency, name)
	}
}

// addCounters adds what an input or an output counts that no other does.
func (m *metricSet) addCounters(counters []plugin.Counter, label, name string) {
	for _, c := range counters {
		kind := counter
		if c.Gauge {
			kind = gauge
		}
		m.add(metricDef{"", c.Name, c.Help, kind}, c.N, append([]string{label, name}, c.Labels...)...)
	}
}

func (m *metricSet) addLatency(l *stats.Snapshot, name string) {
	def := metricDef{"", "gor_output_latency_seconds", "Time from when the output was handed a request to the end of its response.", histogram}
	seconds := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'g', -1, 64) }
	total := strconv.FormatUint(l.Count(), 10)
	for i, n := range l.AtMost(latencyBounds) {
		m.addTo(def, "_bucket", strconv.FormatUint(n, 10), []string{"output", name, "le", seconds(latencyBounds[i])})
	}
	m.addTo(def, "_bucket", total, []string{"output", name, "le", "+Inf"})
	m.addTo(def, "_sum", seconds(l.Sum()), []string{"output", name})
	m.addTo(def, "_count", total, []string{"output", name})
}
