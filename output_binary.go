package main

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/httppool"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/turnclient"
)

// binaryOutput replays what --input-raw-protocol binary captured, of a protocol
// that it does not understand: each recorded connection over one of its own,
// its messages in order, each when the one before it has begun to be answered.
// A message is delivered when a byte of an answer has come.
type binaryOutput struct {
	plugin.Queued
	target turnclient.Target
	client *turnclient.Client
	s      *Settings
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	logf   func(format string, args ...any)

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	session *dispatch.Sessions

	answers   *buffers.Budget // what all connections hold of answers
	responses *answers.Input  // nil: nobody wants the answers

	delivered, unsent atomic.Uint64
	failures          outbound.Outcomes
	latency           *stats.Histogram
}

var _ plugin.Output = (*binaryOutput)(nil)

// binaryIdle is how long a connection without messages is kept: what such
// a protocol has agreed on at its beginning ends with it. When there are
// too many connections, the longest idle one goes first.
const binaryIdle = time.Minute

// binaryOutputPlugin is the row of --output-binary.
func binaryOutputPlugin() outputPlugin {
	return outputPlugin{
		pluginFlags: pluginFlags{
			name: "output-binary", arg: "ADDRESS",
			help:    "send what --input-raw-protocol binary captured to ADDRESS, each recorded connection over one of its own",
			example: "sudo gor --input-raw :9000 --input-raw-protocol binary --output-binary staging.com:9000",
			title:   "WebSocket and binary outputs",
			flags:   func(s *Settings) []flagDef { return s.binary.flags() },
		},
		timely:       true,
		onlyRequests: true,
		latencies:    true,
		fits:         (*Settings).checkBinary,
		connects:     true,
		parse:        parseBinaryOutput,
	}
}

func parseBinaryOutput(addr string, s *Settings) (plugin.Parsed[plugin.Output], error) {
	target, err := turnclient.Parse(addr)
	return plugin.Parsed[plugin.Output]{Open: func(env *plugin.Env) (plugin.Output, error) { return newBinaryOutput(target, s, env), nil }}, err
}

func newBinaryOutput(target turnclient.Target, s *Settings, env *plugin.Env) *binaryOutput {
	o := &binaryOutput{
		Queued: plugin.Queued{Queue: env.NewQueue(0)}, target: target, s: s, dial: env.Own.DialContext, logf: env.Logf,
		failures: outbound.NewOutcomes(), answers: env.Answers, latency: stats.NewHistogram(),
	}
	o.ctx, o.stop = context.WithCancel(context.Background())
	if s.binary.TrackResponse {
		o.responses = answers.New(answers.Config{Of: o.String(), Limit: s.binary.ResponseBuffer, LimitName: "--output-tcp-response-buffer"})
	}
	o.client = o.newClient()
	most := httppool.DefaultMost
	if s.binary.Workers > 0 {
		most = s.binary.Workers
	}
	o.session = dispatch.StartSessions(dispatch.SessionsConfig{
		Queue: o.Queue, Done: o.ctx.Done(), Most: most, IdleFor: binaryIdle, Serve: o.serve, Unsent: func() { o.unsent.Add(1) },
	})
	return o
}

// newClient makes what the connections share.
func (o *binaryOutput) newClient() *turnclient.Client {
	c := turnclient.Config{
		Target: o.target, Timeout: o.s.binary.Timeout, Tell: outbound.TellHealth(o.String(), o.logf), TellCeiling: o.tellCeiling,
		MakeRoom: func() { o.session.EndIdle() },
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return o.dial(ctx, network, address)
		},
	}
	if o.responses != nil {
		c.Keeper = o.responses
	}
	return turnclient.New(o.ctx, c)
}

