package message

import (
	"bufio"
	"bytes"
	"io"
)

// MaxLine bounds a line, in bytes. Servers cut what they log long before: nginx
// at 4 KiB a write by default, and the largest request head that common servers
// take has 64 KiB, which escapes make four times as long.
const MaxLine = 1 << 20

// Lines reads lines of bounded length. A longer one is passed over and counted.
type Lines struct {
	r      *bufio.Reader
	most   int
	line   []byte // what did not fit in r's buffer
	number int64
	start  int64 // offset of the present line
	next   int64 // offset of the next one
	long   int64
	last   bool // the present line has no line end
}

// linesBuffer holds nearly every line, so that nearly none is copied.
const linesBuffer = 64 << 10

// NewLines returns the lines of r, of at most MaxLine bytes.
func NewLines(r io.Reader) *Lines { return NewLinesOf(r, MaxLine) }

// NewLinesOf returns the lines of r, of at most so many bytes.
func NewLinesOf(r io.Reader, most int) *Lines {
	return &Lines{r: bufio.NewReaderSize(r, linesBuffer), most: most}
}

// Next returns the next line without its line end, LF or CR LF. It is valid
// until the next call, and may be changed. At the end it returns io.EOF.
func (l *Lines) Next() ([]byte, error) {
	for {
		line, long, err := l.read()
		if err != nil {
			return nil, err
		}
		if long {
			l.long++
			continue
		}
		if l.number == 1 {
			line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
		}
		return line, nil
	}
}

func (l *Lines) read() (line []byte, long bool, err error) {
	l.start = l.next
	part, err := l.r.ReadSlice('\n')
	l.next += int64(len(part))
	if err == bufio.ErrBufferFull {
		if cap(l.line) > MaxLine { // a large line does not cost its size for ever
			l.line = nil
		}
		l.line = append(l.line[:0], part...)
		for err == bufio.ErrBufferFull {
			part, err = l.r.ReadSlice('\n')
			l.next += int64(len(part))
			if len(l.line)+len(part) > l.most {
				long = true
			} else if !long {
				l.line = append(l.line, part...)
			}
		}
		part = l.line
	}
	if err != nil && (err != io.EOF || l.next == l.start) {
		return nil, false, err
	}
	long = long || len(part) > l.most
	l.number++
	l.last = err == io.EOF
	part = bytes.TrimSuffix(part, []byte{'\n'})
	return bytes.TrimSuffix(part, []byte{'\r'}), long, nil
}

// Number returns the number of the present line, from 1.
func (l *Lines) Number() int64 { return l.number }

// Offset returns where the present line begins, in bytes.
func (l *Lines) Offset() int64 { return l.start }

// Long returns how many lines were too long and passed over.
func (l *Lines) Long() int64 { return l.long }

// Unended reports whether the present line has no line end: it is the last of
// the file, and was perhaps cut.
func (l *Lines) Unended() bool { return l.last }

// Fail returns an error at the present line.
func (l *Lines) Fail(err error) error {
	return &PositionError{Line: l.number, Offset: l.start, Err: err}
}
