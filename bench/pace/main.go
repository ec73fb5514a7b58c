// Pace measures how exactly a replay keeps the recorded times: the receiver
// stamps every request, and the stamps are compared with the plan. Beside Gor
// runs a control, which does nothing but keep the times: what it is late by,
// the machine is late by. Run it with make bench-pace.
//
// How long a request is on its way is unknown, and about the same for all: the
// least of it is taken off, so that every error is a delay.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/buger/gor/bench/figures"
	"github.com/buger/gor/internal/payload"
)

// Goals that Gor is held to.
const (
	goalP50    = 100 * time.Microsecond
	goalP90    = 300 * time.Microsecond
	goalP99    = 1.5 // times the control's
	goalOffset = time.Millisecond
)

// roleVar makes this program the control.
const roleVar = "GOR_BENCH_ROLE"

func main() {
	var err error
	if os.Getenv(roleVar) == "control" {
		err = controlMain(os.Args[1:])
	} else {
		err = measureMain(os.Args[1:], os.Stdout, os.Stderr)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "pace: %v\n", err)
		os.Exit(1)
	}
}

// A plan is when each request is due, after the first.
type plan struct {
	name  string
	times []time.Duration
}

func plans(seconds int) []plan {
	span := time.Duration(seconds) * time.Second
	random := rand.New(rand.NewPCG(1, 2))
	constant := plan{name: "1,000/s, constant"}
	for at := time.Duration(0); at < span; at += time.Millisecond {
		constant.times = append(constant.times, at)
	}
	poisson := plan{name: "2,000/s, Poisson"}
	for at := time.Duration(0); at < span; at += time.Duration(random.ExpFloat64() * float64(500*time.Microsecond)) {
		poisson.times = append(poisson.times, at)
	}
	list := []plan{constant, poisson}
	// So many requests 100 µs apart, ten times a second and irregularly.
	for _, size := range []int{8, 50} {
		bursts := plan{name: fmt.Sprintf("bursts of %d", size)}
		for at := time.Duration(0); at < span; at += time.Duration(50+random.IntN(100)) * time.Millisecond {
			for i := range size {
				bursts.times = append(bursts.times, at+time.Duration(i)*100*time.Microsecond)
			}
		}
		list = append(list, bursts)
	}
	return list
}

// answerTimes is how long the receiver takes: what it takes for one request must
// not be seen in when the next one comes.
func answerTimes() []time.Duration {
	return []time.Duration{0, 20 * time.Millisecond, 200 * time.Millisecond}
}

// sessions is the sender that keeps the recorded connections.
const sessions = "gor, sessions"

// connections is how many recorded connections a plan's requests alternate on.
const connections = 4

