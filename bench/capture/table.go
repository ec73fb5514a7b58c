package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/buger/gor/bench/figures"
	"github.com/buger/gor/bench/loadgen"
)

// Goals that Gor is held to.
const (
	mostOfTcpdumpCPU = 4.0 // times, in the get case
	leastOfTcpdump   = 1.0 // throughput beside it, in the get case
	mostOfTcpdumpP99 = 1.5 // times the p99 beside it, in the get case
	mostMemory       = 48  // MB resident, in the get and post1k cases
)

// A table is the measurements of one case over one link.
type table struct {
	link   string
	kind   loadgen.Case
	o      options
	rounds map[string][]measurement // by captor
}

func newTable(link string, kind loadgen.Case, o options) *table {
	return &table{link: link, kind: kind, o: o, rounds: map[string][]measurement{}}
}

func (t *table) add(captor string, m measurement) { t.rounds[captor] = append(t.rounds[captor], m) }

func (t *table) ratio(a, b string, f func(measurement) float64) float64 {
	return figures.Ratio(t.rounds[a], t.rounds[b], f)
}

func (t *table) median(captor string, f func(measurement) float64) float64 {
	return figures.Median(t.rounds[captor], f)
}

func p50Of(m measurement) float64    { return m.latency.p50.Seconds() * 1000 }
func p99Of(m measurement) float64    { return m.latency.p99.Seconds() * 1000 }
func p999Of(m measurement) float64   { return m.latency.p999.Seconds() * 1000 }
func rateOf(m measurement) float64   { return m.rate }
func cpuOf(m measurement) float64    { return m.per100k() }
func memoryOf(m measurement) float64 { return float64(m.memory) / (1 << 20) }

func (t *table) write(w io.Writer) error {
	load := "loadgen"
	if t.kind == loadgen.Get {
		load = "wrk"
	}
	fmt.Fprintf(w, "\n%v over %s: nginx with one worker, %s with %d connections, %d s; medians, and sums, of %d rounds\n\n",
		t.kind, t.link, load, t.o.conns, t.o.seconds, t.o.rounds)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "beside\trequests/s\tof nothing\tof tcpdump\tp50 ms\tp99 ms\tof tcpdump\tp99.9 ms\tCPU s/100k\tof tcpdump\tresident MB\trecorded\twrong\tpackets dropped\tkept\t")
	for _, c := range t.o.captors {
		fmt.Fprintf(tw, "%s\t%.0f\t%.2f\t%.2f\t", c.name, t.median(c.name, rateOf), t.ratio(c.name, nothing, rateOf), t.ratio(c.name, tcpdump, rateOf))
		fmt.Fprintf(tw, "%.3f\t%.3f\t%.2f\t%.3f\t", t.median(c.name, p50Of), t.median(c.name, p99Of), t.ratio(c.name, tcpdump, p99Of), t.median(c.name, p999Of))
		if c.program == "" {
			fmt.Fprintln(tw, "\t\t\t\t\t\t\t")
			continue
		}
		list := t.rounds[c.name]
		fmt.Fprintf(tw, "%.3f\t%.2f\t%.1f\t%s\t%s\t%s\t%s\t\n", t.median(c.name, cpuOf), t.ratio(c.name, tcpdump, cpuOf), t.median(c.name, memoryOf),
			recordedOf(list), sumOf(list, wrongOf), sumOf(list, func(m measurement) int64 { return m.dropped }), shareKept(list))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for _, goal := range t.goals() {
		if _, err := fmt.Fprintln(w, goal); err != nil {
			return err
		}
	}
	return nil
}

// shareKept is the share of the packets that a captor's filter passed which it
// had, empty when one round does not say. tcpdump counts both directions.
func shareKept(list []measurement) string {
	kept, all := int64(0), int64(0)
	for _, m := range list {
		if m.kept < 0 || m.dropped < 0 {
			return ""
		}
		kept, all = kept+m.kept, all+m.kept+m.dropped
	}
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f%%", 100*float64(kept)/float64(all))
}

func wrongOf(m measurement) int64 {
	if m.recorded < 0 {
		return -1
	}
	return m.wrong
}

// recordedOf is how many requests of all rounds were recorded, of how many. wrk
// does not count those whose answers it did not wait for at its end.
func recordedOf(list []measurement) string {
	recorded, sent := int64(0), int64(0)
	for _, m := range list {
		if m.recorded < 0 {
			return ""
		}
		recorded, sent = recorded+m.recorded, sent+m.requests
	}
	return fmt.Sprintf("%d of %d", recorded, sent)
}

// sumOf is the sum over all rounds, empty when one is unknown.
func sumOf(list []measurement, f func(measurement) int64) string {
	sum := int64(0)
	for _, m := range list {
		n := f(m)
		if n < 0 {
			return ""
		}
		sum += n
	}
	return fmt.Sprint(sum)
}

// goals says which of the goals for this case Gor meets.
func (t *table) goals() (lines []string) {
	if t.kind == loadgen.Get {
		cpu, rate, p99 := t.ratio(ourGor, tcpdump, cpuOf), t.ratio(ourGor, tcpdump, rateOf), t.ratio(ourGor, tcpdump, p99Of)
		lines = append(lines,
			fmt.Sprintf("goal %s: CPU %.2f times tcpdump's, at most %.0f", figures.Verdict(cpu <= mostOfTcpdumpCPU), cpu, mostOfTcpdumpCPU),
			fmt.Sprintf("goal %s: throughput %.3f of that beside tcpdump, at least %.0f", figures.Verdict(rate >= leastOfTcpdump), rate, leastOfTcpdump),
			fmt.Sprintf("goal %s: the server's p99 %.2f times that beside tcpdump, at most %.1f", figures.Verdict(p99 <= mostOfTcpdumpP99), p99, mostOfTcpdumpP99))
	}
	if t.kind == loadgen.Get || t.kind == loadgen.Post1k {
		most := 0.0 // of any round: a ceiling has no median
		for _, m := range t.rounds[ourGor] {
			most = max(most, memoryOf(m))
		}
		lines = append(lines, fmt.Sprintf("goal %s: %.1f MB resident, at most %d", figures.Verdict(most <= mostMemory), most, mostMemory))
	}
	return lines
}
