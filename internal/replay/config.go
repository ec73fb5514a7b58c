package replay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/sniff"
)

// A Config says which recordings are replayed, and how.
type Config struct {
	Kind string // what messages call such an input: "input-file"

	// Sources are merged by time. Their limits have the same speed; see Groups.
	Sources []Source

	Timing pace.Timing // but Speed and Max, which the sources' limits say
	Loop   bool

	Depth        int // records that are held back to put late ones in order
	MessageLimit int // bytes of the largest message

	Formats formats.Options // what files that are not recordings have to be told; its Limit is MessageLimit

	// Forecast is told when requests are due; nil when nobody wants to know.
	Forecast *pace.Forecast

	Logf  func(format string, args ...any)
	Hints Hints
}

// A Source is one or more recordings.
type Source struct {
	Pattern string // a file's name, or a pattern as of filepath.Match, perhaps behind a prefix of package formats; "-" is standard input

	// Limit is a speed, or a number of messages a second, to which whoever reads
	// keeps: Replay.Source tells whose a message is.
	Limit pace.Limit
}

// speedOf is the speed at which what has that limit is replayed.
func speedOf(l pace.Limit) pace.Limit {
	switch l.Kind {
	case pace.LimitPercent, pace.LimitMax:
		return l
	}
	return pace.Limit{Kind: pace.LimitPercent, N: 100}
}

// name is what messages call the recordings.
func (c *Config) name() string {
	names := make([]string, len(c.Sources))
	for i, s := range c.Sources {
		names[i] = s.Pattern
	}
	return c.Kind + " " + strings.Join(names, ", ")
}

// speed is that of all sources.
func (c *Config) speed() pace.Limit { return speedOf(c.Sources[0].Limit) }

// A SourceError is about one of the sources.
type SourceError struct {
	Index int // of Config.Sources
	Err   error
}

func (e *SourceError) Error() string { return e.Err.Error() }

func (e *SourceError) Unwrap() error { return e.Err }

// Hints are what messages call what the user may set.
type Hints struct {
	MaxWait      string // a pause's longest wait, with an example of it
	MessageLimit string
	Depth        string
}

// ErrNoName is the error of a source without a pattern.
var ErrNoName = errors.New("want the name of a recording, such as requests.gor")

// A LoopError says that a file cannot be read twice, as Loop wants.
type LoopError struct{ Name string }

func (e *LoopError) Error() string {
	return fmt.Sprintf("%s is not a regular file and cannot be read twice", e.Name)
}

// A NothingError says that the files of a replay hold nothing to replay.
type NothingError struct {
	Name string     // of the first file
	Kind sniff.Kind // what it is; sniff.Recording also when nobody can tell
	Why  string     // what is wrong with what it holds; "": nothing
}

func (e *NothingError) Error() string {
	switch e.Kind {
	case sniff.Empty:
		return e.Name + " is empty: nothing was recorded"
	case sniff.Recording:
		if e.Why != "" {
			return e.Name + " holds nothing to replay: " + e.Why
		}
		return e.Name + " holds nothing to replay"
	}
	return fmt.Sprintf("%s is not a recording: it is %s", e.Name, e.Kind)
}

// nothingIn says what a file is that has no record.
func nothingIn(r *recordedFile) error {
	e := &NothingError{Name: r.name, Kind: sniff.Recording, Why: r.damage}
	if kind, path, _ := formats.Split(r.name); kind == formats.Recording && r.regular.Load() {
		e.Name = path
		if found, err := sniff.File(path); err == nil {
			e.Kind = found
		}
	}
	return e
}

// Check finds what would stop Open, and takes nothing from a pipe.
func Check(cfg Config) error {
	for i, s := range cfg.Sources {
		names, err := fileNames(s.Pattern)
		if err != nil {
			return &SourceError{i, err}
		}
		if slices.ContainsFunc(names, func(name string) bool { return disk.IsPipe(pathOf(name)) }) {
			// What is read from a pipe is gone, and its other end may come later.
			return nil
		}
	}
	cfg.Logf = func(string, ...any) {}
	files, err := openMerged(cfg)
	if err != nil {
		return err
	}
	files.close()
	return nil
}
