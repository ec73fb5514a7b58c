// Memory measures the most resident memory (VmHWM) that Gor takes in each of
// its modes, for bodies of several sizes, and under what hostile clients and
// targets do. It prints the table of docs/memory.md. Run it with make
// bench-memory; capturing needs CAP_NET_RAW, without which those rows are
// named as skipped.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/buger/gor/bench/command"
)

const usage = `usage: memory [flags] GOR

GOR is the binary to measure, as in

  memory -only capture,elastic ./gor

`

// What Gor promises, in bytes of resident memory.
const (
	ordinaryMost = 64 << 20  // ordinary modes, with bodies up to largestOrdinary
	alwaysMost   = 128 << 20 // everything, at the default limit of a message

	largestOrdinary = 1 << 20
)

// bodySizes are the columns of the table. The largest request that the default
// limit of 16 MB lets through has a head as well.
var bodySizes = []int{1 << 10, 1 << 20, 15 << 20}

type options struct {
	gor      string
	only     []string
	rounds   int
	progress io.Writer
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	o := options{progress: stderr}
	fs := command.Flags("memory", usage, stderr)
	only := fs.String("only", "", "measure the modes whose names contain one of these words, separated by commas")
	fs.IntVar(&o.rounds, "rounds", 1, "how often each is measured; the table has the most")
	return command.Run(fs, args, func() error {
		if fs.NArg() != 1 || o.rounds < 1 {
			return errors.New("want one binary to measure, and rounds above zero")
		}
		o.gor = fs.Arg(0)
		if *only != "" {
			o.only = strings.Split(*only, ",")
		}
		return nil
	}, func(ctx context.Context) error {
		met, err := bench(ctx, o, stdout)
		if err == nil && !met {
			return command.ErrMissed
		}
		return err
	})
}

func (o options) wants(name string) bool {
	for _, word := range o.only {
		if strings.Contains(name, word) {
			return true
		}
	}
	return len(o.only) == 0
}

// bench prints a row for each mode, and reports whether all goals are met.
func bench(ctx context.Context, o options, stdout io.Writer) (met bool, err error) {
	fmt.Fprintln(stdout, "| mode | 1 kB | 1 MB | 15 MB | lost, counted |")
	fmt.Fprintln(stdout, "|---|---|---|---|---|")
	met = true
	for _, m := range modes() {
		if !o.wants(m.name) {
			continue
		}
		cells := []string{m.name}
		var lost []string
		for _, size := range bodySizes {
			r, err := o.most(ctx, m, size)
			if errors.Is(err, errSkip) {
				cells = append(cells, "skipped: "+err.Error())
				continue
			}
			if err != nil {
				return false, fmt.Errorf("%s with %d bytes: %w", m.name, size, err)
			}
			cell, ok := judge(r.peak, size <= largestOrdinary)
			cells, met = append(cells, cell), met && ok
			lost = append(lost, fmt.Sprint(r.lost))
		}
		fmt.Fprintf(stdout, "| %s | %s |\n", strings.Join(cells, " | "), strings.Join(lost, ", "))
	}
	fmt.Fprintln(stdout, "\n| abuse | MB | lost, counted |")
	fmt.Fprintln(stdout, "|---|---|---|")
	for _, m := range abuses() {
		if !o.wants(m.name) {
			continue
		}
		r, err := o.most(ctx, m, 1<<10)
		if errors.Is(err, errSkip) {
			fmt.Fprintf(stdout, "| %s | skipped: %v | |\n", m.name, err)
			continue
		}
		if err != nil {
			return false, fmt.Errorf("%s: %w", m.name, err)
		}
		cell, ok := judge(r.peak, false)
		met = met && ok
		fmt.Fprintf(stdout, "| %s | %s | %d |\n", m.name, cell, r.lost)
	}
	return met, nil
}

// judge writes a number of bytes in MB, with a mark when it is too large.
func judge(peak int, ordinary bool) (cell string, ok bool) {
	most := alwaysMost
	if ordinary {
		most = ordinaryMost
	}
	cell = fmt.Sprintf("%.0f", float64(peak)/(1<<20))
	if peak > most {
		return cell + " (too much)", false
	}
	return cell, true
}

func (o options) most(ctx context.Context, m mode, size int) (worst result, err error) {
	for range o.rounds {
		fmt.Fprintf(o.progress, "memory: %s, %d bytes\n", m.name, size)
		r, err := measure(ctx, o.gor, m, size, nil)
		if err != nil {
			return r, err
		}
		if r.peak >= worst.peak {
			worst = r
		}
	}
	return worst, nil
}
