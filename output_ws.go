package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/certs/clientflags"
	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/flags"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/wsclient"
)

// wsOutput sends each captured message, requests and original responses, to a
// WebSocket server as one binary message. What the targets of this Gor answered
// is ignored, as GoReplay 1.x has it.
//
// Nothing acknowledges a message: delivered means that it was written to the
// connection without an error. When the connection breaks, what the kernel or
// the network still held of these is lost without a trace; --output-tcp is the
// link that knows better. A message whose write failed was not received,
// and is sent again over the next connection.
type wsOutput struct {
	t        *wsclient.Target
	q        *queue.Queue
	cfg      wsclient.Config // of client
	client   *wsclient.Client
	logf     func(format string, args ...any)
	verbose  int
	patience queue.Patience // see linkPatience

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	drained chan struct{} // closed when Drain has nothing left to send
	once    sync.Once
	shares  *dispatch.Shares // nil when there is one worker
	running sync.WaitGroup
	workers chan struct{} // closed when all workers have ended

	unsent   atomic.Uint64 // that no worker had
	failures *stats.Reasons
}

var _ plugin.Output = (*wsOutput)(nil)

// Why a message was not delivered: indexes into the counters.
const (
	wsFailLost = iota
	wsFailMalformed
	wsIgnored
)

// wsOutputPlugin is the row of --output-ws.
func wsOutputPlugin() outputPlugin {
	return outputPlugin{
		pluginFlags: pluginFlags{
			name: "output-ws", arg: "URL",
			help:    "send every captured message to a WebSocket server: ws://, wss://, user:pass@ for Basic auth; one binary message each",
			example: "sudo gor --input-raw :80 --output-ws wss://replay.local:28020/endpoint",
			title:   "WebSocket and binary outputs",
			flags:   func(s *Settings) []flagDef { return s.ws.flags() },
		},
		timely:   true,
		fits:     func(s *Settings) error { return s.ws.TLS.CheckFor("output-ws", "wss://", s.addresses("output-ws")) },
		connects: true,
		parse:    parseWSOutput,
	}
}

func parseWSOutput(addr string, s *Settings) (plugin.Parsed[plugin.Output], error) {
	t, err := wsclient.Parse(addr)
	return plugin.Parsed[plugin.Output]{
		Check: func() error { _, err := s.ws.openTLS(t, unheard); return err },
		Open: func(env *plugin.Env) (plugin.Output, error) {
			o, err := newWSOutput(t, s, env)
			if err != nil {
				return nil, err
			}
			o.start(max(1, s.ws.Workers))
			return o, nil
		},
	}, err
}

// openTLS returns how each connection to the server speaks TLS, or nil.
func (s *wsSettings) openTLS(t *wsclient.Target, logf func(string, ...any)) (func() *tls.Config, error) {
	return s.TLS.Open("output-ws", t.TLS(s.TLS.SkipVerify), logf)
}

// newWSOutput makes one without workers.
func newWSOutput(t *wsclient.Target, s *Settings, env *plugin.Env) (*wsOutput, error) {
	secure, err := s.ws.openTLS(t, env.Logf)
	if err != nil {
		return nil, err
	}
	o := &wsOutput{
		t: t, logf: env.Logf, verbose: s.Verbose,
		q: env.NewQueue(0), patience: queue.Patience{Limit: linkPatience},
		drained: make(chan struct{}), workers: make(chan struct{}),
		failures: stats.NewReasons(append(stats.List(stats.Failed, "failed: the connection was lost twice while it was sent"),
			stats.Count{Name: "failed: malformed", Kind: stats.Unfit}, stats.Count{Name: ignoredRow, Kind: stats.Ignored})),
	}
	o.cfg = wsclient.Config{
		Target: t, TLS: secure, CertificateHint: "--output-ws-ca FILE names an authority to trust, and --output-ws-skip-verify sends all the same",
		Dial: env.Own.DialContext, Stall: wsclient.StallTimeout, Drained: o.drained, Lost: o.lost,
	}
	if s.ws.Stats {
		o.q.Watch(env.StartGauge("output_ws", stats.GaugePeriod))
	}
	o.ctx, o.stop = context.WithCancel(context.Background())
	return o, nil
}

