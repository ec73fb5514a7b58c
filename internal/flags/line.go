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
		arg := args[0]
		args = args[1:]
		if arg == "--" && len(args) == 0 {
			break
		}
		name, value, given := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		f := s.fs.Lookup(name)
		switch {
		case arg == "--":
			return errors.Join(append(errs, stray(args[0]))...)
		case len(arg) < 2 || arg[0] != '-':
			// Whatever it was meant to be, what follows may belong to it.
			return errors.Join(append(errs, stray(arg))...)
		case name == "" || name[0] == '-':
			errs = append(errs, fmt.Errorf("bad flag syntax: %s", arg))
			continue
		case f == nil && (name == "h" || name == "help"):
			if errs == nil {
				return ErrHelp
			}
			return errors.Join(errs...)
		case f == nil:
			errs = append(errs, s.unknown(name, "--"))
			if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
				args = args[1:] // its value, if it has one
			}
			continue
		}
		if !given {
			var missing bool
			if value, args, missing = nextValue(f, args); missing {
				errs = append(errs, fmt.Errorf("--%s wants a value: %s", name, plain(f.Usage)))
				break
			}
		}
		if err := s.fs.Set(name, value); err != nil {
			errs = append(errs, refused(value, "--"+name, err))
		}
	}
	return errors.Join(errs...)
}

// nextValue takes a flag's value from the arguments that follow it, and returns
// those that are left. missing means that there is none.
func nextValue(f *flag.Flag, args []string) (value string, rest []string, missing bool) {
	words, isSwitch := switchWords(f.Value)
	switch {
	case isSwitch && len(args) > 0 && slices.Contains(words, args[0]):
		return args[0], args[1:], false
	case isSwitch:
		return "true", args, false
	case traitsOf(f.Value).optional && (len(args) == 0 || strings.HasPrefix(args[0], "-")):
		return "", args, false
	case len(args) == 0:
		return "", nil, true
	}
	return args[0], args[1:], false // whatever it looks like
}

func stray(arg string) error {
	return fmt.Errorf("%q is no flag; values with spaces or | need quotes: --output-http \"staging.com|10\"", address.Redact(arg))
}

// refused says that a value, which may hold a secret, is wrong, and of which
// flag. The value stands in it once.
func refused(value, of string, err error) error { return refusedAt(value, "for "+of, err) }

func refusedAt(value, place string, err error) error {
	err = address.RedactError(err, value)
	quoted := strconv.Quote(address.Redact(value))
	if strings.HasPrefix(err.Error(), quoted) {
		return fmt.Errorf("invalid value %s: %w", place, err)
	}
	return fmt.Errorf("invalid value %s %s: %w", quoted, place, err)
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
func (s *set) nearest(name string) string {
	best, bestDistance := "", max(2, len(name)/3)+1
	s.fs.VisitAll(func(f *flag.Flag) {
		if d := editDistance(name, f.Name); d < bestDistance {
			best, bestDistance = f.Name, d
		}
	})
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
