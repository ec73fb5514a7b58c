package replay

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/sniff"
)

// A recordedFile is one file and its next message.
type recordedFile struct {
	name    string
	index   int // among the names, in order
	source  int // of Config.Sources
	f       *os.File
	regular atomic.Bool
	size    atomic.Int64 // bytes; of a regular file
	done    atomic.Int64 // bytes read of it
	src     formats.Reader
	msg     []byte // valid until the next read
	time    int64  // of msg
	first   int64  // time of the first record
	empty   bool
	told    bool // its damage was
	damage  string
}

// begin opens a file at its beginning.
func (m *mergedFiles) begin(r *recordedFile) error {
	f, err := os.Open(pathOf(r.name))
	if err != nil {
		return err
	}
	r.f = f
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder; name its files: %q", r.name, filepath.Join(pathOf(r.name), "*.gor"))
	}
	r.regular.Store(info.Mode().IsRegular())
	r.size.Store(info.Size())
	r.done.Store(0)
	options := m.cfg.Formats
	options.Limit = m.cfg.MessageLimit
	r.src, err = formats.Open(countingReader{f, &r.done}, r.name, options)
	var other *formats.OtherError
	switch {
	case errors.Is(err, formats.ErrCapture):
		return &NothingError{Name: pathOf(r.name), Kind: sniff.Pcap}
	case errors.As(err, &other):
		return &NothingError{Name: pathOf(r.name), Kind: other.Kind}
	}
	return err
}

// countingReader tells how far a file was read.
type countingReader struct {
	io.Reader
	done *atomic.Int64
}

func (c countingReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.done.Add(int64(n))
	return n, err
}

// read reads one file's next message, and reports whether there was one.
func (m *mergedFiles) read(r *recordedFile) (bool, error) {
	msg, err := r.src.Next()
	switch {
	case err == io.EOF:
		m.account(r)
		return false, nil
	case err != nil:
		m.account(r)
		return false, fmt.Errorf("read %q: %w", r.name, err)
	}
	meta, _, err := payload.Split(msg)
	if err != nil {
		return false, fmt.Errorf("read %q: %w", r.name, err)
	}
	r.msg, r.time = msg, meta.Time
	return true, nil
}

func (r *recordedFile) close() {
	if r.f != nil {
		r.f.Close() // it was only read
		r.f, r.src, r.msg = nil, nil, nil
	}
}
