package recording

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/payload"
)

// A file is an open recording. It is locked while it is open, so that
// two processes never write one file, and what is appended is whole records
// or nothing.
type file struct {
	name    string // as it is: a chunk's, when the name asked for could not be continued
	f       *os.File
	kind    packing
	regular bool  // no pipe or device: has a size, and can be cut back
	size    int64 // up to which the file is whole
	count   int   // of records that were appended since it was opened
	last    int   // bytes of the last append
	held    int64 // bytes that were there when it was opened
	lastAt  int64 // time of the last record then, ns since 1970; 0: unknown

	form formats.Kind  // how messages stand in it
	live *formats.Live // nil: records
	tail int           // bytes at its end that the next append replaces
	full bool          // its chunk ends here, though more was formed for it
}

// A fileSpec is what all files of a recording have in common.
type fileSpec struct {
	mode  fs.FileMode
	limit int // bytes of the largest message that a recording may hold
	form  formats.Kind
}

// maxChunks bounds the search for a free chunk name.
const maxChunks = 100_000

// checkMost bounds the compressed bytes that are read to find out whether a
// file ends well: about a second. A larger one is not continued.
const checkMost = 64 << 20

// checkPlainMost is the same where nothing is compressed.
const checkPlainMost = 1 << 30

// leftAlone says why an existing file is not appended to.
type leftAlone struct{ why string }

func (l *leftAlone) Error() string { return l.why }

