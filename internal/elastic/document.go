package elastic

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"github.com/buger/gor/internal/http1"
)

// valueMost is the longest value of a document's field, in bytes:
// Elasticsearch refuses a document with a longer keyword.
const valueMost = 32766

// A document has the field names of GoReplay's.
type document struct {
	ReqURL               string `json:"Req_URL"`
	ReqMethod            string `json:"Req_Method"`
	ReqUserAgent         string `json:"Req_User-Agent"`
	ReqAcceptLanguage    string `json:"Req_Accept-Language,omitempty"`
	ReqAccept            string `json:"Req_Accept,omitempty"`
	ReqAcceptEncoding    string `json:"Req_Accept-Encoding,omitempty"`
	ReqIfModifiedSince   string `json:"Req_If-Modified-Since,omitempty"`
	ReqConnection        string `json:"Req_Connection,omitempty"`
	ReqCookies           string `json:"Req_Cookies,omitempty"`
	RespStatus           string `json:"Resp_Status"`
	RespStatusCode       string `json:"Resp_Status-Code"`
	RespProto            string `json:"Resp_Proto,omitempty"`
	RespContentLength    string `json:"Resp_Content-Length,omitempty"`
	RespContentType      string `json:"Resp_Content-Type,omitempty"`
	RespTransferEncoding string `json:"Resp_Transfer-Encoding,omitempty"`
	RespContentEncoding  string `json:"Resp_Content-Encoding,omitempty"`
	RespExpires          string `json:"Resp_Expires,omitempty"`
	RespCacheControl     string `json:"Resp_Cache-Control,omitempty"`
	RespVary             string `json:"Resp_Vary,omitempty"`
	RespSetCookie        string `json:"Resp_Set-Cookie,omitempty"`
	RTT                  int64  `json:"RTT"` // ms
	Timestamp            time.Time
}

// Add queues the document of an exchange: the request that was recorded, the
// answer (its head is enough) with its status, when the request was
// sent, and how long the exchange took. It keeps neither.
func (e *Reporter) Add(req *http1.Request, answer []byte, status int, sent time.Time, took time.Duration) {
	header := func(name string) string { v, _ := req.Header(name); return text(v) }
	doc := document{
		ReqURL: text(req.Target()), ReqMethod: string(req.Method()),
		ReqUserAgent: header("User-Agent"), ReqAcceptLanguage: header("Accept-Language"), ReqAccept: header("Accept"), ReqAcceptEncoding: header("Accept-Encoding"),
		ReqIfModifiedSince: header("If-Modified-Since"), ReqConnection: header("Connection"), ReqCookies: header("Cookie"),
		RespStatus: strconv.Itoa(status), RespStatusCode: strconv.Itoa(status),
		RTT: took.Milliseconds(), Timestamp: sent,
	}
	var rsp http1.Response
	if rsp.Parse(answer) == nil {
		header := func(name string) string { v, _ := rsp.Header(name); return text(v) }
		proto, _, _ := bytes.Cut(answer, []byte(" "))
		doc.RespProto = string(proto)
		doc.RespContentLength, doc.RespContentType, doc.RespTransferEncoding = header("Content-Length"), header("Content-Type"), header("Transfer-Encoding")
		doc.RespContentEncoding, doc.RespExpires, doc.RespCacheControl = header("Content-Encoding"), header("Expires"), header("Cache-Control")
		doc.RespVary, doc.RespSetCookie = header("Vary"), header("Set-Cookie")
	}
	b, err := json.Marshal(&doc)
	if err != nil || e.q.Put(b) != nil {
		e.dropped.Add(1)
	}
}

// text is a value as it stands in a document.
func text(v []byte) string { return string(v[:min(len(v), valueMost)]) }
