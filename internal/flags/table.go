// Package flags reads Gor's settings from the command line, the environment and a
// TOML file, by one table of flags. The same table gives the help text and the
// completions of shells.
//
// Values are those of package flag: whatever has String and Set. Errors name
// what was wrong and what to type instead, and all mistakes are reported, not
// only the first.
package flags

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
)

// ErrHelp is what Parse returns when -h or --help was asked for.
var ErrHelp = flag.ErrHelp

// A Def is one flag: what the help, a reference and the parser know of it.
type Def struct {
	Name    string
	Arg     string // stands for the value in the help; "" for a switch
	Help    string // backquotes mark the argument, as in package flag
	Example string // a whole command, shown below the help; "": none
	Front   bool   // -h shows it without a word too, in one line
	Value   flag.Value
}

// A Group is the flags of one plugin or of one concern.
type Group struct {
	Title  string
	Topics []string // words behind -h that stand for the group, such as input-raw
	Flags  []Def
}

// A Table is all flags of a program, in the order of the help.
type Table struct {
	Head      string // stands above the flags in the help: what it is for, and commands
	Tail      string // ends its first page: where the rest is
	Notation  string // how flags are written, for those who read about all of them
	Manual    Manual // what a man page has beside the flags
	EnvPrefix string // begins the environment variables that stand for flags
	Groups    []Group

	// Config is where the flag that names a TOML file writes the name; nil
	// when there is no such flag.
	Config *string

	// Unknown says what to use instead of a flag that the program does not
	// have and other versions do. It returns nil for all other names, and may
	// be nil itself.
	Unknown func(name string) error

	given map[string]bool // what Parse has set

	// Stray says what an argument was meant for that belongs to no flag, such
	// as a file that was named without one. It returns nil when it does not
	// know, and may be nil itself.
	Stray func(arg string) error
}

// Given reports whether Parse has set a flag, wherever it was given and
// whatever its value was.
func (t *Table) Given(name string) bool { return t.given[name] }

// Has reports whether there is a flag of that name.
func (t *Table) Has(name string) bool { return t.def(name).Name != "" }

// def is the flag of that name; empty when there is none.
func (t *Table) def(name string) Def {
	for _, group := range t.Groups {
		for _, def := range group.Flags {
			if def.Name == name {
				return def
			}
		}
	}
	return Def{}
}

// A set is the flags of a table while they are being read.
type set struct {
	*Table
	fs    *flag.FlagSet
	notes []string
}

func (t *Table) newSet() *set {
	s := &set{Table: t, fs: flag.NewFlagSet("gor", flag.ContinueOnError)}
	s.fs.SetOutput(io.Discard)
	for _, group := range t.Groups {
		for _, def := range group.Flags {
			s.fs.Var(def.Value, def.Name, def.Help)
		}
	}
	return s
}

// Parse sets the flags from args, then from those of environ (a list of
// NAME=VALUE) that are named after a flag, then from the file of the Config
// flag: in that order of precedence, flag by flag. The notes are to be said
// once, such as that a flag is obsolete.
//
// An error is a HelpRequest, which is an ErrHelp, or about what was typed. Flags that the error does not
// name are set all the same.
func (t *Table) Parse(args, environ []string) (notes []string, err error) {
	s := t.newSet()
	err = s.setFromLine(args)
	if errors.Is(err, ErrHelp) || err == nil && s.answersAlone() {
		return nil, err
	}
	if err := errors.Join(err, s.setFromEnvironment(environ), s.setFromConfig()); err != nil {
		return s.notes, err
	}
	t.given = s.given()
	s.fs.Visit(func(f *flag.Flag) {
		if why := traitsOf(f.Value).obsolete; why != "" {
			s.notes = append(s.notes, fmt.Sprintf("--%s is accepted and no longer needed: %s", f.Name, why))
		}
	})
	return s.notes, nil
}

// answersAlone reports whether a flag was given that makes all others
// unimportant.
func (s *set) answersAlone() (alone bool) {
	s.fs.Visit(func(f *flag.Flag) { alone = alone || traitsOf(f.Value).alone })
	return alone
}

// given lists the flags that have been set so far.
func (s *set) given() map[string]bool {
	names := map[string]bool{}
	s.fs.Visit(func(f *flag.Flag) { names[f.Name] = true })
	return names
}

// A List is a value of a flag that may be given several times.
type List interface {
	flag.Value
	IsList() bool
}

func isList(v flag.Value) bool {
	l, ok := traitsOf(v).Value.(List)
	return ok && l.IsList()
}

// A Choice is a value that is one of a few words.
type Choice interface {
	flag.Value
	Choices() []string
}

func choices(v flag.Value) []string {
	if c, ok := traitsOf(v).Value.(Choice); ok {
		return slices.Clone(c.Choices())
	}
	return nil
}

// A Switch is a value that need not be given: without it the flag sets "true".
// Words are those that it takes as the next argument.
type Switch interface {
	flag.Value
	IsBoolFlag() bool
	Words() []string
}

// switchWords returns what may follow a switch as the next argument.
func switchWords(v flag.Value) (words []string, is bool) {
	s, ok := traitsOf(v).Value.(Switch)
	if !ok || !s.IsBoolFlag() {
		return nil, false
	}
	return s.Words(), true
}
