package jsonlines

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// DefaultLimit is the largest message when nothing else is said, in bytes.
const DefaultLimit = 16 << 20

// lineGrowth is how much longer a line is than its message, at most: control
// characters have six bytes in JSON, and few bodies are of these alone.
const lineGrowth = 4

// gap is between two requests without a time.
const gap = time.Second

// A Reader gives the requests of lines that a Writer wrote, or that have the same
// keys. method, headers, body and id may be missing, and time: then requests are one
// second apart.
type Reader struct {
	lines  *message.Lines
	limit  int
	build  message.Builder
	id     []byte
	out    []byte
	n      uint32
	last   int64 // time of the latest request
	err    error
	damage payload.Damage

	untimed uint64
}

// New returns a reader of the lines in r. limit bounds a message, in bytes; 0 is
// DefaultLimit.
func New(r io.Reader, limit int) *Reader {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Reader{lines: message.NewLinesOf(r, limit*lineGrowth), limit: limit, last: int64(time.Second) - int64(gap)}
}

// Next returns the next request with its header line, valid until the next call.
// The error is io.EOF, the reader's, or a *message.PositionError.
func (j *Reader) Next() ([]byte, error) {
	for j.err == nil {
		text, err := j.lines.Next()
		if err != nil {
			j.err = err
			j.damage.TooLarge += j.lines.Long()
			break
		}
		text = bytes.TrimSpace(text)
		if len(text) == 0 {
			continue
		}
		msg, err := j.line(text)
		switch {
		case err != nil && j.lines.Unended() && !json.Valid(text):
			j.damage.Torn++ // written by somebody who was stopped
			j.err = io.EOF
		case err != nil:
			j.err = j.lines.Fail(err)
		case len(msg) > j.limit:
			j.damage.TooLarge++
		default:
			return msg, nil
		}
	}
	return nil, j.err
}

// ErrNotLine says that a line has no request.
var ErrNotLine = errors.New(`want an object with a request, such as {"time":"2025-10-10T13:55:36Z","method":"GET","url":"http://www.example.com/"}`)

func (j *Reader) line(text []byte) ([]byte, error) {
	if text[0] != '{' {
		return nil, ErrNotLine
	}
	var l struct {
		line
		Time    json.RawMessage `json:"time"`
		Headers json.RawMessage `json:"headers"`
	}
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, err
	}
	if l.URL == "" {
		return nil, ErrNotLine
	}
	j.n++
	at, err := j.time(l.Time)
	if err != nil {
		return nil, err
	}
	fields, err := headersOf(l.Headers)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(l.URL)
	if err != nil && l.Target == "" {
		return nil, fmt.Errorf("the URL %.80q is none", l.URL)
	}
	if err != nil || strings.HasPrefix(l.URL, "/") {
		u = &url.URL{} // a path names no host
	}
	req, err := j.request(&l.line, u, fields)
	if err != nil {
		return nil, err
	}
	meta := payload.Meta{Type: payload.Request, Time: at, Duration: -1, Length: int64(len(req))}
	meta.ID = []byte(l.ID)
	if !validID(l.ID) {
		j.id = payload.AppendID(j.id[:0], message.Conn([]byte(u.Scheme), []byte(u.Host)), j.n)
		meta.ID = j.id
	}
	origin := l.Origin
	if origin == "" {
		origin = "jsonl"
	}
	meta.Attributes = payload.AppendAttribute(nil, payload.AttrOrigin, origin)
	if u.Scheme == "https" {
		meta.Attributes = payload.AppendAttribute(meta.Attributes, payload.AttrScheme, u.Scheme)
	}
	j.out = append(payload.AppendMeta(j.out[:0], meta), req...)
	return j.out, nil
}

// validID reports whether an id can stand in a header line.
func validID(id string) bool {
	const longest = 256
	for i := range len(id) {
		if id[i] <= ' ' || id[i] >= 0x7F {
			return false
		}
	}
	return id != "" && len(id) <= longest
}

// time reads a time of RFC 3339, or seconds since 1970.
func (j *Reader) time(raw json.RawMessage) (int64, error) {
	var text string
	var seconds float64
	switch {
	case len(raw) == 0 || string(raw) == "null":
		j.untimed++
		j.last += int64(gap)
		return j.last, nil
	case json.Unmarshal(raw, &text) == nil:
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil || t.Year() < 1970 || t.Year() > 2200 {
			return 0, fmt.Errorf("time: want one such as 2025-10-10T13:55:36.25Z, not %.40q", text)
		}
		j.last = max(t.UnixNano(), 1)
	case json.Unmarshal(raw, &seconds) == nil && seconds > 0 && seconds < 1<<33:
		j.last = max(int64(seconds*1e9), 1)
	default:
		return 0, fmt.Errorf("time: want one such as 2025-10-10T13:55:36.25Z, not %.40s", raw)
	}
	return j.last, nil
}

// Damage returns what was too large or cut.
func (j *Reader) Damage() payload.Damage { return j.damage }

// Format is "JSON lines".
func (j *Reader) Format() string { return "JSON lines" }

// Counts says what is made up.
func (j *Reader) Counts() []stats.Count {
	return []stats.Count{{Name: "requests without a time: one second apart", Kind: stats.Note, N: j.untimed}}
}