// openFile opens name for appending; missing folders are made. A plain file
// with a torn tail gets a separator first, so that the tail does not swallow
// the next record. A file that cannot be continued, as it is something else,
// its compressed tail is torn, or another process writes it, is left alone,
// and a new chunk's name is used: told is told.
func openFile(name string, spec fileSpec, told func(name, why, chunk string)) (*file, error) {
	if err := disk.MakeFolders(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	r, err := continueFile(name, spec)
	var left *leftAlone
	if !errors.As(err, &left) {
		return r, err
	}
	for i := range maxChunks {
		chunk := chunkName(name, i)
		f, err := disk.Create(chunk, spec.mode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		r := &file{name: chunk, f: f, kind: packingOf(name), form: spec.form}
		if err := r.prepare(spec.limit); err != nil {
			r.close()
			return nil, err
		}
		told(name, left.why, chunk)
		return r, nil
	}
	return nil, fmt.Errorf("%s %s, and so many chunks of it exist that no name is left; move them away", name, left.why)
}

func continueFile(name string, spec fileSpec) (*file, error) {
	f, err := disk.Append(name, spec.mode)
	if err != nil {
		return nil, err
	}
	r := &file{name: name, f: f, kind: packingOf(name), form: spec.form}
	if err := r.prepare(spec.limit); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// prepare locks the file and finds, or makes, the place where a record may
// begin.
func (r *file) prepare(limit int) error {
	info, err := r.f.Stat()
	if err != nil {
		return err
	}
	r.regular = info.Mode().IsRegular()
	if !r.regular {
		r.begin(0)
		return nil
	}
	switch err := disk.Lock(r.f); {
	case errors.Is(err, disk.ErrLocked):
		return &leftAlone{"is being written by another process"}
	case err != nil:
		return fmt.Errorf("lock %q: %w", r.name, err)
	}
	// Only now nobody else appends.
	if info, err = r.f.Stat(); err != nil {
		return err
	}
	r.size = info.Size()
	if r.size == 0 {
		r.begin(0)
		return nil
	}
	r.held = r.size
	return r.inspect(limit)
}

// inspect looks at what the file holds.
func (r *file) inspect(limit int) error {
	if r.kind != packNone && r.size > checkMost {
		return &leftAlone{"is too large to look for a torn end"}
	}
	if r.form != formats.Recording {
		return r.inspectForm()
	}
	src, err := payload.Open(io.NewSectionReader(r.f, 0, r.size), r.name, limit)
	if err != nil {
		return err
	}
	switch format := src.Format(); {
	case format == "gob":
		return &leftAlone{"is a recording of Gor 0.9"}
	case format != r.kind.format():
		return &leftAlone{fmt.Sprintf("holds %s", format)}
	case r.kind == packNone:
		return r.endTail()
	}
	for {
		msg, err := src.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return &leftAlone{fmt.Sprintf("cannot be read (%v)", err)}
		}
		r.noteTime(msg)
	}
	if d := src.Damage(); d.Damaged > 0 || d.Torn > 0 {
		return &leftAlone{"is torn or damaged"}
	}
	return nil
}

// noteTime keeps the time of a record, which begins with its header.
func (r *file) noteTime(record []byte) {
	line, _, _ := bytes.Cut(record, []byte("\n"))
	if meta, err := payload.ParseMeta(line); err == nil && meta.Time > 0 {
		r.lastAt = meta.Time
	}
}

// tailBytes is how much of a plain file's end is searched for its last record:
// one that is larger leaves the time unknown.
const tailBytes = 256 << 10

// findLast finds the last record of a plain file.
func (r *file) findLast() error {
	tail := make([]byte, min(r.size, tailBytes))
	if _, err := r.f.ReadAt(tail, r.size-int64(len(tail))); err != nil {
		return err
	}
	tail = bytes.TrimSuffix(tail, []byte(payload.Separator))
	if i := bytes.LastIndex(tail, []byte(payload.Separator)); i >= 0 {
		r.noteTime(tail[i+len(payload.Separator):])
	} else if int64(len(tail)+len(payload.Separator)) >= r.size { // it is the only one
		r.noteTime(tail)
	}
	return nil
}

// contents says what was in the file, such as "306 kB, last record from
// 2026-11-27 06:54:24 +0000".
func (r *file) contents() string {
	text := payload.BytesText(r.held)
	if r.lastAt > 0 {
		text += ", last record from " + time.Unix(0, r.lastAt).Format("2006-01-02 15:04:05 -0700")
	}
	return text
}

// headBytes is how much of a file is looked at to see whether it is a recording:
// a header line, and room for blank lines that somebody left in front of it.
const headBytes = 1 << 10

// endTail gives a torn tail a separator of its own. What does not begin as a
// recording does is none, and not touched.
func (r *file) endTail() error {
	head := make([]byte, min(r.size, headBytes))
	tail := make([]byte, min(r.size, int64(len(payload.Separator))))
	if _, err := r.f.ReadAt(head, 0); err != nil {
		return err
	}
	if _, err := r.f.ReadAt(tail, r.size-int64(len(tail))); err != nil {
		return err
	}
	if !payload.BeginsRecording(head) {
		return &leftAlone{"does not begin as a recording"}
	}
	if err := r.findLast(); err != nil {
		return err
	}
	if bytes.Equal(tail, []byte(payload.Separator)) {
		return nil
	}
	return r.append([]byte(payload.Separator))
}

// check finds out what happened to the file since the last append. When it
// says what, the file is to be opened again by its name.
func (r *file) check() (why string, err error) {
	if !r.regular {
		return "", nil
	}
	info, err := r.f.Stat()
	switch {
	case err != nil:
		return "", err
	case disk.Removed(info):
		return "was removed", nil
	case info.Size() < r.size:
		return "was cut by another program", nil
	case info.Size() > r.size:
		return "was written by another program", nil
	}
	return "", nil
}

// append writes whole records. When only part of them could be written, the
// file is cut back to where it was.
func (r *file) append(records []byte) error {
	n, err := r.f.Write(records)
	r.last = n
	if err == nil {
		r.size += int64(n)
		return nil
	}
	if n > 0 && r.regular {
		err = errors.Join(err, r.f.Truncate(r.size))
	}
	return err
}

// close unlocks the file too. All that it held was written before.
func (r *file) close() { r.f.Close() }

// makeFolder makes the folder and finds out whether files can be made in it.
func makeFolder(folder string) error {
	if err := disk.MakeFolders(folder, 0o755); err != nil {
		return err
	}
	return disk.MayWrite(folder)
}
