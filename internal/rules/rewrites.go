package rules

import "github.com/buger/gor/internal/http1"

// A rewrite edits a request.
type rewrite interface {
	apply(r *request)
}

type setHeader struct{ name, value string }

// apply takes all other headers of that name out: a target that reads the last
// would not see what was set.
func (s *setHeader) apply(r *request) { r.note(r.SetOnlyHeader(s.name, s.value)) }

type setParam struct {
	name, value string
	target      []byte // scratch
}

// apply leaves alone the targets that have no query: a host, and "*", which is
// what is sent for http://host in OPTIONS.
func (s *setParam) apply(r *request) {
	target := r.Target()
	if string(r.Method()) == "CONNECT" || target[0] != '/' && string(r.sentTarget()) == "*" {
		return
	}
	s.target = http1.SetQueryParam(s.target[:0], target, s.name, s.value)
	r.note(r.SetTarget(s.target))
}

// rewriteURLs applies the first rule that matches.
type rewriteURLs struct{ list []*replacer }

func (u *rewriteURLs) apply(r *request) {
	for _, rule := range u.list {
		if target, ok := rule.replace(r.sentTarget()); ok {
			r.setSentTarget(target)
			return
		}
		// What is written for URLs with scheme and host matches from their
		// beginning; "/admin" must not be found in http://admin.
		if _, _, absolute := http1.CutAbsolute(r.Target()); absolute && rule.matchesFromStart(r.Target()) {
			target, _ := rule.replace(r.Target())
			r.note(r.SetTarget(target))
			return
		}
	}
}

// rewriteHeader edits every header of its name.
type rewriteHeader struct {
	name string
	*cachingReplacer
}

func (h *rewriteHeader) apply(r *request) {
	r.note(r.EditHeaders(h.name, func(value []byte) ([]byte, http1.HeaderEdit) {
		if edited, ok := h.replace(value); ok {
			return edited, http1.ReplaceHeader
		}
		return nil, http1.KeepHeader
	}))
}
