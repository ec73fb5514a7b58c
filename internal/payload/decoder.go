package payload

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

type compression uint8

const (
	uncompressed compression = iota
	gzipped
	zstandard
)

const (
	gzipMagic = "\x1F\x8B\x08" // RFC 1952 section 2.3: ID1, ID2, CM = deflate
	zstdMagic = "\x28\xB5\x2F\xFD"
	zstdSkip  = "\x2A\x4D\x18" // RFC 8878 section 3.1.2: bytes 2 to 4 of a skippable frame
	magicSize = 4              // bytes that tell: gzip's with the flags, zstd's

	// zstdMaxWindow is the memory in bytes that RFC 8878 section 3.1.1.1.2 asks of every decoder. zstd
	// needs more only for its levels above 19 and for --long.
	zstdMaxWindow = 8 << 20
)

var errNoMember = errors.New("not compressed")

// compressionOf tells from the first bytes of a recording how it is compressed.
func compressionOf(b []byte) compression {
	switch {
	case isMember(b, gzipped):
		return gzipped
	case isMember(b, zstandard), isSkippable(b):
		return zstandard
	}
	return uncompressed
}

// isMember reports whether b begins as a gzip member or a zstd frame does.
func isMember(b []byte, kind compression) bool {
	if len(b) < magicSize {
		return false
	}
	if kind == gzipped {
		return string(b[:3]) == gzipMagic && b[3]&0xE0 == 0 // the upper flags are reserved
	}
	return string(b[:4]) == zstdMagic
}

// isSkippable reports whether b begins as a zstd frame without content does.
func isSkippable(b []byte) bool {
	return len(b) >= magicSize && b[0]&0xF0 == 0x50 && string(b[1:4]) == zstdSkip
}

// A decoder decompresses members one after another, and knows where each begins.
type decoder struct {
	kind   compression
	tape   *tape
	in     *bufio.Reader // over tape; deflate decodes fastest from this type
	gzip   *gzip.Reader
	zstd   *zstd.Decoder
	frame  zstdFrame
	member int64 // offset in tape of the present member
	inside bool  // it has not ended yet
}

// position is the offset in tape of the first byte that is not decoded yet.
func (d *decoder) position() int64 { return d.tape.offset() - int64(d.in.Buffered()) }

// rewound makes the decoder begin with a member at the tape's position.
func (d *decoder) rewound() {
	d.in.Reset(d.tape)
	d.inside = false
}

// Read returns io.EOF where the source ends between two members, io.ErrUnexpectedEOF where it ends inside one.
func (d *decoder) Read(b []byte) (n int, err error) {
	for n == 0 && err == nil {
		if !d.inside {
			if err := d.begin(); err != nil {
				return 0, err
			}
			d.inside = true
		}
		if d.kind == gzipped {
			n, err = d.gzip.Read(b)
		} else {
			n, err = d.zstd.Read(b)
			if err == io.EOF && !d.frame.ended {
				err = errNoMember
			}
		}
		if err == io.EOF {
			d.inside, err = false, nil
		}
	}
	return n, err
}

// begin reads the head of the next member that has content.
func (d *decoder) begin() error {
	for {
		d.member = d.position()
		b, err := d.in.Peek(magicSize)
		switch {
		case len(b) == 0:
			return err
		case isMember(b, d.kind):
			return d.reset()
		case len(b) < magicSize:
			return io.ErrUnexpectedEOF
		case d.kind != zstandard || !isSkippable(b):
			return errNoMember
		}
		if err := skipFrame(d.in); err != nil {
			return err
		}
	}
}

func (d *decoder) reset() (err error) {
	switch {
	case d.kind == gzipped:
		if d.gzip == nil {
			d.gzip = new(gzip.Reader)
		}
		err = d.gzip.Reset(d.in)
		d.gzip.Multistream(false)
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
	case d.zstd == nil:
		d.frame = zstdFrame{in: d.in}
		d.zstd, err = zstd.NewReader(&d.frame,
			zstd.WithDecoderConcurrency(1), // with more there would be goroutines to close
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(zstdMaxWindow))
	default:
		d.frame = zstdFrame{in: d.in}
		err = d.zstd.Reset(&d.frame)
	}
	return err
}
