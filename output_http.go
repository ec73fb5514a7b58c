package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/elastic"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// httpOutput sends requests to a target. Write queues; workers, each with a
// connection of its own, take requests from the queue.
type httpOutput struct {
	t    *target
	s    *Settings
	q    *queue.Queue
	tls  *tls.Config // nil for plain HTTP
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	logf func(format string, args ...any)

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	workers *dispatch.Workers
	session *dispatch.Sessions // nil: requests go out on any connection

	answers   *buffers.Budget   // what all connections hold of answers
	places    buffers.Places    // for large heads of answers
	responses *answers.Input    // nil: nobody wants the answers
	elastic   *elastic.Reporter // nil: exchanges are reported nowhere
	health    health

	sent, delivered, unsent, retried atomic.Uint64
	connections                      atomic.Uint64
	ambiguous                        atomic.Uint64 // requests whose end the target may see elsewhere
	redirected, elsewhere            atomic.Uint64 // redirections that were followed, and those to other hosts
	failures                         *stats.Reasons
	statuses                         [1000]atomic.Uint64 // answers by status; http1 takes 100 to 999
	latency                          *stats.Histogram
}

var _ Output = (*httpOutput)(nil)

func newHTTPOutput(addr string, s *Settings, env *pluginEnv) (Output, error) {
	t, err := parseTarget(addr)
	if err != nil {
		return nil, asUsage(err)
	}
	o := &httpOutput{
		t: t, s: s, dial: env.own.DialContext, logf: env.logf,
		q:        env.newQueue(s.HTTPQueueLen),
		failures: newHTTPReasons(),
		answers:  env.answers,
		places:   env.places,
		latency:  stats.NewHistogram(),
	}
	if t.server != "" {
		o.tls = &tls.Config{
			ServerName:         t.server,
			InsecureSkipVerify: s.HTTPSkipVerify,
			NextProtos:         []string{"http/1.1"},
			ClientSessionCache: tls.NewLRUClientSessionCache(1), // there is one server
		}
	}
	if s.Elasticsearch != "" {
		if o.elastic, err = openElastic(s.Elasticsearch, env); err != nil {
			return nil, fmt.Errorf("--output-http-elasticsearch: %w", err)
		}
	}
	o.ctx, o.stop = context.WithCancel(context.Background())
	least, most := workerBounds(s)
	o.workers = dispatch.NewWorkers(least, most, o.work)
	if s.HTTPTrackResponse {
		o.responses = answers.New(answers.Config{Of: o.String(), Limit: s.ResponseBuffer, LimitName: "--output-http-response-buffer"})
	}
	if s.RecognizeSessions {
		o.session = o.startSessions()
	}
	if s.HTTPStats {
		g := stats.NewGauge("output_http", time.Duration(s.HTTPStatsMs)*time.Millisecond)
		o.q.Watch(g)
		env.background.Go(func() { _ = g.Run(env.done, env.stderr) }) // stderr is gone: nobody to tell
	}
	return o, nil
}

func openElastic(addr string, env *pluginEnv) (*elastic.Reporter, error) {
	index, err := elastic.Parse(addr)
	if err != nil {
		return nil, err
	}
	return elastic.Open(elastic.Config{
		Index: index,
		Dial:  env.own.DialContext,
		Logf:  prefixed(env.logf, "output-http-elasticsearch "+index.String()+": "),
	})
}

func (o *httpOutput) Write(p []byte) (int, error) {
	if !payload.IsRequest(p) {
		o.failures.Add(failNotRequest)
		return len(p), nil
	}
	if err := o.q.Put(p); err != nil {
		return 0, err
	}
	if o.session == nil {
		o.workers.Grow(o.q.Len())
	}
	return len(p), nil
}

