package rules

import (
	"regexp"

	"github.com/buger/gor/internal/http1"
)

// A request is a parsed request with what several rules derive from it.
type request struct {
	http1.Request
	scratch []byte // of hostAndURL and sentTarget
	edited  []byte // of setSentTarget
	err     error  // the first edit that was not made
}

// note keeps the result of an edit.
func (r *request) note(err error) {
	if r.err == nil {
		r.err = err
	}
}

// hostAndURL is what the rules of Gor 0.9 match: the host and the path,
// "www.example.com/path?query". The target of CONNECT is a host already. The
// result is valid until the next call of hostAndURL or sentTarget.
func (r *request) hostAndURL() []byte {
	if string(r.Method()) == "CONNECT" {
		return r.Target()
	}
	host, _ := r.Header("Host")
	r.scratch = http1.AppendHostTarget(r.scratch[:0], host, r.Target())
	return r.scratch
}

// sentTarget is the target as it is sent: one in absolute form, as clients send
// it to proxies, becomes its path (RFC 9112 section 3.2). The result is valid
// until the next call of hostAndURL or sentTarget.
func (r *request) sentTarget() []byte {
	if target := r.Target(); target[0] == '/' {
		return target // nearly always
	}
	_, path, absolute := http1.CutAbsolute(r.Target())
	if !absolute || len(path) > 0 && path[0] == '/' {
		return path
	}
	r.scratch = r.scratch[:0]
	if len(path) == 0 && string(r.Method()) == "OPTIONS" {
		r.scratch = append(r.scratch, '*') // RFC 9112 section 3.2.4
	} else {
		r.scratch = append(append(r.scratch, '/'), path...)
	}
	return r.scratch
}

// setSentTarget sets the target to what is sent as target. The host of one in
// absolute form stays, for outputs that do not replace it.
func (r *request) setSentTarget(target []byte) {
	authority, _, absolute := http1.CutAbsolute(r.Target())
	if absolute && len(target) > 0 && target[0] == '/' {
		r.edited = append(append(r.edited[:0], authority...), target...)
		target = r.edited
	}
	r.note(r.SetTarget(target))
}

// anyHeader reports whether the value of any header of that name matches.
func (r *request) anyHeader(name string, re *regexp.Regexp) (found bool) {
	r.EachHeader(name, func(value []byte) bool {
		found = re.Match(value)
		return !found
	})
	return found
}
