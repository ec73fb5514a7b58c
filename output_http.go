package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/buger/gor/internal/address"
	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/certs/clientflags"
	"github.com/buger/gor/internal/elastic"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/http1client"
	"github.com/buger/gor/internal/httppool"
	"github.com/buger/gor/internal/plugin"
)

// httpOutput sends requests to a target.
type httpOutput struct {
	*httppool.Pool
	t *http1client.Target
}

var _ plugin.Output = (*httpOutput)(nil)

func (o *httpOutput) String() string { return "output-http " + o.t.String() }

// httpOutputPlugin is the row of --output-http.
func httpOutputPlugin() outputPlugin {
	return outputPlugin{
		pluginFlags: pluginFlags{
			name: "output-http", arg: "URL",
			help: "send every request to URL: staging.com, staging.com:8080, http://, https://, user:pass@ for Basic " +
				"auth; a path is put before the recorded one",
			example: "gor --input-raw :80 --output-http http://staging.com",
			title:   "HTTP output",
			flags:   func(s *Settings) []flagDef { return s.http.flags(func() bool { return s.RecognizeSessions }) },
		},
		timely:       true,
		onlyHTTP:     true,
		onlyRequests: true,
		statuses:     true,
		latencies:    true,
		awayAdvice:   "--output-http-wait 30s waits for the target first",
		fits:         (*Settings).checkHTTP,
		connects:     true,
		parse:        parseHTTPOutput,
	}
}

func parseHTTPOutput(addr string, s *Settings) (plugin.Parsed[plugin.Output], error) {
	t, err := http1client.ParseTarget(addr)
	if err != nil {
		return plugin.Parsed[plugin.Output]{}, err
	}
	return plugin.Parsed[plugin.Output]{
		Check:  func() error { _, err := s.http.openTLS(t, unheard); return err },
		Open:   func(env *plugin.Env) (plugin.Output, error) { return newHTTPOutput(t, s, env) },
		Server: &plugin.Server{Name: "output-http " + t.String(), Address: cmp.Or(s.http.ConnectTo, t.Address()), Label: t.Label()},
	}, nil
}

