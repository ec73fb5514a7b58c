package flags

import (
	"errors"
	"flag"
	"fmt"
	"strings"
)

// envName is the variable that stands for a flag: with the prefix GOR_,
// GOR_OUTPUT_HTTP_WORKERS is --output-http-workers.
func (t *Table) envName(flagName string) string {
	return t.EnvPrefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// setFromEnvironment sets the flags that have not been given and whose variable
// is not empty. A flag that may be given several times takes a value from each
// line. Variables that only begin as ours do belong to others (Kubernetes makes
// GOR_SERVICE_HOST for a service called gor), but one that is nearly a flag's
// gets a note.
func (s *set) setFromEnvironment(environ []string) error {
	names := map[string]*flag.Flag{}
	s.fs.VisitAll(func(f *flag.Flag) {
		if t := traitsOf(f.Value); t.allows(FromEnvironment) {
			names[s.envName(f.Name)] = f
		}
	})
	before := s.given()
	var errs []error
	for _, pair := range environ {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || value == "" || !strings.HasPrefix(name, s.EnvPrefix) {
			continue
		}
		f := names[name]
		if f == nil {
			if near := nearly(names, name); near != "" {
				s.notes = append(s.notes, fmt.Sprintf("the environment has %s, which is not a flag and does nothing; did you mean %s?", name, near))
			}
			continue
		}
		if before[f.Name] {
			continue
		}
		values := []string{value}
		if isList(f.Value) {
			values = strings.Split(strings.Trim(value, "\n"), "\n")
		}
		for _, v := range values {
			if err := s.fs.Set(f.Name, v); err != nil {
				errs = append(errs, refusedAt(v, "in the environment's "+name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// nearly returns the variable that name is a slip of the keyboard away from.
func nearly(names map[string]*flag.Flag, name string) string {
	best, distance := "", 3
	for known := range names {
		if d := editDistance(name, known); d < distance || d == distance && best != "" && known < best {
			best, distance = known, d
		}
	}
	return best
}
