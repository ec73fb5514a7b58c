package payload

import (
	"errors"
	"io"
	"os"

	"github.com/buger/gor/internal/buffers"
)

const (
	// bufferSize is the window in steady state, in bytes: a read per 64 KiB costs nothing beside the copy
	// (1 KiB records: 60 to a read), and it still lies in the second-level cache.
	bufferSize = 64 << 10
	// minRead is the room below which the window is moved to the front rather than read into, in bytes.
	minRead = 4 << 10
	// headroom is kept before the window, so that a header can be rewritten longer in front of its payload.
	headroom = 64
	// calm is how many small records in a row give a grown buffer back.
	calm = 64
	// maxEmptyReads is how many reads may bring nothing before the source counts as broken, as in bufio.
	maxEmptyReads = 100
	// DefaultLimit is the message limit where none is given, in bytes: that of GoReplay 1.x.
	DefaultLimit = 5 << 20
	// maxLimit bounds the message limit, in bytes, so that sums with it do not overflow a 32-bit int.
	maxLimit = 1 << 30
)

var errNegativeCount = errors.New("source returned an impossible count from Read")

// A window is the part of a source that was read and not yet consumed. It grows with what arrives, never
// with what a length claims.
type window struct {
	src   io.Reader
	buf   []byte
	grown *buffers.Block // what buf is, when it is larger than bufferSize
	r, w  int            // the window is buf[r:w]
	off   int64          // offset in src of buf[r]
	max   int            // largest buf
	err   error          // first error of src; a passed deadline is not kept
	small int            // consecutive records that would have fitted a buffer of bufferSize
}

// newWindow makes a window that can hold most bytes at once.
func newWindow(src io.Reader, most int) *window {
	return &window{
		src: src,
		buf: make([]byte, bufferSize),
		r:   headroom,
		w:   headroom,
		max: max(headroom+most+minRead, bufferSize),
	}
}

// bytes returns the window; it is valid until the next fill or consume.
func (w *window) bytes() []byte { return w.buf[w.r:w.w] }

func (w *window) len() int { return w.w - w.r }

func (w *window) consume(n int) {
	w.r += n
	w.off += int64(n)
}

// used tells the size of a record that was consumed, so that a buffer which is too large is given back.
func (w *window) used(n int) {
	if n > bufferSize/2 {
		w.small = 0
	} else {
		w.small++
	}
}

// ensure fills until the window holds n bytes. It returns the source's error when it cannot.
func (w *window) ensure(n int) error {
	for w.len() < n {
		if err := w.fill(); err != nil {
			return err
		}
	}
	return nil
}

// fill reads once, whatever the source has, so that it never waits for more than the next byte. When it
// returns nil the window has grown.
func (w *window) fill() error {
	if w.err != nil {
		return w.err
	}
	w.makeRoom()
	for range maxEmptyReads {
		n, err := w.src.Read(w.buf[w.w:])
		if n < 0 || n > len(w.buf)-w.w {
			w.err = errNegativeCount
			return w.err
		}
		w.w += n
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			w.err = err
		}
		switch {
		case n > 0:
			return nil
		case err != nil:
			return err
		}
	}
	w.err = io.ErrNoProgress
	return w.err
}

// makeRoom leaves at least one byte to read into.
func (w *window) makeRoom() {
	n := w.len()
	if len(w.buf) > bufferSize && w.small >= calm && n <= bufferSize/2 {
		w.moveTo(nil, make([]byte, bufferSize))
		return
	}
	if n == 0 {
		w.r, w.w = headroom, headroom
	}
	if len(w.buf)-w.w >= minRead {
		return
	}
	// Moving less than half of the buffer, once per buffer, costs less than a copy of each byte.
	if n <= len(w.buf)/2 || len(w.buf) == w.max {
		w.move(w.buf)
		return
	}
	grown := buffers.NewBlock(min(2*len(w.buf), w.max))
	w.moveTo(grown, grown.Bytes)
}

// moveTo puts the window into a buffer of another size, and frees the old one.
func (w *window) moveTo(grown *buffers.Block, buf []byte) {
	w.move(buf)
	w.grown.Free()
	w.grown = grown
}

// move puts the window at the front of buf.
func (w *window) move(buf []byte) {
	n := copy(buf[headroom:], w.bytes())
	w.buf, w.r, w.w = buf, headroom, headroom+n
}
