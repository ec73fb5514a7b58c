package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// mergedFiles gives the messages of several recordings by time: of all files'
// next messages the earliest. Each file is expected to be nearly in order, and
// is open only from the time of its first record to its end, so that a
// thousand chunks of one long recording cost no more than one of them.
type mergedFiles struct {
	limit int
	logf  func(format string, args ...any)
	files []*recordedFile
	pipes []*os.File // those of files that are no regular ones

	shut []*recordedFile // not opened yet in this pass, by their first time
	open []*recordedFile // with a next message
	last *recordedFile   // whose message next gave
	err  error           // the first of a file that could not be read to its end

	mu    sync.Mutex // guards total, which counts reads
	total payload.Damage
}

// A recordedFile is one file and its next message.
type recordedFile struct {
	name    string
	index   int // among the names, in order
	f       *os.File
	regular atomic.Bool
	size    atomic.Int64 // bytes; of a regular file
	done    atomic.Int64 // bytes read of it
	src     payload.Source
	msg     []byte // valid until the next read
	time    int64  // of msg
	first   int64  // time of the first record
	empty   bool
	told    bool // its damage was
}

// openMerged opens what a pattern names. It fails when that is nothing, or
// when one of the files cannot be read.
func openMerged(pattern string, limit int, loop bool, logf func(string, ...any)) (*mergedFiles, error) {
	names, err := recordings(pattern)
	if err != nil {
		return nil, err
	}
	m := &mergedFiles{limit: limit, logf: logf}
	for i, name := range names {
		r := &recordedFile{name: name, index: i}
		m.files = append(m.files, r)
		if err := m.look(r, loop); err != nil {
			m.close()
			return nil, err
		}
	}
	m.sort()
	return m, nil
}

