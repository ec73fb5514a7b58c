package tools

import (
	"strconv"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// A row is an exchange as list and summary show it. Fields of the answer are
// zero when there was none.
type row struct {
	Time    int64  `json:"time"` // ns since 1970
	ID      string `json:"id"`
	Method  string `json:"method"`
	Host    string `json:"host,omitempty"`
	Path    string `json:"path"`
	Size    int    `json:"size"` // bytes of the request
	Status  int    `json:"status,omitempty"`
	Latency int64  `json:"latency_ns,omitempty"` // from the request's first byte to the answer's last
	Answer  int    `json:"response_size,omitempty"`
	Origin  string `json:"origin,omitempty"` // what it was built from; "": captured
	Target  string `json:"target,omitempty"` // label of the target whose answer it is
}

// pairs joins requests with their answers, which come some records later. The
// oldest go out first, at the latest when there are too many.
type pairs struct {
	give    func(*row) error
	waiting []*row
	byID    map[string]*row
	req     http1.Request
	resp    http1.Response
	orphans int // answers without their request
}

// waitingMost bounds the requests that wait for their answers: so many exchanges
// go on at once in a recording of a busy server.
const waitingMost = 10_000

func newPairs(give func(*row) error) *pairs {
	return &pairs{give: give, byID: map[string]*row{}}
}

func (p *pairs) add(m payload.Meta, body []byte) error {
	if m.Type == payload.Request {
		r := &row{Time: m.Time, ID: string(m.ID), Size: len(body)}
		if origin, ok := m.Attribute(payload.AttrOrigin); ok {
			r.Origin = string(payload.Unescape(nil, origin))
		}
		if p.req.Parse(body) == nil {
			r.Method, r.Path = string(p.req.Method()), string(p.req.Target())
			if host, ok := p.req.Header("Host"); ok {
				r.Host = string(host)
			}
		} else {
			r.Method, r.Path = "?", "not HTTP/1"
		}
		p.waiting = append(p.waiting, r)
		p.byID[r.ID] = r
		if len(p.waiting) > waitingMost {
			return p.release()
		}
		return nil
	}
	r := p.byID[string(m.ID)]
	if r == nil {
		p.orphans++
		return nil
	}
	if r.Status != 0 && m.Type == payload.ReplayResponse {
		return nil // the recorded answer counts, and of several the first
	}
	if p.resp.Parse(body) == nil {
		r.Status = p.resp.Status()
	}
	r.Answer = len(body)
	if m.Type == payload.ReplayResponse {
		r.Latency = max(m.Duration, 0)
		if label, ok := m.Attribute(payload.AttrTarget); ok {
			r.Target = string(payload.Unescape(nil, label))
		}
	} else {
		r.Latency = max(m.Time-r.Time, 0) + max(m.Duration, 0)
	}
	return nil
}

func (p *pairs) release() error {
	r := p.waiting[0]
	p.waiting[0] = nil
	p.waiting = p.waiting[1:]
	if p.byID[r.ID] == r {
		delete(p.byID, r.ID)
	}
	return p.give(r)
}

func (p *pairs) finish() error {
	for len(p.waiting) > 0 {
		if err := p.release(); err != nil {
			return err
		}
	}
	return nil
}

// sizeText is a number of bytes in a few characters.
func sizeText(n int) string {
	switch {
	case n < 10_000:
		return strconv.Itoa(n)
	case n < 10_000_000:
		return strconv.Itoa(n/1000) + "k"
	}
	return strconv.Itoa(n/1_000_000) + "M"
}
