package tools

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/formats"
)

// A Command is one of the tools with its command line: gor ls, show, stat or
// convert.
type Command struct {
	name  string
	flags []Flag
	names []string // what is not a flag: files, and an id for show
	check func(names []string) error
	run   func(c Config, names []string) error

	conversion *Conversion // nil: it is not convert
}

// A Flag is a flag of a command.
type Flag struct {
	Name  string
	Value flag.Value
}

// NewList returns gor ls.
func NewList() *Command { return newLook("ls", List) }

// NewStat returns gor stat.
func NewStat() *Command { return newLook("stat", Stat) }

// newLook returns a tool that looks at one file, and writes JSON when asked to.
func newLook(name string, look func(c Config, name string, asJSON bool) error) *Command {
	asJSON := false
	return &Command{
		name:  name,
		flags: []Flag{{"json", flags.Bool(&asJSON)}},
		check: func(names []string) error {
			if len(names) != 1 {
				return fmt.Errorf("want one file, not %d", len(names))
			}
			return checkNames(names)
		},
		run: func(c Config, names []string) error { return look(c, names[0], asJSON) },
	}
}

// NewShow returns gor show.
func NewShow() *Command {
	decode, raw := false, false
	return &Command{
		name:  "show",
		flags: []Flag{{"decode", flags.Bool(&decode)}, {"raw", flags.Bool(&raw)}},
		check: func(names []string) error {
			if len(names) != 2 {
				return errors.New("want a file and an id, as in gor show requests.gor 5f3a; gor ls lists the ids")
			}
			return checkNames(names[:1])
		},
		run: func(c Config, names []string) error { return Show(c, names[0], names[1], decode, raw) },
	}
}

// NewConvert returns gor convert.
func NewConvert() *Command {
	v := &Conversion{}
	cmd := &Command{name: "convert", conversion: v}
	cmd.flags = []Flag{
		{"o", flags.String(&v.Out)},
		{"by-host", flags.Bool(&v.ByHost)},
		{"answer", flags.String(&v.Answer)},
		{"from", flags.Parsed(&v.From, ParseTime, noDefault)},
		{"to", flags.Parsed(&v.To, ParseTime, noDefault)},
		{"sample", flags.Parsed(&v.Sample, parseSample, noDefault)},
	}
	cmd.check = func(names []string) error {
		if v.Out == "" {
			return errors.New("want -o and a file, such as -o requests.gor, or -o - for standard output")
		}
		if len(names) == 0 {
			return ErrNoName
		}
		return checkNames(names)
	}
	cmd.run = func(c Config, names []string) error {
		v.In, v.Rules = names, c.Rules
		return Convert(c, *v)
	}
	return cmd
}

// checkNames refuses names of files that are empty, perhaps behind the name of a
// form.
func checkNames(names []string) error {
	for _, name := range names {
		if _, path, _ := formats.Split(name); path == "" {
			return ErrNoName
		}
	}
	return nil
}

// noDefault shows no default.
func noDefault[T any](T) string { return "" }

// parseSample reads a share of the exchanges in percent.
func parseSample(text string) (int, error) {
	percent, err := strconv.Atoi(strings.TrimSuffix(text, "%"))
	if err != nil || percent < 1 || percent > 100 {
		return 0, errors.New("want a percentage from 1% to 100%")
	}
	return percent, nil
}

// Parse reads a tool's arguments: its flags, the others that are given, and names,
// in any order. It returns flag.ErrHelp when the usage was asked for.
func (cmd *Command) Parse(args []string, others []Flag) error {
	fs := flag.NewFlagSet("gor "+cmd.name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	for _, list := range [...][]Flag{cmd.flags, others} {
		for _, f := range list {
			fs.Var(f.Value, f.Name, "")
		}
	}
	for len(args) > 0 {
		err := fs.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		if err != nil {
			return fmt.Errorf("%w; gor %s -h says how it is used", err, cmd.name)
		}
		args = fs.Args()
		if len(args) > 0 {
			cmd.names, args = append(cmd.names, args[0]), args[1:]
		}
	}
	return cmd.check(cmd.names)
}

// TakesRules reports whether filters and rewrites have a meaning for it.
func (cmd *Command) TakesRules() bool { return cmd.conversion != nil }

// Run does what the arguments say.
func (cmd *Command) Run(c Config) error { return cmd.run(c, cmd.names) }
