package plugin

import (
	"errors"
	"io"

	"github.com/buger/gor/internal/buffers"
)

const (
	// readBuffer is what a Reader reads into at first; it holds nearly every
	// request, and grows when one is larger.
	readBuffer = 64 << 10

	// keepGrown bounds for how long a grown buffer is kept: its bytes times
	// the small messages that came meanwhile, 1,000 of them for 1 MiB.
	keepGrown = 1000 << 20

	// MaxHeaderLine is more than what the header line of a record adds to a
	// message of the largest size.
	MaxHeaderLine = 1 << 10
)

// A Reader reads the messages of an input into a buffer that grows when one
// needs it.
type Reader struct {
	in    Input
	limit int            // bytes of a message
	buf   []byte         // what is read into
	grown *buffers.Block // what buf is, when a message was larger than readBuffer
	small int            // messages since one that readBuffer would not have held
}

// NewReader returns a Reader of messages up to limit bytes, without their header
// line. Whoever reads calls Free in the end.
func NewReader(in Input, limit int) *Reader {
	return &Reader{in: in, limit: limit, buf: make([]byte, readBuffer)}
}

// Next returns the next message, which is valid until the following call. The
// error is the input's, io.EOF after its last message.
func (r *Reader) Next() ([]byte, error) {
	r.shrink()
	for {
		n, err := r.in.Read(r.buf)
		switch {
		case err == nil:
			r.small++
			if n > readBuffer {
				r.small = 0
			}
			return r.buf[:n], nil
		case errors.Is(err, io.ErrShortBuffer):
			r.grow()
		default:
			return nil, err
		}
	}
}

func (r *Reader) grow() {
	size := 2 * len(r.buf)
	if most := r.limit + MaxHeaderLine; len(r.buf) < most {
		size = min(size, most)
	}
	r.grown.Free()
	r.grown = buffers.NewBlock(size)
	r.buf = r.grown.Bytes
}

// shrink lets go of a grown buffer: one large message must not cost its size for
// ever. But where they are common, a new buffer for each would cost more.
func (r *Reader) shrink() {
	if len(r.buf) > readBuffer && r.small >= keepGrown/len(r.buf) {
		r.grown.Free()
		r.grown, r.buf = nil, make([]byte, readBuffer)
	}
}

// Free gives the buffer back. No message is valid after it.
func (r *Reader) Free() { r.grown.Free() }
