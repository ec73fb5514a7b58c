// Link measures how fast a recording crosses the link: file to --output-tcp to
// --input-tcp to file, acknowledged end to end, both files in memory. Run it
// with make bench-link.
//
// What arrives is compared with what was sent, message by message.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/buger/gor/bench/command"
	"github.com/buger/gor/bench/figures"
)

const usage = `usage: link [flags] GOR

GOR is the binary to measure. PEER in the environment is another one; its two
ends are started with the words of PEER_SEND and PEER_RECEIVE, in which {in},
{out} and {addr} stand for the two files and the address:

  PEER=/opt/gor1 PEER_SEND='--input-file {in}|100000% --output-tcp {addr}' \
  PEER_RECEIVE='--input-tcp {addr} --output-file {out}' link ./gor

`

// Goals, each without TLS.
const (
	leastMessages = 300_000 // of 1 kB a second
	leastBytes    = 800e6   // a second, in messages of 64 kB
	mostMemory    = 64 << 20
)

type options struct {
	gor            string
	rounds         int
	megabytes      int
	dir            string
	tls            bool
	progress       io.Writer
	peer           string
	peerSend, recv string
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	o := options{progress: stderr, peer: os.Getenv("PEER"), peerSend: os.Getenv("PEER_SEND"), recv: os.Getenv("PEER_RECEIVE")}
	fs := command.Flags("link", usage, stderr)
	fs.IntVar(&o.rounds, "rounds", 5, "how often each is measured; the table has medians")
	fs.IntVar(&o.megabytes, "mb", 1024, "megabytes that cross the link each time")
	fs.BoolVar(&o.tls, "tls", true, "measure it with TLS too")
	fs.StringVar(&o.dir, "dir", "/dev/shm", "folder for the files; it should be in memory")
	return command.Run(fs, args, func() error {
		switch {
		case fs.NArg() != 1 || o.rounds < 1 || o.megabytes < 1:
			return errors.New("want one binary to measure, and rounds and megabytes above zero")
		case o.peer != "" && (o.peerSend == "" || o.recv == ""):
			return errors.New("PEER needs PEER_SEND and PEER_RECEIVE too")
		}
		o.gor = fs.Arg(0)
		return nil
	}, func(ctx context.Context) error { return bench(ctx, o, stdout) })
}

// A pair is the two programs of a measurement.
type pair struct {
	name          string
	send, receive []string // {in}, {out}, {addr}
	ends          bool     // the sender ends when all is acknowledged
}

func pairs(o options, c certificates) []pair {
	list := []pair{
		{"gor", []string{o.gor, "--input-file", "{in}|max", "--output-tcp", "{addr}", "--on-full", "wait"},
			[]string{o.gor, "--input-tcp", "{addr}", "--output-file", "{out}"}, true},
	}
	if o.tls {
		list = append(list, pair{"gor, TLS", append(slices.Clone(list[0].send), "--output-tcp-secure", "--output-tcp-ca", c.cert),
			append(slices.Clone(list[0].receive), "--input-tcp-secure", "--input-tcp-certificate", c.cert, "--input-tcp-certificate-key", c.key), true})
	}
	if o.peer != "" {
		list = append(list, pair{"peer", append([]string{o.peer}, strings.Fields(o.peerSend)...), append([]string{o.peer}, strings.Fields(o.recv)...), false})
	}
	return list
}

func bench(ctx context.Context, o options, stdout io.Writer) error {
	dir, err := os.MkdirTemp(o.dir, "gor-bench-link")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	certs, err := makeCertificates(dir)
	if err != nil {
		return err
	}
	for _, size := range []int{1 << 10, 64 << 10} {
		in, err := writeRecording(dir, size, o.megabytes<<20)
		if err != nil {
			return err
		}
		results := map[string][]result{}
		list := pairs(o, certs)
		for round := range o.rounds {
			for _, p := range list {
				fmt.Fprintf(o.progress, "link: %d bytes, round %d of %d: %s\n", size, round+1, o.rounds, p.name)
				r, err := measure(ctx, p, in, dir)
				if err != nil {
					return fmt.Errorf("%s: %w", p.name, err)
				}
				results[p.name] = append(results[p.name], r)
			}
		}
		if err := in.remove(); err != nil {
			return err
		}
		if err := report(stdout, size, in, list, results); err != nil {
			return err
		}
	}
	return nil
}

func report(w io.Writer, size int, in recording, list []pair, results map[string][]result) error {
	fmt.Fprintf(w, "\n%d messages of %d bytes over loopback; medians, and sums, of %d rounds\n\n", in.messages, size, len(results[list[0].name]))
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "programs\tmessages/s\tMB/s\tsender MB\treceiver MB\tCPU s/GB\tintact\tmissing\ttwice\tforeign\t")
	for _, p := range list {
		rs := results[p.name]
		var intact, missing, twice, foreign int
		for _, r := range rs {
			intact, missing, twice, foreign = intact+r.intact, missing+r.missing, twice+r.twice, foreign+r.foreign
		}
		fmt.Fprintf(tw, "%s\t%.0f\t%.0f\t%.1f\t%.1f\t%.2f\t%d\t%d\t%d\t%d\t\n", p.name, figures.Median(rs, result.messageRate), figures.Median(rs, result.byteRate)/1e6,
			figures.Median(rs, result.senderMB), figures.Median(rs, result.receiverMB), figures.Median(rs, result.cpuPerGB), intact, missing, twice, foreign)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	return goals(w, size, results["gor"])
}

func goals(w io.Writer, size int, rs []result) error {
	rate, bytes := figures.Median(rs, result.messageRate), figures.Median(rs, result.byteRate)
	line := func(met bool, format string, args ...any) {
		fmt.Fprintf(w, "goal %s: %s\n", figures.Verdict(met), fmt.Sprintf(format, args...))
	}
	if size == 1<<10 {
		line(rate >= leastMessages, "%.0f messages/s, at least %d", rate, leastMessages)
	} else {
		line(bytes >= leastBytes, "%.0f MB/s, at least %.0f", bytes/1e6, leastBytes/1e6)
	}
	most, whole := 0.0, true
	for _, r := range rs {
		most = max(most, r.senderMB(), r.receiverMB())
		whole = whole && r.missing+r.twice+r.foreign == 0
	}
	line(most <= mostMemory>>20, "%.1f MB resident, at most %d", most, mostMemory>>20)
	line(whole, "all intact, once")
	return nil
}
