package flags

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/address"
)

// setFromLine sets the flags of the command line. It goes on after a mistake
// where it can tell what comes next.
func (s *set) setFromLine(args []string) error {
	var errs []error
	for len(args) > 0 {
		arg, typed := typewritten(args[0])
		args = args[1:]
		if arg == "--" && len(args) == 0 {
			break
		}
		if typed != nil {
			errs = append(errs, typed)
		}
		name, value, given := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		f := s.fs.Lookup(name)
		switch {
		case arg == "--":
			return errors.Join(append(errs, s.stray(args[0]))...)
		case len(arg) < 2 || arg[0] != '-':
			// Whatever it was meant to be, what follows may belong to it.
			return errors.Join(append(errs, s.stray(arg))...)
		case name == "" || name[0] == '-':
			errs = append(errs, fmt.Errorf("bad flag syntax: %s", arg))
			continue
		case f == nil && isHelp(name):
			if errs == nil {
				return HelpRequest{s.topicOf(value, args)}
			}
			return errors.Join(errs...)
		case f == nil:
			errs = append(errs, s.unknown(name, "--"))
			if len(args) > 0 && !dashed(args[0]) {
				args = args[1:] // its value, if it has one
			}
			continue
		}
		if !given {
			var missing bool
			value, args, missing = s.nextValue(f, args)
			if missing {
				if len(args) > 0 && isHelp(strings.TrimLeft(args[0], "-")) {
					return HelpRequest{name}
				}
				errs = append(errs, s.noValue(f, args))
				continue
			}
		}
		if err := s.fs.Set(name, value); err != nil {
			errs = append(errs, refused(value, "--"+name, err))
		} else if err := straightQuotes(value); err != nil {
			errs = append(errs, refused(value, "--"+name, err))
		}
	}
	return errors.Join(errs...)
}

func isHelp(name string) bool { return name == "h" || name == "help" }

// topicOf is the word that -h is asked about: what stands behind it, when that
// is not a flag for something else.
func (s *set) topicOf(value string, args []string) string {
	if value != "" || len(args) == 0 {
		return value
	}
	word := strings.TrimLeft(args[0], "-")
	if args[0] != word && s.fs.Lookup(word) == nil {
		return ""
	}
	return word
}

// nextValue takes a flag's value from the arguments that follow it, and returns
// those that are left. missing means that there is none.
func (s *set) nextValue(f *flag.Flag, args []string) (value string, rest []string, missing bool) {
	words, isSwitch := switchWords(f.Value)
	switch {
	case isSwitch && len(args) > 0 && (slices.Contains(words, args[0]) || !dashed(args[0])):
		return args[0], args[1:], false // a word that it does not know is refused by it
	case isSwitch:
		return "true", args, false
	case traitsOf(f.Value).optional && (len(args) == 0 || dashed(args[0])):
		return "", args, false
	case len(args) == 0 || s.isFlag(args[0]):
		return "", args, true
	}
	return args[0], args[1:], false // whatever it looks like
}

// isFlag reports whether an argument is one of the flags, and not only looks
// like one: -1 and -:80 are values.
func (s *set) isFlag(arg string) bool {
	arg, _ = typewritten(arg)
	name, _, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
	return strings.HasPrefix(arg, "-") && (s.fs.Lookup(name) != nil || isHelp(name))
}

// noValue says that a flag has no value, and what one looks like. rest is what
// follows the flag.
func (s *set) noValue(f *flag.Flag, rest []string) error {
	follows := ""
	if len(rest) > 0 {
		follows = ", and " + rest[0] + " follows"
	}
	def := s.def(f.Name)
	if def.Example == "" {
		return fmt.Errorf("--%s wants a value%s: %s", f.Name, follows, plain(f.Usage))
	}
	return fmt.Errorf("--%s wants a value%s; for example: %s", f.Name, follows, def.Example)
}

// stray says that an argument belongs to no flag.
func (s *set) stray(arg string) error {
	if s.Stray != nil {
		if err := s.Stray(arg); err != nil {
			return err
		}
	}
	return fmt.Errorf("%q is not a flag; values with spaces or | need quotes: --output-http \"staging.com|10\"", address.Redact(arg))
}

// refused says that a value, which may hold a secret, is wrong, and of which
// flag. The value stands in it once.
func refused(value, of string, err error) error { return refusedAt(value, "for "+of, err) }

func refusedAt(value, place string, err error) error {
	err = address.RedactError(err, value)
	if named(err, value) {
		return fmt.Errorf("invalid value %s: %w", place, err)
	}
	return fmt.Errorf("invalid value %q %s: %w", address.Redact(value), place, err)
}

// AddressError says of which flag and value an error is. The value holds an
// address; either is said once, and never with its password.
func AddressError(flag, value, addr string, err error) error {
	err = address.RedactError(address.RedactError(err, value), addr)
	if named(err, addr) {
		return fmt.Errorf("--%s: %w", flag, err)
	}
	return fmt.Errorf("--%s %s: %w", flag, address.Redact(value), err)
}

// named reports whether an error's text begins with a value.
func named(err error, value string) bool {
	return strings.HasPrefix(err.Error(), strconv.Quote(address.Redact(value)))
}

// unknown says that there is no such flag, and what there is. dashes stand
// before its name.
func (s *set) unknown(name, dashes string) error {
	if s.Unknown != nil {
		if err := s.Unknown(name); err != nil {
			return err
		}
	}
	if near := s.nearest(strings.ReplaceAll(name, "_", "-")); near != "" {
		return fmt.Errorf("no flag %s%s; did you mean %s%s? gor -h lists all", dashes, name, dashes, near)
	}
	return fmt.Errorf("no flag %s%s; gor -h lists all", dashes, name)
}

// nearest returns the flag that is closest to name by edit distance, or ""
// when none is close.
func (t *Table) nearest(name string) string {
	best, bestDistance := "", max(2, len(name)/3)+1
	for _, group := range t.Groups {
		for _, def := range group.Flags {
			d := editDistance(name, def.Name)
			if d < bestDistance || d == bestDistance && def.Name < best {
				best, bestDistance = def.Name, d
			}
		}
	}
	return best
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
