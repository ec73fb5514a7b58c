package http1client

import (
	"bytes"
	"fmt"
	"net/url"

	"github.com/buger/gor/internal/http1"
)

// redirect makes the request that an answer asks for (RFC 9110 section 15.4),
// and reports whether there is one. Only redirections within the target are
// followed: another host may be production, and gets nothing.
func (s *Sender) redirect(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
	default:
		return false
	}
	var answer http1.Response
	if answer.Parse(s.call.Answer) != nil {
		return false
	}
	location, ok := answer.Header("Location")
	if !ok {
		return false
	}
	target, ok := s.follow(string(location))
	if !ok {
		s.counts.Foreign.Add(1)
		return false
	}
	if !s.req.prepareAgain(redirected(&s.req.Request, target, status)) {
		return false
	}
	s.counts.Redirected.Add(1)
	return true
}

// follow gives the request target that a Location means, false when it lies
// at another host.
func (s *Sender) follow(location string) (string, bool) {
	t := s.cfg.Target
	base := url.URL{Scheme: "http", Host: t.host}
	if t.server != "" {
		base.Scheme = "https"
	}
	here, err := url.ParseRequestURI(string(s.req.Target()))
	if err != nil {
		here = &url.URL{Path: "/"}
	}
	base.Path, base.RawPath = here.Path, here.RawPath
	there, err := base.Parse(location)
	if err != nil || there.Scheme != base.Scheme {
		return "", false
	}
	sent, _ := s.req.Header("Host")
	if there.Host != t.host && there.Host != t.dial && there.Host != string(sent) {
		return "", false
	}
	return there.RequestURI(), true
}

// redirected makes the request for a redirection: the same for another
// target, or, as clients have always taken 301 and 302 to mean, and 303 means,
// a GET without the body. It shares no memory with r.
func redirected(r *http1.Request, target string, status int) []byte {
	method, body := string(r.Method()), r.Body()
	asGet := status == 303 && method != "HEAD" || (status == 301 || status == 302) && method == "POST"
	head := r.AppendHead(nil)
	_, fields, _ := bytes.Cut(head, []byte{'\n'})
	if asGet {
		method, body = "GET", nil
	}
	raw := fmt.Appendf(nil, "%s %s %s\r\n%s%s", method, target, r.Proto(), fields, body)
	var get http1.Request
	if !asGet || get.Parse(raw) != nil {
		return raw // what does not parse is refused by prepareAgain
	}
	for _, name := range []string{"Content-Length", "Transfer-Encoding", "Content-Type", "Content-Encoding", "Expect", "Trailer"} {
		get.DelHeader(name)
	}
	return get.AppendTo(nil)
}
