// Package report writes a verdict to files: JSON lines for programs, JUnit XML for CI,
// and one HTML page for people. What recordings hold comes from strangers: the page and
// the XML show control characters and what turns the direction of text as escapes, and
// nothing of it is ever markup.
package report

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/buger/gor/internal/console"
	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/verdict"
	"github.com/buger/gor/internal/verdict/join"
)

// A Config names the files to write. An empty name is a report that is not wanted.
type Config struct {
	JSON, JUnit, HTML string
}

// For returns the files of one of several new versions: its label stands before their
// extensions.
func (c Config) For(label string) Config {
	label = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r) {
			return r
		}
		return '_' // a recording's label may hold anything
	}, cmp.Or(label, "new"))
	for _, name := range []*string{&c.JSON, &c.JUnit, &c.HTML} {
		if *name != "" {
			ext := filepath.Ext(*name)
			*name = strings.TrimSuffix(*name, ext) + "-" + label + ext
		}
	}
	return c
}

// A Verdict is what is reported.
type Verdict struct {
	*verdict.Result

	// Files are the recordings, for the commands that show a pair.
	Files []string

	// FailOn says which rows are failures in JUnit.
	FailOn verdict.FailOn
}

// A format is a report and how it is written.
type format struct {
	name  string
	write func(io.Writer, *Verdict) error
}

// formats are the wanted ones.
func (c *Config) formats() (all []format) {
	for _, f := range []format{{c.JSON, writeJSON}, {c.JUnit, writeJUnit}, {c.HTML, writeHTML}} {
		if f.name != "" {
			all = append(all, f)
		}
	}
	return all
}

// Any reports whether any report is wanted.
func (c *Config) Any() bool { return len(c.formats()) > 0 }

// Check returns an error when a file could not be made, so that nobody has to wait for
// a comparison to learn it. It makes nothing.
func (c *Config) Check() error {
	if err := c.CheckFiles(); err != nil {
		return err
	}
	for _, f := range c.formats() {
		if _, err := os.Stat(filepath.Dir(f.name)); err != nil {
			return err
		}
	}
	return nil
}

// CheckFiles is Check for files whose folder is yet to be made.
func (c *Config) CheckFiles() error {
	seen := map[string]bool{}
	for _, f := range c.formats() {
		if seen[filepath.Clean(f.name)] {
			return fmt.Errorf("%s is named for two reports; name another file for one of them", f.name)
		}
		seen[filepath.Clean(f.name)] = true
		if _, err := os.Lstat(f.name); err == nil {
			return exists(f.name)
		}
	}
	return nil
}

func exists(name string) error {
	return fmt.Errorf("%s exists, and nothing is overwritten; name another file", name)
}

// Write makes the files. One that cannot be written to its end is removed.
func (c *Config) Write(v *Verdict) error {
	for _, f := range c.formats() {
		if err := f.make(v); err != nil {
			return err
		}
	}
	return nil
}

// WriteAll makes the files for each of several verdicts, or for the one that there is.
func (c *Config) WriteAll(all []join.Verdict, files []string, failOn verdict.FailOn) error {
	for _, v := range all {
		own := *c
		if len(all) > 1 {
			own = c.For(v.Label)
		}
		if err := own.Write(&Verdict{Result: v.Result, Files: files, FailOn: failOn}); err != nil {
			return err
		}
	}
	return nil
}

func (f format) make(v *Verdict) error {
	file, err := disk.Create(f.name, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return exists(f.name)
	}
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	err = f.write(w, v)
	if err = errors.Join(err, w.Flush(), file.Close()); err != nil {
		os.Remove(f.name) // it was made just now
		return fmt.Errorf("write %s: %w", f.name, err)
	}
	return nil
}

// mostFiles is how many recordings get a command of their own for each id.
const mostFiles = 4

// show returns the commands that show the messages of an id.
func (v *Verdict) show(id string) (commands []string) {
	if len(v.Files) > mostFiles {
		return []string{fmt.Sprintf("gor show FILE %s (FILE is one of the %d recordings)", console.ShellWord(id), len(v.Files))}
	}
	for _, name := range v.Files {
		commands = append(commands, "gor show "+console.ShellWord(name)+" "+console.ShellWord(id))
	}
	return commands
}
