package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/capture"
	"github.com/buger/gor/internal/certs/clientflags"
	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/elastic"
	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/http1client"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/verdict/statuses"
)

// httpOutput sends requests to a target. Write queues; workers, each with a
// connection of its own, take requests from the queue. There is one for each
// request that finds none free: what is due is sent, whatever earlier answers
// do.
type httpOutput struct {
	t      *http1client.Target
	s      *Settings
	q      *queue.Queue
	client *http1client.Client
	loops  evloop.Loops
	takes  outbound.Ceiling // how many connections the target does
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	tls    func() *tls.Config // nil: plain HTTP
	logf   func(format string, args ...any)

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	workers *dispatch.Workers
	session *dispatch.Sessions // nil: requests go out on any connection

	answers   *buffers.Budget   // what all connections hold of answers
	places    buffers.Places    // for large heads of answers
	responses *answers.Input    // nil: nobody wants the answers
	elastic   *elastic.Reporter // nil: exchanges are reported nowhere

	sent, delivered, unsent atomic.Uint64
	failures                outbound.Outcomes
	statuses                http1client.Statuses
	recorded                statuses.Pairs // and the target's
	latency                 *stats.Histogram
}

var _ plugin.Output = (*httpOutput)(nil)

// httpOutputPlugin is the row of --output-http.
func httpOutputPlugin() outputPlugin {
	return outputPlugin{
		pluginFlags: pluginFlags{
			name: "output-http", arg: "URL",
			help: "send every request to URL: staging.com, staging.com:8080, http://, https://, user:pass@ for Basic " +
				"auth; a path is put before the recorded one",
			example: "gor --input-raw :80 --output-http http://staging.com",
			title:   "HTTP output",
			flags:   func(s *Settings) []flagDef { return s.http.flags() },
		},
		timely:       true,
		onlyHTTP:     true,
		onlyRequests: true,
		statuses:     true,
		latencies:    true,
		awayAdvice:   "--output-http-wait 30s waits for the target first",
		fits:         (*Settings).checkHTTP,
		parse:        parseHTTPOutput,
	}
}

func parseHTTPOutput(addr string, s *Settings) (parsed[plugin.Output], error) {
	t, err := http1client.ParseTarget(addr)
	if err != nil {
		return parsed[plugin.Output]{}, err
	}
	return parsed[plugin.Output]{
		check:  func() error { _, err := s.http.openTLS(t, unheard); return err },
		open:   func(env *plugin.Env) (plugin.Output, error) { return newHTTPOutput(t, s, env) },
		server: &capture.Server{Name: "output-http " + t.String(), Address: cmp.Or(s.http.ConnectTo, t.Address())},
	}, nil
}

func newHTTPOutput(t *http1client.Target, s *Settings, env *plugin.Env) (plugin.Output, error) {
	o := &httpOutput{
		t: t, s: s, dial: env.Own.DialContext, logf: env.Logf,
		q:        env.NewQueue(s.http.QueueLen),
		failures: outbound.NewOutcomes(),
		answers:  env.Answers,
		places:   env.Places,
		latency:  stats.NewHistogram(),
	}
	var err error
	if o.tls, err = s.http.openTLS(t, env.Logf); err != nil {
		return nil, err
	}
	if s.http.ConnectTo != "" {
		env.Logf("%s: connects to %s", o, s.http.ConnectTo)
	}
	if s.http.Elasticsearch != "" {
		if o.elastic, err = openElastic(s.http.Elasticsearch, env); err != nil {
			return nil, fmt.Errorf("--output-http-elasticsearch: %w", err)
		}
	}
	o.ctx, o.stop = context.WithCancel(context.Background())
	least, most := workerBounds(s)
	o.workers = dispatch.NewWorkers(dispatch.WorkersConfig{
		Least: least, Most: most, Work: o.work, Short: o.q.Short,
		Allow: func(most int) (int, time.Duration) { return o.takes.Allow(time.Now(), most) },
	})
	if s.http.TrackResponse {
		o.responses = answers.New(answers.Config{Of: o.String(), Limit: s.http.ResponseBuffer, LimitName: "--output-http-response-buffer", Label: t.Label()})
	}
	o.client = o.newClient()
	if s.http.Wait > 0 {
		err := o.client.Await(env.Context, s.http.Wait, func(err error) { o.logf("%s: waiting for it, up to %s: %v", o, s.http.Wait, err) })
		if err != nil {
			o.Close()
			return nil, fmt.Errorf("%w (--output-http-wait)", err)
		}
	}
	if s.RecognizeSessions {
		o.session = o.startSessions()
	} else if env.OnTime {
		env.Standing = append(env.Standing, o.workers.Begin())
	}
	if s.http.Stats {
		o.q.Watch(env.StartGauge("output_http", time.Duration(s.http.StatsMs)*time.Millisecond))
	}
	return o, nil
}