func (p plan) write(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close() // again, after an error
	w := bufio.NewWriter(f)
	for i, at := range p.times {
		msg := payload.AppendMeta(nil, payload.Meta{
			Type: payload.Request, ID: payload.AppendID(nil, uint64(i%connections), uint32(i/connections)),
			Time: 1_700_000_000_000_000_000 + int64(at), Length: -1,
		})
		if _, err := w.Write(payload.AppendRecord(nil, append(msg, request(i)...))); err != nil {
			return err
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

func request(i int) string {
	return fmt.Sprintf("GET /%d HTTP/1.1\r\nHost: pace\r\n\r\n", i)
}

func measureMain(args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("pace", flag.ContinueOnError)
	fs.SetOutput(stderr)
	gor := fs.String("gor", "./gor", "the Gor to measure")
	seconds := fs.Int("seconds", 5, "length of each replay")
	rounds := fs.Int("rounds", 3, "replays of each program and plan")
	only := fs.String("plan", "", "measure the plans with this in their names")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *seconds < 1 || *rounds < 1 {
		return errors.New("want at least one second and round")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "gor-bench-pace")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, p := range plans(*seconds) {
		if !strings.Contains(p.name, *only) {
			continue
		}
		file := filepath.Join(dir, "requests.gor")
		if err := p.write(file); err != nil {
			return err
		}
		senders := []sender{
			{"gor", nil, []string{*gor, "--input-file", file, "--output-http", "{addr}"}},
			{sessions, nil, []string{*gor, "--input-file", file, "--output-http", "{addr}", "--recognize-tcp-sessions"}},
			{"control", []string{roleVar + "=control"}, []string{self, "{addr}", file}},
		}
		if peer := os.Getenv("PEER"); peer != "" {
			senders = append(senders, sender{"peer", nil, []string{peer, "--input-file", file, "--output-http", "http://{addr}", "--exit-after", fmt.Sprintf("%ds", *seconds+3)}})
		}
		for _, answer := range answerTimes() {
			results := map[string][]result{}
			senders := senders
			if answer > 0 {
				// A recorded connection's order sets its pace then.
				senders = slices.DeleteFunc(slices.Clone(senders), func(s sender) bool { return s.name == sessions })
			}
			for range *rounds {
				for _, s := range senders {
					r, err := s.measure(ctx, p, answer)
					if err != nil {
						return fmt.Errorf("%s: %w", s.name, err)
					}
					results[s.name] = append(results[s.name], r)
				}
			}
			if err := write(stdout, p, answer, senders, results); err != nil {
				return err
			}
		}
	}
	return nil
}

// A sender is a program that replays.
type sender struct {
	name string
	env  []string
	argv []string // {addr} stands for the receiver
}

// A result is one replay.
type result struct {
	missing             int
	p50, p90, p99, most time.Duration
	offset              time.Duration // of the last tenth against the first: drift
	inversions          int           // requests that came before an earlier one of their connection
	cpu                 time.Duration
}

func (s sender) measure(ctx context.Context, p plan, answer time.Duration) (result, error) {
	ctx, cancel := context.WithTimeout(ctx, p.times[len(p.times)-1]+time.Minute)
	defer cancel()
	r, err := newReceiver(len(p.times), answer)
	if err != nil {
		return result{}, err
	}
	defer r.close()
	argv := slices.Clone(s.argv)
	for i := range argv {
		argv[i] = strings.ReplaceAll(argv[i], "{addr}", r.addr())
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), s.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("%w: %s", err, out)
	}
	res := judge(p, r.stamps())
	if res.missing > 0 {
		fmt.Fprintf(os.Stderr, "%s: %d requests have no stamp:\n%s", s.name, res.missing, out)
	}
	res.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return res, nil
}

// judge compares the arrivals, in ns, 0 for none, with the plan.
func judge(p plan, stamps []int64) (r result) {
	var late []time.Duration
	var latest [connections]int64
	for i, at := range stamps {
		if at == 0 {
			r.missing++
			continue
		}
		late = append(late, time.Duration(at)-p.times[i])
		if c := i % connections; at < latest[c] {
			r.inversions++
		} else {
			latest[c] = at
		}
	}
	if len(late) == 0 {
		return r
	}
	least := slices.Min(late)
	for i := range late {
		late[i] -= least
	}
	tenth := max(1, len(late)/10)
	r.offset = quantile(late[len(late)-tenth:], 0.5) - quantile(late[:tenth], 0.5)
	r.p50, r.p90, r.p99, r.most = quantile(late, 0.5), quantile(late, 0.9), quantile(late, 0.99), slices.Max(late)
	return r
}

func quantile(values []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(q*float64(len(sorted)-1))]
}

func median(list []result, f func(result) time.Duration) time.Duration {
	values := make([]time.Duration, len(list))
	for i, r := range list {
		values[i] = f(r)
	}
	return quantile(values, 0.5)
}

func write(w io.Writer, p plan, answer time.Duration, senders []sender, results map[string][]result) error {
	fmt.Fprintf(w, "\n%s, answers take %s: %d requests in %s; medians, and sums, of %d rounds\n\n", p.name, answer, len(p.times), p.times[len(p.times)-1].Round(time.Millisecond), len(results["gor"]))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "sender\tp50\tp90\tp99\tmax\toffset at the end\tCPU/request\tmissing\tinversions\t")
	round := func(d time.Duration) time.Duration { return d.Round(time.Microsecond) }
	for _, s := range senders {
		list := results[s.name]
		missing, inversions := 0, 0
		for _, r := range list {
			missing, inversions = missing+r.missing, inversions+r.inversions
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t\n", s.name,
			round(median(list, func(r result) time.Duration { return r.p50 })),
			round(median(list, func(r result) time.Duration { return r.p90 })),
			round(median(list, func(r result) time.Duration { return r.p99 })),
			round(median(list, func(r result) time.Duration { return r.most })),
			round(median(list, func(r result) time.Duration { return r.offset })),
			round(median(list, func(r result) time.Duration { return r.cpu })/time.Duration(len(p.times))), missing, inversions)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return goals(w, results)
}

func goals(w io.Writer, results map[string][]result) error {
	ours, control := results["gor"], results["control"]
	p50 := median(ours, func(r result) time.Duration { return r.p50 })
	p90 := median(ours, func(r result) time.Duration { return r.p90 })
	p99 := median(ours, func(r result) time.Duration { return r.p99 })
	offset := median(ours, func(r result) time.Duration { return r.offset })
	ratio := float64(p99) / float64(median(control, func(r result) time.Duration { return r.p99 }))
	inversions := 0
	for _, r := range results[sessions] {
		inversions += r.inversions
	}
	for _, g := range []struct {
		met  bool
		text string
	}{
		{p50 <= goalP50, fmt.Sprintf("p50 %s, at most %s", p50, goalP50)},
		{p90 <= goalP90, fmt.Sprintf("p90 %s, at most %s", p90, goalP90)},
		{ratio <= goalP99, fmt.Sprintf("p99 %.2f times the control's, at most %.1f", ratio, goalP99)},
		{offset.Abs() <= goalOffset, fmt.Sprintf("offset at the end %s, at most %s", offset, goalOffset)},
		{inversions == 0, fmt.Sprintf("%d inversions within a connection with --recognize-tcp-sessions", inversions)},
	} {
		if _, err := fmt.Fprintf(w, "goal %s: %s\n", figures.Verdict(g.met), g.text); err != nil {
			return err
		}
	}
	return nil
}
