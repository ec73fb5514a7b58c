package kafka

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/payload"
)

// object is a value in JSON form. The first seven fields are GoReplay's, in its
// order; it ignores the last.
type object struct {
	URL     string            `json:"Req_URL"`
	Type    string            `json:"Req_Type"`
	ID      string            `json:"Req_ID"`
	Time    string            `json:"Req_Ts"` // ns since 1970
	Method  string            `json:"Req_Method"`
	Body    string            `json:"Req_Body,omitempty"`
	Headers map[string]string `json:"Req_Headers,omitempty"`

	// Raw is the whole message: header line, LF, HTTP bytes. JSON has no way to
	// write bytes that are not UTF-8, nor does a map keep an order.
	Raw []byte `json:"Req_Raw"`
}

// encodeText returns msg as a value in text form: msg itself, unless its header has the
// length of a body that was rewritten since. The result refers to msg or to dst's room.
func encodeText(dst, msg []byte) ([]byte, error) {
	meta, body, err := payload.Split(msg)
	if err != nil {
		return nil, err
	}
	if meta.Length < 0 || meta.Length == int64(len(body)) {
		return msg, nil
	}
	meta.Length = int64(len(body))
	return append(payload.AppendMeta(dst[:0], meta), body...), nil
}

// encodeJSON returns msg as a value in JSON form.
func encodeJSON(msg []byte) ([]byte, error) {
	meta, body, err := payload.Split(msg)
	if err != nil {
		return nil, err
	}
	raw, err := encodeText(nil, msg)
	if err != nil {
		return nil, err
	}
	head, content, _ := bytes.Cut(body, []byte("\r\n\r\n"))
	line, fields, _ := bytes.Cut(head, []byte("\n"))
	method, rest, _ := bytes.Cut(line, []byte(" "))
	url, _, _ := bytes.Cut(rest, []byte(" "))
	return json.Marshal(&object{
		URL: string(url), Type: string(meta.Type), ID: string(meta.ID), Time: strconv.FormatInt(meta.Time, 10),
		Method: string(method), Body: string(content), Headers: joinedHeaders(fields), Raw: raw,
	})
}

// joinedHeaders gives each header its canonical name and joins the values of those that
// came several times with ", ", as GoReplay does.
func joinedHeaders(fields []byte) map[string]string {
	if len(fields) == 0 {
		return nil
	}
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(fields[:len(fields):len(fields)], "\r\n\r\n"...))))
	all, _ := r.ReadMIMEHeader() // what was read until a line that is none is what there is
	if len(all) == 0 {
		return nil
	}
	headers := make(map[string]string, len(all))
	for name, values := range all {
		headers[name] = strings.Join(values, ", ")
	}
	return headers
}
