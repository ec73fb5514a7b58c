package payload

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"

	"github.com/buger/gor/internal/buffers"
)

// AppendLine appends msg in the form that middleware is given it: the header
// with four fields, without attributes, and the payload in lower-case
// hexadecimal digits, and a line end. When msg does not begin with a header line, dst is returned as it was.
func AppendLine(dst, msg []byte) []byte {
	m, body, err := Split(msg)
	if err != nil {
		return dst
	}
	m.Length = -1
	var header [maxHeader]byte
	dst = hex.AppendEncode(dst, AppendMeta(header[:0], m))
	dst = hex.AppendEncode(dst, body)
	return append(dst, '\n')
}

// WriteLine writes the line of msg to w in pieces, for one that is too large to
// lie in memory a third time. It returns the first error of w.
func WriteLine(w io.Writer, msg []byte) error {
	m, body, err := Split(msg)
	if err != nil {
		return nil
	}
	m.Length = -1
	var header [maxHeader]byte
	piece := hex.AppendEncode(make([]byte, 0, 2*linePiece), AppendMeta(header[:0], m))
	for {
		n := min(len(body), linePiece-len(piece)/2)
		piece = hex.AppendEncode(piece, body[:n])
		body = body[n:]
		if len(body) == 0 {
			break
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
		piece = piece[:0]
	}
	_, err = w.Write(append(piece, '\n'))
	return err
}

// linePiece is how many bytes of a message WriteLine writes at a time: what a
// pipe holds, in digits.
const linePiece = 32 << 10

// A LineReader reads messages as middleware prints them: as AppendLine writes
// them, with digits in either case. Blank lines and space around a line are
// passed over. Whatever else is not a message is counted, and costs only its
// own line.
type LineReader struct {
	r      *bufio.Reader
	limit  int
	joined []byte         // a line that the reader's buffer does not hold
	block  *buffers.Block // what joined lies in
	msg    []byte
	bad    BadLines
}

// BadLines counts lines that gave no message, by reason.
type BadLines struct {
	NotHex   uint64 // not an even number of hexadecimal digits
	Header   uint64 // does not begin with the header of a record
	TooLarge uint64 // a payload beyond the limit
	Torn     uint64 // without a line end: 0 or 1
	Newer    uint64 // of a type that is not known here; no *LineError tells of it
}

// A LineError says that a line is not a message; the next ones can be read.
type LineError struct {
	Reason string // for people
	Line   []byte // its beginning
}

func (e *LineError) Error() string { return e.Reason }

const (
	lineBuffer = 64 << 10

	// lineShown is how much of a bad line an error shows.
	lineShown = 80
)

// NewLineReader reads from r. Payloads of more than limit bytes are passed
// over.
func NewLineReader(r io.Reader, limit int) *LineReader {
	return &LineReader{r: bufio.NewReaderSize(r, lineBuffer), limit: limit}
}

// Next returns the next message, "header LF payload" with four fields, or with
// a length and the attributes that the line had. It is valid until the next call. It returns a *LineError for a line that is
// none, and goes on with the next line then; any other error is the reader's,
// io.EOF at its end.
func (l *LineReader) Next() ([]byte, error) {
	for {
		line, tooLong, err := l.line()
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case tooLong:
			l.bad.TooLarge++
			return nil, &LineError{"larger than a message may be", shown(line)}
		}
		line = bytes.TrimSpace(line)
		switch {
		case err != nil && len(line) > 0:
			l.bad.Torn++
			return nil, &LineError{"the last line has no end", shown(line)}
		case err != nil:
			return nil, err
		case len(line) == 0:
			continue
		}
		if msg, err := l.decode(line); msg != nil || err != nil {
			return msg, err
		}
	}
}

// decode returns neither a message nor an error for a type that is not known.
func (l *LineReader) decode(line []byte) ([]byte, error) {
	var begin [lineShown]byte
	said := begin[:copy(begin[:], line)]
	// In its place: two digits are read before their byte is written, and a
	// line of a large message is larger still.
	n, err := hex.Decode(line, line)
	if err != nil {
		l.bad.NotHex++
		return nil, &LineError{"not hexadecimal", shown(said)}
	}
	line = line[:n]
	m, body, err := Split(line)
	switch {
	case err != nil:
		l.bad.Header++
		return nil, &LineError{"no header of a message: it begins with type, id and time", shown(said)}
	case len(body) > l.limit:
		l.bad.TooLarge++
		return nil, &LineError{"larger than a message may be", shown(said)}
	case m.newerType():
		l.bad.Newer++
		return nil, nil
	}
	m.Length = -1
	if len(m.Attributes) > 0 {
		m.Length = int64(len(body))
	}
	var room [2 * maxHeader]byte
	header := AppendMeta(room[:0], m)
	if before := len(line) - len(body); len(header) <= before {
		// Nearly always: it is what came, without the length.
		line = line[before-len(header):]
		copy(line, header)
		return line, nil
	}
	l.msg = append(append(l.msg[:0], header...), body...)
	return l.msg, nil
}

// line returns the next line with its end. At the reader's end it returns what
// there is and io.EOF.
func (l *LineReader) line() (line []byte, tooLong bool, err error) {
	l.Release()
	line, err = l.r.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return line, false, err
	}
	most := 2*(l.limit+maxHeader) + lineBuffer // with some room for space around it
	for errors.Is(err, bufio.ErrBufferFull) {
		tooLong = tooLong || len(l.joined)+len(line) > most
		if !tooLong {
			l.join(line)
		}
		line, err = l.r.ReadSlice('\n')
	}
	if tooLong || len(l.joined)+len(line) > most {
		return l.joined, true, err
	}
	l.join(line)
	return l.joined, false, err
}

// join appends to joined, in memory that goes when it has grown out of it.
func (l *LineReader) join(part []byte) {
	if n := len(l.joined) + len(part); n > cap(l.joined) {
		block := buffers.NewBlock(max(n, 2*cap(l.joined)))
		l.joined = append(block.Bytes[:0], l.joined...)
		l.block.Free()
		l.block = block
	}
	l.joined = append(l.joined, part...)
}

// Release ends the use of what Next returned last, and gives up buffers that one
// large message has made large. Next does so too.
func (l *LineReader) Release() {
	const keep = 1 << 20
	if cap(l.joined) > keep {
		l.block.Free()
		l.joined, l.block, l.msg = nil, nil, nil
	}
	l.joined = l.joined[:0]
}

// Bad returns the counts so far. It belongs to the goroutine that calls Next.
func (l *LineReader) Bad() BadLines { return l.bad }

func shown(line []byte) []byte { return bytes.Clone(line[:min(len(line), lineShown)]) }
