package accesslog

import (
	"bytes"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/http1"
)

// request builds the request of a line. Where there is none, it returns the
// count that says why.
func (l *Reader) request(e *entry) (req []byte, reason *uint64) {
	if e.method == nil || e.target == nil && e.path == nil {
		if absent(e.request) {
			return nil, &l.cut
		}
		if hasControl(e.request) {
			return nil, &l.binary
		}
		if !e.splitRequest() {
			return nil, &l.cut
		}
	}
	target := e.target
	if target == nil {
		target = l.joined(e)
	}
	host, target := l.hostOf(e, target)
	switch {
	case !http1.ValidHeaderName(e.method) || hasControl(target):
		return nil, &l.binary
	case len(target) == 0:
		return nil, &l.cut
	case string(e.method) == "CONNECT":
		return nil, &l.connects
	}
	missing := !e.hasBody && (e.contentLength > 0 || e.contentLength < 0 && message.ExpectsBody(e.method))
	if missing && !l.cfg.EmptyBodies {
		return nil, &l.bodies
	}
	req, err := l.put(e, target, host)
	if err != nil {
		return nil, &l.binary
	}
	if missing {
		l.empty++
	}
	return req, nil
}

func (l *Reader) put(e *entry, target, host []byte) ([]byte, error) {
	proto := []byte("HTTP/1.1")
	if string(e.proto) == "HTTP/1.0" {
		proto = e.proto
	}
	b := &l.build
	b.Reset()
	b.RequestLine(e.method, escapeBlanks(target), proto)
	if len(host) > 0 {
		b.Header("Host", host)
	}
	for _, h := range e.headers {
		b.Header(h.name, h.value)
	}
	if len(e.body) > 0 || message.ExpectsBody(e.method) {
		b.Length(len(e.body))
	}
	return b.Body(e.body)
}

// joined is the target of a log that has the path and the query apart.
func (l *Reader) joined(e *entry) []byte {
	if len(e.query) == 0 {
		return e.path
	}
	r := &l.reading
	from := len(r.scratch)
	r.scratch = append(r.scratch, e.path...)
	r.scratch = append(append(r.scratch, '?'), e.query...)
	return r.scratch[from:len(r.scratch):len(r.scratch)]
}

// hostOf returns what the Host header says, and the target in origin form. The
// host of a target in absolute form, as load balancers log it, is the client's;
// next is the Host header, then what the user says, then the server's name.
func (l *Reader) hostOf(e *entry, target []byte) (host, path []byte) {
	if authority, rest, ok := http1.CutAbsolute(target); ok {
		scheme, name, _ := bytes.Cut(authority, []byte("://"))
		if i := bytes.LastIndexByte(name, '@'); i >= 0 {
			name = name[i+1:]
		}
		switch string(bytes.ToLower(scheme)) {
		case "http":
			name = bytes.TrimSuffix(name, []byte(":80"))
		case "https":
			name = bytes.TrimSuffix(name, []byte(":443"))
		}
		if len(rest) == 0 || rest[0] != '/' {
			rest = append([]byte{'/'}, rest...)
		}
		host, target = name, rest
	}
	switch {
	case len(e.host) > 0:
		host = e.host
	case len(host) > 0:
	case l.cfg.Host != "":
		host = []byte(l.cfg.Host)
	case len(e.server) > 0 && e.server[0] != '_' && e.server[0] != '*':
		host = e.server
	}
	return host, target
}

// escapeBlanks makes a target one word. Servers take one with blanks, and log it
// so; in a request line it would end at the first.
func escapeBlanks(target []byte) []byte {
	if bytes.IndexByte(target, ' ') < 0 {
		return target
	}
	return bytes.ReplaceAll(target, []byte{' '}, []byte("%20"))
}

func hasControl(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c == 0x7F {
			return true
		}
	}
	return false
}
