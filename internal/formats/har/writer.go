package har

import (
	"bufio"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/pretty"
	"github.com/buger/gor/internal/stats"
)

// A Writer writes an archive. A request waits for its answer, for so many
// others and bytes at most; then it goes out without.
type Writer struct {
	w       *bufio.Writer
	label   string
	begun   bool
	waiting []*pending
	byID    map[string]*pending
	bytes   int
	req     http1.Request
	resp    http1.Response
	decoder *pretty.Decoder

	orphans, strange, second uint64
}

// A pending request has been taken and not written.
type pending struct {
	id       string
	req      []byte // with its header line
	resp     []byte // likewise; nil: none yet
	written  bool
	replayed bool // resp is that of a replay
}

const (
	waitingMost  = 1000 // exchanges that go on at once, and more
	waitingBytes = 8 << 20
)

// NewWriter returns a writer to w. Of several answers the recorded one is
// written; with a label that of the target which has it, "replayed" is any.
func NewWriter(w io.Writer, label string) *Writer {
	return &Writer{w: bufio.NewWriterSize(w, 64<<10), label: label, byID: map[string]*pending{}, decoder: pretty.New(DefaultLimit)}
}

// wanted reports whether an answer is one that is to be written.
func (h *Writer) wanted(m *payload.Meta) bool {
	if h.label == "" {
		return true
	}
	label, _ := m.Attribute(payload.AttrTarget)
	return m.Type == payload.ReplayResponse && (h.label == "replayed" || h.label == string(payload.Unescape(nil, label)))
}

// Write takes a message.
func (h *Writer) Write(msg []byte) error {
	m, _, err := payload.Split(msg)
	if err != nil {
		h.strange++
		return nil
	}
	if m.Type == payload.Request {
		p := &pending{id: string(m.ID), req: append([]byte(nil), msg...)}
		h.waiting, h.byID[p.id] = append(h.waiting, p), p
		h.bytes += len(msg)
	} else {
		p := h.byID[string(m.ID)]
		switch {
		case p == nil:
			h.orphans++
			return nil
		case !h.wanted(&m) || p.resp != nil && !(p.replayed && m.Type == payload.Response && h.label == ""):
			h.second++
			return nil
		}
		h.bytes += len(msg) - len(p.resp)
		p.resp, p.replayed = append([]byte(nil), msg...), m.Type == payload.ReplayResponse
	}
	for len(h.waiting) > waitingMost || h.bytes > waitingBytes && len(h.waiting) > 1 {
		if err := h.release(); err != nil {
			return err
		}
	}
	return nil
}

func (h *Writer) release() error {
	p := h.waiting[0]
	h.waiting[0] = nil
	h.waiting = h.waiting[1:]
	h.bytes -= len(p.req) + len(p.resp)
	if h.byID[p.id] == p {
		delete(h.byID, p.id)
	}
	e, ok := h.export(p)
	if !ok {
		h.strange++
		return nil
	}
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if err := h.begin(); err != nil {
		return err
	}
	if h.begun {
		h.w.WriteString(",\n")
	}
	h.begun = true
	_, err = h.w.Write(text)
	return err
}

func (h *Writer) begin() error {
	if h.begun {
		return nil
	}
	_, err := h.w.WriteString(`{"log":{"version":"1.2","creator":{"name":"Gor","version":"1"},"entries":[` + "\n")
	return err
}

// Close writes what waits, and ends the archive.
func (h *Writer) Close() error {
	for len(h.waiting) > 0 {
		if err := h.release(); err != nil {
			return err
		}
	}
	if err := h.begin(); err != nil {
		return err
	}
	if _, err := h.w.WriteString("\n]}}\n"); err != nil {
		return err
	}
	return h.w.Flush()
}

// Counts gives what the archive does not have.
func (h *Writer) Counts() []stats.Count {
	return []stats.Count{
		{Name: "answers without their request, left out", Kind: stats.Note, N: h.orphans},
		{Name: "further answers to a request, left out", Kind: stats.Note, N: h.second},
		{Name: "messages that are no HTTP/1, left out", Kind: stats.Note, N: h.strange},
	}
}

type nameValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type exported struct {
	Started  string         `json:"startedDateTime"`
	Time     float64        `json:"time"`
	Request  exportRequest  `json:"request"`
	Response exportResponse `json:"response"`
	Cache    struct{}       `json:"cache"`
	Timings  exportTimings  `json:"timings"`
	Conn     string         `json:"connection,omitempty"`
}

