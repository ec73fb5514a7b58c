package main

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/pace"
)

// allowMethods passes a request whose method is any of them, in upper case.
type allowMethods [][]byte

func (a allowMethods) unreadable() bool { return false }
func (a allowMethods) pass(r *requestView) bool {
	for _, m := range a {
		if bytes.EqualFold(r.Method(), m) {
			return true
		}
	}
	return false
}

// allowURLs passes a request that any of the expressions matches.
type allowURLs []allowURL

type allowURL struct {
	re     *regexp.Regexp
	urlToo bool // the URL alone may match; else only host and URL together
}

func (a allowURLs) unreadable() bool { return false }
func (a allowURLs) pass(r *requestView) bool {
	for _, u := range a {
		if u.urlToo && u.re.Match(r.sentTarget()) || u.re.Match(r.hostAndURL()) {
			return true
		}
	}
	return false
}

type disallowURL struct{ re *regexp.Regexp }

func (d *disallowURL) unreadable() bool { return true }
func (d *disallowURL) pass(r *requestView) bool {
	return !d.re.Match(r.sentTarget()) && !d.re.Match(r.Target()) && !d.re.Match(r.hostAndURL())
}

type allowHeader struct {
	name string
	re   *regexp.Regexp
}

func (a *allowHeader) unreadable() bool { return false }
func (a *allowHeader) pass(r *requestView) bool {
	return r.anyHeader(a.name, a.re)
}

type disallowHeader struct {
	name string
	re   *regexp.Regexp
}

func (d *disallowHeader) unreadable() bool { return true }
func (d *disallowHeader) pass(r *requestView) bool {
	return !r.anyHeader(d.name, d.re)
}

type basicAuth struct {
	re      *regexp.Regexp
	decoded []byte // scratch
}

func (b *basicAuth) unreadable() bool { return true }
func (b *basicAuth) pass(r *requestView) bool {
	value, ok := r.Header("Authorization")
	const scheme = "Basic "
	if !ok || len(value) < len(scheme) || !bytes.EqualFold(value[:len(scheme)], []byte(scheme)) {
		return true
	}
	var err error
	// Some clients leave the padding out, and servers take it so.
	b.decoded, err = base64.RawStdEncoding.AppendDecode(b.decoded[:0], bytes.TrimRight(bytes.TrimSpace(value[len(scheme):]), "="))
	return err == nil && b.re.Match(b.decoded)
}

// hashRule keeps a share of all values, always the same ones: num/den of
// the 32-bit hashes in the way of Gor 0.9, or percent of them in the way of
// 1.x.
type hashRule struct {
	name        string
	num, den    uint64 // den 0: percent counts
	percent     uint32
	keepMissing bool
}

func (h *hashRule) unreadable() bool { return h.keepMissing }
func (h *hashRule) keep(value []byte, ok bool) bool {
	switch {
	case !ok:
		return h.keepMissing
	case h.den > 0:
		return pace.HashFraction(value, h.num, h.den)
	default:
		return pace.HashPercent(value, h.percent)
	}
}

type hashHeader struct{ hashRule }

func (h *hashHeader) pass(r *requestView) bool { return h.keep(r.Header(h.name)) }

type hashParam struct{ hashRule }

func (h *hashParam) pass(r *requestView) bool {
	return h.keep(http1.QueryParam(r.Target(), h.name))
}

type setHeader struct{ name, value string }

func (s *setHeader) rewrite(r *requestView) { r.made(r.SetHeader(s.name, s.value)) }

type setParam struct {
	name, value string
	target      []byte // scratch
}

func (s *setParam) rewrite(r *requestView) {
	s.target = http1.SetQueryParam(s.target[:0], r.Target(), s.name, s.value)
	r.made(r.SetTarget(s.target))
}

// rewriteURLs applies the first rule that matches.
type rewriteURLs []*replacer

func (rules rewriteURLs) rewrite(r *requestView) {
	for _, rule := range rules {
		if target, ok := rule.replace(r.Target()); ok {
			r.made(r.SetTarget(target))
			return
		}
	}
}

type rewriteHeader struct {
	name string
	*replacer
}

func (h *rewriteHeader) rewrite(r *requestView) {
	value, ok := r.Header(h.name)
	if !ok {
		return
	}
	if value, ok := h.replace(value); ok {
		r.made(r.SetHeaderBytes(h.name, value))
	}
}

// sentTarget is the target as it is sent: one in absolute form, as clients send
// it to proxies, becomes its path. See sentRequest.rewriteTarget.
func (r *requestView) sentTarget() []byte {
	_, path, absolute := cutAbsolute(r.Target())
	switch {
	case !absolute, len(path) > 0 && path[0] == '/':
		return path
	case len(path) == 0 && string(r.Method()) == "OPTIONS":
		return []byte("*")
	}
	return append([]byte("/"), path...)
}

// anyHeader reports whether the value of any header of that name matches.
func (r *requestView) anyHeader(name string, re *regexp.Regexp) bool {
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
