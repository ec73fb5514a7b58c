// Package body takes the codings off the bodies of answers and compares what they
// hold, by its type.
package body

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/buger/gor/internal/http1"
)

// A Content is what an answer's body holds. Valid until the Reader's next call.
type Content struct {
	// Bytes is the body without its codings, as far as they could be taken off.
	Bytes []byte

	// Trailer has the trailer section of a chunked body, field lines with their
	// ends; nil when there is none.
	Trailer []byte

	// Err says why Bytes is not what the server meant; nil when it is. Bytes is
	// then as far as it got.
	Err error
}

// The errors of a Content.
var (
	// ErrTooLarge is a body that becomes larger than the limit.
	ErrTooLarge = errors.New("larger than the limit when it is decoded")
	// ErrCoding is a body that is not coded as its headers say.
	ErrCoding = errors.New("not coded as its headers say")
)

// mostCodings bounds how many codings a body may have on top of each other. Servers
// use one.
const mostCodings = 4

// mostWindow bounds what a zstd body may make its decoder hold, in bytes: RFC 8878
// section 3.1.1.1.2 recommends to support 8 MB, and RFC 9659 forbids more in HTTP.
const mostWindow = 8 << 20

// A Reader takes codings off. It serves one goroutine.
type Reader struct {
	limit   int
	source  bytes.Reader
	bodies  [2][]byte // a body is decoded from one into the other
	gzip    *gzip.Reader
	zstd    *zstd.Decoder
	flate   io.ReadCloser
	brotli  *brotli.Reader
	codings []string // scratch
}

// NewReader returns a Reader of bodies of at most limit bytes when decoded.
func NewReader(limit int) *Reader { return &Reader{limit: limit} }

// keep bounds what a Reader keeps of its buffers from one body to the next, in bytes.
const keep = 256 << 10

// Read takes the codings off the body of m: chunked, gzip, deflate, zstd, br.
func (r *Reader) Read(m *http1.Response) (c Content) {
	for i := range r.bodies {
		if cap(r.bodies[i]) > keep {
			r.bodies[i] = nil
		}
	}
	c.Bytes = m.Body()
	if len(c.Bytes) == 0 {
		return c
	}
	for _, coding := range r.list(m, "Transfer-Encoding") {
		if coding != "chunked" {
			continue // gzip as a transfer coding: nobody has it
		}
		plain, ok := http1.AppendUnchunked(r.bodies[0][:0], c.Bytes)
		if !ok {
			c.Err = fmt.Errorf("%w: chunked", ErrCoding)
			return c
		}
		c.Trailer = trailer(c.Bytes)
		r.bodies[0] = plain
		c.Bytes = plain
	}
	codings := r.list(m, "Content-Encoding")
	for n := len(codings) - 1; n >= max(0, len(codings)-mostCodings); n-- {
		if codings[n] == "identity" {
			continue
		}
		c.Bytes, c.Err = r.decode(codings[n], c.Bytes)
		if c.Err != nil {
			return c
		}
	}
	if len(c.Bytes) > r.limit {
		c.Bytes, c.Err = c.Bytes[:r.limit], ErrTooLarge
	}
	return c
}

// list gives the tokens of a header, in lower case.
func (r *Reader) list(m *http1.Response, name string) []string {
	r.codings = r.codings[:0]
	m.EachHeader(name, func(value []byte) bool {
		for token := range bytes.SplitSeq(value, []byte{','}) {
			token = bytes.TrimSpace(token)
			if len(token) > 0 && len(r.codings) < 2*mostCodings {
				r.codings = append(r.codings, strings.ToLower(string(token)))
			}
		}
		return true
	})
	return r.codings
}

// decode takes one coding off body, which lies in r.bodies[0] or in the message. On
// an error it returns what could be decoded.
func (r *Reader) decode(coding string, body []byte) ([]byte, error) {
	r.source.Reset(body)
	src, err := r.decoder(coding)
	if err != nil {
		return body, fmt.Errorf("%w: %s", ErrCoding, coding)
	}
	if src == nil {
		return body, fmt.Errorf("%w: %q is not a coding that Gor knows", ErrCoding, coding)
	}
	r.bodies[0], r.bodies[1] = r.bodies[1], r.bodies[0]
	out := r.bodies[0][:0]
	for {
		if len(out) == cap(out) {
			out = append(out, 0)[:len(out)]
		}
		n, err := src.Read(out[len(out):min(cap(out), r.limit+1)])
		out = out[:len(out)+n]
		r.bodies[0] = out
		switch {
		case len(out) > r.limit:
			return out[:r.limit], ErrTooLarge
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return out, fmt.Errorf("%w: %s", ErrCoding, coding)
		}
	}
}

// decoder returns a decoder of what r.source holds, nil for a coding that is not
// known.
func (r *Reader) decoder(coding string) (io.Reader, error) {
	switch coding {
	case "gzip", "x-gzip":
		if r.gzip == nil {
			r.gzip = new(gzip.Reader)
		}
		return r.gzip, r.gzip.Reset(&r.source)
	case "deflate":
		return r.deflate()
	case "zstd":
		if r.zstd == nil {
			// One goroutine: no other decodes beside it, and none must be ended.
			z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(mostWindow), zstd.WithDecoderLowmem(true))
			if err != nil {
				return nil, err
			}
			r.zstd = z
		}
		return r.zstd, r.zstd.Reset(&r.source)
	case "br":
		if r.brotli == nil {
			r.brotli = brotli.NewReader(nil)
		}
		return r.brotli, r.brotli.Reset(&r.source)
	}
	return nil, nil
}

// deflate reads what RFC 9110 section 8.4.1.2 says, the zlib format, and the raw one
// that some servers send under its name. Two bytes tell them apart (RFC 1950 section
// 2.2).
func (r *Reader) deflate() (io.Reader, error) {
	var head [2]byte
	n, _ := r.source.ReadAt(head[:], 0)
	if n == 2 && head[0]&0xF == 8 && (int(head[0])<<8+int(head[1]))%31 == 0 {
		return zlib.NewReader(&r.source)
	}
	if r.flate == nil {
		r.flate = flate.NewReader(&r.source)
		return r.flate, nil
	}
	return r.flate, r.flate.(flate.Resetter).Reset(&r.source, nil)
}

// trailer returns the field lines behind the last chunk of a whole chunked body.
func trailer(b []byte) []byte {
	for len(b) > 0 {
		line, rest, ok := bytes.Cut(b, []byte{'\n'})
		if !ok {
			return nil
		}
		size := 0
		for _, c := range bytes.TrimLeft(line, " \t") {
			d, ok := hexValue(c)
			if !ok || size > len(b) {
				break
			}
			size = size<<4 | d
		}
		if size == 0 {
			rest = bytes.TrimRight(rest, "\r\n")
			return rest[:len(rest):len(rest)]
		}
		if size >= len(rest) {
			return nil
		}
		rest = rest[size:]
		b = bytes.TrimPrefix(bytes.TrimPrefix(rest, []byte{'\r'}), []byte{'\n'})
	}
	return nil
}

func hexValue(c byte) (int, bool) {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0'), true
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10, true
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10, true
	}
	return 0, false
}