type exportTimings struct {
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

type exportRequest struct {
	Method      string      `json:"method"`
	URL         string      `json:"url"`
	Version     string      `json:"httpVersion"`
	Cookies     []nameValue `json:"cookies"`
	Headers     []nameValue `json:"headers"`
	Query       []nameValue `json:"queryString"`
	Post        *exportPost `json:"postData,omitempty"`
	HeadersSize int         `json:"headersSize"`
	BodySize    int         `json:"bodySize"`
}

type exportPost struct {
	Mime     string `json:"mimeType"`
	Text     string `json:"text"`
	Encoding string `json:"encoding,omitempty"` // ours: a request's body may be no text either
}

type exportResponse struct {
	Status      int           `json:"status"`
	Text        string        `json:"statusText"`
	Version     string        `json:"httpVersion"`
	Cookies     []nameValue   `json:"cookies"`
	Headers     []nameValue   `json:"headers"`
	Content     exportContent `json:"content"`
	Redirect    string        `json:"redirectURL"`
	HeadersSize int           `json:"headersSize"`
	BodySize    int           `json:"bodySize"`
	Label       string        `json:"_target,omitempty"`
}

type exportContent struct {
	Size     int    `json:"size"`
	Mime     string `json:"mimeType"`
	Text     string `json:"text,omitempty"`
	Encoding string `json:"encoding,omitempty"`
}

// export makes an entry of an exchange. It reports false when the request is no
// HTTP/1.
func (h *Writer) export(p *pending) (*exported, bool) {
	m, body, _ := payload.Split(p.req)
	if plain, ok := h.decoder.Decode(nil, body, false); ok {
		body = plain
	}
	if h.req.Parse(body) != nil {
		return nil, false
	}
	none := []nameValue{}
	e := &exported{Started: time.Unix(0, m.Time).UTC().Format("2006-01-02T15:04:05.000000000Z"), Conn: string(payload.ConnPart(m.ID))}
	scheme, host := "http", "localhost"
	if v, ok := m.Attribute(payload.AttrScheme); ok {
		scheme = string(v)
	}
	if v, ok := h.req.Header("Host"); ok && len(v) > 0 {
		host = string(v)
	}
	url := string(h.req.Target())
	if strings.HasPrefix(url, "/") {
		url = scheme + "://" + host + url
	}
	content := h.req.Body()
	e.Request = exportRequest{Method: string(h.req.Method()), URL: url, Version: string(h.req.Proto()), Cookies: none, Headers: namesOf(h.req.Headers), Query: none, HeadersSize: len(body) - len(content), BodySize: len(content)}
	if len(content) > 0 {
		mime, _ := h.req.Header("Content-Type")
		e.Request.Post = &exportPost{Mime: string(mime)}
		e.Request.Post.Text, e.Request.Post.Encoding = textOf(content)
	}
	e.Response = exportResponse{Cookies: none, Headers: none, HeadersSize: -1, BodySize: -1}
	if p.resp != nil {
		h.exportAnswer(e, m.Time, p.resp)
	}
	return e, true
}

func (h *Writer) exportAnswer(e *exported, began int64, msg []byte) {
	m, body, _ := payload.Split(msg)
	if plain, ok := h.decoder.Decode(nil, body, true); ok {
		body = plain
	}
	if h.resp.Parse(body) != nil {
		return
	}
	first, rest := milli(m.Time-began), milli(m.Duration)
	if m.Type == payload.ReplayResponse { // its duration is the round trip
		first, rest = milli(m.Duration), 0
	}
	e.Timings = exportTimings{Wait: first, Receive: rest}
	e.Time = first + rest
	if label, ok := m.Attribute(payload.AttrTarget); ok {
		e.Response.Label = string(payload.Unescape(nil, label))
	}
	content := h.resp.Body()
	mime, _ := h.resp.Header("Content-Type")
	r := &e.Response
	r.Status, r.Headers, r.HeadersSize, r.BodySize = h.resp.Status(), namesOf(h.resp.Headers), len(body)-len(content), len(content)
	line, _, _ := strings.Cut(string(body[:min(len(body), 1024)]), "\n")
	version, rest2, _ := strings.Cut(strings.TrimRight(line, "\r"), " ")
	_, reason, _ := strings.Cut(rest2, " ")
	r.Version, r.Text = version, reason
	if location, ok := h.resp.Header("Location"); ok {
		r.Redirect = string(location)
	}
	r.Content = exportContent{Size: len(content), Mime: string(mime)}
	r.Content.Text, r.Content.Encoding = textOf(content)
}

func milli(ns int64) float64 { return float64(max(ns, 0)) / float64(time.Millisecond) }

func namesOf(each func(func(name, value []byte) bool)) []nameValue {
	list := []nameValue{}
	for name, value := range each {
		list = append(list, nameValue{string(name), string(value)})
	}
	return list
}