func (o *binaryOutput) Write(p []byte) (int, error) {
	if !payload.IsRequest(p) {
		o.failures.Add(outbound.NotRequest)
		return len(p), nil
	}
	if err := o.Queue.Put(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// serve is the life of one recorded connection.
func (o *binaryOutput) serve(ss *dispatch.Session) {
	c := o.client.NewConn()
	defer c.Close()
	var recorder *answers.Recorder
	if o.responses != nil {
		recorder = o.responses.Recorder(o.answers)
		defer recorder.Release()
	}
	for {
		it, ok := ss.Take()
		if !ok {
			return
		}
		outcome := c.Exchange(payload.Body(it.Bytes))
		switch {
		case outcome == outbound.Delivered:
			o.delivered.Add(1)
			o.latency.Record(o.Queue.Age(it))
			if o.responses != nil {
				c.Await(ss.More)
				a := c.Answer()
				recorder.Add(it.Bytes, answers.Answer{Bytes: a.Bytes, Cut: a.Cut, Sent: a.Sent, Took: a.Took})
			}
			if o.s.Verbose >= verboseAnswers {
				o.logf("%s: answered in %s: %s", o, o.Queue.Age(it), payload.Describe(it.Bytes))
			}
		case o.ctx.Err() != nil: // Close cut it off
			o.unsent.Add(1)
		default:
			o.failures.Add(outcome)
			if o.s.Verbose >= verboseLosses {
				o.logf("%s: %s: %s", o, outcome, payload.Describe(it.Bytes))
			}
		}
		c.Forget()
		o.Queue.Done(it, !outcome.TimedOut())
	}
}

// tellCeiling says, once, that the target takes no more connections.
func (o *binaryOutput) tellCeiling(why error) {
	o.logf("%s: takes no more connections than it has: %v; the longest idle one ends for another, and messages wait until one does", o, why)
}

func (o *binaryOutput) String() string { return "output-binary " + string(o.target) }

// Close ends all connections at once.
func (o *binaryOutput) Close() error {
	o.Queue.Close()
	o.stop()
	o.session.Wait()
	o.unsent.Add(uint64(o.Queue.Discard()))
	return nil
}

// Responses gives the target's answers, when they are wanted.
func (o *binaryOutput) Responses() plugin.Input {
	if o.responses == nil {
		return nil
	}
	return o.responses
}

func (o *binaryOutput) Counts() []stats.Count {
	return append([]stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: o.delivered.Load()},
		{Name: "unsent", Kind: stats.Unsent, N: o.unsent.Load()},
	}, o.failures.NonZero()...)
}

func (o *binaryOutput) Report(r *plugin.Report) {
	sent, answered, connections := o.client.Sent(), o.delivered.Load(), o.client.Connections()
	r.Line("messages: %d sent over %d connections, %d answered", sent, connections, answered)
	r.Value("sent", sent)
	r.Value("answered", answered)
	r.Value("connections", connections)
	if n := o.client.Refused(); n > 0 {
		r.Line("connections refused or given up while others worked: %d", n)
	}
	r.Value("connections_refused", o.client.Refused())
	r.Peer(connections > 0)
	if l := o.latency.Snapshot(); l.Count() > 0 {
		r.Line("latency to the first byte of an answer: p50 %s p90 %s p99 %s max %s", l.Quantile(0.5), l.Quantile(0.9), l.Quantile(0.99), l.Max())
		r.Value("latency_seconds", plugin.DurationsOf(l))
		r.Latency(l)
	}
}

// binarySettings is what the command line says of --output-binary.
type binarySettings struct {
	Workers        int // -1 or 0: dynamic
	Timeout        time.Duration
	TrackResponse  bool
	ResponseBuffer int // bytes of one response that are passed on
}

// flags sets the defaults and returns the flags that change them.
func (s *binarySettings) flags() []flagDef {
	*s = binarySettings{Workers: -1, Timeout: 5 * time.Second, ResponseBuffer: 1 << 20}
	return []flagDef{
		{"output-binary-workers", "N", "connections to the target at once: N, or -1 for as many as there are recorded ones, up to 512", "",
			flags.Int(&s.Workers, -1, 10_000)},
		{"output-binary-timeout", "DURATION", "timeout for a response", "", flags.Duration(&s.Timeout, time.Millisecond)},
		{"output-binary-track-response", "", "pass the target's responses to the other outputs, each under its request's id", "",
			flags.Bool(&s.TrackResponse)},
		{"output-tcp-response-buffer", "SIZE", "largest response that --output-binary-track-response passes on", "",
			flags.Needs(flags.Size(&s.ResponseBuffer, 4<<10, 64<<20), "output-binary-track-response", func() bool { return s.TrackResponse })},
		{"output-binary-debug", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "--verbose 2 names every answer")},
	}
}

// checkBinary refuses answers that nobody is there for.
func (s *Settings) checkBinary() error {
	if s.binary.TrackResponse && s.answersAreLost() {
		return errors.New("--output-binary-track-response is for the other outputs, or for a middleware; add one, such as --output-file responses.gor")
	}
	return nil
}
