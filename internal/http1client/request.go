package http1client

import (
	"bytes"
	"slices"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/outbound"
)

// A sentRequest is a recorded request on its way out. It goes as it is, but
// for what must differ at another host: Host, the path when the target has
// one, Authorization when the target's URL has a password, and Connection,
// which is about the recorded connection and not about ours.
type sentRequest struct {
	http1.Request
	target   *Target
	keepHost bool

	// keepConnection says that our connection lives and ends with the recorded
	// one.
	keepConnection bool

	check  http1.Parser
	path   []byte // scratch
	list   []byte // scratch of without
	isHead bool
	// ambiguous says that the target may see another end of this request than
	// we do: what it answers then tells nothing about where it stands. The
	// request has its connection for itself, which ends after it, and is never
	// sent again.
	ambiguous bool
	expects   bool // it asks for 100 Continue, and has a body
}

// prepare indexes raw and makes the changes. ok is false when the request is
// sent to nobody; refused says why then. raw stays in use until the next call.
func (r *sentRequest) prepare(raw []byte) (refused outbound.Outcome, ok bool) {
	if r.Parse(raw) != nil || !r.whole(raw) {
		return outbound.Malformed, false
	}
	method := string(r.Method())
	if method == "CONNECT" {
		return outbound.Connect, false
	}
	r.isHead = method == "HEAD"
	proto := r.Proto()
	http10 := proto[len(proto)-1] == '0'
	if !r.keepHost {
		// HTTP/1.0 knows no Host, and a request that had none was answered
		// without one.
		if _, ok := r.Header("Host"); ok || !http10 {
			r.SetHeader("Host", r.target.host)
		}
	}
	if r.target.auth != "" {
		r.SetHeader("Authorization", r.target.auth)
	}
	r.dropHTTP2()
	if !r.keepConnection && !r.ambiguous {
		r.keepAlive(http10)
	}
	if r.rewriteTarget() != nil {
		return outbound.Malformed, false // control characters in it: to be sent as it is, or not at all
	}
	return 0, true
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
	r.ambiguous = r.Ambiguity() != http1.Plain
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
		if r.target.prefix == "" {
			return nil
		}
	default:
		return nil
	}
	b := append(append(r.path[:0], authority...), r.target.prefix...)
	if len(path) == 0 && len(b) == 0 && string(r.Method()) == "OPTIONS" {
		b = append(b, '*') // RFC 9112 section 3.2.4
	} else if len(path) == 0 || path[0] != '/' {
		b = append(b, '/')
	}
	r.path = append(b, path...)
	return r.SetTarget(r.path)
}

// dropHTTP2 takes out what asks for HTTP/2 on this connection, "Upgrade: h2c"
// with its HTTP2-Settings (RFC 7540 section 3.2): a target that knows it would
// answer in a protocol that we do not speak. Other upgrades stay.
func (r *sentRequest) dropHTTP2() {
	dropped := false
	_ = r.EditHeaders("Upgrade", func(value []byte) ([]byte, http1.HeaderEdit) {
		if !http1.HasToken(value, "h2c") {
			return nil, http1.KeepHeader
		}
		dropped = true
		return r.without(value, "h2c")
	})
	if _, ok := r.Header(http2Settings); ok {
		dropped = true
		r.DelHeader(http2Settings)
	}
	if !dropped {
		return
	}
	option := http2Settings
	if _, upgrades := r.Header("Upgrade"); !upgrades {
		option = "upgrade" // there is none left
	}
	_ = r.EditHeaders("Connection", func(value []byte) ([]byte, http1.HeaderEdit) {
		if !http1.HasToken(value, http2Settings) && !http1.HasToken(value, option) {
			return nil, http1.KeepHeader
		}
		return r.without(value, http2Settings, option)
	})
}

const http2Settings = "HTTP2-Settings"

// without is a header's list without these words, and what to do with the
// header. The list is valid until the next call.
func (r *sentRequest) without(list []byte, words ...string) ([]byte, http1.HeaderEdit) {
	r.list = appendWithout(r.list[:0], list, words...)
	if len(r.list) == 0 {
		return nil, http1.RemoveHeader
	}
	return r.list, http1.ReplaceHeader
}

// appendWithout appends to dst the items of a list except those words.
func appendWithout(dst, list []byte, words ...string) []byte {
	from := len(dst)
	for item := range bytes.SplitSeq(list, []byte{','}) {
		item = bytes.TrimSpace(item)
		isWord := func(word string) bool { return http1.HasToken(item, word) }
		if len(item) == 0 || slices.ContainsFunc(words, isWord) {
			continue
		}
		if len(dst) > from {
			dst = append(dst, ", "...)
		}
		dst = append(dst, item...)
	}
	return dst
}

// keepAlive changes Connection so that our connection lives, however many lines
// it has. An upgrade is what the request is about, and stays; so does a
// Connection that asks for nothing that ends ours.
func (r *sentRequest) keepAlive(http10 bool) {
	var upgrades, closes, keeps bool
	r.EachHeader("Connection", func(value []byte) bool {
		if string(value) == keepAlive { // what nearly all say needs no splitting
			keeps = true
			return true
		}
		upgrades = upgrades || http1.HasToken(value, "upgrade")
		closes = closes || http1.HasToken(value, "close")
		keeps = keeps || http1.HasToken(value, keepAlive)
		return true
	})
	if upgrades || !closes && (!http10 || keeps) {
		return
	}
	first := true
	err := r.EditHeaders("Connection", func(value []byte) ([]byte, http1.HeaderEdit) {
		if !first {
			return r.without(value, "close", keepAlive)
		}
		first = false
		r.list = appendWithout(r.list[:0], value, "close", keepAlive)
		if len(r.list) > 0 {
			r.list = append(r.list, ", "...)
		}
		r.list = append(r.list, keepAlive...)
		return r.list, http1.ReplaceHeader
	})
	if first || err != nil { // there is none, or what stood beside it was not a token
		r.SetHeader("Connection", keepAlive)
	}
}

const keepAlive = "keep-alive"

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
