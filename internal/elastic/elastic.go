// Package elastic reports the exchanges of a replay to an Elasticsearch index, a
// document for each.
package elastic

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
)

// An Index is where documents go.
type Index struct {
	server *url.URL // scheme, host and user
	name   string
}

// Parse reads HOST:PORT/INDEX, which may be a whole URL.
func Parse(addr string) (Index, error) {
	u, err := address.Parse(addr, "http")
	name := ""
	if err == nil {
		name = strings.Trim(u.Path, "/")
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || name == "" || strings.Contains(name, "/") || u.RawQuery != "" || u.Fragment != "" {
		return Index{}, fmt.Errorf("%q is not an index; it is written localhost:9200/gor, or https://user:pass@search.local:9200/gor", addr)
	}
	return Index{server: u, name: name}, nil
}

// String is the index for people, without user and password.
func (i Index) String() string { return i.server.Host + "/" + i.name }

// TLS is how to speak TLS with the server, nil when it is plain HTTP. skipVerify
// accepts any certificate.
func (i Index) TLS(skipVerify bool) *tls.Config {
	if i.server.Scheme != "https" {
		return nil
	}
	return &tls.Config{ServerName: i.server.Hostname(), InsecureSkipVerify: skipVerify}
}

// A Config says where a Reporter reports, and how.
type Config struct {
	Index Index

	// Dial makes the connections to Elasticsearch.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// TLS is how each connection speaks TLS; nil for plain HTTP.
	TLS             func() *tls.Config
	CertificateHint string // what to do about a certificate that is not trusted

	// Logf writes one line for people, about this index.
	Logf func(format string, args ...any)
}

// A Reporter sends documents in batches, beside the replay: what it has no room
// for is dropped and counted. Its methods are safe for concurrent use. A nil
// *Reporter has nothing to drain, to close and to report.
type Reporter struct {
	bulk   string // URL
	user   *url.Userinfo
	action []byte // the line before each document
	client *http.Client
	q      *queue.Queue
	logf   func(format string, args ...any)

	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	sender sync.WaitGroup
	once   sync.Once
	told   bool // what goes wrong is said once
	down   bool // the last batch failed: the next is not tried as often

	indexed, dropped, failed atomic.Uint64
}

const (
	// waitingBytes bounds the documents that wait.
	waitingBytes = 4 << 20

	// batchMost is the most documents of one request: at most half a
	// megabyte or so.
	batchMost = 500

	// endPatience is how long the end waits for documents that are queued.
	endPatience = 5 * time.Second
)

// Open starts to report. It connects when there is something to say.
func Open(c Config) (*Reporter, error) {
	action, err := json.Marshal(map[string]any{"index": map[string]string{"_index": c.Index.name}})
	if err != nil {
		return nil, err
	}
	u := c.Index.server
	e := &Reporter{
		bulk: u.Scheme + "://" + u.Host + "/_bulk", user: u.User, action: append(action, '\n'),
		client: &http.Client{Timeout: timeout, CheckRedirect: stayThere, Transport: &http.Transport{DialContext: c.Dial, DialTLSContext: c.dialTLS, MaxIdleConnsPerHost: 1}},
		q:      queue.New(0, waitingBytes),
		logf:   c.Logf,
	}
	e.ctx, e.stop = context.WithCancel(context.Background())
	e.sender.Go(e.send)
	return e, nil
}

// dialTLS makes a connection to https://.
func (c *Config) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, c.TLS())
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, &outbound.TLSError{Err: err, Hint: c.CertificateHint}
	}
	return secure, nil
}

// send is the goroutine that posts what waits.
func (e *Reporter) send() {
	items := make([]queue.Item, batchMost)
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

// Drain sends what waits, for a while: the end of a replay does not hang on it.
// It returns queue.ErrCancelled once cancel is closed.
func (e *Reporter) Drain(cancel <-chan struct{}) error {
	if e == nil {
		return nil
	}
	enough := make(chan struct{})
	timer := time.AfterFunc(endPatience, func() { close(enough) })
	defer timer.Stop()
	settled := make(chan struct{})
	go func() { _ = e.q.Settle(enough); close(settled) }()
	select {
	case <-settled:
		return nil
	case <-cancel:
		return queue.ErrCancelled
	}
}

// Close drops what waits, which is counted, and ends what is being sent.
func (e *Reporter) Close() {
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

// Report says how many documents there were.
func (e *Reporter) Report(r *plugin.Report) {
	if e == nil {
		return
	}
	indexed, dropped, failed := e.indexed.Load(), e.dropped.Load(), e.failed.Load()
	r.Line("elasticsearch: %d documents indexed, %d dropped for lack of room, %d failed", indexed, dropped, failed)
	r.Value("elasticsearch_indexed", indexed)
	r.Value("elasticsearch_dropped", dropped)
	r.Value("elasticsearch_failed", failed)
}
