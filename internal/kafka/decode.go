package kafka

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// Why a value is not given. Errors of decode are one of these.
var (
	errForeign = errors.New("not a message of Gor or GoReplay")
	errDamaged = errors.New("damaged")
	errNewer   = errors.New("of a type that only a newer Gor knows")
	errNoRaw   = errors.New("a response in JSON without Req_Raw, which cannot be put together again")
	errTooBig  = errors.New("larger than the limit of a message")
)

// origin marks what was put together from JSON without Req_Raw: nobody can say that
// these are the bytes that were captured.
const origin = "kafka"

// decode returns the message in a value of either form. The result refers to value or
// is the caller's. limit is the largest message in bytes.
func decode(value []byte, limit int) ([]byte, error) {
	if len(value) == 0 {
		return nil, errForeign
	}
	msg := value
	if value[0] == '{' {
		var err error
		if msg, err = decodeJSON(value); err != nil {
			return nil, err
		}
	}
	meta, body, err := payload.Split(msg)
	switch {
	case err != nil && msg[0] >= payload.Request && msg[0] <= '9' && len(msg) > 1 && msg[1] == ' ':
		return nil, errDamaged
	case err != nil:
		return nil, errForeign
	case meta.Type > payload.ReplayResponse:
		return nil, errNewer
	case len(body) > limit:
		return nil, errTooBig
	case meta.Length >= 0 && meta.Length != int64(len(body)):
		// A value has its own length. A header line with another one was copied over a
		// changed body, or the body is torn: its framing tells.
		if !http1.Complete(body) {
			return nil, errDamaged
		}
		meta.Length = int64(len(body))
		msg = append(payload.AppendMeta(nil, meta), body...)
	}
	return msg, nil
}

// decodeJSON returns the message in a JSON value, "header LF payload"; of Req_Raw when that
// is there.
func decodeJSON(value []byte) ([]byte, error) {
	var o struct {
		URL     string     `json:"Req_URL"`
		Type    string     `json:"Req_Type"`
		ID      string     `json:"Req_ID"`
		Time    string     `json:"Req_Ts"`
		Method  string     `json:"Req_Method"`
		Body    string     `json:"Req_Body"`
		Headers headerList `json:"Req_Headers"`
		Raw     []byte     `json:"Req_Raw"`
	}
	if err := json.Unmarshal(value, &o); err != nil {
		return nil, errDamaged
	}
	if len(o.Raw) > 0 {
		return o.Raw, nil
	}
	if o.Type == "" && o.ID == "" {
		return nil, errForeign
	}
	header := o.Type + " " + o.ID + " " + o.Time
	meta, err := payload.ParseMeta([]byte(header))
	if err != nil || strings.ContainsAny(header, "\r\n") {
		return nil, errDamaged
	}
	if meta.Type != payload.Request {
		if meta.Type > payload.ReplayResponse {
			return nil, errNewer
		}
		return nil, errNoRaw
	}
	body, ok := rebuild(o.Method, o.URL, o.Headers, o.Body)
	if !ok {
		return nil, errDamaged
	}
	meta.Length = int64(len(body))
	meta.Attributes = payload.AppendAttribute(nil, payload.AttrOrigin, origin)
	return append(payload.AppendMeta(nil, meta), body...), nil
}

// headerList keeps the order of the headers in an object.
type headerList [][2]string

func (h *headerList) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		if t == nil && err == nil {
			return nil // null
		}
		return errDamaged
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		value, err := d.Token()
		if err != nil && err != io.EOF {
			return err
		}
		n, ok1 := name.(string)
		v, ok2 := value.(string)
		if !ok1 || !ok2 {
			return errDamaged
		}
		*h = append(*h, [2]string{n, v})
	}
	return nil
}

// rebuild puts a request together. It reports false for what would be another request than
// the fields say, such as a header with a line end. A Content-Length that the body does
// not have any more (JSON cannot hold what is not UTF-8) is put right: the target would
// wait for the rest, or take it from the next request.
func rebuild(method, url string, headers headerList, content string) ([]byte, bool) {
	if !isToken(method) || url == "" || strings.ContainsFunc(url, func(c rune) bool { return c <= ' ' || c == 0x7F }) {
		return nil, false
	}
	b := make([]byte, 0, len(method)+len(url)+len(content)+64*(len(headers)+1))
	b = append(b, method+" "+url+" HTTP/1.1\r\n"...)
	chunked := false
	for _, h := range headers {
		chunked = chunked || strings.EqualFold(h[0], "Transfer-Encoding")
	}
	for _, h := range headers {
		name, value := h[0], h[1]
		if !isToken(name) || strings.ContainsAny(value, "\r\n\x00") {
			return nil, false
		}
		if strings.EqualFold(name, "Content-Length") && !chunked {
			value = strconv.Itoa(len(content))
		}
		b = append(b, name+": "+value+"\r\n"...)
	}
	b = append(b, "\r\n"...)
	return append(b, content...), true
}

// isToken reports whether s is a token of RFC 9110 section 5.6.2.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return c <= ' ' || c >= 0x7F || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", c)
	})
}
