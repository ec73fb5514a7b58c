package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
)

// envPrefix begins the environment variables that stand for flags:
// GOR_OUTPUT_HTTP_WORKERS is --output-http-workers.
const envPrefix = "GOR_"

func envName(flagName string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// setFromEnvironment sets the flags that have not been given and whose variable
// is not empty. A flag that may be given several times takes a value from each
// line. Variables that only begin as ours do are others' (Kubernetes makes
// GOR_SERVICE_HOST for a service called gor), but one that nearly is a flag's
// gets a note.
func setFromEnvironment(fs *flag.FlagSet, s *Settings, environ []string) error {
	names := map[string]*flag.Flag{}
	fs.VisitAll(func(f *flag.Flag) {
		if f.Name != "version" { // images often have their own in GOR_VERSION
			names[envName(f.Name)] = f
		}
	})
	before := setFlags(fs)
	var errs []error
	for _, pair := range environ {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || value == "" || !strings.HasPrefix(name, envPrefix) {
			continue
		}
		f := names[name]
		if f == nil {
			if near := nearly(names, name); near != "" {
				s.Notes = append(s.Notes, fmt.Sprintf("the environment has %s, which is no flag and does nothing; did you mean %s?", name, near))
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
			if err := fs.Set(f.Name, v); err != nil {
				errs = append(errs, fmt.Errorf("invalid value %q in the environment's %s: %w", v, name, err))
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