// openTLS returns how each connection to the target speaks TLS, or nil.
func (s *httpSettings) openTLS(t *http1client.Target, logf func(string, ...any)) (func() *tls.Config, error) {
	base := t.TLS(s.TLS.SkipVerify)
	if base != nil && s.SNI != "" {
		base.ServerName = s.SNI
	}
	return s.TLS.Open("output-http", base, logf)
}

func openElastic(addr string, env *plugin.Env) (*elastic.Reporter, error) {
	index, err := elastic.Parse(addr)
	if err != nil {
		return nil, err
	}
	return elastic.Open(elastic.Config{
		Index: index,
		Dial:  env.Own.DialContext,
		Logf:  prefixed(env.Logf, "output-http-elasticsearch "+index.String()+": "),
	})
}

func (o *httpOutput) Write(p []byte) (int, error) {
	if !payload.IsRequest(p) {
		if payload.IsOriginal(p) {
			o.recorded.Recorded(p)
		}
		o.failures.Add(outbound.NotRequest)
		return len(p), nil
	}
	if err := o.q.Put(p); err != nil {
		return 0, err
	}
	if o.session == nil {
		o.workers.Grow()
	}
	return len(p), nil
}

// tellCeiling says, once, that the target takes no more connections.
func (o *httpOutput) tellCeiling(why error) {
	o.logf("%s: takes no more connections than it has: %v; requests wait for those, and more are tried after growing pauses", o, why)
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
	o.loops.Close()
	o.unsent.Add(uint64(o.q.Discard()))
	o.elastic.Close()
	return nil
}

func (o *httpOutput) Room(cancel <-chan struct{}, d time.Duration) bool { return o.q.Room(cancel, d) }
func (o *httpOutput) LastProgress() time.Time                           { return o.q.LastProgress() }
func (o *httpOutput) String() string                                    { return "output-http " + o.t.String() }

