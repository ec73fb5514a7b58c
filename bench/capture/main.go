// Capture measures what it costs a server that its traffic is captured: in one
// run and in turn it puts nothing, tcpdump that throws away what it reads, tcpdump
// that writes it to a file, Gor and, if named, another program beside a server under
// full load, and compares. Run it with make
// bench-capture.
//
// The load is wrk's for GETs, and that of bench/loadgen for everything else,
// whose requests are then looked for one by one in the recording. Both go over
// loopback, and over a veth pair between two namespaces made for that. It needs
// root, nginx, tcpdump, wrk and ip.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/buger/gor/bench/command"
	"github.com/buger/gor/bench/loadgen"
)

// PEER and PEER_ARGS name one more captor and what it is started with, where
// {port} is the port to capture and {file} the file to record to.
const (
	peerVar     = "PEER"
	peerArgsVar = "PEER_ARGS"
)

const usage = `usage: capture [flags] GOR

GOR is the binary to measure. PEER in the environment is another one, started
with the words of PEER_ARGS:

  PEER=/opt/gor1 PEER_ARGS='--input-raw :{port} --output-file {file}' capture ./gor

PEER must be the program itself: what it costs is that of its own process.
Recordings go to TMPDIR.

`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are what the command line says.
type options struct {
	gor      string
	rounds   int
	seconds  int // of a measurement
	conns    int
	cases    []loadgen.Case
	links    []string
	captors  []captor
	progress io.Writer
}

func run(args []string, stdout, stderr io.Writer) int {
	o := options{progress: stderr}
	fs := command.Flags("capture", usage, stderr)
	check := o.flags(fs)
	return command.Run(fs, args, check, func(ctx context.Context) error { return bench(ctx, o, stdout) })
}

// flags puts the command line's flags into fs. check says whether what was parsed
// is right, and completes o.
func (o *options) flags(fs *flag.FlagSet) (check func() error) {
	fs.IntVar(&o.rounds, "rounds", 3, "how often each is measured; the table has medians")
	fs.IntVar(&o.seconds, "seconds", 4, "how long each measurement lasts")
	fs.IntVar(&o.conns, "connections", 16, "connections of the load")
	cases := fs.String("cases", "get,post1k,post64k,chunked1m,pipe8", "kinds of requests")
	links := fs.String("links", "loopback,veth", "links to measure over")
	return func() error {
		if fs.NArg() != 1 {
			return errors.New("want one binary to measure: capture ./gor")
		}
		if o.rounds < 1 || o.seconds < 1 || o.conns < 1 {
			return errors.New("-rounds, -seconds and -connections must be positive")
		}
		for name := range strings.SplitSeq(*cases, ",") {
			c, err := loadgen.ParseCase(name)
			if err != nil {
				return err
			}
			o.cases = append(o.cases, c)
		}
		for name := range strings.SplitSeq(*links, ",") {
			if name != "loopback" && name != "veth" {
				return fmt.Errorf("unknown link %q: want loopback or veth", name)
			}
			o.links = append(o.links, name)
		}
		o.gor = fs.Arg(0)
		o.captors = captors(o.gor, os.Getenv(peerVar), os.Getenv(peerArgsVar))
		return nil
	}
}

// bench measures everything and prints a table for each link and case.
func bench(ctx context.Context, o options, stdout io.Writer) error {
	for _, name := range o.links {
		if err := benchLink(ctx, o, name, stdout); err != nil {
			return err
		}
	}
	return nil
}

func benchLink(ctx context.Context, o options, name string, stdout io.Writer) (err error) {
	s, err := openSite(ctx, name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	for _, c := range o.cases {
		table := newTable(name, c, o)
		for round := range o.rounds {
			for _, captor := range o.captors {
				fmt.Fprintf(o.progress, "capture: %v over %s, round %d of %d: %s\n", c, name, round+1, o.rounds, captor.name)
				m, err := measure(ctx, s, captor, c, o)
				if err != nil {
					return fmt.Errorf("%v over %s beside %s: %w", c, name, captor.name, err)
				}
				table.add(captor.name, m)
			}
		}
		if err := table.write(stdout); err != nil {
			return err
		}
	}
	return nil
}