// work is one worker's life: it sends requests until it has been idle for too
// long, or the output ends.
func (o *httpOutput) work() {
	c := o.newClient(false)
	defer c.release()
	it, ok := o.q.Get(o.ctx.Done(), o.s.HTTPWorkerTimeout)
	o.workers.Started()
	o.workers.Grow(o.q.Len()) // a burst may have been over before its first worker stood
	for {
		if ok {
			o.send(c, it)
		} else if o.ctx.Err() != nil || o.q.Drained() || o.workers.MayEnd() {
			return
		} else {
			c.closeIfGone() // a worker that stays must not hold a dead socket
		}
		it, ok = o.q.Get(o.ctx.Done(), o.s.HTTPWorkerTimeout)
	}
}

// startSessions puts sessions in the place of the workers, for
// --recognize-tcp-sessions.
func (o *httpOutput) startSessions() *dispatch.Sessions {
	most := maxHTTPWorkers
	if o.s.HTTPWorkers > 0 {
		most = o.s.HTTPWorkers
	}
	serve := func(ss *dispatch.Session) {
		c := o.newClient(true)
		defer c.release()
		for {
			it, ok := ss.Take()
			if !ok {
				return
			}
			o.send(c, it)
		}
	}
	return dispatch.StartSessions(dispatch.SessionsConfig{
		Queue: o.q, Done: o.ctx.Done(), Most: most, IdleFor: o.s.HTTPWorkerTimeout, Serve: serve, Unsent: func() { o.unsent.Add(1) },
	})
}

// workerBounds are the fewest and the most workers. --output-http-workers
// fixes both, unless --output-http-workers-min says more than its default.
func workerBounds(s *Settings) (least, most int) {
	least, most = max(s.HTTPWorkersMin, 1), s.HTTPWorkers
	switch {
	case most <= 0:
		return least, max(least, maxHTTPWorkers)
	case least == 1:
		return most, most
	}
	return min(least, most), most
}

// newClient makes a worker's client. keepConnection is as sentRequest has it.
func (o *httpOutput) newClient(keepConnection bool) *client {
	c := &client{o: o, req: sentRequest{t: o.t, keepHost: o.s.HTTPOriginalHost, keepConnection: keepConnection}}
	if o.responses != nil {
		c.recorder = o.responses.Recorder(o.answers)
	}
	return c
}

func (o *httpOutput) send(c *client, it queue.Item) {
	began := time.Now()
	result := c.exchange(o.ctx, payload.Body(it.Bytes), began)
	if result.reason == delivered && o.responses != nil {
		c.recorder.Add(it.Bytes, answers.Answer{Bytes: c.answer, Cut: c.cut, Sent: began, Took: time.Since(began)})
	}
	if result.reason == delivered && o.elastic != nil {
		c.reportTo(o.elastic, it.Bytes, result.status, began, time.Since(began))
	}
	c.forget()
	c.leave()
	if result.sent {
		o.sent.Add(1)
	}
	switch {
	case result.reason == delivered:
		o.delivered.Add(1)
		o.latency.Record(o.q.Age(it))
		o.statuses[result.status].Add(1)
		if o.s.Verbose >= verboseAnswers {
			o.logf("%s: %d in %s: %s", o, result.status, o.q.Age(it), payload.Describe(it.Bytes))
		}
	case o.ctx.Err() != nil: // Close cut it off
		o.unsent.Add(1)
	default:
		o.failures.Add(result.reason)
		if o.s.Verbose >= verboseLosses {
			o.logf("%s: %s: %s", o, o.failures.Name(result.reason), payload.Describe(it.Bytes))
		}
	}
	o.q.Done(it, !result.timedOut())
}

// tellHealth says why there is no connection to the target, or, with a nil
// error, that there is one again.
func (o *httpOutput) tellHealth(err error) {
	if err != nil {
		o.logf("%s: %v", o, err)
	} else {
		o.logf("%s: takes connections again", o)
	}
}

// Settle counts a request as out of our hands when its exchange is over.
func (o *httpOutput) Settle(cancel <-chan struct{}) error { return o.q.Settle(cancel) }

func (o *httpOutput) Drain(cancel <-chan struct{}) error {
	if err := o.q.Settle(cancel); err != nil {
		return err
	}
	return o.elastic.Drain(cancel)
}

