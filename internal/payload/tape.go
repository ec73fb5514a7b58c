package payload

import (
	"bytes"
	"io"
)

const (
	// tapeHistory is how far back a tape can be wound, in bytes: two blocks of zstd, four of deflate, so
	// that a broken block which has run into the next member can be taken back.
	tapeHistory = 256 << 10
	// tapeRead is what a tape reads at once, in bytes.
	tapeRead = 64 << 10
)

// A tape is a reader that can be wound back a little.
type tape struct {
	src  io.Reader
	buf  []byte // the first end bytes are the source's from base
	pos  int
	end  int
	base int64
	err  error
}

func newTape(src io.Reader) *tape {
	return &tape{src: src, buf: make([]byte, tapeHistory+tapeRead)}
}

// offset is the position in the source.
func (t *tape) offset() int64 { return t.base + int64(t.pos) }

// seek goes to an offset that is at most tapeHistory before the position.
func (t *tape) seek(offset int64) { t.pos = int(offset - t.base) }

func (t *tape) Read(p []byte) (int, error) {
	if t.pos == t.end {
		if err := t.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.buf[t.pos:t.end])
	t.pos += n
	return n, nil
}

// fill reads on. It keeps tapeHistory bytes before the position.
func (t *tape) fill() error {
	if t.err != nil {
		return t.err
	}
	if drop := t.pos - tapeHistory; t.end == len(t.buf) && drop > 0 {
		copy(t.buf, t.buf[drop:t.end])
		t.base += int64(drop)
		t.pos -= drop
		t.end -= drop
	}
	for range maxEmptyReads {
		n, err := t.src.Read(t.buf[t.end:])
		if n < 0 || n > len(t.buf)-t.end {
			n, err = 0, errNegativeCount
		}
		t.end += n
		t.err = err
		switch {
		case n > 0:
			return nil
		case err != nil:
			return err
		}
	}
	t.err = io.ErrNoProgress
	return t.err
}

// find winds to the first member that begins at the offset from or later, as far back as there is history.
// It returns false when there is none.
func (t *tape) find(from int64, kind compression) bool {
	magic := []byte(gzipMagic)
	if kind == zstandard {
		magic = []byte(zstdMagic)
	}
	t.pos = int(max(from-t.base, 0))
	for {
		i := bytes.Index(t.buf[t.pos:t.end], magic)
		switch {
		case i >= 0 && t.end-t.pos-i >= magicSize:
			t.pos += i
			if isMember(t.buf[t.pos:t.end], kind) {
				return true
			}
			t.pos++
			continue
		case i >= 0:
			t.pos += i
		default:
			t.pos = max(t.pos, t.end-len(magic)+1)
		}
		if t.fill() != nil {
			t.pos = t.end
			return false
		}
	}
}
