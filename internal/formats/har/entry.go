package har

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

var origin = payload.AppendAttribute(nil, payload.AttrOrigin, "har")

// entry makes a request, and an answer, of an entry.
func (h *Reader) entry(e *entry) error {
	u, err := url.Parse(e.Request.URL)
	switch {
	case err != nil:
		return fmt.Errorf("the URL %.80q is none", e.Request.URL)
	case e.Request.Method == "":
		return errors.New("an entry has no request with a method")
	case u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "":
		h.data++
		return nil
	}
	at, err := parseTime(e.Started)
	if err != nil {
		return err
	}
	if h.id = append(h.id[:0], e.ID...); !gorID(e.ID) {
		conn := message.Conn([]byte(e.Conn), []byte(e.Server), []byte(u.Scheme), []byte(u.Host))
		h.id = payload.AppendID(h.id[:0], conn, h.entries)
	}
	req, err := h.request(&e.Request, u)
	if err != nil {
		return err
	}
	attributes := payload.AppendAttribute(origin[:len(origin):len(origin)], payload.AttrScheme, strings.Replace(u.Scheme, "ws", "http", 1))
	h.give(payload.Meta{Type: payload.Request, ID: h.id, Time: at, Duration: -1, Attributes: attributes}, req)
	if e.Response.Status <= 0 {
		h.unanswered++
		return nil
	}
	response, err := h.answer(&e.Response, e.Request.Method)
	if err != nil {
		return err
	}
	h.give(payload.Meta{
		Type: payload.Response, ID: h.id, Time: at + int64(e.Timings.first()),
		Duration: int64(milliseconds(e.Timings.Receive)), Attributes: origin,
	}, response)
	return nil
}

// gorID reports whether an id is one that payload.AppendID makes.
func gorID(id string) bool {
	const length = 24
	return len(id) == length && strings.Trim(id, "0123456789abcdef") == ""
}

func (h *Reader) give(m payload.Meta, body []byte) {
	if len(body) > h.limit {
		h.damage.TooLarge++
		return
	}
	m.Length = int64(len(body))
	msg := append(payload.AppendMeta(make([]byte, 0, len(body)+512), m), body...)
	h.queue = append(h.queue, msg[:len(msg):len(msg)])
}

// framing are the headers that say how a message was carried. It is carried in
// another way now.
func framing(name string) bool {
	switch strings.ToLower(name) {
	case "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te", "trailer", "http2-settings", "expect":
		return true
	}
	return false
}

func (h *Reader) request(r *request, u *url.URL) ([]byte, error) {
	contentType, _ := r.Headers.get("Content-Type")
	body, made, err := r.Post.body(contentType)
	if err != nil {
		return nil, err
	}
	if made {
		h.params++
	}
	proto := "HTTP/1.1"
	if strings.EqualFold(r.Version, "HTTP/1.0") {
		proto = "HTTP/1.0"
	}
	b := &h.build
	b.Reset()
	b.RequestLine([]byte(r.Method), []byte(targetOf(r.URL)), []byte(proto))
	host, ok := r.Headers.get("Host")
	if !ok || host == "" {
		if host, ok = r.Headers.get(":authority"); !ok {
			host = strings.TrimSuffix(u.Host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])
		}
		b.Header("Host", []byte(host))
	}
	upgrade, _ := r.Headers.get("Upgrade")
	for _, one := range r.Headers {
		switch {
		case strings.HasPrefix(one.Name, ":"), framing(one.Name) && !(upgrade == "websocket" && strings.EqualFold(one.Name, "Connection")):
		case strings.EqualFold(one.Name, "Host") && one.Value == "":
		default:
			b.Header(one.Name, []byte(oneLine(one.Value)))
		}
	}
	if contentType == "" && len(body) > 0 && r.Post.Mime != "" {
		b.Header("Content-Type", []byte(r.Post.Mime))
	}
	if _, had := r.Headers.get("Content-Length"); len(body) > 0 || message.ExpectsBody([]byte(r.Method)) || had {
		b.Length(len(body))
	}
	return b.Body(body)
}

// oneLine joins a value of several lines, as Safari and Chrome export several
// headers of one name.
func oneLine(v string) string {
	if !strings.ContainsAny(v, "\r\n") {
		return v
	}
	return strings.NewReplacer("\r\n", ", ", "\n", ", ", "\r", " ").Replace(v)
}

// targetOf is the path and query of a URL as they stand there.
func targetOf(u string) string {
	_, rest, _ := strings.Cut(u, "://")
	rest, _, _ = strings.Cut(rest, "#")
	i := strings.IndexAny(rest, "/?")
	switch {
	case i < 0:
		return "/"
	case rest[i] == '?':
		rest = "/" + rest[i:]
	default:
		rest = rest[i:]
	}
	return strings.ReplaceAll(rest, " ", "%20")
}

// answer builds the response. Archives have bodies without their codings, and
// keep the headers that name them.
func (h *Reader) answer(a *answer, method string) ([]byte, error) {
	var body []byte
	known := false
	if a.Content.Text != nil {
		var err error
		if body, err = decodeText(*a.Content.Text, a.Content.Encoding); err != nil {
			return nil, err
		}
		known = true
	}
	bodiless := method == "HEAD" || a.Status < 200 || a.Status == 204 || a.Status == 304
	missing := len(body) == 0 && !bodiless && (a.Content.Size > 0 || !known)
	if bodiless {
		body = nil
	}
	b := &h.build
	b.Reset()
	b.StatusLine(int(a.Status), []byte(a.Text))
	decoded := false
	for _, one := range a.Headers {
		switch lower := strings.ToLower(one.Name); {
		case strings.HasPrefix(one.Name, ":"):
		case lower == "content-encoding" && !bodiless && !missing && len(body) > 0:
			decoded = true
		case lower == "content-length" && (bodiless || missing): // what the body would have
			if http1.ValidHeaderValue(one.Value) {
				b.Header(one.Name, []byte(one.Value))
			}
		case lower == "connection" && a.Status == 101:
			b.Header(one.Name, []byte(one.Value))
		case framing(one.Name):
		case lower == "set-cookie":
			for _, cookie := range strings.Split(strings.ReplaceAll(one.Value, "\r\n", "\n"), "\n") {
				b.Header(one.Name, []byte(cookie))
			}
		default:
			b.Header(one.Name, []byte(oneLine(one.Value)))
		}
	}
	switch {
	case missing:
		h.noBody++
	case !bodiless:
		b.Length(len(body))
	}
	if decoded {
		h.decoded++
	}
	return b.Body(body)
}
