package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// fileNames returns the files that a pattern matches, sorted. A name that
// exists is taken as it is, whatever characters it has.
func fileNames(pattern string) ([]string, error) {
	if pattern == "" {
		return nil, ErrNoName
	}
	if _, err := os.Stat(pattern); err == nil || !strings.ContainsAny(pattern, `*?[\`) {
		return []string{pattern}, nil // what is wrong with it, opening it will say
	}
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", pattern, err)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && info.IsDir()
	})
	if len(names) == 0 {
		return nil, fmt.Errorf("no file matches %q", pattern)
	}
	slices.Sort(names)
	return names, nil
}
