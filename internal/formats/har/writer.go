package har

import (
	"bufio"
	"encoding/json"
	"io"

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
	replayed bool   // resp is that of a replay
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
	_, err := h.w.WriteString(Head)
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
	if _, err := h.w.WriteString(Tail); err != nil {
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
