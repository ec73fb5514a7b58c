package rules

import "github.com/buger/gor/internal/http1"

// A rewrite edits a request.
type rewrite interface {
	apply(r *request)
}

type setHeader struct{ name, value string }

func (s *setHeader) apply(r *request) { r.note(r.SetHeader(s.name, s.value)) }

type setParam struct {
	name, value string
	target      []byte // scratch
}

func (s *setParam) apply(r *request) {
	s.target = http1.SetQueryParam(s.target[:0], r.Target(), s.name, s.value)
	r.note(r.SetTarget(s.target))
}

// rewriteURLs applies the first rule that matches.
type rewriteURLs struct{ list []*replacer }

func (u *rewriteURLs) apply(r *request) {
	for _, rule := range u.list {
		if target, ok := rule.replace(r.Target()); ok {
			r.note(r.SetTarget(target))
			return
		}
	}
}

type rewriteHeader struct {
	name string
	*replacer
}

func (h *rewriteHeader) apply(r *request) {
	value, ok := r.Header(h.name)
	if !ok {
		return
	}
	if value, ok := h.replace(value); ok {
		r.note(r.SetHeaderBytes(h.name, value))
	}
}
