package har

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/buger/gor/internal/payload"
)

type nameValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type exported struct {
	Started  string         `json:"startedDateTime"`
	Time     float64        `json:"time"`
	Request  exportRequest  `json:"request"`
	Response exportResponse `json:"response"`
	Cache    struct{}       `json:"cache"`
	Timings  exportTimings  `json:"timings"`
	Conn     string         `json:"connection,omitempty"`
	ID       string         `json:"_id"` // ours: of the messages
}

type exportTimings struct {
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

type exportRequest struct {
	Method      string      `json:"method"`
	URL         string      `json:"url"`
	Version     string      `json:"httpVersion"`
	Cookies     []nameValue `json:"cookies"`
	Headers     []nameValue `json:"headers"`
	Query       []nameValue `json:"queryString"`
	Post        *exportPost `json:"postData,omitempty"`
	HeadersSize int         `json:"headersSize"`
	BodySize    int         `json:"bodySize"`
}

type exportPost struct {
	Mime     string `json:"mimeType"`
	Text     string `json:"text"`
	Encoding string `json:"encoding,omitempty"` // ours: a request's body may be no text either
}

type exportResponse struct {
	Status      int           `json:"status"`
	Text        string        `json:"statusText"`
	Version     string        `json:"httpVersion"`
	Cookies     []nameValue   `json:"cookies"`
	Headers     []nameValue   `json:"headers"`
	Content     exportContent `json:"content"`
	Redirect    string        `json:"redirectURL"`
	HeadersSize int           `json:"headersSize"`
	BodySize    int           `json:"bodySize"`
	Label       string        `json:"_target,omitempty"`
}

type exportContent struct {
	Size     int    `json:"size"`
	Mime     string `json:"mimeType"`
	Text     string `json:"text,omitempty"`
	Encoding string `json:"encoding,omitempty"`
}

// export makes an entry of an exchange. It reports false when the request is no
// HTTP/1.
func (h *Writer) export(p *pending) (*exported, bool) {
	m, body, _ := payload.Split(p.req)
	if plain, ok := h.decoder.Decode(nil, body, false); ok {
		body = plain
	}
	if h.req.Parse(body) != nil {
		return nil, false
	}
	none := []nameValue{}
	e := &exported{Started: time.Unix(0, m.Time).UTC().Format("2006-01-02T15:04:05.000000000Z"), Conn: string(payload.ConnPart(m.ID)), ID: string(m.ID)}
	scheme, host := "http", "localhost"
	if v, ok := m.Attribute(payload.AttrScheme); ok {
		scheme = string(v)
	}
	if v, ok := h.req.Header("Host"); ok && len(v) > 0 {
		host = string(v)
	}
	address := string(h.req.Target())
	if strings.HasPrefix(address, "/") {
		address = scheme + "://" + host + address
	}
	content := h.req.Body()
	e.Request = exportRequest{Method: string(h.req.Method()), URL: address, Version: string(h.req.Proto()), Cookies: cookiesOf(h.req.Headers, "Cookie"), Headers: namesOf(h.req.Headers), Query: queryOf(address), HeadersSize: len(body) - len(content), BodySize: len(content)}
	if len(content) > 0 {
		mime, _ := h.req.Header("Content-Type")
		e.Request.Post = &exportPost{Mime: string(mime)}
		e.Request.Post.Text, e.Request.Post.Encoding = textOf(content)
	}
	e.Response = exportResponse{Cookies: none, Headers: none, HeadersSize: -1, BodySize: -1}
	if p.resp != nil {
		h.exportAnswer(e, m.Time, p.resp)
	}
	return e, true
}

func (h *Writer) exportAnswer(e *exported, began int64, msg []byte) {
	m, body, _ := payload.Split(msg)
	if plain, ok := h.decoder.Decode(nil, body, true); ok {
		body = plain
	}
	if h.resp.Parse(body) != nil {
		return
	}
	first, rest := milli(m.Time-began), milli(m.Duration)
	if m.Type == payload.ReplayResponse { // its duration is the round trip
		first, rest = milli(m.Duration), 0
	}
	e.Timings = exportTimings{Wait: first, Receive: rest}
	e.Time = first + rest
	if label, ok := m.Attribute(payload.AttrTarget); ok {
		e.Response.Label = string(payload.Unescape(nil, label))
	}
	content := h.resp.Body()
	mime, _ := h.resp.Header("Content-Type")
	r := &e.Response
	r.Status, r.Headers, r.HeadersSize, r.BodySize = h.resp.Status(), namesOf(h.resp.Headers), len(body)-len(content), len(content)
	line, _, _ := strings.Cut(string(body[:min(len(body), 1024)]), "\n")
	version, rest2, _ := strings.Cut(strings.TrimRight(line, "\r"), " ")
	_, reason, _ := strings.Cut(rest2, " ")
	r.Version, r.Text = version, reason
	r.Cookies = cookiesOf(h.resp.Headers, "Set-Cookie")
	if location, ok := h.resp.Header("Location"); ok {
		r.Redirect = string(location)
	}
	r.Content = exportContent{Size: len(content), Mime: string(mime)}
	r.Content.Text, r.Content.Encoding = textOf(content)
}

func milli(ns int64) float64 { return float64(max(ns, 0)) / float64(time.Millisecond) }

func namesOf(each func(func(name, value []byte) bool)) []nameValue {
	list := []nameValue{}
	for name, value := range each {
		list = append(list, nameValue{string(name), string(value)})
	}
	return list
}

// queryOf are the parameters of a URL, decoded where that can be done.
func queryOf(u string) []nameValue {
	list := []nameValue{}
	u, _, _ = strings.Cut(u, "#")
	_, query, _ := strings.Cut(u, "?")
	for query != "" && len(list) < listMost {
		var one string
		one, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(one, "=")
		list = append(list, nameValue{unescapeQuery(name), unescapeQuery(value)})
	}
	return list
}

// listMost bounds the parameters and the cookies of a message that are listed beside
// its URL and headers: servers take a few hundred.
const listMost = 1000

func unescapeQuery(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil && utf8.ValidString(plain) {
		return plain
	}
	return s
}

// cookiesOf are the cookies that headers of that name carry: several in Cookie, one,
// before its attributes, in Set-Cookie.
func cookiesOf(each func(func(name, value []byte) bool), name string) []nameValue {
	list := []nameValue{}
	for n, value := range each {
		if !strings.EqualFold(string(n), name) {
			continue
		}
		for _, one := range strings.Split(string(value), ";") {
			if len(list) == listMost {
				return list
			}
			name, value, ok := strings.Cut(strings.TrimSpace(one), "=")
			if ok {
				list = append(list, nameValue{name, value})
			}
			if len(n) == len("Set-Cookie") {
				break
			}
		}
	}
	return list
}
