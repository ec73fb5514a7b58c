// Package files compares recordings: it reads them side by side, joins their records to
// pairs, and has the verdict made.
package files

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/sniff"
	"github.com/buger/gor/internal/verdict/join"
	"github.com/buger/gor/internal/verdict/rules"
)

// A Config says what to compare.
type Config struct {
	// Old are recordings, HAR files, or patterns of their names, with the old version's answers,
	// and Against those with the new one's. Without Against the old ones have both.
	Old, Against []string

	// Stdin is the recording that is called "-".
	Stdin io.Reader

	// Runs says that both are runs of a replay: what was answered to it counts, not
	// what was captured.
	Runs bool

	// Rules may be nil.
	Rules *rules.Set

	// Limit is the largest message, in bytes; 0 means payload.DefaultLimit.
	Limit int

	// Tmp is the folder for temporary files; empty for the system's.
	Tmp string
}

// An Outcome is the verdicts over recordings. Close removes the pairs that their samples
// are loaded from.
type Outcome struct {
	// Verdicts has one for each new version, and at least one.
	Verdicts []join.Verdict

	// Names are the recordings, the old version's first.
	Names []string

	comparison *join.Comparison
}

// Close removes temporary files.
func (o *Outcome) Close() error { return o.comparison.Close() }

// Compare reads all recordings and returns the verdicts.
func Compare(cfg Config) (*Outcome, error) {
	if cfg.Limit <= 0 {
		cfg.Limit = payload.DefaultLimit
	}
	roles := join.Roles{Runs: cfg.Runs}
	if len(cfg.Against) > 0 {
		roles.Against = 1
	}
	c, err := join.NewComparison(join.Config{Roles: roles, Rules: cfg.Rules, BodyMost: cfg.Limit, Joining: join.Joining{Tmp: cfg.Tmp}})
	if err != nil {
		return nil, err
	}
	o := &Outcome{comparison: c}
	names, notes, err := read(cfg, c)
	if err == nil {
		o.Verdicts, err = c.End()
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	o.Names = names
	for _, v := range o.Verdicts {
		v.Notes = append(v.Notes, notes...)
	}
	return o, nil
}

// read hands all records to c, of the old and the new recordings in turn, so that what
// belongs together lies close.
func read(cfg Config, c *join.Comparison) (names, notes []string, err error) {
	var sides []*side
	for i, patterns := range [][]string{cfg.Old, cfg.Against} {
		all, err := expand(patterns)
		if err != nil {
			return nil, nil, err
		}
		names = append(names, all...)
		sides = append(sides, &side{source: join.Source(i), names: all, limit: cfg.Limit, stdin: cfg.Stdin})
	}
	defer func() {
		for _, s := range sides {
			s.close()
			notes = append(notes, s.notes...)
		}
	}()
	for _, s := range sides {
		s.expect(c)
	}
	for open := len(sides); open > 0; {
		open = 0
		for _, s := range sides {
			msg, err := s.next()
			if err == io.EOF {
				continue
			}
			if err != nil {
				return nil, nil, err
			}
			open++
			if err := c.Add(s.source, msg); err != nil {
				return nil, nil, err
			}
		}
	}
	return names, notes, nil
}

// expand returns the files that names and patterns stand for.
func expand(names []string) (all []string, err error) {
	for _, name := range names {
		if _, err := os.Stat(name); err == nil || name == stdinName {
			all = append(all, name)
			continue
		}
		found, err := filepath.Glob(name)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%q: %w", name, os.ErrNotExist)
		}
		all = append(all, found...)
	}
	return all, nil
}

// stdinName stands for standard input.
const stdinName = "-"

// A side is the recordings of one version, one after the other.
type side struct {
	source join.Source
	names  []string
	limit  int
	stdin  io.Reader
	f      *os.File // nil for standard input
	src    payload.Source
	kind   sniff.Kind // of the file
	any    bool       // the file had a message
	notes  []string
}

// NotRecordingError says what a file is that is not a recording.
type NotRecordingError struct {
	Name string
	Kind sniff.Kind
}

func (e *NotRecordingError) Error() string {
	return fmt.Sprintf("%q is %s, not a recording", e.Name, e.Kind)
}

// Convertible reports whether a recording can be made of it.
func (e *NotRecordingError) Convertible() bool { return e.Kind != sniff.JSON }

// expectMost is in how many messages of each file the labels of targets are looked for,
// before anything is compared: files are read one after the other, and an answer in the
// last one would come too late.
const expectMost = 1000

// expect has c look at the beginning of each file. What cannot be read is said later.
func (s *side) expect(c *join.Comparison) {
	for _, name := range s.names {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			continue // a pipe can be read but once
		}
		f, err := os.Open(name)
		if err != nil {
			continue
		}
		kind, err := sniff.File(name)
		var src payload.Source
		if err == nil {
			src, err = open(f, name, kind, s.limit)
		}
		for n := 0; err == nil && n < expectMost; n++ {
			var msg []byte
			if msg, err = src.Next(); err == nil {
				c.Expect(s.source, msg)
			}
		}
		f.Close()
	}
}

// next returns the next message, which is valid until the next call, or io.EOF.
func (s *side) next() ([]byte, error) {
	for {
		if s.src == nil {
			if len(s.names) == 0 {
				return nil, io.EOF
			}
			if err := s.open(); err != nil {
				return nil, err
			}
		}
		msg, err := s.src.Next()
		if err == nil {
			s.any = true
			return msg, nil
		}
		name := s.names[0]
		if err != io.EOF {
			return nil, fmt.Errorf("read %q: %w", name, err)
		}
		if d := s.src.Damage(); d.Any() {
			s.notes = append(s.notes, fmt.Sprintf("%s: %s", name, d))
		}
		if !s.any && s.kind != sniff.Recording && s.kind != sniff.HAR {
			s.notes = append(s.notes, fmt.Sprintf("%s is %s, not a recording", name, s.kind))
		}
		s.close()
		s.names = s.names[1:]
	}
}

func (s *side) open() (err error) {
	name := s.names[0]
	s.any, s.kind = false, sniff.Recording
	if name == stdinName {
		s.src, err = payload.Open(s.stdin, "standard input", s.limit)
		return err
	}
	if s.f, err = os.Open(name); err != nil {
		return err
	}
	// What comes through a pipe can be read but once.
	if info, err := s.f.Stat(); err == nil && info.Mode().IsRegular() {
		if s.kind, err = sniff.File(name); err != nil {
			return err
		}
	}
	s.src, err = open(s.f, name, s.kind, s.limit)
	return err
}

// open returns the messages of a file. HAR has answers, and its messages have the same
// ids whenever they are read; those of a capture are new each time, so that what was
// replayed from it belongs to the recording that is made of it.
func open(f *os.File, name string, kind sniff.Kind, limit int) (payload.Source, error) {
	switch kind {
	case sniff.HAR:
		return formats.Open(f, name, formats.Options{Limit: limit, Sniff: true})
	case sniff.Pcap, sniff.Log, sniff.Curl, sniff.JSONLines, sniff.JSON:
		return nil, &NotRecordingError{name, kind}
	}
	return payload.Open(f, name, limit)
}

func (s *side) close() {
	if s.f != nil {
		s.f.Close()
	}
	s.f, s.src = nil, nil
}
