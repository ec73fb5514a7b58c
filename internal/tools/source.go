// Package tools looks at recordings, and makes one of another: list, show,
// summarise, convert.
package tools

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/buger/gor/internal/capture"
	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/rules"
)

// A Config is what all tools are given.
type Config struct {
	Formats formats.Options
	Stdin   io.Reader
	Stdout  io.Writer
	Width   int // columns of the terminal; 0: no terminal
	Logf    func(format string, args ...any)

	Rules []rules.Rule // filters and rewrites, of NewConvert
}

// An EmptyError says that a file has no message.
type EmptyError struct{ Name string }

func (e *EmptyError) Error() string { return fmt.Sprintf("%s holds no record", e.Name) }

// ErrNoName is the error of an empty name.
var ErrNoName = errors.New("want the name of a file, such as requests.gor, or - for standard input")

// A file is an open source of messages.
type file struct {
	formats.Reader
	name  string
	close func()
}

func (c *Config) open(name string) (*file, error) {
	kind, path, certain := formats.Split(name)
	in, stop := c.Stdin, func() {}
	switch {
	case path == "":
		return nil, ErrNoName
	case kind == formats.Pcap && certain, isPortsOf(path):
		return c.capture(name, path, c.Stdin)
	case path != "-":
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		if info, err := f.Stat(); err == nil && info.IsDir() {
			f.Close()
			return nil, fmt.Errorf("%s is a folder; name a file in it", path)
		}
		in, stop = f, func() { f.Close() }
	}
	// What was looked at of a pipe, a capture has to read again.
	seen := &seenReader{r: in}
	options := c.Formats
	options.Sniff = true
	rd, err := formats.Open(seen, name, options)
	seen.over = true
	if errors.Is(err, formats.ErrCapture) {
		if path != "-" {
			stop()
			return c.capture(name, path, nil)
		}
		return c.capture(name, path, io.MultiReader(bytes.NewReader(seen.b), in))
	}
	if err != nil {
		stop()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	seen.b = nil
	return &file{rd, name, stop}, nil
}

// A seenReader keeps what was read until over is set.
type seenReader struct {
	r    io.Reader
	b    []byte
	over bool
}

func (s *seenReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if !s.over {
		s.b = append(s.b, p[:n]...)
	}
	return n, err
}

// isPortsOf reports whether a name is that of a capture and ports of it:
// x.pcap:80.
func isPortsOf(path string) bool {
	i := strings.LastIndexByte(path, ':')
	if i < 0 || strings.Trim(path[i+1:], "0123456789,") != "" {
		return false
	}
	kind, _, _ := formats.Split(path[:i])
	return kind == formats.Pcap || path[:i] == "-"
}

// capture opens a capture file, or what r gives when path is "-".
func (c *Config) capture(name, path string, r io.Reader) (*file, error) {
	rd, err := capture.Open(capture.Config{Address: path, Stdin: r, Limit: c.Formats.Limit, Logf: c.Logf})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &file{rd, name, func() { rd.Close() }}, nil
}

// each calls yield with the messages of a file, and says in the end what the
// file holds beside them. A file without any is an error.
func (c *Config) each(name string, yield func(m payload.Meta, msg, body []byte) error) (payload.Damage, error) {
	f, err := c.open(name)
	if err != nil {
		return payload.Damage{}, err
	}
	defer f.close()
	n := 0
	for {
		msg, err := f.Next()
		if err == io.EOF {
			break
		}
		var m payload.Meta
		var body []byte
		if err == nil {
			m, body, err = payload.Split(msg)
		}
		if err != nil {
			return f.Damage(), fmt.Errorf("%s: %w", name, err)
		}
		n++
		if err := yield(m, msg, body); err != nil {
			return f.Damage(), err
		}
	}
	c.tell(f)
	if n == 0 {
		return f.Damage(), &EmptyError{name}
	}
	return f.Damage(), nil
}

// tell says what a file holds and no message has.
func (c *Config) tell(f *file) {
	if d := f.Damage(); d.Any() {
		c.Logf("%s: %s", f.name, d)
	}
	for _, count := range f.Counts() {
		if count.N > 0 {
			c.Logf("%s: %d %s", f.name, count.N, count.Name)
		}
	}
}
