package main

import (
	"errors"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// A modifier applies the rules of the command line to requests: the filters
// to the request as it came, then the rewrites, each in the order of the
// table in ruleOrder. The head is parsed once, however many rules
// there are. A modifier serves one goroutine.
type modifier struct {
	pick     []filter
	change   []rewriter
	req      http1.Request
	view     requestView
	out      []byte
	accepted bool // http1 could read the request
	crowded  bool // it could not, because there are too many fields in the head
	logf     func(format string, args ...any)
	told     bool // an edit that could not be made was reported
}

// A filter reports whether a request goes on. It sees only requests that
// http1 can read.
type filter interface {
	pass(r *requestView) bool
	// unreadable is the verdict over what http1 cannot read: a filter that
	// allows has seen nothing to allow.
	unreadable() bool
}

// A rewriter edits a request.
type rewriter interface {
	rewrite(r *requestView)
}

// requestView is a parsed request with what several rules derive from it.
type requestView struct {
	*http1.Request
	hostURL []byte // scratch
	err     error  // the first edit that could not be made
}

// made takes the result of an edit. One that would break the request (a
// target with a space in it, say) is not made, and reported once.
func (r *requestView) made(err error) {
	if r.err == nil {
		r.err = err
	}
}

// newModifier builds the rules of s, which parseSettings has checked.
func newModifier(s *Settings, logf func(format string, args ...any)) *modifier {
	m := &modifier{logf: logf}
	m.view.Request = &m.req
	m.pick, m.change = buildRules(s.Rules)
	return m
}

// filters reports whether any rule can drop a request.
func (m *modifier) filters() bool { return len(m.pick) > 0 }

// pass reports whether a message goes on.
func (m *modifier) pass(msg []byte) bool {
	m.parse(payload.Body(msg))
	for _, f := range m.pick {
		ok := false
		if m.accepted {
			ok = f.pass(&m.view)
		} else {
			ok = f.unreadable()
		}
		if !ok {
			return false
		}
	}
	return true
}

// parse indexes the head of a request, for the filters or else the rewriters.
func (m *modifier) parse(raw []byte) {
	err := m.req.Parse(raw)
	m.accepted = err == nil
	m.crowded = false
	if err != nil {
		var why *http1.Error
		m.crowded = errors.As(err, &why) && why.Reason == http1.ReasonManyFields
	}
}

// rewrite returns the message with the edits of all rewriters, or msg itself
// when there are none. The result is valid until the next call. Responses
// and what http1 cannot read pass unchanged.
func (m *modifier) rewrite(msg []byte) []byte {
	if len(m.change) == 0 || !payload.IsRequest(msg) {
		return msg
	}
	body := payload.Body(msg)
	if !m.filters() {
		m.parse(body)
	}
	if !m.accepted {
		return msg
	}
	m.view.err = nil
	for _, r := range m.change {
		r.rewrite(&m.view)
	}
	if m.view.err != nil && !m.told {
		m.told = true
		m.logf("a rewrite was not made, as it would break the request: %v", m.view.err)
	}
	if !m.req.Changed() {
		return msg
	}
	m.out = append(m.out[:0], payload.Header(msg)...)
	m.out = m.req.AppendTo(m.out)
	return m.out
}

// hostAndURL is what the rules of Gor 0.9 match: the Host header and the
// path, "www.example.com/path?query". The result is valid until the next
// call.
func (r *requestView) hostAndURL() []byte {
	host, _ := r.Header("Host")
	r.hostURL = http1.AppendHostTarget(r.hostURL[:0], host, r.Target())
	return r.hostURL
}
