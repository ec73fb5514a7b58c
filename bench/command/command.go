// Package command is what the programs of the benchmarks share: flags with a text
// before them, an end by a signal, and exit codes.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// ErrMissed is a measurement that was made and missed its goal, as the program
// has printed.
var ErrMissed = errors.New("a goal was missed")

// Flags returns the flags of the program name, whose help is usage and a line for
// each of them, and goes to stderr.
func Flags(name, usage string, stderr io.Writer) *flag.FlagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Usage = func() {
		fmt.Fprint(stderr, usage)
		fs.PrintDefaults()
	}
	return fs
}

// Run parses args, checks what they say, and measures until a signal. It returns
// the exit code: 2 for a wrong command line, 1 when the measurement failed.
func Run(fs *flag.FlagSet, args []string, check func() error, measure func(ctx context.Context) error) int {
	switch err := fs.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2 // fs has told it
	}
	if err := check(); err != nil {
		fmt.Fprintf(fs.Output(), "%s: %v\n", fs.Name(), err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := measure(ctx); err != nil {
		if !errors.Is(err, ErrMissed) {
			fmt.Fprintf(fs.Output(), "%s: %v\n", fs.Name(), err)
		}
		return 1
	}
	return 0
}
