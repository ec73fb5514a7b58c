package replay

import (
	"cmp"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// mergedFiles gives the messages of several recordings by time: of all files'
// next messages the earliest. Each file is expected to be nearly in order, and
// is open only from the time of its first record to its end, so that a
// thousand chunks of one long recording cost no more than one of them.
type mergedFiles struct {
	cfg   Config
	files []*recordedFile
	pipes []*os.File // those of files that are not regular ones

	shut []*recordedFile // not opened yet in this pass, by their first time
	open []*recordedFile // with a next message
	last *recordedFile   // whose message next gave
	err  error           // the first of a file that could not be read to its end

	mu    sync.Mutex // guards what follows, which counts reads
	total payload.Damage
	notes []stats.Count // what formats left out or made up; of what there is any
}

// openMerged opens what the sources name. It fails with a *SourceError when that
// is nothing, or when one of the files cannot be read.
func openMerged(cfg Config) (*mergedFiles, error) {
	m := &mergedFiles{cfg: cfg}
	for i, s := range cfg.Sources {
		names, err := fileNames(s.Pattern)
		if err != nil {
			return nil, &SourceError{i, err}
		}
		for _, name := range names {
			m.files = append(m.files, &recordedFile{name: name, index: len(m.files), source: i})
		}
	}
	for _, r := range m.files {
		if err := m.look(r); err != nil {
			m.close()
			return nil, &SourceError{r.source, err}
		}
	}
	if len(m.open)+len(m.shut) == 0 {
		first := m.files[0]
		m.close()
		return nil, &SourceError{first.source, nothingIn(first)}
	}
	m.sort()
	return m, nil
}

// look reads a file's first record. Of several files, each is then closed
// again until its time comes; but what is read from a pipe is gone.
func (m *mergedFiles) look(r *recordedFile) error {
	if err := m.begin(r); err != nil {
		return err
	}
	if !r.regular.Load() {
		if m.cfg.Loop {
			return &LoopError{r.name}
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
// message is valid until the next call; source tells whose it is. At the end it returns io.EOF, or the
// error of a file that could not be read to its end: the others go on
// meanwhile.
func (m *mergedFiles) next() (msg []byte, at int64, source int, err error) {
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
			return nil, 0, 0, m.err
		}
		return nil, 0, 0, io.EOF
	}
	m.last = first
	return first.msg, first.time, first.source, nil
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
		m.cfg.Logf("%s: %v; going on with the other files", m.cfg.Kind, err)
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
