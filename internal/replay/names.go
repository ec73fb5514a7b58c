package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/buger/gor/internal/formats"
)

// stdin is standard input as a file. It opens what stands behind it, so that a
// read of a pipe can be interrupted.
const stdin = "/dev/stdin"

// pathOf is a name without the prefix that says what the file is.
func pathOf(name string) string {
	_, path, _ := formats.Split(name)
	return path
}

// fileNames returns the files that a pattern matches, sorted. A name that
// exists is taken as it is, whatever characters it has.
func fileNames(pattern string) ([]string, error) {
	kind, path, certain := formats.Split(pattern)
	switch {
	case path == "":
		return nil, ErrNoName
	case path == "-":
		return []string{strings.TrimSuffix(pattern, "-") + stdin}, nil
	case certain && kind != formats.Recording:
		names, err := fileNames("gor:" + path)
		for i := range names {
			names[i] = strings.TrimSuffix(pattern, path) + pathOf(names[i])
		}
		return names, err
	}
	pattern = path
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

// Reads reports whether a replay of the pattern would read the regular file of that
// name, under whatever name it finds it.
func Reads(pattern, file string) bool {
	to, err := os.Stat(file)
	if err != nil || !to.Mode().IsRegular() {
		return false
	}
	names, err := fileNames(pattern)
	return err == nil && slices.ContainsFunc(names, func(name string) bool {
		from, err := os.Stat(pathOf(name))
		return err == nil && os.SameFile(from, to)
	})
}
