// Package jsonlines writes a JSON object for each request, a line each, for jq
// and the like.
package jsonlines

import (
	"encoding/json"
	"io"
	"time"
	"unicode/utf8"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// A line is a request. A body that is no UTF-8 stands in base64.
type line struct {
	Time    string      `json:"time"` // RFC 3339, with ns
	ID      string      `json:"id"`
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Headers [][2]string `json:"headers"`
	Body    string      `json:"body,omitempty"`
	Base64  []byte      `json:"body_base64,omitempty"`
	Origin  string      `json:"origin,omitempty"`
}

// A Writer writes lines.
type Writer struct {
	enc              *json.Encoder
	req              http1.Request
	answers, strange uint64
}

// NewWriter returns a writer to w.
func NewWriter(w io.Writer) *Writer {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return &Writer{enc: enc}
}

// Write writes the line of a request. Answers are left out and counted.
func (j *Writer) Write(msg []byte) error {
	m, body, err := payload.Split(msg)
	if err != nil || m.Type != payload.Request {
		j.answers++
		return nil
	}
	if j.req.Parse(body) != nil {
		j.strange++
		return nil
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
	if l.URL = string(j.req.Target()); len(host) > 0 && len(l.URL) > 0 && l.URL[0] == '/' {
		l.URL = scheme + "://" + string(host) + l.URL
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
	return j.enc.Encode(&l)
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
