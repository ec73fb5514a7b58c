package message

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/buger/gor/internal/http1"
)

// ErrMethod, ErrTarget and ErrHeader say what cannot stand in a message.
var (
	ErrMethod = errors.New("the method is not a token")
	ErrTarget = errors.New("the target has a character that no request line may have")
	ErrHeader = errors.New("a header has a character that none may have")
)

// A Builder puts a message together. Its parts are given in the order in which
// they stand in the message: start line, headers, body.
type Builder struct {
	B   []byte
	err error
}

// Reset begins a message. What the Builder gave before is no longer valid.
func (b *Builder) Reset() {
	if cap(b.B) > keepBuilt {
		b.B = nil
	}
	b.B, b.err = b.B[:0], nil
}

// keepBuilt bounds the memory that is kept from one message to the next, in
// bytes: nearly every message is smaller.
const keepBuilt = 1 << 20

// RequestLine appends a request line. proto is HTTP/1.0 or HTTP/1.1.
func (b *Builder) RequestLine(method, target, proto []byte) {
	switch {
	case !http1.ValidHeaderName(method):
		b.fail(ErrMethod)
	case !http1.ValidTarget(target):
		b.fail(ErrTarget)
	}
	b.B = append(append(b.B, method...), ' ')
	b.B = append(append(b.B, target...), ' ')
	b.B = append(append(b.B, proto...), "\r\n"...)
}

// StatusLine appends the status line of an HTTP/1.1 response.
func (b *Builder) StatusLine(status int, reason []byte) {
	if status < 100 || status > 999 {
		b.fail(fmt.Errorf("status %d is none of HTTP", status))
	}
	b.B = append(b.B, "HTTP/1.1 "...)
	b.B = append(strconv.AppendInt(b.B, int64(status), 10), ' ')
	if http1.ValidHeaderValue(reason) {
		b.B = append(b.B, reason...)
	}
	b.B = append(b.B, "\r\n"...)
}

// Header appends a header.
func (b *Builder) Header(name string, value []byte) {
	if !http1.ValidHeaderName(name) || !http1.ValidHeaderValue(value) {
		b.fail(ErrHeader)
		return
	}
	b.B = append(append(b.B, name...), ": "...)
	b.B = append(append(b.B, bytes.Trim(value, " \t")...), "\r\n"...)
}

// HeaderLine appends a header as it stands, "Name:value".
func (b *Builder) HeaderLine(line string) {
	name, value, ok := bytes.Cut([]byte(line), []byte{':'})
	if !ok || !http1.ValidHeaderName(name) || !http1.ValidHeaderValue(value) {
		b.fail(ErrHeader)
		return
	}
	b.B = append(append(b.B, line...), "\r\n"...)
}

// Length appends a Content-Length.
func (b *Builder) Length(n int) {
	b.B = append(b.B, "Content-Length: "...)
	b.B = append(strconv.AppendInt(b.B, int64(n), 10), "\r\n"...)
}

// Body ends the head and appends the body. It returns the whole message, valid
// until Reset, or the first error.
func (b *Builder) Body(body []byte) ([]byte, error) {
	b.B = append(append(b.B, "\r\n"...), body...)
	return b.B, b.err
}

func (b *Builder) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// ExpectsBody reports whether requests of that method usually have a body, so
// that one without is not the request that it stands for (RFC 9110 section 9.3
// gives content a meaning for POST and PUT alone; extensions add theirs).
func ExpectsBody(method []byte) bool {
	switch string(method) {
	case "GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "CONNECT", "PURGE", "BAN", "UNLOCK", "COPY", "MOVE", "MKCOL":
		return false
	}
	return true
}
