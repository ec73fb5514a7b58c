package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

// elastic reports the exchanges of an HTTP output to an Elasticsearch index
// (--output-http-elasticsearch), a document for each, in batches, beside the
// replay: what it has no room for is dropped and counted.
type elastic struct {
	bulk   string // URL
	user   *url.Userinfo
	action []byte // the line before each document
	client *http.Client
	q      *queue.Queue
	logf   func(format string, args ...any)

	ctx    context.Context // ends with close
	stop   context.CancelFunc
	sender sync.WaitGroup
	once   sync.Once
	told   bool // what goes wrong is said once
	down   bool // the last batch failed: the next is not tried as often

	indexed, dropped, failed atomic.Uint64
}

const (
	// elasticWaiting and elasticBytes bound the documents that wait.
	elasticWaiting = 10_000
	elasticBytes   = 4 << 20

	// elasticBatch is the most documents of one request: at most half a
	// megabyte or so.
	elasticBatch = 500

	elasticTimeout = 10 * time.Second
	elasticTries   = 4
	elasticBackoff = 250 * time.Millisecond // doubles

	// elasticEnd is how long the end waits for documents that are queued.
	elasticEnd = 5 * time.Second

	// elasticAnswer bounds what is read of an answer, which has a few hundred
	// bytes for each document.
	elasticAnswer = 4 << 20

	// elasticLongest is the longest value of a document's field, in bytes:
	// Elasticsearch refuses a document with a longer keyword.
	elasticLongest = 32766
)

