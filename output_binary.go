package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// binaryOutput replays what --input-raw-protocol binary captured, of a protocol
// that it does not understand: each recorded connection over one of its own,
// its messages in order, each when the one before it has begun to be answered.
// A message is delivered when a byte of an answer has come.
type binaryOutput struct {
	addr string
	s    *Settings
	q    *queue.Queue
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	logf func(format string, args ...any)

	ctx     context.Context // ends with Close
	stop    context.CancelFunc
	session *dispatch.Sessions

	answers   *buffers.Budget // what all connections hold of answers
	responses *answers.Input  // nil: nobody wants the answers
	health    outbound.Health

	sent, delivered, unsent, connections atomic.Uint64
	failures                             outbound.Outcomes
	latency                              *stats.Histogram
}

var _ Output = (*binaryOutput)(nil)

const (
	// binaryQueue bounds the messages that wait; their bytes have the share of
	// memory that every output gets.
	binaryQueue = 10_000

	// binaryIdle is how long a connection without messages is kept: what such
	// a protocol has agreed on at its beginning ends with it. When there are
	// too many connections, the longest idle one goes first.
	binaryIdle = time.Minute
)

func newBinaryOutput(addr string, s *Settings, env *pluginEnv) (Output, error) {
	if err := checkBinaryTarget(addr); err != nil {
		return nil, asUsage(err)
	}
	o := &binaryOutput{
		addr: addr, s: s, dial: env.own.DialContext, logf: env.logf,
		q:        env.newQueue(binaryQueue),
		failures: outbound.NewOutcomes(),
		answers:  env.answers,
		latency:  stats.NewHistogram(),
	}
	o.ctx, o.stop = context.WithCancel(context.Background())
	if s.BinaryTrackResponse {
		o.responses = answers.New(answers.Config{Of: o.String(), Limit: s.BinaryBuffer, LimitName: "--output-tcp-response-buffer"})
	}
	most := maxHTTPWorkers
	if s.BinaryWorkers > 0 {
		most = s.BinaryWorkers
	}
	o.session = dispatch.StartSessions(dispatch.SessionsConfig{
		Queue: o.q, Done: o.ctx.Done(), Most: most, IdleFor: binaryIdle, Serve: o.serve, Unsent: func() { o.unsent.Add(1) },
	})
	return o, nil
}

// checkBinaryTarget refuses what is not HOST:PORT.
func checkBinaryTarget(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if n, perr := strconv.ParseUint(port, 10, 16); err != nil || host == "" || perr != nil || n == 0 {
		return fmt.Errorf("%q is no target; it is written staging.com:9000 or [::1]:9000", addr)
	}
	return nil
}

func checkBinaryOutput(addr string, _ *Settings) error { return checkBinaryTarget(addr) }

func (o *binaryOutput) Write(p []byte) (int, error) {
	if !payload.IsRequest(p) {
		o.failures.Add(outbound.NotRequest)
		return len(p), nil
	}
	if err := o.q.Put(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// serve is the life of one recorded connection.
func (o *binaryOutput) serve(ss *dispatch.Session) {
	c := &binaryConn{o: o}
	if o.responses != nil {
		c.recorder = o.responses.Recorder(o.answers)
		defer c.recorder.Release()
	}
	defer c.close()
	for {
		it, ok := ss.Take()
		if !ok {
			return
		}
		outcome := c.exchange(payload.Body(it.Bytes))
		switch {
		case outcome == outbound.Delivered:
			o.delivered.Add(1)
			o.latency.Record(o.q.Age(it))
			if o.responses != nil {
				c.await(ss)
				c.give(it.Bytes)
			}
			if o.s.Verbose >= verboseAnswers {
				o.logf("%s: answered in %s: %s", o, o.q.Age(it), payload.Describe(it.Bytes))
			}
		case o.ctx.Err() != nil: // Close cut it off
			o.unsent.Add(1)
		default:
			o.failures.Add(outcome)
			if o.s.Verbose >= verboseLosses {
				o.logf("%s: %s: %s", o, outcome, payload.Describe(it.Bytes))
			}
		}
		c.forget()
		o.q.Done(it, !outcome.TimedOut())
	}
}

// tellHealth says why there is no connection to the target, or, with a nil
// error, that there is one again.
func (o *binaryOutput) tellHealth(err error) {
	if err != nil {
		o.logf("%s: %v", o, err)
	} else {
		o.logf("%s: takes connections again", o)
	}
}

func (o *binaryOutput) Room(cancel <-chan struct{}, d time.Duration) bool { return o.q.Room(cancel, d) }
func (o *binaryOutput) LastProgress() time.Time                           { return o.q.LastProgress() }
func (o *binaryOutput) Settle(cancel <-chan struct{}) error               { return o.q.Settle(cancel) }
func (o *binaryOutput) Drain(cancel <-chan struct{}) error                { return o.q.Settle(cancel) }
func (o *binaryOutput) String() string                                    { return "output-binary " + o.addr }

// Close ends all connections at once.
func (o *binaryOutput) Close() error {
	o.q.Close()
	o.stop()
	o.session.Wait()
	o.unsent.Add(uint64(o.q.Discard()))
	return nil
}

// Responses gives the target's answers, when they are wanted.
func (o *binaryOutput) Responses() Input {
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

func (o *binaryOutput) Report(r *report) {
	sent, answered, connections := o.sent.Load(), o.delivered.Load(), o.connections.Load()
	r.Line("messages: %d sent over %d connections, %d answered", sent, connections, answered)
	r.Value("sent", sent)
	r.Value("answered", answered)
	r.Value("connections", connections)
	if l := o.latency.Snapshot(); l.Count() > 0 {
		r.Line("latency to the first byte of an answer: p50 %s p90 %s p99 %s max %s", l.Quantile(0.5), l.Quantile(0.9), l.Quantile(0.99), l.Max())
		r.Value("latency_seconds", plugin.DurationsOf(l))
	}
}
