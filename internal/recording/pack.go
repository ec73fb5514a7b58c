package recording

import (
	"bytes"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A packing is how a recording is compressed, as the suffix of its name says.
type packing uint8

const (
	packNone packing = iota
	packGzip
	packZstd
)

func packingOf(name string) packing {
	switch {
	case strings.HasSuffix(name, ".gz"):
		return packGzip
	case strings.HasSuffix(name, ".zst"):
		return packZstd
	}
	return packNone
}

// notPacked are suffixes of compressed files that a recording is not written as.
var notPacked = []string{".bz2", ".xz", ".lz4", ".br", ".lzma", ".zip", ".7z"}

// misnamed reports whether a name promises a compression that the file will not
// have.
func misnamed(name string) bool {
	return slices.ContainsFunc(notPacked, func(suffix string) bool { return strings.HasSuffix(name, suffix) })
}

// format is what payload.Source's Format says of such a recording.
func (p packing) format() string {
	return [...]string{packNone: "text", packGzip: "gzip text", packZstd: "zstd text"}[p]
}

// packers compress records into something that can be appended to a
// recording: a gzip member or a zstd frame. One of each serves all files, since
// nothing stays in it between two flushes.
type packers struct {
	gzip *gzip.Writer
	zstd *zstd.Encoder
	buf  bytes.Buffer // of gzip
	out  []byte       // of zstd
}

// zstdWindow keeps the memory of an encoder, and of whoever reads the file, at
// about a megabyte; what is compressed at once is seldom more than fileBuffer.
const zstdWindow = 512 << 10

// packedKept is the most that is kept of a buffer for the next call.
const packedKept = 1 << 20

// pack returns the records as they stand in such a file. The result is valid
// until the next call, and may be records itself.
func (p *packers) pack(kind packing, records []byte) ([]byte, error) {
	switch kind {
	case packGzip:
		return p.packGzip(records)
	case packZstd:
		return p.packZstd(records)
	}
	return records, nil
}

func (p *packers) packGzip(records []byte) ([]byte, error) {
	if p.buf.Cap() > packedKept {
		p.buf = bytes.Buffer{}
	}
	p.buf.Reset()
	if len(records) > packedKept { // at once, as doubling would leave as much behind
		p.buf.Grow(len(records) + packOverhead(len(records)))
	}
	if p.gzip == nil {
		w, err := gzip.NewWriterLevel(&p.buf, gzip.BestSpeed)
		if err != nil {
			return nil, err
		}
		p.gzip = w
	}
	p.gzip.Reset(&p.buf)
	if _, err := p.gzip.Write(records); err != nil {
		return nil, err
	}
	if err := p.gzip.Close(); err != nil {
		return nil, err
	}
	return p.buf.Bytes(), nil
}

func (p *packers) packZstd(records []byte) ([]byte, error) {
	if p.zstd == nil {
		enc, err := zstd.NewWriter(nil,
			zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(zstdWindow),
			zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
		p.zstd = enc
	}
	if cap(p.out) > packedKept {
		p.out = nil
	}
	p.out = p.zstd.EncodeAll(records, p.out[:0])
	return p.out, nil
}

// packOverhead is more than n bytes can grow by when they do not compress: for
// gzip 5 bytes a block of 64 KiB, for zstd 3 a block of 128 KiB, and a header
// and a trailer of less than 32.
func packOverhead(n int) int { return n>>13 + 64 }
