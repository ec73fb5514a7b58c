// Package jsonlines reads and writes a JSON object for each request, a line each,
// for jq and for whoever makes requests with a program.
package jsonlines

import (
	"encoding/json"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// A line is a request. A body that is not UTF-8 stands in base64.
type line struct {
	Time    string      `json:"time"` // RFC 3339, with ns
	ID      string      `json:"id"`
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Target  string      `json:"target,omitempty"`  // of the request line, when the URL does not give it
	Version string      `json:"version,omitempty"` // when it is not HTTP/1.1
	Headers [][2]string `json:"headers"`
	Body    string      `json:"body,omitempty"`
	Base64  []byte      `json:"body_base64,omitempty"`
	Origin  string      `json:"origin,omitempty"`
}

// A Writer writes lines.
type Writer struct {
	w   io.Writer
	buf []byte
	req http1.Request

	answers, strange uint64
}

// NewWriter returns a writer to w. It may be nil when only Append is called.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write writes the line of a request. Answers are left out and counted.
func (j *Writer) Write(msg []byte) error {
	var fate message.Fate
	j.buf, fate = j.Append(j.buf[:0], msg)
	switch fate {
	case message.Ignored:
		j.answers++
		return nil
	case message.Unfit:
		j.strange++
		return nil
	}
	_, err := j.w.Write(j.buf)
	return err
}

// Append appends the line of a request.
func (j *Writer) Append(dst, msg []byte) ([]byte, message.Fate) {
	m, body, err := payload.Split(msg)
	switch {
	case err != nil:
		return dst, message.Unfit
	case m.Type != payload.Request:
		return dst, message.Ignored
	case j.req.Parse(body) != nil:
		return dst, message.Unfit
	}
	l := line{
		Time: time.Unix(0, m.Time).UTC().Format("2006-01-02T15:04:05.000000000Z"), ID: string(m.ID),
		Method: string(j.req.Method()), Headers: [][2]string{},
	}
	if origin, ok := m.Attribute(payload.AttrOrigin); ok {
		l.Origin = string(payload.Unescape(nil, origin))
	}
	scheme := "http"
	if v, ok := m.Attribute(payload.AttrScheme); ok {
		scheme = string(v)
	}
	host, _ := j.req.Header("Host")
	target := string(j.req.Target())
	l.URL = target
	if strings.HasPrefix(target, "/") && len(host) > 0 {
		l.URL = scheme + "://" + string(host) + target
	}
	if targetOf(l.URL) != target { // it is not a path, or has what no URL has
		l.Target = target
	}
	if version := string(j.req.Proto()); version != "HTTP/1.1" {
		l.Version = version
	}
	for name, value := range j.req.Headers {
		l.Headers = append(l.Headers, [2]string{string(name), string(value)})
	}
	content := j.req.Body()
	if coding, ok := j.req.Header("Transfer-Encoding"); ok && http1.HasToken(coding, "chunked") {
		if plain, ok := http1.AppendUnchunked(nil, content); ok {
			content = plain
		}
	}
	if utf8.Valid(content) {
		l.Body = string(content)
	} else {
		l.Base64 = content
	}
	out := message.Buffer(dst)
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if enc.Encode(&l) != nil {
		return dst, message.Unfit
	}
	return out, message.Written
}

// Close has nothing to end.
func (j *Writer) Close() error { return nil }

// Counts gives what has no line.
func (j *Writer) Counts() []stats.Count {
	return []stats.Count{
		{Name: "answers, which JSON lines do not have", Kind: stats.Note, N: j.answers},
		{Name: "messages that are no HTTP/1 requests, left out", Kind: stats.Note, N: j.strange},
	}
}