// elasticDocument has the field names of GoReplay's.
type elasticDocument struct {
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

// parseElastic reads HOST:PORT/INDEX, which may be a whole URL.
func parseElastic(addr string) (u *url.URL, index string, err error) {
	u, err = address.Parse(addr, "http")
	if err == nil {
		index = strings.Trim(u.Path, "/")
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || index == "" || strings.Contains(index, "/") || u.RawQuery != "" || u.Fragment != "" {
		return nil, "", fmt.Errorf("%q is no index; it is written localhost:9200/gor, or https://user:pass@search.local:9200/gor", addr)
	}
	return u, index, nil
}

func newElastic(addr string, env *pluginEnv) (*elastic, error) {
	u, index, err := parseElastic(addr)
	if err != nil {
		return nil, err
	}
	action, err := json.Marshal(map[string]any{"index": map[string]string{"_index": index}})
	if err != nil {
		return nil, err
	}
	e := &elastic{
		bulk: u.Scheme + "://" + u.Host + "/_bulk", user: u.User, action: append(action, '\n'),
		client: &http.Client{Timeout: elasticTimeout, CheckRedirect: stayThere, Transport: &http.Transport{DialContext: env.own.DialContext, MaxIdleConnsPerHost: 1}},
		q:      queue.New(elasticWaiting, elasticBytes),
		logf:   prefixed(env.logf, "output-http-elasticsearch "+u.Host+"/"+index+": "),
	}
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.sender.Go(e.send)
	return e, nil
}

// stayThere follows no redirection: the documents hold what users sent, and go
// to the host that was named and to no other.
func stayThere(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// report queues the document of an exchange: the request that was sent, and the
// answer, of which the head is enough.
func (e *elastic) report(req *http1.Request, answer []byte, status int, sent time.Time, took time.Duration) {
	header := func(name string) string { v, _ := req.Header(name); return elasticText(v) }
	doc := elasticDocument{
		ReqURL: elasticText(req.Target()), ReqMethod: string(req.Method()),
		ReqUserAgent: header("User-Agent"), ReqAcceptLanguage: header("Accept-Language"), ReqAccept: header("Accept"), ReqAcceptEncoding: header("Accept-Encoding"),
		ReqIfModifiedSince: header("If-Modified-Since"), ReqConnection: header("Connection"), ReqCookies: header("Cookie"),
		RespStatus: strconv.Itoa(status), RespStatusCode: strconv.Itoa(status),
		RTT: took.Milliseconds(), Timestamp: sent,
	}
	var rsp http1.Response
	if rsp.Parse(answer) == nil {
		header := func(name string) string { v, _ := rsp.Header(name); return elasticText(v) }
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

// elasticText is a value as it stands in a document.
func elasticText(v []byte) string { return string(v[:min(len(v), elasticLongest)]) }

// send is the goroutine that posts what waits.
func (e *elastic) send() {
	items := make([]queue.Item, elasticBatch)
	var body []byte
	for {
		n := e.q.GetBatch(items, e.ctx.Done(), 0)
		if n == 0 {
			return
		}
		body = body[:0]
		for _, it := range items[:n] {
			body = append(append(append(body, e.action...), it.Bytes...), '\n')
		}
		good, err := e.post(body, n)
		e.down = err != nil
		e.indexed.Add(uint64(good))
		e.failed.Add(uint64(n - good))
		if err != nil && !e.told && e.ctx.Err() == nil {
			e.told = true
			e.logf("%v; the replay goes on without these documents, which are counted", err)
		}
		e.q.DoneBatch(items[:n], true)
	}
}

// errElasticBusy is an answer after which it is worth to try again.
var errElasticBusy = errors.New("busy")

// post sends a batch of n documents, again when that may help, and returns how
// many were taken.
func (e *elastic) post(body []byte, n int) (good int, err error) {
	wait := elasticBackoff
	for try := 1; ; try++ {
		good, err = e.postOnce(body, n)
		var uerr *url.Error
		again := errors.Is(err, errElasticBusy) || errors.As(err, &uerr)
		if !again || e.down || try == elasticTries || !sleep(e.ctx.Done(), wait) {
			return good, err
		}
		wait *= 2
	}
}

func (e *elastic) postOnce(body []byte, n int) (good int, err error) {
	req, err := http.NewRequestWithContext(e.ctx, http.MethodPost, e.bulk, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if e.user != nil {
		password, _ := e.user.Password()
		req.SetBasicAuth(e.user.Username(), password)
	}
	resp, err := e.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	limited := io.LimitReader(resp.Body, elasticAnswer)
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		return 0, fmt.Errorf("it answers %s: %w", resp.Status, errElasticBusy)
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return 0, fmt.Errorf("it answers %s, to %q, which is not followed: the documents would go elsewhere; if that is right, name it yourself", resp.Status, address.Redact(resp.Header.Get("Location")))
	case resp.StatusCode != http.StatusOK:
		begin, _ := io.ReadAll(io.LimitReader(limited, 300))
		return 0, fmt.Errorf("it answers %s: %s", resp.Status, strings.TrimSpace(string(begin)))
	}
	var answer struct {
		Errors bool `json:"errors"`
		Items  []map[string]struct {
			Status int             `json:"status"`
			Error  json.RawMessage `json:"error"`
		} `json:"items"`
	}
	if err := json.NewDecoder(limited).Decode(&answer); err != nil {
		return 0, fmt.Errorf("its answer is no JSON: %w", err)
	}
	_, _ = io.Copy(io.Discard, limited) // so that the connection can be kept
	for _, item := range answer.Items {
		for _, result := range item {
			if result.Status < 300 && good < n {
				good++
			} else if err == nil {
				err = fmt.Errorf("it refuses documents: status %d: %s", result.Status, result.Error)
			}
		}
	}
	return good, err
}

// drain sends what waits, for a while: the end of a replay does not hang on it.
func (e *elastic) drain(cancel <-chan struct{}) error {
	if e == nil {
		return nil
	}
	enough := make(chan struct{})
	timer := time.AfterFunc(elasticEnd, func() { close(enough) })
	defer timer.Stop()
	settled := make(chan struct{})
	go func() { _ = e.q.Settle(enough); close(settled) }()
	select {
	case <-settled:
		return nil
	case <-cancel:
		return errCancelled
	}
}

func (e *elastic) close() {
	if e == nil {
		return
	}
	e.once.Do(func() {
		e.q.Close()
		e.dropped.Add(uint64(e.q.Discard()))
		e.stop()
		e.sender.Wait()
		e.client.CloseIdleConnections()
	})
}

func (e *elastic) summary(r *report) {
	if e == nil {
		return
	}
	indexed, dropped, failed := e.indexed.Load(), e.dropped.Load(), e.failed.Load()
	r.Line("elasticsearch: %d documents indexed, %d dropped for lack of room, %d failed", indexed, dropped, failed)
	r.Value("elasticsearch_indexed", indexed)
	r.Value("elasticsearch_dropped", dropped)
	r.Value("elasticsearch_failed", failed)
}

// reportTo tells Elasticsearch of the exchange that c has just made.
func (c *client) reportTo(e *elastic, msg []byte, status int, sent time.Time, took time.Duration) {
	if c.asked.Parse(payload.Body(msg)) == nil {
		e.report(&c.asked, c.answer, status, sent, took)
	}
}
