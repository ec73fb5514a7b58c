package har

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

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
		return nil, errors.New("a body is not base64")
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