// recordings returns the files that a pattern matches, sorted. A name that
// exists is taken as it is, whatever characters it has.
func recordings(pattern string) ([]string, error) {
	if pattern == "" {
		return nil, asUsage(errors.New("want the name of a recording, such as requests.gor"))
	}
	if _, err := os.Stat(pattern); err == nil || !strings.ContainsAny(pattern, `*?[\`) {
		return []string{pattern}, nil // what is wrong with it, opening it will say
	}
	names, err := filepath.Glob(pattern)
	if err != nil {
		return nil, asUsage(fmt.Errorf("pattern %q: %w", pattern, err))
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

// look reads a file's first record. Of several files, each is then closed
// again until its time comes; but what is read from a pipe is gone.
func (m *mergedFiles) look(r *recordedFile, loop bool) error {
	if err := m.begin(r); err != nil {
		return err
	}
	if !r.regular.Load() {
		if loop {
			return fmt.Errorf("%s is no regular file and cannot be read twice; leave out --input-file-loop", r.name)
		}
		m.pipes = append(m.pipes, r.f)
	}
	return m.shelve(r)
}

// shelve reads the first record of a file that was just opened, and puts it
// where next finds it.
func (m *mergedFiles) shelve(r *recordedFile) error {
	ok, err := m.read(r)
	switch {
	case err != nil:
		return err
	case !ok:
		r.empty = true
		return nil
	}
	r.first = r.time
	if r.regular.Load() && len(m.files) > 1 {
		r.close()
		m.shut = append(m.shut, r)
	} else {
		m.open = append(m.open, r)
	}
	return nil
}

func (m *mergedFiles) sort() {
	slices.SortStableFunc(m.shut, func(a, b *recordedFile) int { return cmp.Compare(a.first, b.first) })
}

// begin opens a file at its beginning.
func (m *mergedFiles) begin(r *recordedFile) error {
	f, err := os.Open(r.name)
	if err != nil {
		return err
	}
	r.f = f
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder; name its files: %q", r.name, filepath.Join(r.name, "*.gor"))
	}
	r.regular.Store(info.Mode().IsRegular())
	r.size.Store(info.Size())
	r.done.Store(0)
	r.src, err = payload.Open(countingReader{f, &r.done}, r.name, m.limit)
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

// progress returns how many bytes of all files were read, and how many there
// are; zero of those when that is not known.
func (m *mergedFiles) progress() (done, all int64) {
	for _, r := range m.files {
		if !r.regular.Load() {
			return 0, 0
		}
		done += r.done.Load()
		all += r.size.Load()
	}
	return done, all
}

func (r *recordedFile) close() {
	if r.f != nil {
		r.f.Close() // it was only read
		r.f, r.src, r.msg = nil, nil, nil
	}
}

// rewind starts the next pass over the files.
func (m *mergedFiles) rewind() error {
	m.close()
	m.shut, m.open, m.last = m.shut[:0], m.open[:0], nil
	for _, r := range m.files {
		switch {
		case r.empty:
		case len(m.files) > 1:
			m.shut = append(m.shut, r)
		default:
			if err := m.begin(r); err != nil {
				return err
			}
			return m.shelve(r)
		}
	}
	m.sort()
	return nil
}

// next returns the earliest message that the files have and its time. The
// message is valid until the next call. At the end it returns io.EOF, or the
// error of a file that could not be read to its end: the others go on
// meanwhile.
func (m *mergedFiles) next() (msg []byte, at int64, err error) {
	if m.last != nil {
		m.advance(m.last)
		m.last = nil
	}
	first := m.earliest()
	for len(m.shut) > 0 && (first == nil || m.shut[0].first <= first.time) {
		r := m.shut[0]
		m.shut = m.shut[1:]
		if err := m.begin(r); err != nil {
			m.fail(err)
			continue
		}
		m.open = append(m.open, r)
		m.advance(r)
		first = m.earliest()
	}
	if first == nil {
		if m.err != nil {
			return nil, 0, m.err
		}
		return nil, 0, io.EOF
	}
	m.last = first
	return first.msg, first.time, nil
}

// earliest returns the open file with the earliest message, nil when none is
// open. Of equal times the file whose name comes first goes first.
func (m *mergedFiles) earliest() (first *recordedFile) {
	for _, r := range m.open {
		if first == nil || r.time < first.time || r.time == first.time && r.index < first.index {
			first = r
		}
	}
	return first
}

// advance reads the next message of an open file, and takes a file that has
// none off the list.
func (m *mergedFiles) advance(r *recordedFile) {
	ok, err := m.read(r)
	if ok {
		return
	}
	if err != nil {
		m.fail(err)
	}
	r.close()
	m.open = slices.DeleteFunc(m.open, func(o *recordedFile) bool { return o == r })
}

// fail keeps the first error.
func (m *mergedFiles) fail(err error) {
	if m.err == nil {
		m.err = err
	}
	if len(m.open)+len(m.shut) > 1 {
		m.logf("input-file: %v; going on with the other files", err)
	}
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

// account adds a file's damage to the sums, and tells of it once.
func (m *mergedFiles) account(r *recordedFile) {
	d := r.src.Damage()
	m.mu.Lock()
	m.total.Damaged += d.Damaged
	m.total.TooLarge += d.TooLarge
	m.total.Stale += d.Stale
	m.total.Torn += d.Torn
	m.total.Newer += d.Newer
	m.mu.Unlock()
	if r.told {
		return
	}
	r.told = true
	if d.Newer > 0 {
		m.logf("input-file: %s: %d records have a type or an attribute of a newer Gor; such types are left out", r.name, d.Newer)
	}
	if !d.Any() {
		return
	}
	hint := ""
	if d.TooLarge > 0 {
		hint = "; --copy-buffer-size is the limit"
	}
	m.logf("input-file: %s: %s%s", r.name, d, hint)
}

// newerRow names the row of records with a type or an attribute that a newer
// Gor wrote and this one does not know. They are no loss.
const newerRow = "records of a newer Gor"

// counts gives what was passed over in the files that were read so far.
func (m *mergedFiles) counts() []stats.Count {
	m.mu.Lock()
	defer m.mu.Unlock()
	return []stats.Count{
		{Name: "damaged records", Kind: stats.Note, N: uint64(m.total.Damaged)},
		{Name: "records too large", Kind: stats.Note, N: uint64(m.total.TooLarge)},
		{Name: "records with a stale length", Kind: stats.Note, N: uint64(m.total.Stale)},
		{Name: "torn records", Kind: stats.Note, N: uint64(m.total.Torn)},
		{Name: newerRow, Kind: stats.Note, N: uint64(m.total.Newer)},
	}
}

// close closes all files. What the open ones have shown of damage is counted.
func (m *mergedFiles) close() {
	for _, r := range m.open {
		if r.src != nil {
			m.account(r)
		}
	}
	m.open = m.open[:0]
	for _, r := range m.files {
		r.close()
	}
}

// interrupt ends a read that waits for a pipe's other end. It may be called at
// any time.
func (m *mergedFiles) interrupt() {
	for _, f := range m.pipes {
		f.Close() // a second time when the pipe has ended
	}
}
