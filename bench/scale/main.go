// Scale reckons what a fleet takes: hosts that capture, a topic, and hosts that replay. It is a
// model of a few products, whose factors are what the other benchmarks measure. It
// prints the table of docs/scale.md.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"text/tabwriter"
)

// A model is what one request costs, and what one host may spend.
type model struct {
	rate    float64 // requests a second of a web host
	bytes   float64 // of a request as it is recorded
	packed  float64 // share of it that zstd leaves
	capture float64 // CPU s per 100k requests that are captured
	produce float64 // and written to a topic
	consume float64 // read from it
	replay  float64 // and sent to the target

	cores     float64 // of a replay host, of which half is for Gor
	partition float64 // bytes a second that a partition takes, packed
	target    float64 // requests a second that a replay host's network and target take
	copies    float64 // of each value that the brokers keep
	days      float64 // that they keep them
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	m := model{}
	fs := flag.NewFlagSet("scale", flag.ContinueOnError)
	fs.SetOutput(stderr)
	set := func(p *float64, name string, value float64, help string) { fs.Float64Var(p, name, value, help) }
	set(&m.rate, "rate", 1000, "requests a second of each web host")
	set(&m.bytes, "bytes", 1000, "bytes of a request")
	set(&m.packed, "packed", 0.35, "share of the bytes that zstd leaves")
	set(&m.capture, "capture", captureCost, "CPU seconds to capture 100,000 requests")
	set(&m.produce, "produce", produceCost, "CPU seconds to write 100,000 requests to a topic (make bench-kafka)")
	set(&m.consume, "consume", consumeCost, "CPU seconds to read 100,000 requests from a topic (make bench-kafka)")
	set(&m.replay, "replay", replayCost, "CPU seconds to send 100,000 requests to a target (make bench-replay)")
	set(&m.cores, "cores", 4, "cores of a replay host")
	set(&m.partition, "partition", 10e6, "bytes a second that one partition takes")
	set(&m.target, "target", 50_000, "requests a second that one replay host can send")
	set(&m.copies, "copies", 3, "replicas of each value")
	set(&m.days, "days", 1, "days that the topic keeps")
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil || fs.NArg() > 0:
		return 2
	}
	if err := m.print(stdout); err != nil {
		fmt.Fprintln(stderr, "scale:", err)
		return 1
	}
	return 0
}

// Measured on two virtual cores; see docs/scale.md.
const (
	captureCost = 0.2
	produceCost = 1.5
	consumeCost = 0.35
	replayCost  = 0.9
)

// A fleet is what so many web hosts take.
type fleet struct {
	hosts      int
	rate       float64 // requests a second
	webCores   float64 // of one web host
	packed     float64 // bytes a second into the topic, once
	partitions int
	replayers  int
	disk       float64 // bytes that the brokers keep
}

func (m model) fleet(hosts int) fleet {
	f := fleet{hosts: hosts, rate: float64(hosts) * m.rate}
	f.webCores = m.rate * (m.capture + m.produce) / 1e5
	f.packed = f.rate * m.bytes * m.packed
	perHost := math.Min(m.cores/2/(m.consume+m.replay)*1e5, m.target)
	f.replayers = max(1, int(math.Ceil(f.rate/perHost)))
	// Every host needs a partition, and an even share takes several for each.
	f.partitions = max(int(math.Ceil(f.packed/m.partition)), 2*f.replayers)
	f.disk = f.packed * m.copies * m.days * 86400
	return f
}

func (m model) print(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "web hosts\trequests/s\tcores of each web host\tMB/s into the topic\tpartitions\treplay hosts\tGB on the brokers\t")
	for _, hosts := range []int{1, 10, 100, 1000} {
		f := m.fleet(hosts)
		fmt.Fprintf(tw, "%d\t%.0f\t%.3f\t%.1f\t%d\t%d\t%.0f\t\n", f.hosts, f.rate, f.webCores, f.packed/1e6, f.partitions, f.replayers, f.disk/1e9)
	}
	return tw.Flush()
}
