// Package pretty takes the codings off HTTP bodies, so that people and simple
// programs can read them: chunked transfer coding and gzip content coding (RFC
// 9112 section 7.1, RFC 9110 section 8.4.1).
package pretty

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/klauspost/compress/gzip"

	"github.com/buger/gor/internal/http1"
)

// A Decoder decodes messages one after another. It serves one goroutine.
type Decoder struct {
	limit    int
	request  http1.Request
	response http1.Response
	source   bytes.Reader
	gzip     *gzip.Reader
	bodies   [2][]byte // a body is decoded from one into the other
	out      []byte
}

// New returns a Decoder that leaves bodies alone that would become larger than
// limit bytes.
func New(limit int) *Decoder { return &Decoder{limit: limit} }

// maxCodings bounds how often a body may be gzipped.
const maxCodings = 4

// message is what Request and Response have in common.
type message interface {
	Parse(msg []byte) error
	Header(name string) (value []byte, ok bool)
	Headers(yield func(name, value []byte) bool)
	SetHeader(name, value string) error
	DelHeader(name string)
	Body() []byte
	AppendHead(dst []byte) []byte
}

// Append appends msg, a whole response or request, to dst, with its body
// decoded, its Content-Length right, and no header left that speaks of what is
// no longer there. It reports false, and appends nothing, when there is nothing
// to decode or what there is cannot be. Of several codings those are taken off
// that can be, from the last on. Trailers are dropped. dst must not overlap msg.
func (d *Decoder) Append(dst, msg []byte, response bool) ([]byte, bool) {
	var m message = &d.request
	if response {
		m = &d.response
	}
	if m.Parse(msg) != nil || len(m.Body()) == 0 {
		return dst, false
	}
	body, decoded := m.Body(), false
	if value, ok := only(m, "Transfer-Encoding"); ok {
		if plain, ok := d.unchunk(value, body); ok {
			body, decoded = plain, true
			m.DelHeader("Transfer-Encoding")
			m.DelHeader("Trailer")
		} else {
			return dst, false // what the content is cannot be known
		}
	} else if _, some := m.Header("Transfer-Encoding"); some {
		return dst, false
	}
	for range maxCodings {
		value, ok := only(m, "Content-Encoding")
		if !ok {
			break
		}
		rest, ok := cutGzip(value)
		if !ok {
			break
		}
		plain, ok := d.gunzip(body)
		if !ok {
			break
		}
		body, decoded = plain, true
		if rest == "" {
			m.DelHeader("Content-Encoding")
		} else if m.SetHeader("Content-Encoding", rest) != nil {
			return dst, false
		}
	}
	if !decoded {
		return dst, false
	}
	if _, ok := only(m, "Content-Length"); !ok {
		m.DelHeader("Content-Length")
	}
	if m.SetHeader("Content-Length", strconv.Itoa(len(body))) != nil {
		return dst, false
	}
	return append(m.AppendHead(dst), body...), true
}

// only returns the value of the only header of that name.
func only(m message, name string) (value []byte, ok bool) {
	n := 0
	m.Headers(func(other, _ []byte) bool {
		if bytes.EqualFold(other, []byte(name)) {
			n++
		}
		return true
	})
	if n != 1 {
		return nil, false
	}
	return m.Header(name)
}

// unchunk decodes a body of the transfer codings in value.
func (d *Decoder) unchunk(value, body []byte) ([]byte, bool) {
	if !bytes.EqualFold(value, []byte("chunked")) {
		return nil, false
	}
	out, ok := http1.AppendUnchunked(d.bodies[0][:0], body)
	if !ok || len(out) > d.limit {
		return nil, false
	}
	d.bodies[0] = out
	return out, true
}

// cutGzip takes gzip off the end of a list of codings.
func cutGzip(list []byte) (rest string, ok bool) {
	last := bytes.LastIndexByte(list, ',')
	coding := bytes.TrimSpace(list[last+1:])
	if !bytes.EqualFold(coding, []byte("gzip")) && !bytes.EqualFold(coding, []byte("x-gzip")) {
		return "", false
	}
	return string(bytes.Trim(list[:max(last, 0)], ", \t")), true
}

// gunzip decodes body into the buffer in which it does not lie.
func (d *Decoder) gunzip(body []byte) ([]byte, bool) {
	d.source.Reset(body)
	var err error
	if d.gzip == nil {
		d.gzip, err = gzip.NewReader(&d.source)
	} else {
		err = d.gzip.Reset(&d.source)
	}
	if err != nil {
		return nil, false
	}
	d.bodies[0], d.bodies[1] = d.bodies[1], d.bodies[0]
	out := d.bodies[0][:0]
	for {
		if len(out) == cap(out) {
			out = append(out, 0)[:len(out)]
		}
		n, err := d.gzip.Read(out[len(out):min(cap(out), d.limit+1)])
		out = out[:len(out)+n]
		d.bodies[0] = out
		switch {
		case len(out) > d.limit:
			return nil, false
		case errors.Is(err, io.EOF):
			return out, d.source.Len() == 0
		case err != nil:
			return nil, false
		}
	}
}

// keep bounds what a Decoder keeps of its buffers from one message to the next.
const keep = 1 << 20

// Decode is Append into memory of the Decoder, which is valid until the next
// call.
func (d *Decoder) Decode(head, msg []byte, response bool) ([]byte, bool) {
	if cap(d.out) > keep || cap(d.bodies[0]) > keep || cap(d.bodies[1]) > keep {
		d.out, d.bodies = nil, [2][]byte{}
	}
	out, ok := d.Append(append(d.out[:0], head...), msg, response)
	d.out = out
	return out, ok
}
