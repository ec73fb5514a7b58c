package har

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// An entry is an exchange as HAR 1.2 has it, as far as a message is made of it.
type entry struct {
	Started  string  `json:"startedDateTime"`
	Time     float64 `json:"time"` // ms
	Request  request `json:"request"`
	Response answer  `json:"response"`
	Timings  timings `json:"timings"`
	Conn     string  `json:"connection"`
	Server   string  `json:"serverIPAddress"`
	// Charles writes it; other exporters have an id of the page.
	Pageref string `json:"pageref"`
}

type request struct {
	Method  string    `json:"method"`
	URL     string    `json:"url"`
	Version string    `json:"httpVersion"`
	Headers headers   `json:"headers"`
	Post    *postData `json:"postData"`
}

type answer struct {
	Status  number  `json:"status"`
	Text    string  `json:"statusText"`
	Headers headers `json:"headers"`
	Content content `json:"content"`
}

type content struct {
	Size     number  `json:"size"`
	Text     *string `json:"text"`
	Encoding string  `json:"encoding"`
}

type postData struct {
	Mime     string  `json:"mimeType"`
	Text     string  `json:"text"`
	Encoding string  `json:"encoding"`
	Params   []param `json:"params"`
}

type param struct {
	Name     string `json:"name"`
	Value    string `json:"value"`
	FileName string `json:"fileName"`
	Type     string `json:"contentType"`
}

// timings are in ms, -1 where one does not apply.
type timings struct {
	Blocked float64 `json:"blocked"`
	DNS     float64 `json:"dns"`
	Connect float64 `json:"connect"`
	Send    float64 `json:"send"`
	Wait    float64 `json:"wait"`
	Receive float64 `json:"receive"`
}

// first is when the answer began, after the request's start.
func (t *timings) first() time.Duration {
	sum := 0.0
	for _, ms := range []float64{t.Blocked, t.DNS, t.Connect, t.Send, t.Wait} {
		sum += max(ms, 0)
	}
	return milliseconds(sum)
}

// milliseconds bounds what a file says: a day is more than any exchange takes.
func milliseconds(ms float64) time.Duration {
	return time.Duration(min(max(ms, 0), 86_400_000) * float64(time.Millisecond))
}

// A number is one, or a text that holds one, or null, as some exporters write a
// status.
type number int64

func (n *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	var f float64
	if text == "" || text == "null" {
		*n = 0
		return nil
	}
	if _, err := fmt.Sscanf(text, "%g", &f); err != nil || f != f || f > 1<<53 || f < -1<<53 {
		return fmt.Errorf("want a number, not %.40q", b)
	}
	*n = number(f)
	return nil
}

type header struct{ Name, Value string }

// headers are a list of objects with name and value, a list of pairs, or an
// object of names and values: exporters have all three.
type headers []header

func (h *headers) UnmarshalJSON(b []byte) error {
	*h = (*h)[:0]
	b = bytes.TrimSpace(b)
	if len(b) == 0 || bytes.Equal(b, []byte("null")) {
		return nil
	}
	if b[0] == '{' {
		dec := json.NewDecoder(bytes.NewReader(b))
		dec.Token()
		for dec.More() {
			name, err := dec.Token()
			if err != nil {
				return err
			}
			var raw json.RawMessage
			if err := dec.Decode(&raw); err != nil {
				return err
			}
			for _, v := range texts(raw) {
				*h = append(*h, header{fmt.Sprint(name), v})
			}
		}
		return nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return errors.New("headers are neither a list nor an object")
	}
	for _, item := range list {
		var pair []string
		if json.Unmarshal(item, &pair) == nil && len(pair) >= 2 {
			*h = append(*h, header{pair[0], pair[1]})
			continue
		}
		var o struct {
			Name  string          `json:"name"`
			Value json.RawMessage `json:"value"`
		}
		if err := json.Unmarshal(item, &o); err != nil {
			return errors.New("a header is neither an object with name and value nor a pair")
		}
		for _, v := range texts(o.Value) {
			*h = append(*h, header{o.Name, v})
		}
	}
	return nil
}

// texts are the values of a header: a text, a number, a list of them.
func texts(raw json.RawMessage) []string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || bytes.Equal(raw, []byte("null")) {
		return []string{""}
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return []string{s}
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	return []string{string(raw)}
}

func (h headers) get(name string) (string, bool) {
	for _, one := range h {
		if strings.EqualFold(one.Name, name) {
			return one.Value, true
		}
	}
	return "", false
}

// body is what was posted. Without a text it is made of the parameters, in the
// form that the type says.
func (p *postData) body(contentType string) (body []byte, made bool, err error) {
	if p == nil {
		return nil, false, nil
	}
	if p.Text != "" {
		body, err := decodeText(p.Text, p.Encoding)
		return body, false, err
	}
	if len(p.Params) == 0 {
		return nil, false, nil
	}
	if contentType == "" {
		contentType = p.Mime
	}
	if strings.HasPrefix(strings.ToLower(contentType), "multipart/form-data") {
		return p.multipart(contentType)
	}
	var b strings.Builder
	for i, one := range p.Params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escapeForm(one.Name))
		b.WriteByte('=')
		b.WriteString(escapeForm(one.Value))
	}
	return []byte(b.String()), true, nil
}

// escapeForm escapes a name or value unless it is escaped, as Firefox and
// Chrome write them.
func escapeForm(s string) string {
	if _, err := url.QueryUnescape(s); err == nil && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~%+*!'()$,:;@/?") == "" {
		return s
	}
	return url.QueryEscape(s)
}

func (p *postData) multipart(contentType string) ([]byte, bool, error) {
	_, boundary, ok := strings.Cut(contentType, "boundary=")
	boundary, _, _ = strings.Cut(strings.Trim(strings.TrimSpace(boundary), `"`), ";")
	if !ok || boundary == "" || strings.ContainsAny(boundary, "\r\n") {
		return nil, false, errors.New("a form of several parts has no boundary")
	}
	var b bytes.Buffer
	quote := strings.NewReplacer("\\", "\\\\", `"`, `\"`, "\r", "%0D", "\n", "%0A").Replace
	for _, one := range p.Params {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary, quote(one.Name))
		if one.FileName != "" {
			fmt.Fprintf(&b, "; filename=\"%s\"", quote(one.FileName))
		}
		if one.Type != "" {
			fmt.Fprintf(&b, "\r\nContent-Type: %s", quote(one.Type))
		}
		fmt.Fprintf(&b, "\r\n\r\n%s\r\n", one.Value)
	}
	fmt.Fprintf(&b, "--%s--\r\n", boundary)
	return b.Bytes(), true, nil
}

func decodeText(text, encoding string) ([]byte, error) {
	if !strings.EqualFold(encoding, "base64") {
		return []byte(text), nil
	}
	body, err := base64.StdEncoding.DecodeString(strings.NewReplacer("\r", "", "\n", "").Replace(text))
	if err != nil {
		return nil, errors.New("a body is no base64")
	}
	return body, nil
}

// textOf is a body as it stands in JSON, in base64 when it is no UTF-8.
func textOf(body []byte) (text, encoding string) {
	if utf8.Valid(body) {
		return string(body), ""
	}
	return base64.StdEncoding.EncodeToString(body), "base64"
}