// Responses gives the target's answers, when they are wanted.
func (o *httpOutput) Responses() plugin.Input {
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
func (o *httpOutput) Report(r *plugin.Report) {
	sent, answered := o.sent.Load(), o.delivered.Load()
	r.Line("requests: %d sent, %d answered", sent, answered)
	r.Value("sent", sent)
	r.Value("answered", answered)
	o.statuses.Report(r)
	o.recorded.Report(r)
	r.Peer(o.client.Counts().Reached.Load())
	if l := o.latency.Snapshot(); l.Count() > 0 {
		r.Line("latency: p50 %s p90 %s p99 %s p99.9 %s max %s",
			l.Quantile(0.5), l.Quantile(0.9), l.Quantile(0.99), l.Quantile(0.999), l.Max())
		r.Value("latency_seconds", plugin.DurationsOf(l))
		r.Latency(l)
	}
	counts := o.client.Counts()
	line := fmt.Sprintf("connections: %d", counts.Connections.Load())
	if n := counts.SentAgain.Load(); n > 0 {
		line += fmt.Sprintf(", %d requests sent again after a reset", n)
	}
	if n := o.takes.Refused(); n > 0 {
		line += fmt.Sprintf(", %d more refused or given up while others worked", n)
	}
	r.Line("%s", line)
	r.Value("connections", counts.Connections.Load())
	r.Value("connections_refused", o.takes.Refused())
	r.Value("sent_again", counts.SentAgain.Load())
	if n := counts.Ambiguous.Load(); n > 0 {
		r.Line("ambiguous framing: %d requests, each sent alone on a connection that was closed after it", n)
		r.Value("ambiguous_framing", n)
	}
	if n, other := counts.Redirected.Load(), counts.Foreign.Load(); n+other > 0 {
		r.Line("redirections: %d followed, %d to other hosts, not followed", n, other)
		r.Value("redirections_followed", n)
		r.Value("redirections_elsewhere", other)
	}
	o.elastic.Report(r)
}

// httpSettings is what the command line says of --output-http.
type httpSettings struct {
	Workers        int // -1 or 0: dynamic
	WorkersMin     int
	WorkerTimeout  time.Duration
	QueueLen       int
	Timeout        time.Duration
	TLS            clientflags.Client
	SNI            string // server name in place of the target's; "": that
	ConnectTo      string // address to dial in place of the target's; "": that
	Stats          bool
	StatsMs        int    // between two lines of it
	Elasticsearch  string // where to report exchanges; "": nowhere
	Redirects      int
	Wait           time.Duration // for the target to take a connection before anything begins; 0: not
	TrackResponse  bool
	ResponseBuffer int // bytes of one response's head and of one read
}

// maxHTTPWorkers is how many connections there are at most when no number is given.
const maxHTTPWorkers = 512

// flags sets the defaults and returns the flags that change them.
func (s *httpSettings) flags() []flagDef {
	*s = httpSettings{
		Workers:        -1,
		WorkersMin:     1,
		WorkerTimeout:  2 * time.Second,
		Timeout:        5 * time.Second,
		StatsMs:        5000,
		ResponseBuffer: 1 << 20,
	}
	return append([]flagDef{
		{"output-http-workers", "N", "connections to the target: N, or -1 for as many as requests are under way, up to 512",
			"gor --input-tcp :28020 --output-http staging.com --output-http-workers 20", flags.Int(&s.Workers, -1, 10_000)},
		{"output-http-workers-min", "N", "connections to keep, however few requests are under way", "", flags.Int(&s.WorkersMin, 1, 10_000)},
		{"output-http-worker-timeout", "DURATION", "how long a connection may be idle before it is closed", "",
			flags.Duration(&s.WorkerTimeout, time.Millisecond)},
		{"output-http-queue-len", "N", "requests that may wait for a connection; 0 means as many as the memory of outputs has room for", "", flags.Int(&s.QueueLen, 0, 1_000_000)},
		{"output-http-timeout", "DURATION", "timeout for a request and its complete response", "",
			flags.Duration(&s.Timeout, time.Millisecond)},
		{"output-http-wait", "DURATION", "wait up to this long for the target to accept a connection before replaying or capturing anything; if it never " +
			"does, exit with code 1",
			"gor --input-file requests.gor --output-http staging.com --output-http-wait 30s", flags.Duration(&s.Wait, 0)},
		{"output-http-redirects", "N", "follow up to N redirections within the target; those to other hosts are never followed", "",
			flags.Int(&s.Redirects, 0, 100)},
		{"output-http-track-response", "", "pass the target's responses to the other outputs, each under its request's id",
			"gor --input-file requests.gor --output-http staging.com --output-http-track-response --output-file " +
				"answered.gor", flags.Bool(&s.TrackResponse)},
		{"output-http-response-buffer", "SIZE",
			"largest head of a response that is accepted, and largest response that --output-http-track-response " +
				"passes on", "", flags.Size(&s.ResponseBuffer, 4<<10, 64<<20)},
		{"output-http-stats", "", "print the queue's length as latest,mean,max,count,count/second", "", flags.Bool(&s.Stats)},
		{"output-http-stats-ms", "N", "milliseconds between two lines of --output-http-stats", "", flags.Int(&s.StatsMs, 10, 3_600_000)},
		{"output-http-elasticsearch", "HOST:PORT/INDEX",
			"report each exchange (URL, headers, status, time) to this index of an Elasticsearch; http://, " +
				"https:// and user:pass@ may be put before",
			"gor --input-tcp :28020 --output-http staging.com --output-http-elasticsearch localhost:9200/gor", flags.Checked(&s.Elasticsearch, checkElastic)},
		{"output-http-compatibility-mode", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)),
			"requests go out as they were recorded, byte for byte")},
		{"output-http-debug", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--verbose 2 names every answer")},
		{"output-http-connect-to", "HOST:PORT", "connect to HOST:PORT whatever the URL says; its name still stands in Host and in TLS",
			"gor --input-file requests.gor --output-http https://www.example.com --output-http-connect-to 10.0.0.7:8443", flags.Checked(&s.ConnectTo, checkConnectTo)},
		{"output-http-sni", "NAME", "ask for and expect the certificate of NAME, in place of that of the URL's host",
			"gor --input-file requests.gor --output-http https://10.0.0.7 --http-original-host --output-http-sni www.example.com", flags.Checked(&s.SNI, checkServerName)},
	}, flagDefs(s.TLS.Flags("output-http", "target", "gor --input-file requests.gor --output-http https://staging.internal"))...)
}

// checkConnectTo refuses what is no host and port.
func checkConnectTo(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || host == "" || n < 1 || n > 65535 {
		return "", errors.New("want a host and a port, such as 10.0.0.7:8443")
	}
	return s, nil
}

// checkServerName refuses what cannot be asked for in TLS (RFC 6066 section 3).
func checkServerName(s string) (string, error) {
	if s == "" || strings.ContainsAny(s, ":/@ ") || net.ParseIP(s) != nil {
		return "", errors.New("want a host's name, such as www.example.com")
	}
	return s, nil
}

// checkElastic refuses what is not the address of an Elasticsearch index.
func checkElastic(s string) (string, error) {
	_, err := elastic.Parse(s)
	return s, err
}

// checkHTTP refuses what cannot work together.
func (s *Settings) checkHTTP() error {
	var errs []error
	if s.http.TrackResponse && s.answersAreLost() {
		errs = append(errs, errors.New("--output-http-track-response is for the other outputs, or for a middleware; add one, such as --output-file responses.gor"))
	}
	if s.http.Workers > 0 && s.http.WorkersMin > s.http.Workers {
		errs = append(errs, fmt.Errorf("--output-http-workers-min %d is more than --output-http-workers %d", s.http.WorkersMin, s.http.Workers))
	}
	urls := s.addresses("output-http")
	if s.http.SNI != "" && !clientflags.AnyBegins(urls, "https://") {
		errs = append(errs, fmt.Errorf("--output-http-sni %s is for TLS, and no --output-http begins with https://", s.http.SNI))
	}
	return errors.Join(append(errs, s.http.TLS.CheckFor("output-http", "https://", urls))...)
}