// start sets n workers to work, each with a connection of its own.
func (o *wsOutput) start(n int) {
	o.client = wsclient.New(o.cfg)
	var sources []dispatch.Sender
	sources, o.shares = dispatch.Divide(o.q, n)
	for i, src := range sources {
		name := o.String()
		if n > 1 {
			name = fmt.Sprintf("%s, connection %d", name, i+1)
		}
		o.running.Go(func() { o.client.Run(o.ctx, src, prefixed(o.logf, name+": ")) })
	}
	go func() { o.running.Wait(); close(o.workers) }() // Close waits for workers
}

func (o *wsOutput) Write(p []byte) (int, error) {
	meta, _, err := payload.Split(p)
	switch {
	case err != nil:
		return o.pass(p, wsFailMalformed)
	case meta.Type == payload.ReplayResponse:
		return o.pass(p, wsIgnored)
	}
	if err := o.q.Put(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// pass counts a message that will not be sent.
func (o *wsOutput) pass(p []byte, reason int) (int, error) {
	o.failures.Add(reason)
	return len(p), nil
}

// lost counts a message that two connections were lost over.
func (o *wsOutput) lost(msg []byte) {
	o.failures.Add(wsFailLost)
	if o.verbose >= verboseLosses {
		o.logf("%s: %s: %s", o, o.failures.Name(wsFailLost), payload.Describe(msg))
	}
}

func (o *wsOutput) Room(cancel <-chan struct{}, d time.Duration) bool { return o.q.Room(cancel, d) }
func (o *wsOutput) LastProgress() time.Time                           { return o.q.LastProgress() }

// Settle returns when what was written before is handed to a connection. It
// waits for a server that is away no longer than the link does for a receiver,
// and for the same reason.
func (o *wsOutput) Settle(cancel <-chan struct{}) error {
	_, err := o.patience.Settle(o.q, cancel)
	return err
}

// Drain sends what is queued and then closes the connections in good order.
func (o *wsOutput) Drain(cancel <-chan struct{}) error {
	o.q.Close()
	if err := o.q.Settle(cancel); err != nil {
		return err
	}
	close(o.drained)
	late := time.NewTimer(wsclient.LeaveTimeout)
	defer late.Stop()
	select {
	case <-o.workers:
	case <-late.C: // one that hangs in connecting has nothing to send
	case <-cancel:
	}
	return nil
}

func (o *wsOutput) Close() error {
	o.once.Do(func() {
		o.q.Close()
		o.stop()
		<-o.workers
		o.unsent.Add(uint64(o.shares.Close() + o.q.Discard()))
	})
	return nil
}

func (o *wsOutput) Responses() plugin.Input { return nil }

func (o *wsOutput) Counts() []stats.Count {
	return append([]stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: o.client.Counts().Delivered.Load()},
		{Name: "unsent", Kind: stats.Unsent, N: o.unsent.Load() + o.client.Counts().Unsent.Load()},
	}, o.failures.NonZero()...)
}

func (o *wsOutput) Report(r *plugin.Report) {
	counts := o.client.Counts()
	line := fmt.Sprintf("connections: %d", counts.Connections.Load())
	if n := counts.SentAgain.Load(); n > 0 {
		line += fmt.Sprintf(", %d messages sent again", n)
	}
	r.Line("%s", line)
	r.Value("connections", counts.Connections.Load())
	r.Peer(counts.Connections.Load() > 0)
	r.Value("sent_again", counts.SentAgain.Load())
}

func (o *wsOutput) String() string { return "output-ws " + o.t.String() }

// wsSettings is what the command line says of --output-ws.
type wsSettings struct {
	TLS     clientflags.Client
	Workers int
	Stats   bool
}

// flags sets the defaults and returns the flags that change them.
func (s *wsSettings) flags() []flagDef {
	*s = wsSettings{Workers: 1}
	return append([]flagDef{
		{"output-ws-workers", "N", "connections to each server; the messages of one recorded connection stay on one of them, in order", "", flags.Int(&s.Workers, 1, maxLinkWorkers)},
		{"output-ws-sticky", "", "accepted for older command lines", "", flags.Obsolete(flags.Bool(new(bool)), "what was one connection when it was recorded always goes over one connection")},
		{"output-ws-stats", "", "print the queue's length every 5 seconds, as --output-http-stats does", "", flags.Bool(&s.Stats)},
	}, flagDefs(s.TLS.Flags("output-ws", "server", "sudo gor --input-raw :80 --output-ws wss://replay.local:28020/endpoint"))...)
}
