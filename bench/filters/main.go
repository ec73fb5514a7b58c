// Filters measures what filters and rewrites cost: Gor from a recording to
// --output-null as fast as it can, without a rule, with one of each kind, and
// with ten, in turn; and what the ten's regular expressions take by themselves.
// Run it with make bench-filters.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/buger/gor/bench/figures"
)

// Goals that Gor is held to.
const (
	leastRate = 2_000_000 // records a second without rules
	mostCost  = 1.0       // µs a request for ten rules, beyond their expressions
)

// A ruleSet is a run of the table.
type ruleSet struct {
	name string
	args []string
}

// tenRules pass every request of the mix, and each of them has work to do.
var tenRules = []string{
	"--http-allow-method", "GET", "--http-allow-method", "POST",
	"--http-allow-url", "^/v1/",
	"--http-disallow-url", "^/admin",
	"--http-allow-header", "api-version:^v1",
	"--http-header-limiter", "user-id:100%",
	"--http-basic-auth-filter", "^user[0-9]+:",
	"--http-set-header", "X-Replay: yes",
	"--http-set-param", "replay=1",
	"--http-rewrite-url", "/v1/user/([^/]+)/item:/v2/user/$1/item",
	"--http-rewrite-header", "Host: (.*).example.com,$1.beta.example.com",
}

func ruleSets() []ruleSet {
	sets := []ruleSet{{"no rule", nil}}
	for i := 0; i < len(tenRules); i += 2 {
		name := strings.TrimPrefix(tenRules[i], "--")
		if i >= 2 && tenRules[i] == tenRules[i-2] {
			continue // the second method
		}
		sets = append(sets, ruleSet{name, tenRules[i : i+2]})
	}
	// One method alone would drop the others.
	sets[1].args = tenRules[:4]
	return append(sets, ruleSet{"ten rules", tenRules})
}

// own is what the expressions of tenRules take: each is asked what the rule
// has to ask it, no more.
type own struct {
	allow, disallow, header, auth, url, host *regexp.Regexp
}

func newOwn() own {
	c := regexp.MustCompile
	return own{c("^/v1/"), c("^/admin"), c("^v1"), c("^user[0-9]+:"), c("/v1/user/([^/]+)/item"), c("(.*).example.com")}
}

// time is the time for one request, of requests.
func (o own) time(requests []request) time.Duration {
	type values struct{ target, hostTarget, version, auth, host []byte }
	list := make([]values, len(requests))
	for i, r := range requests {
		list[i] = values{[]byte(r.target), []byte(host + r.target), []byte(r.version), []byte(r.auth), []byte(host)}
	}
	url, beta := []byte("/v2/user/$1/item"), []byte("$1.beta.example.com")
	matched := 0
	began := time.Now()
	for _, v := range list {
		if o.allow.Match(v.target) && !o.disallow.Match(v.target) && !o.disallow.Match(v.hostTarget) && o.header.Match(v.version) && o.auth.Match(v.auth) {
			matched += len(o.url.ReplaceAll(v.target, url)) + len(o.host.ReplaceAll(v.host, beta))
		}
	}
	took := time.Since(began)
	if matched == 0 {
		panic("the requests do not fit the rules")
	}
	return took / time.Duration(len(list))
}

// A figure is one run of Gor.
type figure struct {
	rate float64 // records a second
	cpu  float64 // µs a record, of user and kernel
}

func measure(ctx context.Context, gor, file string, n int, args []string) (figure, error) {
	cmd := exec.CommandContext(ctx, gor, append([]string{"--input-file", file + "|max", "--output-null"}, args...)...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	var said strings.Builder
	cmd.Stderr = &said
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return figure{}, fmt.Errorf("%w: %s", err, said.String())
	}
	took := time.Since(began)
	if want := fmt.Sprintf("%d offered = 0 shed + %d delivered", n, n); !strings.Contains(said.String(), want) {
		return figure{}, fmt.Errorf("%q: not every request passed:\n%s", args, said.String())
	}
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return figure{float64(n) / took.Seconds(), float64(cpu.Nanoseconds()) / 1000 / float64(n)}, nil
}

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "filters: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("filters", flag.ContinueOnError)
	fs.SetOutput(stderr)
	gor := fs.String("gor", "./gor", "the Gor to measure")
	requests := fs.Int("requests", 1_000_000, "requests of the recording")
	rounds := fs.Int("rounds", 5, "runs of each set of rules")
	folder := fs.String("dir", tmpfs(), "where the recording is made")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *requests < 1 || *rounds < 1 {
		return errors.New("want at least one request and round")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp(*folder, "gor-bench-filters")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "mix.gor")
	size, first, err := writeMix(file, *requests, 50_000)
	if err != nil {
		return err
	}
	figuresOf := map[string][]figure{}
	var alone []time.Duration
	for range *rounds {
		for _, set := range ruleSets() {
			f, err := measure(ctx, *gor, file, *requests, set.args)
			if err != nil {
				return err
			}
			figuresOf[set.name] = append(figuresOf[set.name], f)
		}
		alone = append(alone, newOwn().time(first))
	}
	fmt.Fprintf(stdout, "%d records of %d bytes each, to --output-null on one core; medians of %d rounds\n\n", *requests, size/int64(*requests), *rounds)
	return report(stdout, figuresOf, alone)
}

// tmpfs is where files are in memory, so that no disk counts.
func tmpfs() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}

func report(w io.Writer, of map[string][]figure, alone []time.Duration) error {
	cpu := func(f figure) float64 { return f.cpu }
	rate := func(f figure) float64 { return f.rate }
	bare := of["no rule"]
	// The cost beside the run without a rule of the same round.
	cost := func(name string) float64 {
		var diffs []float64
		for i, f := range of[name] {
			diffs = append(diffs, f.cpu-bare[i].cpu)
		}
		return figures.Median(diffs, func(f float64) float64 { return f })
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "rules\trecords/s\tCPU s/100k\tcost of the rules, µs a request\t")
	for _, set := range ruleSets() {
		list := of[set.name]
		fmt.Fprintf(tw, "%s\t%.0f\t%.3f\t%.2f\t\n", set.name, figures.Median(list, rate), figures.Median(list, cpu)/10, cost(set.name))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	expressions := figures.Median(alone, func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 })
	beyond := cost("ten rules") - expressions
	best := figures.Median(bare, rate)
	fmt.Fprintf(w, "\nthe regular expressions of the ten rules alone: %.2f µs a request\n", expressions)
	fmt.Fprintf(w, "ten rules beyond that: %.2f µs a request (goal %.1f): %s\n", beyond, mostCost, figures.Verdict(beyond <= mostCost))
	_, err := fmt.Fprintf(w, "without rules: %.0f records/s (goal %d): %s\n", best, leastRate, figures.Verdict(best >= leastRate))
	return err
}
