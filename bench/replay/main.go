// Replay measures how fast requests go out: in one run and in turn Gor from a
// recording, a minimal raw keep-alive client with the same number of
// connections, wrk, and, if named, another program send to the same server.
// Run it with make bench-replay.
//
// The server counts whole requests, so that what is lost or sent twice shows.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/buger/gor/bench/figures"
	"github.com/buger/gor/internal/payload"
)

// Goals that Gor is held to, beside the raw client of the same round, and beside
// wrk where it is installed.
const (
	leastRate    = 0.9
	mostCPU      = 1.2
	leastWrkRate = 1.0
	mostWrkCPU   = 1.0
)

// roleVar makes this program the raw client or the server, which have to be
// processes of their own: their CPU time must not count for anybody else.
const roleVar = "GOR_BENCH_ROLE"

type options struct {
	gor, peer, peerArgs     string
	requests, conns, rounds int
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	var err error
	switch os.Getenv(roleVar) {
	case "client":
		err = clientMain(args)
	case "server":
		err = serverMain(os.Stdin, stdout)
	default:
		err = measureMain(args, stdout, stderr)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(stderr, "replay: %v\n", err)
		return 1
	}
	return 0
}

func measureMain(args []string, stdout, stderr io.Writer) error {
	fs := flag.NewFlagSet("replay", flag.ContinueOnError)
	fs.SetOutput(stderr)
	o := options{peer: os.Getenv("PEER"), peerArgs: os.Getenv("PEER_ARGS")}
	fs.StringVar(&o.gor, "gor", "./gor", "the Gor to measure")
	fs.IntVar(&o.requests, "requests", 300_000, "requests of a run")
	fs.IntVar(&o.conns, "conns", 32, "connections")
	fs.IntVar(&o.rounds, "rounds", 5, "runs of each program")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if o.requests < 1 || o.conns < 1 || o.rounds < 1 {
		return errors.New("want at least one request, connection and round")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, err := os.MkdirTemp("", "gor-bench-replay")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "requests.gor")
	if err := writeRecording(file, o.requests); err != nil {
		return err
	}
	senders := sendersOf(o, file)
	rounds := map[string][]measurement{}
	for range o.rounds {
		for _, s := range senders {
			m, err := measure(ctx, s, o)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			rounds[s.name] = append(rounds[s.name], m)
		}
	}
	return report(stdout, o, senders, rounds)
}

// request is what a browser sends.
func request(i int) string {
	return "GET /items/" + strconv.Itoa(i) + "?q=17 HTTP/1.1\r\nHost: prod.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n" +
		"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-US,en;q=0.5\r\n" +
		"Cookie: session=0123456789abcdef0123456789abcdef; theme=dark\r\nConnection: keep-alive\r\n\r\n"
}

// writeRecording writes as it goes: what this process takes of memory counts
// as that of the programs that it starts.
func writeRecording(name string, n int) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close() // again, after an error
	w := bufio.NewWriter(f)
	var msg, out []byte
	for i := range n {
		msg = payload.AppendMeta(msg[:0], payload.Meta{
			Type: payload.Request, ID: payload.AppendID(nil, uint64(i/10), uint32(i%10)),
			Time: 1_700_000_000_000_000_000 + int64(i)*1000, Length: -1,
		})
		msg = append(msg, request(i)...)
		out = payload.AppendRecord(out[:0], msg)
		if _, err := w.Write(out); err != nil {
			return err
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

// report prints the medians, and the ratios to the raw client of each round.
func report(w io.Writer, o options, senders []sender, rounds map[string][]measurement) error {
	fmt.Fprintf(w, "%d requests over %d connections to one server on loopback; medians of %d rounds\n\n", o.requests, o.conns, o.rounds)
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "sender\trequests/s\tof raw\tCPU s/100k\tof raw\tresident MB\tsent\tat the server\tconnections\t")
	for _, s := range senders {
		list := rounds[s.name]
		var sent, came, conns int64
		for _, m := range list {
			sent, came, conns = sent+m.sent, came+m.came, conns+m.conns
		}
		fmt.Fprintf(tw, "%s\t%.0f\t%.2f\t%.2f\t%.2f\t%.1f\t%d\t%d\t%d\t\n", s.name,
			figures.Median(list, rateOf), ratio(rounds, s.name, rateOf), figures.Median(list, cpuOf), ratio(rounds, s.name, cpuOf),
			figures.Median(list, memoryOf), sent, came, conns)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	goals(w, rounds, rawClient, leastRate, mostCPU)
	if len(rounds[wrkClient]) > 0 {
		goals(w, rounds, wrkClient, leastWrkRate, mostWrkCPU)
	}
	exact := true
	for _, m := range rounds[ourGor] {
		exact = exact && m.sent == m.came
	}
	_, err := fmt.Fprintf(w, "goal %s: every request at the server once\n", figures.Verdict(exact))
	return err
}

// goals says how Gor does beside another sender.
func goals(w io.Writer, rounds map[string][]measurement, beside string, leastRate, mostCPU float64) {
	rate := figures.Ratio(rounds[ourGor], rounds[beside], rateOf)
	cpu := figures.Ratio(rounds[ourGor], rounds[beside], cpuOf)
	fmt.Fprintf(w, "goal %s: beside %s %.2f of the rate, at least %.1f\n", figures.Verdict(rate >= leastRate), beside, rate, leastRate)
	fmt.Fprintf(w, "goal %s: beside %s %.2f times the CPU, at most %.1f\n", figures.Verdict(cpu <= mostCPU), beside, cpu, mostCPU)
}

func rateOf(m measurement) float64   { return float64(m.came) / m.took.Seconds() }
func cpuOf(m measurement) float64    { return m.cpu.Seconds() / float64(m.came) * 100_000 }
func memoryOf(m measurement) float64 { return float64(m.memory) / (1 << 20) }

// ratio compares a sender with the raw client.
func ratio(rounds map[string][]measurement, name string, f func(measurement) float64) float64 {
	return figures.Ratio(rounds[name], rounds[rawClient], f)
}

// clientMain is the role "client ADDRESS CONNECTIONS REQUESTS".
func clientMain(args []string) error {
	if len(args) != 3 {
		return errors.New("want an address, and numbers of connections and of requests")
	}
	conns, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	return sendRaw(args[0], conns, n)
}

// splitArgs parts a command line at spaces and fills in names.
func splitArgs(line string, names map[string]string) []string {
	args := strings.Fields(line)
	for i := range args {
		for name, value := range names {
			args[i] = strings.ReplaceAll(args[i], "{"+name+"}", value)
		}
	}
	return args
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}
