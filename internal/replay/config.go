package replay

import (
	"errors"
	"fmt"
	"slices"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/pace"
)

// A Config says which recordings are replayed, and how.
type Config struct {
	Kind    string // what messages call such an input: "input-file"
	Pattern string // a file's name, or a pattern as of filepath.Match

	// Limit is what stands behind the name: a speed, or a number of messages a
	// second, which is kept to by somebody else.
	Limit  pace.Limit
	Timing pace.Timing
	Loop   bool

	Depth        int // records that are held back to put late ones in order
	MessageLimit int // bytes of the largest message

	Logf  func(format string, args ...any)
	Hints Hints
}

// Hints are what messages call what the user may set.
type Hints struct {
	MaxWait      string // a pause's longest wait, with an example of it
	MessageLimit string
	Depth        string
}

// ErrNoName is what Check and Open return when there is no pattern.
var ErrNoName = errors.New("want the name of a recording, such as requests.gor")

// A LoopError says that a file cannot be read twice, as Loop wants.
type LoopError struct{ Name string }

func (e *LoopError) Error() string {
	return fmt.Sprintf("%s is no regular file and cannot be read twice", e.Name)
}

// Check finds what would stop Open, and takes nothing from a pipe.
func Check(cfg Config) error {
	names, err := fileNames(cfg.Pattern)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(names, disk.IsPipe) {
		// What is read from a pipe is gone, and its other end may come later.
		return nil
	}
	cfg.Logf = func(string, ...any) {}
	files, err := openMerged(cfg)
	if err != nil {
		return err
	}
	files.close()
	return nil
}
