package rules

import (
	"bytes"
	"encoding/base64"
	"regexp"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/pace"
)

// A filter reports whether a request goes on. It sees only requests that
// http1 can read.
type filter interface {
	pass(r *request) bool
	// passUnreadable is the verdict over what http1 cannot read: a filter that
	// allows has seen nothing to allow.
	passUnreadable() bool
}

// allowMethods passes a request whose method is any of them, in upper case.
type allowMethods struct{ list [][]byte }

func (a *allowMethods) passUnreadable() bool { return false }
func (a *allowMethods) pass(r *request) bool {
	for _, m := range a.list {
		if bytes.EqualFold(r.Method(), m) {
			return true
		}
	}
	return false
}

// allowURLs passes a request that any of the expressions matches.
type allowURLs struct{ list []allowURL }

type allowURL struct {
	re     *regexp.Regexp
	urlToo bool // the URL alone may match; else only host and URL together
}

func (a *allowURLs) passUnreadable() bool { return false }
func (a *allowURLs) pass(r *request) bool {
	for _, u := range a.list {
		if u.urlToo && u.re.Match(r.sentTarget()) || u.re.Match(r.hostAndURL()) {
			return true
		}
	}
	return false
}

type disallowURL struct{ re *regexp.Regexp }

func (d *disallowURL) passUnreadable() bool { return true }
func (d *disallowURL) pass(r *request) bool {
	target := r.Target()
	if d.re.Match(target) || d.re.Match(r.hostAndURL()) {
		return false
	}
	return target[0] == '/' || !d.re.Match(r.sentTarget()) // a path is sent as it is
}

type allowHeader struct {
	name string
	re   *regexp.Regexp
}

func (a *allowHeader) passUnreadable() bool { return false }
func (a *allowHeader) pass(r *request) bool {
	return r.anyHeader(a.name, a.re)
}

type disallowHeader struct {
	name string
	re   *regexp.Regexp
}

func (d *disallowHeader) passUnreadable() bool { return true }
func (d *disallowHeader) pass(r *request) bool {
	return !r.anyHeader(d.name, d.re)
}

type allowBasicAuth struct {
	re      *regexp.Regexp
	decoded []byte // scratch
}

func (b *allowBasicAuth) passUnreadable() bool { return true }

// pass wants credentials that match when there are any; of several headers one
// that does.
func (b *allowBasicAuth) pass(r *request) bool {
	some, found := false, false
	r.EachHeader("Authorization", func(value []byte) bool {
		basic, match := b.judge(value)
		some, found = some || basic, match
		return !found
	})
	return found || !some
}

// judge reports whether a header has Basic credentials, and whether they match.
func (b *allowBasicAuth) judge(value []byte) (basic, match bool) {
	const scheme = "Basic "
	if len(value) < len(scheme) || !bytes.EqualFold(value[:len(scheme)], []byte(scheme)) {
		return false, false
	}
	var err error
	// Some clients leave the padding out, and servers take it so.
	b.decoded, err = base64.RawStdEncoding.AppendDecode(b.decoded[:0], bytes.TrimRight(bytes.TrimSpace(value[len(scheme):]), "="))
	return true, err == nil && b.re.Match(b.decoded)
}

// A share keeps a part of all values, always the same ones: num/den of the
// 32-bit hashes in the way of Gor 0.9, or percent of them in the way of 1.x.
type share struct {
	num, den    uint64 // den 0: percent counts
	percent     uint32
	passMissing bool // what has no value passes
}

func (s share) passUnreadable() bool { return s.passMissing }
func (s share) keep(value []byte, ok bool) bool {
	switch {
	case !ok:
		return s.passMissing
	case s.den > 0:
		return pace.HashFraction(value, s.num, s.den)
	default:
		return pace.HashPercent(value, s.percent)
	}
}

type sampleHeader struct {
	name string
	share
}

func (s *sampleHeader) pass(r *request) bool { return s.keep(r.Header(s.name)) }

type sampleParam struct {
	name string
	share
}

func (s *sampleParam) pass(r *request) bool {
	return s.keep(http1.QueryParam(r.Target(), s.name))
}
