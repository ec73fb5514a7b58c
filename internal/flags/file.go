package flags

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// maxConfig bounds the file of --config: nobody writes so many flags.
const maxConfig = 1 << 20

// maxMistakes bounds what is said of one file, which may be no configuration at
// all: a screen has room for so many.
const maxMistakes = 20

// setFromConfig sets the flags that have not been given from the file of the
// Config flag, when there is one.
func (s *set) setFromConfig() error {
	if s.Config == nil || *s.Config == "" {
		return nil
	}
	text, err := readConfig(*s.Config)
	if err != nil {
		return fmt.Errorf("--config %s: %w", *s.Config, err)
	}
	return s.setFromTOML(*s.Config, text)
}

func readConfig(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", errors.Unwrap(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	switch {
	case err != nil:
		return "", errors.Unwrap(err)
	case len(b) > maxConfig:
		return "", fmt.Errorf("it is larger than %s, which no configuration is", FormatSize(maxConfig))
	case !utf8.Valid(b):
		return "", errors.New("it is not UTF-8 text, as a TOML file is")
	}
	return string(b), nil
}

// oneLine is a text of several lines in one, below which file and line stand.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

// setFromTOML sets flags from text: a key for each, named as the flag. An
// error names file and key.
func (s *set) setFromTOML(file, text string) error {
	var values map[string]any
	meta, err := toml.Decode(text, &values)
	if err != nil {
		var perr toml.ParseError
		if errors.As(err, &perr) {
			return fmt.Errorf("%s, line %d: %s; a flag is written input-raw = \":80\"", file, perr.Position.Line, oneLine(perr.Message))
		}
		return fmt.Errorf("%s: %s", file, oneLine(err.Error()))
	}
	before := s.given()
	seen := map[string]bool{}
	var errs []error
	for _, key := range meta.Keys() { // in the order of the file
		// Of [a.b] and of a.b = 1 there is no key a: what is within a table
		// stands for the table.
		name := key[0]
		if seen[name] {
			continue
		}
		seen[name] = true
		if err := s.setFromKey(before, name, values[name]); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", file, err))
		}
		if len(errs) == maxMistakes {
			errs = append(errs, fmt.Errorf("%s: what follows was not read: there are %d mistakes already", file, maxMistakes))
			break
		}
	}
	return errors.Join(errs...)
}

func (s *set) setFromKey(before map[string]bool, name string, value any) error {
	f := s.fs.Lookup(name)
	switch {
	case isTable(value):
		return fmt.Errorf("[%s] is a table, and there are none here: every key is a flag's whole name, as in output-http-workers = 20", toml.Key{name})
	case f == nil && toml.Key{name}.String() != name: // it has characters that no flag has
		return fmt.Errorf("no flag %q; gor -h lists all", name)
	case f == nil:
		return s.unknown(name, "")
	}
	if t := traitsOf(f.Value); !t.allows(FromFile) {
		return fmt.Errorf("%s belongs on the command line", name)
	}
	list, isArray := value.([]any)
	if !isArray {
		list = []any{value}
	} else if !isList(f.Value) && len(list) != 1 {
		return fmt.Errorf("%s takes one value, not a list of %d", name, len(list))
	}
	for _, item := range list {
		text, err := tomlText(item)
		if err != nil {
			return fmt.Errorf("%s: %w; write %s = \"...\"", name, err, name)
		}
		if before[name] {
			continue // right or wrong, the command line or the environment has it
		}
		if err := s.fs.Set(name, text); err != nil {
			return refused(text, name, err)
		}
	}
	return nil
}

// isTable reports whether a value is a table or a list of them, in any of the
// ways in which TOML writes them.
func isTable(value any) bool {
	switch v := value.(type) {
	case map[string]any, []map[string]any:
		return true
	case []any:
		return slices.ContainsFunc(v, isTable)
	}
	return false
}

// tomlText is a value as the command line would have it.
func tomlText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case []any:
		return "", errors.New("a list in a list")
	}
	return "", fmt.Errorf("want a text, a number, or true or false, not %v", value)
}
