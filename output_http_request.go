package main

import (
	"bytes"

	"github.com/buger/gor/internal/http1"
)

// A sentRequest is a recorded request on its way out. It goes as it is, but
// for what must differ at another host: Host, the path when the target has
// one, Authorization when the target's URL has a password, and Connection,
// which is about the recorded connection and not about ours.
type sentRequest struct {
	http1.Request
	t        *target
	keepHost bool

	// keepConnection says that our connection lives and ends with the recorded
	// one.
	keepConnection bool

	check  http1.Parser
	path   []byte // scratch
	isHead bool
	// ambiguous says that the target may see another end of this request than
	// we do: what it answers then tells nothing about where it stands. The
	// request has its connection for itself, which ends after it, and is never
	// sent again.
	ambiguous bool
	expects   bool // it asks for 100 Continue, and has a body
}

// prepare indexes raw and makes the changes. It returns sendable, or why the
// request is sent to nobody. raw stays in use until the next call.
func (r *sentRequest) prepare(raw []byte) (reason int) {
	if r.Parse(raw) != nil || !r.whole(raw) {
		return failMalformed
	}
	method := string(r.Method())
	if method == "CONNECT" {
		return failConnect
	}
	r.isHead = method == "HEAD"
	proto := r.Proto()
	http10 := proto[len(proto)-1] == '0'
	if !r.keepHost {
		// HTTP/1.0 knows no Host, and a request that had none was answered
		// without one.
		if _, ok := r.Header("Host"); ok || !http10 {
			r.SetHeader("Host", r.t.host)
		}
	}
	if r.t.auth != "" {
		r.SetHeader("Authorization", r.t.auth)
	}
	if !r.keepConnection && !r.ambiguous {
		r.keepAlive(http10)
	}
	if r.rewriteTarget() != nil {
		return failMalformed // control characters in it: to be sent as it is, or not at all
	}
	return sendable
}

// prepareAgain indexes a request that was prepared before and then redirected,
// and reports whether it can be sent.
func (r *sentRequest) prepareAgain(raw []byte) bool {
	if r.Parse(raw) != nil || !r.whole(raw) {
		return false
	}
	r.isHead = string(r.Method()) == "HEAD"
	return true
}

// whole reports whether raw, which was indexed, is exactly one request. One
// that is plain is that for every reader; the Parser needs not look at it again.
func (r *sentRequest) whole(raw []byte) bool {
	r.ambiguous = http1.RequestAmbiguity(raw) != http1.Plain
	r.expects = false
	if len(r.Body()) > 0 {
		_, r.expects = r.Header("Expect")
	}
	if !r.ambiguous {
		return true
	}
	r.check.ResetRequest()
	n, done, err := r.check.Feed(raw)
	return err == nil && done && n == len(raw)
}

// rewriteTarget puts the prefix before the path. A target in absolute form,
// http://prod/path, as clients send it to proxies, names a host that wins over
// the Host header (RFC 9112 section 3.2.2): it becomes its path, unless the
// recorded host is to be kept. "*" stays as it is.
func (r *sentRequest) rewriteTarget() error {
	target := r.Target()
	authority, path, absolute := http1.CutAbsolute(target)
	switch {
	case absolute && !r.keepHost:
		authority = nil
	case absolute, target[0] == '/':
		if r.t.prefix == "" {
			return nil
		}
	default:
		return nil
	}
	b := append(append(r.path[:0], authority...), r.t.prefix...)
	if len(path) == 0 && len(b) == 0 && string(r.Method()) == "OPTIONS" {
		b = append(b, '*') // RFC 9112 section 3.2.4
	} else if len(path) == 0 || path[0] != '/' {
		b = append(b, '/')
	}
	r.path = append(b, path...)
	return r.SetTarget(r.path)
}

// keepAlive changes Connection so that our connection lives. An upgrade is
// what the request is about, and stays; so does a Connection that asks for
// nothing that ends ours.
func (r *sentRequest) keepAlive(http10 bool) {
	value, _ := r.Header("Connection")
	switch {
	case http1.HasToken(value, "upgrade"):
	case http1.HasToken(value, "close"), http10 && !http1.HasToken(value, keepAlive):
		if r.SetHeader("Connection", keptAlive(value)) != nil {
			r.SetHeader("Connection", keepAlive) // what stood beside it was no token
		}
	}
}

const keepAlive = "keep-alive"

// keptAlive is a list with keep-alive at its end and without close. It
// allocates only when there is more in the list, which is rare.
func keptAlive(list []byte) string {
	if len(list) == 0 || len(list) == len("close") && http1.HasToken(list, "close") {
		return keepAlive
	}
	var out []byte
	for item := range bytes.SplitSeq(list, []byte{','}) {
		item = bytes.TrimSpace(item)
		if len(item) > 0 && !http1.HasToken(item, "close") && !http1.HasToken(item, keepAlive) {
			out = append(append(out, item...), ", "...)
		}
	}
	return string(out) + keepAlive
}

// repeatable reports whether a request may be sent twice: what the method is
// defined to do happens once all the same (RFC 9110 section 9.2.2). What an
// ambiguous one did to the target nobody can tell.
func (r *sentRequest) repeatable() bool {
	if r.ambiguous {
		return false
	}
	switch string(r.Method()) {
	case "GET", "HEAD", "OPTIONS", "PUT", "DELETE":
		return true
	}
	return false
}
