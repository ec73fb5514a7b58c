package jsonlines

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/buger/gor/internal/formats/message"
	"github.com/buger/gor/internal/http1"
)

// headersOf reads a list of pairs, a list of objects with name and value, or an
// object whose values are texts or lists of them.
func headersOf(raw json.RawMessage) (list [][2]string, err error) {
	if len(raw) == 0 || string(raw) == "null" || json.Unmarshal(raw, &list) == nil {
		return list, nil
	}
	var named []struct{ Name, Value string }
	if json.Unmarshal(raw, &named) == nil {
		list = list[:0]
		for _, one := range named {
			list = append(list, [2]string{one.Name, one.Value})
		}
		return list, nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New(`headers: want pairs such as [["Host","www.example.com"]], or an object`)
	}
	list = list[:0]
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		var one string
		var several []string
		switch {
		case json.Unmarshal(value, &one) == nil:
			several = []string{one}
		case json.Unmarshal(value, &several) != nil:
			return nil, fmt.Errorf("header %.40q: want a text", name)
		}
		for _, v := range several {
			list = append(list, [2]string{fmt.Sprint(name), v})
		}
	}
	return list, nil
}

func (j *Reader) request(l *line, u *url.URL, fields [][2]string) ([]byte, error) {
	method, version := l.Method, l.Version
	body := []byte(l.Body)
	if len(l.Base64) > 0 {
		body = l.Base64
	}
	if method == "" {
		method = "GET"
		if len(body) > 0 {
			method = "POST"
		}
	}
	if version != "HTTP/1.0" {
		version = "HTTP/1.1"
	}
	target := l.Target
	if target == "" {
		target = targetOf(l.URL)
	}
	b := &j.build
	b.Reset()
	b.RequestLine([]byte(method), []byte(target), []byte(version))
	host, length, chunked := false, false, false
	for _, field := range fields {
		name, value := field[0], field[1]
		switch strings.ToLower(name) {
		case "host":
			host = true
		case "content-length":
			if chunked || length {
				continue
			}
			length = true
			b.Header(name, fmt.Appendf(nil, "%d", len(body)))
			continue
		case "transfer-encoding":
			if length || !http1.HasToken([]byte(value), "chunked") {
				continue
			}
			chunked = true
		}
		b.Header(name, []byte(value))
	}
	if !host && u.Host != "" {
		b.Header("Host", []byte(strings.TrimSuffix(u.Host, map[string]string{"http": ":80", "https": ":443"}[u.Scheme])))
	}
	switch {
	case chunked: // as one chunk: the lines have the body alone
		framed := []byte{}
		if len(body) > 0 {
			framed = append(fmt.Appendf(framed, "%x\r\n", len(body)), body...)
			framed = append(framed, "\r\n"...)
		}
		body = append(framed, "0\r\n\r\n"...)
	case !length && (len(body) > 0 || message.ExpectsBody([]byte(method))):
		b.Length(len(body))
	}
	return b.Body(body)
}

// targetOf is the path and query of a URL as they stand there.
func targetOf(u string) string {
	if !strings.HasPrefix(u, "/") {
		_, rest, found := strings.Cut(u, "://")
		if !found {
			rest = u
		}
		i := strings.IndexAny(rest, "/?#")
		if i < 0 {
			return "/"
		}
		u = rest[i:]
	}
	u, _, _ = strings.Cut(u, "#")
	if !strings.HasPrefix(u, "/") {
		u = "/" + u
	}
	return strings.ReplaceAll(u, " ", "%20")
}