func newHTTPOutput(t *http1client.Target, s *Settings, env *plugin.Env) (plugin.Output, error) {
	o := &httpOutput{t: t}
	secure, err := s.http.openTLS(t, env.Logf)
	if err != nil {
		return nil, err
	}
	dial := env.Own.DialContext
	if to := s.http.ConnectTo; to != "" {
		env.Logf("%s: connects to %s", o, to)
		dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return env.Own.DialContext(ctx, network, to)
		}
	}
	byHost := secure != nil && s.modifier.OriginalHost && s.http.SNI == ""
	hint := "--output-http-ca FILE names an authority to trust, --output-http-skip-verify sends all the same, and --output-http-sni NAME asks for NAME"
	if byHost {
		hint += "; with --http-original-host TLS asks for the host of each request"
	}
	cfg := httppool.Config{
		Name: o.String(), NameByHost: byHost,
		Client: http1client.Config{
			Target: t, TLS: secure, CertificateHint: hint,
			Dial: dial, Timeout: s.http.Timeout, HeadMost: s.http.ResponseBuffer, Redirects: s.http.Redirects,
			KeepHost: s.modifier.OriginalHost, Memory: env.Answers, Places: env.Places,
		},
		Queue: env.NewQueue(s.http.QueueLen), IdleFor: s.http.WorkerTimeout, Sessions: s.RecognizeSessions,
		LogAnswers: s.Verbose >= verboseAnswers, LogLosses: s.Verbose >= verboseLosses, Logf: env.Logf,
	}
	cfg.Least, cfg.Most = httppool.Bounds(s.http.WorkersMin, s.http.Workers, s.RecognizeSessions)
	if s.http.Elasticsearch != "" {
		if cfg.Elastic, err = s.http.openElastic(env); err != nil {
			return nil, fmt.Errorf("--output-http-elasticsearch: %w", err)
		}
	}
	if s.http.TrackResponse {
		cfg.Responses = answers.New(answers.Config{Of: o.String(), Limit: s.http.ResponseBuffer, LimitName: "--output-http-response-buffer", Label: t.Label()})
	}
	o.Pool = httppool.New(cfg)
	if s.http.Wait > 0 {
		err := o.Await(env.Context, s.http.Wait, func(err error) { env.Logf("%s: waiting for it, up to %s: %v", o, s.http.Wait, err) })
		if err != nil {
			o.Close()
			return nil, fmt.Errorf("%w (--output-http-wait)", err)
		}
	}
	if s.http.Stats {
		cfg.Queue.Watch(env.StartGauge("output_http", time.Duration(s.http.StatsMs)*time.Millisecond))
	}
	if env.OnTime {
		env.Standing = append(env.Standing, o.Begin(env.Forecast))
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

func (s *httpSettings) openElastic(env *plugin.Env) (*elastic.Reporter, error) {
	index, err := elastic.Parse(s.Elasticsearch)
	if err != nil {
		return nil, err
	}
	cfg := elastic.Config{Index: index, Dial: env.Own.DialContext, Logf: prefixed(env.Logf, "output-http-elasticsearch "+index.String()+": "),
		CertificateHint: "--output-http-elasticsearch-ca FILE names an authority to trust"}
	if cfg.TLS, err = s.ElasticTLS.Open("output-http-elasticsearch", index.TLS(s.ElasticTLS.SkipVerify), env.Logf); err != nil {
		return nil, err
	}
	return elastic.Open(cfg)
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
	ElasticTLS     clientflags.Client
	Redirects      int
	Wait           time.Duration // for the target to take a connection before anything begins; 0: not
	TrackResponse  bool
	ResponseBuffer int // bytes of one response's head and of one read
}

// flags sets the defaults and returns the flags that change them.
func (s *httpSettings) flags(sessions func() bool) []flagDef {
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
		{"output-http-workers-min", "N", "connections to keep, however few requests are under way", "", flags.Unless(flags.Int(&s.WorkersMin, 1, 10_000), sessions, "with --recognize-tcp-sessions")},
		{"output-http-worker-timeout", "DURATION", "how long a connection may be idle before it is closed", "",
			flags.Unless(flags.Duration(&s.WorkerTimeout, time.Millisecond), func() bool { return s.Workers > 0 && s.WorkersMin == 1 && !sessions() }, "with --output-http-workers alone, which keeps them all; --output-http-workers-min says how many stay")},
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
		{"output-http-stats-ms", "N", "milliseconds between two lines of --output-http-stats", "", flags.Needs(flags.Int(&s.StatsMs, 10, 3_600_000), "output-http-stats", func() bool { return s.Stats })},
		{"output-http-elasticsearch", "HOST:PORT/INDEX",
			"report each exchange (URL, headers, status, time) to this index of an Elasticsearch; http://, " +
				"https:// and user:pass@ may be put before",
			"gor --input-tcp :28020 --output-http staging.com --output-http-elasticsearch localhost:9200/gor", flags.Checked(&s.Elasticsearch, checkElastic)},
		{"output-http-compatibility-mode", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)),
			"requests go out as they were recorded, byte for byte")},
		{"output-http-debug", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--verbose 2 names every answer")},
		{"output-http-connect-to", "HOST:PORT", "connect to HOST:PORT whatever the URL says; its name still stands in Host and in TLS",
			"gor --input-file requests.gor --output-http https://www.example.com --output-http-connect-to 10.0.0.7:8443", flags.Checked(&s.ConnectTo, address.ParseHostPort)},
		{"output-http-sni", "NAME", "ask for and expect the certificate of NAME, in place of that of the URL's host (or, with --http-original-host, of each request's)",
			"gor --input-file requests.gor --output-http https://10.0.0.7 --http-original-host --output-http-sni www.example.com", flags.Checked(&s.SNI, checkServerName)},
	}, flagDefs(slices.Concat(
		s.TLS.Flags("output-http", "target", "gor --input-file requests.gor --output-http https://staging.internal"),
		s.ElasticTLS.Flags("output-http-elasticsearch", "Elasticsearch", "gor --input-tcp :28020 --output-http staging.com --output-http-elasticsearch https://search.internal:9200/gor"),
	))...)
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
	return errors.Join(append(errs, s.http.TLS.CheckFor("output-http", "https://", urls),
		s.http.ElasticTLS.CheckFor("output-http-elasticsearch", "https://", []string{s.http.Elasticsearch}))...)
}
