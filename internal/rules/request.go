package rules

import (
	"regexp"
	"strings"

	"github.com/buger/gor/internal/http1"
)

// A request is a parsed request with what several rules derive from it.
type request struct {
	http1.Request
	scratch []byte // of hostAndTarget
	err     error  // the first edit that was not made
}

// note keeps the result of an edit.
func (r *request) note(err error) {
	if r.err == nil {
		r.err = err
	}
}

// hostAndURL is what the rules of Gor 0.9 match: the Host header and the
// path, "www.example.com/path?query". The result is valid until the next
// call.
func (r *request) hostAndURL() []byte {
	host, _ := r.Header("Host")
	r.scratch = http1.AppendHostTarget(r.scratch[:0], host, r.Target())
	return r.scratch
}

// sentTarget is the target as it is sent: one in absolute form, as clients send
// it to proxies, becomes its path.
func (r *request) sentTarget() []byte {
	_, path, absolute := http1.CutAbsolute(r.Target())
	switch {
	case !absolute, len(path) > 0 && path[0] == '/':
		return path
	case len(path) == 0 && string(r.Method()) == "OPTIONS":
		return []byte("*")
	}
	return append([]byte("/"), path...)
}

// anyHeader reports whether the value of any header of that name matches.
func (r *request) anyHeader(name string, re *regexp.Regexp) bool {
	if value, ok := r.Header(name); !ok || re.Match(value) {
		return ok
	}
	for other, value := range r.Headers {
		if strings.EqualFold(string(other), name) && re.Match(value) {
			return true
		}
	}
	return false
}