// Close ends all connections at once.
func (o *httpOutput) Close() error {
	o.q.Close()
	o.stop()
	o.workers.Close()
	o.workers.Wait()
	if o.session != nil {
		o.session.Wait()
	}
	o.unsent.Add(uint64(o.q.Discard()))
	o.elastic.Close()
	return nil
}

func (o *httpOutput) Room(cancel <-chan struct{}, d time.Duration) bool { return o.q.Room(cancel, d) }
func (o *httpOutput) LastProgress() time.Time                           { return o.q.LastProgress() }
func (o *httpOutput) String() string                                    { return "output-http " + o.t.String() }

// Responses gives the target's answers, when they are wanted.
func (o *httpOutput) Responses() Input {
	if o.responses == nil {
		return nil
	}
	return o.responses
}

func (o *httpOutput) Counts() []stats.Count {
	return append([]stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: o.delivered.Load()},
		{Name: "unsent", Kind: stats.Unsent, N: o.unsent.Load()},
	}, o.failures.NonZero()...)
}

// Report says which statuses came and how long they took, from the moment
// the output was handed the request to the end of the answer.
func (o *httpOutput) Report(r *report) {
	sent, answered := o.sent.Load(), o.delivered.Load()
	r.Line("requests: %d sent, %d answered", sent, answered)
	r.Value("sent", sent)
	r.Value("answered", answered)
	if line := o.statusLine(r); line != "" {
		r.Line("statuses: %s", line)
	}
	if l := o.latency.Snapshot(); l.Count() > 0 {
		r.Line("latency: p50 %s p90 %s p99 %s p99.9 %s max %s",
			l.Quantile(0.5), l.Quantile(0.9), l.Quantile(0.99), l.Quantile(0.999), l.Max())
		r.Value("latency_seconds", plugin.DurationsOf(l))
	}
	line := fmt.Sprintf("connections: %d", o.connections.Load())
	if n := o.retried.Load(); n > 0 {
		line += fmt.Sprintf(", %d requests sent again after a reset", n)
	}
	r.Line("%s", line)
	r.Value("connections", o.connections.Load())
	r.Value("sent_again", o.retried.Load())
	if n := o.ambiguous.Load(); n > 0 {
		r.Line("ambiguous framing: %d requests, each sent alone on a connection that was closed after it", n)
		r.Value("ambiguous_framing", n)
	}
	if n, other := o.redirected.Load(), o.elsewhere.Load(); n+other > 0 {
		r.Line("redirections: %d followed, %d to other hosts, not followed", n, other)
		r.Value("redirections_followed", n)
		r.Value("redirections_elsewhere", other)
	}
	o.elastic.Report(r)
}

// statusesShown is how many different statuses the report lists; when there
// are more it sums them up by their first digit.
const statusesShown = 12

func (o *httpOutput) statusLine(r *report) string {
	var each, classes []string
	var sum uint64
	byStatus, byClass := map[string]uint64{}, map[string]uint64{}
	r.Value("statuses", byStatus)
	r.Value("status_classes", byClass)
	for status := range o.statuses {
		n := o.statuses[status].Load()
		if n > 0 {
			each = append(each, fmt.Sprintf("%d x %d", status, n))
			byStatus[strconv.Itoa(status)] = n
		}
		sum += n
		if status%100 == 99 && sum > 0 {
			classes = append(classes, fmt.Sprintf("%dxx x %d", status/100, sum))
			byClass[fmt.Sprintf("%dxx", status/100)] = sum
			sum = 0
		}
	}
	if len(each) > statusesShown {
		return fmt.Sprintf("%s (%d different)", strings.Join(classes, ", "), len(each))
	}
	return strings.Join(each, ", ")
}

// reportTo tells Elasticsearch of the exchange that c has just made.
func (c *client) reportTo(e *elastic.Reporter, msg []byte, status int, sent time.Time, took time.Duration) {
	if c.asked.Parse(payload.Body(msg)) == nil {
		e.Add(&c.asked, c.answer, status, sent, took)
	}
}
