package curl

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/buger/gor/internal/formats/message"
)

// set reports whether a header was given, and its value.
func (o *options) set(name string) (string, bool) {
	for _, h := range o.headers {
		if n, v, ok := strings.Cut(h, ":"); ok && strings.EqualFold(strings.TrimSpace(n), name) {
			return strings.TrimSpace(v), true
		}
		if n, ok := strings.CutSuffix(h, ";"); ok && strings.EqualFold(n, name) {
			return "", true
		}
	}
	return "", false
}

// build makes what curl would send, in the order in which it does.
func (r *request) build(agent string) (req []byte, host string, err error) {
	o, text := r.options, r.url
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	scheme, rest, _ := strings.Cut(text, "://")
	authority, target := rest, "/"
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, target = rest[:i], rest[i:]
	}
	u, err := url.Parse(scheme + "://" + authority)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, "", fmt.Errorf("the URL %.80q is none of http or https", r.url)
	}
	target, _, _ = strings.Cut(target, "#")
	target, query, hasQuery := strings.Cut(target, "?")
	if target = escapePath(target); !o.pathAsIs {
		target = withoutDots(target)
	}
	body, contentType, err := r.body()
	if err != nil {
		return nil, "", err
	}
	if o.get && o.hasData {
		if query != "" {
			query += "&"
		}
		query += string(body)
		body, contentType = nil, ""
	}
	if query != "" || hasQuery {
		target += "?" + strings.ReplaceAll(query, " ", "%20")
	}
	method := o.method
	switch {
	case method != "":
	case o.head:
		method = "HEAD"
	case r.upload != nil:
		method = "PUT"
	case !o.get && (o.hasData || len(o.form) > 0):
		method = "POST"
	default:
		method = "GET"
	}
	var b message.Builder
	proto := "HTTP/1.1"
	if o.http10 {
		proto = "HTTP/1.0"
	}
	b.RequestLine([]byte(method), []byte(target), []byte(proto))
	host = strings.TrimSuffix(u.Host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
	own := func(name, value string, send bool) {
		if v, given := o.set(name); given && v != "" {
			if name == "Host" { // the others stand where they were given
				b.Header(name, []byte(v))
			}
		} else if !given && send {
			b.Header(name, []byte(value))
		}
	}
	user := o.user
	if user == "" && u.User != nil {
		password, _ := u.User.Password()
		user = u.User.Username() + ":" + password
	}
	if o.hasAgent {
		agent = o.agent
	}
	own("Host", host, true)
	if o.bearer != "" {
		own("Authorization", "Bearer "+o.bearer, true)
	} else {
		own("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(user)), user != "")
	}
	own("Range", "bytes="+o.byteRange, o.byteRange != "")
	own("User-Agent", agent, agent != "")
	if o.json { // curl adds these behind what -H gave
		for _, h := range []string{"Content-Type", "Accept"} {
			if _, given := o.set(h); !given {
				o.headers = append(o.headers, h+": application/json")
			}
		}
	}
	own("Accept", "*/*", true)
	own("Accept-Encoding", "deflate, gzip, br, zstd", o.encoded) // of a curl that was built with all of them
	own("Referer", o.referer, o.referer != "")
	own("Cookie", o.cookie, o.cookie != "")
	for _, h := range o.headers {
		name, value, ok := strings.Cut(h, ":")
		name = strings.TrimSpace(name)
		if strings.EqualFold(name, "Host") || ok && strings.TrimSpace(value) == "" || strings.EqualFold(name, "Content-Length") {
			continue
		}
		if !ok {
			if name, ok = strings.CutSuffix(h, ";"); !ok {
				return nil, "", fmt.Errorf("-H %.60q: want NAME: VALUE", h)
			}
			h = name + ":"
		}
		b.HeaderLine(h)
	}
	sends := o.hasData && !o.get || len(o.form) > 0 || r.upload != nil
	if sends {
		b.Length(len(body))
	}
	own("Content-Type", contentType, contentType != "")
	req, err = b.Body(body)
	return req, host, err
}

// escapePath is a path as curl sends it: what is not ASCII, and blanks, as %xx, all
// else as it stands.
func escapePath(path string) string {
	if path == "" {
		return "/"
	}
	var b strings.Builder
	for i := range len(path) {
		if c := path[i]; c <= ' ' || c >= 0x7F {
			fmt.Fprintf(&b, "%%%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// withoutDots takes . and .. out of a path (RFC 3986 section 5.2.4).
func withoutDots(path string) string {
	if !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	parts := strings.Split(path[1:], "/")
	for i, part := range parts {
		last := i == len(parts)-1
		switch part {
		case ".":
		case "..":
			kept = kept[:max(len(kept)-1, 0)]
		default:
			kept = append(kept, part)
			continue
		}
		if last {
			kept = append(kept, "")
		}
	}
	return "/" + strings.Join(kept, "/")
}

// boundary parts the pieces of a form. It is fixed, so that a line is the same
// request in every run.
const boundary = "------------------------gor0000000000000"

// body is what is sent, and its type.
func (r *request) body() (body []byte, contentType string, err error) {
	o := r.options
	switch {
	case r.upload != nil:
		return *r.upload, "", nil
	case len(o.form) > 0:
		var b strings.Builder
		quote := strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A").Replace
		for _, p := range o.form {
			fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary, quote(p.name))
			if p.file != "" {
				fmt.Fprintf(&b, "; filename=\"%s\"", quote(p.file))
			}
			if p.kind != "" {
				fmt.Fprintf(&b, "\r\nContent-Type: %s", quote(p.kind))
			}
			fmt.Fprintf(&b, "\r\n\r\n%s\r\n", p.value)
		}
		fmt.Fprintf(&b, "--%s--\r\n", boundary)
		return []byte(b.String()), "multipart/form-data; boundary=" + boundary, nil
	case o.json:
		return o.data, "", nil
	case o.hasData:
		return o.data, "application/x-www-form-urlencoded", nil
	}
	return nil, "", nil
}
