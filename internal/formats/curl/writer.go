package curl

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// A Writer writes a command line for each request.
type Writer struct {
	w   io.Writer
	buf []byte
	req http1.Request

	binary                             bool // the body of the latest request holds a zero
	answers, strange, binaries, noHost uint64
}

// NewWriter returns a writer to w. It may be nil when only Append is called.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes the line of a request. Answers are left out and counted.
func (c *Writer) Write(msg []byte) error {
	var fate message.Fate
	c.buf, fate = c.Append(c.buf[:0], msg)
	switch fate {
	case message.Ignored:
		c.answers++
		return nil
	case message.Unfit:
		if !c.binary {
			c.strange++
		}
		return nil
	}
	_, err := c.w.Write(c.buf)
	return err
}

// Append appends the line of a request.
func (c *Writer) Append(dst, msg []byte) ([]byte, message.Fate) {
	c.binary = false
	if !payload.IsRequest(msg) {
		return dst, message.Ignored
	}
	body := payload.Body(msg)
	if c.req.Parse(body) != nil {
		return dst, message.Unfit
	}
	var b strings.Builder
	b.WriteString("curl")
	method, data := string(c.req.Method()), c.req.Body()
	if coding, ok := c.req.Header("Transfer-Encoding"); ok && http1.HasToken(coding, "chunked") {
		if plain, ok := http1.AppendUnchunked(nil, data); ok {
			data = plain
		}
	}
	switch {
	case method == "HEAD":
		b.WriteString(" -I")
	case method != "GET" && (method != "POST" || len(data) == 0) || method == "GET" && len(data) > 0:
		b.WriteString(" -X " + quote([]byte(method)))
	}
	scheme, host := "http", "localhost"
	if v, ok := payload.Attribute(msg, payload.AttrScheme); ok && string(v) == "https" {
		scheme = "https"
	}
	if v, ok := c.req.Header("Host"); ok && len(v) > 0 {
		host = string(v)
	} else {
		c.noHost++
	}
	target := string(c.req.Target())
	if _, path, ok := http1.CutAbsolute(c.req.Target()); ok {
		target = string(path)
	}
	for name, value := range c.req.Headers {
		switch strings.ToLower(string(name)) {
		case "host", "content-length", "transfer-encoding", "connection":
			continue
		}
		if string(name) == "Accept" && string(value) == "*/*" {
			continue // curl's own
		}
		text := string(name) + ": " + string(value)
		if len(value) == 0 {
			text = string(name) + ";"
		}
		b.WriteString(" -H " + quote([]byte(text)))
	}
	for _, name := range []string{"User-Agent", "Accept"} { // curl's own
		if _, ok := c.req.Header(name); !ok {
			b.WriteString(" -H " + quote([]byte(name+":")))
		}
	}
	if len(data) > 0 {
		if _, ok := c.req.Header("Content-Type"); !ok {
			b.WriteString(" -H 'Content-Type:'")
		}
		if bytes.IndexByte(data, 0) >= 0 {
			c.binary = true // no argument of a command can hold a zero
			c.binaries++
			return dst, message.Unfit
		}
		b.WriteString(" --data-raw " + quote(data))
	}
	b.WriteString(" --globoff --path-as-is " + quote([]byte(scheme+"://"+host+target)))
	return append(append(dst, b.String()...), '\n'), message.Written
}

// quote makes a word of text for a shell: in single quotes, or as $'…' where
// there is something that no line may have.
func quote(text []byte) string {
	plain := utf8.Valid(text)
	for _, c := range text {
		plain = plain && c >= ' ' && c != 0x7F
	}
	if plain {
		return "'" + strings.ReplaceAll(string(text), "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for _, c := range text {
		switch {
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c >= 0x7F:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + "'"
}

// Close has nothing to end.
func (c *Writer) Close() error { return nil }

// Counts gives what has no line.
func (c *Writer) Counts() []stats.Count {
	return []stats.Count{
		{Name: "answers, which curl lines do not have", Kind: stats.Note, N: c.answers},
		{Name: "messages that are no HTTP/1 requests, left out", Kind: stats.Note, N: c.strange},
		{Name: "requests whose body holds a zero byte, which no command line can, left out", Kind: stats.Note, N: c.binaries},
		{Name: "requests without a Host, written for localhost", Kind: stats.Note, N: c.noHost},
	}
}
