package main

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/http1client"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/verdict/statuses"
)

// newClient makes what the workers' connections share.
func (o *httpOutput) newClient() *http1client.Client {
	c := http1client.Config{
		Target: o.t, TLS: o.tls, CertificateHint: "--output-http-ca FILE names an authority to trust, and --output-http-skip-verify sends all the same",
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if to := o.s.http.ConnectTo; to != "" {
				address = to
			}
			return o.dial(ctx, network, address)
		},
		Timeout: o.s.http.Timeout, HeadMost: o.s.http.ResponseBuffer, Redirects: o.s.http.Redirects,
		KeepHost: o.s.modifier.OriginalHost, KeepConnection: o.s.RecognizeSessions,
		KeepHeads: o.elastic != nil, Memory: o.answers, Loops: &o.loops, Places: o.places, Tell: o.tellHealth,
	}
	if o.responses != nil {
		c.Keeper = o.responses
	}
	return http1client.New(c)
}

// workerBounds are the fewest and the most workers. --output-http-workers
// fixes both, unless --output-http-workers-min says more than its default.
func workerBounds(s *Settings) (least, most int) {
	least, most = max(s.http.WorkersMin, 1), s.http.Workers
	switch {
	case most <= 0:
		return least, max(least, maxHTTPWorkers)
	case least == 1:
		return most, most
	}
	return min(least, most), most
}

// work is one worker's life: it sends requests until it has been idle for too
// long, the target does not take its connection, or the output ends.
func (o *httpOutput) work() {
	w := o.newWorker(o.client.Looped())
	err := w.connect()
	if w.runner != nil && err == nil {
		o.workers.Stay()
		w.runner.Start()
		o.workers.Started()
		return
	}
	defer w.close()
	o.workers.Started()
	for err == nil {
		if it, ok := o.q.Get(o.ctx.Done(), o.s.http.WorkerTimeout); ok {
			err = w.send(it)
		} else if o.ctx.Err() != nil || o.q.Drained() || o.workers.MayEnd() {
			return
		} else {
			w.sender.Idle() // a worker that stays must not hold a dead socket
		}
	}
	if o.ctx.Err() == nil {
		o.workers.End()
	}
}

// connect opens the worker's connection before it takes a request, which waits
// meanwhile for whoever is free first. It returns an error when the target does
// not take the connection, but has others. While it has none, a request that
// waits is taken first, since it has to fail with the connection.
func (w *httpWorker) connect() error {
	o, begun := w.o, time.Now()
	if o.client.Standing() == 0 && o.q.Len() > 0 {
		return nil
	}
	if err := w.sender.Open(o.ctx, begun.Add(o.s.http.Timeout)); err != nil {
		if o.client.Standing() == 0 {
			return nil
		}
		return w.refused(err, false)
	}
	if !w.attempt.Careful() {
		return nil
	}
	settled := time.NewTimer(outbound.SettleFor)
	defer settled.Stop()
	select {
	case <-settled.C:
	case <-o.ctx.Done():
		return nil
	}
	if w.sender.Idle(); !w.sender.Connected() && o.client.Standing() > 0 {
		return w.refused(errUnserved, true)
	}
	return nil
}

// errUnserved is why a worker ends whose target accepted a connection and ended
// it before it gave an answer.
var errUnserved = errors.New("a new connection ended before its first answer")

// refused notes that the target does not take the worker's connection, and
// returns err.
func (w *httpWorker) refused(err error, accepted bool) error {
	if w.o.ctx.Err() == nil && w.attempt.Fail(time.Now(), accepted) {
		w.o.tellCeiling(err)
	}
	return err
}

// startSessions puts sessions in the place of the workers, for
// --recognize-tcp-sessions.
func (o *httpOutput) startSessions() *dispatch.Sessions {
	most := maxHTTPWorkers
	if o.s.http.Workers > 0 {
		most = o.s.http.Workers
	}
	serve := func(ss *dispatch.Session) {
		w := o.newWorker(false)
		defer w.close()
		for {
			it, ok := ss.Take()
			if !ok {
				return
			}
			w.sendInOrder(it)
		}
	}
	return dispatch.StartSessions(dispatch.SessionsConfig{
		Queue: o.q, Done: o.ctx.Done(), Most: most, IdleFor: o.s.http.WorkerTimeout, Serve: serve, Unsent: func() { o.unsent.Add(1) },
	})
}

// An httpWorker sends requests one after the other, and counts what became of
// them.
type httpWorker struct {
	o        *httpOutput
	sender   *http1client.Sender
	runner   *dispatch.Runner  // nil: it has a goroutine
	attempt  outbound.Attempt  // at its connections
	recorder *answers.Recorder // nil: nobody wants the answers
	asked    http1.Request     // scratch of report

	it    queue.Item // under way
	began time.Time
	err   error // why the worker is to end
	kept  bool  // the request is still under way: it could not be sent over this connection
}

// newWorker makes a worker with a goroutine of its own, or one that event loops
// keep going.
func (o *httpOutput) newWorker(looped bool) *httpWorker {
	w := &httpWorker{o: o, attempt: o.takes.Begin(time.Now())}
	if looped {
		w.runner = dispatch.NewRunner(dispatch.RunnerConfig{
			Queue: o.q, Done: o.ctx.Done(), Send: func(it queue.Item) { _ = w.send(it) }, Broken: func() bool { return w.err != nil },
			IdleFor: o.s.http.WorkerTimeout, Idle: w.idle, End: w.end,
		})
		w.sender = o.client.NewLoopSender(w.done, w.runner.Ready)
	} else {
		w.sender = o.client.NewSender(w.done)
	}
	if o.responses != nil {
		w.recorder = o.responses.Recorder(o.answers)
	}
	return w
}

// idle reports whether the worker ends, when it found nothing to do.
func (w *httpWorker) idle() bool {
	if w.o.workers.MayEnd() {
		return true
	}
	w.sender.Idle()
	return false
}

// end is the end of a worker without a goroutine.
func (w *httpWorker) end(broken bool) {
	w.close()
	if broken && w.o.ctx.Err() == nil {
		w.o.workers.End()
	}
	w.o.workers.Leave()
}

func (w *httpWorker) close() {
	w.attempt.End()
	w.sender.Close()
	if w.recorder != nil {
		w.recorder.Release()
	}
}

// send returns an error when the worker's connection is one more than the target
// takes.
func (w *httpWorker) send(it queue.Item) error {
	w.it, w.began, w.err, w.kept = it, time.Now(), nil, false
	w.sender.Send(w.o.ctx, payload.Body(it.Bytes), w.began, it.Sent)
	return w.err
}

// returnsMost bounds how often a request waits for another connection because
// the one that it was to go over was not to be had: as often as there may be
// workers, each of which found its connection gone. A request that may have
// reached the target is sent once more, and never again.
const returnsMost = 10_000

// gaveBack puts the request under way back into the queue, for others to send,
// when the target only took no more connections.
func (w *httpWorker) gaveBack(r http1client.Result) bool {
	o := w.o
	if !r.Unserved || o.ctx.Err() != nil {
		return false
	}
	if o.client.Standing() == 0 {
		o.takes.Forget()
		return false
	}
	reason := errUnserved
	if !r.Wrote && !r.Sent {
		reason = errors.New(r.Outcome.String())
	}
	w.err = w.refused(reason, r.Wrote)
	if !r.Again || w.it.Returned >= returnsMost {
		return false
	}
	it := w.it
	it.Sent = it.Sent || r.Wrote
	if o.session != nil {
		it.Returned++
		w.it, w.kept = it, true
		return true
	}
	w.it = queue.Item{}
	o.q.Return(it)
	return true
}

const (
	// A session waits orderFirst, and then twice as long each time up to
	// orderMost, for a target that takes no more connections: until others end.
	orderFirst = 50 * time.Millisecond
	orderMost  = time.Second
)

// sendInOrder sends a request of a recorded connection, whose next one waits
// until this one is done with.
func (w *httpWorker) sendInOrder(it queue.Item) {
	for pause := orderFirst; ; pause = min(2*pause, orderMost) {
		// A target that ends what it has accepted is given time to do so before the
		// request is sent, which could not be sent again.
		if !w.attempt.Careful() || w.connect() == nil {
			if _ = w.send(it); !w.kept {
				return
			}
			it = w.it
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-w.o.ctx.Done():
			timer.Stop()
			w.o.unsent.Add(1)
			w.it = queue.Item{}
			w.o.q.Done(it, false)
			return
		}
	}
}

// done takes what became of the request under way.
func (w *httpWorker) done(r http1client.Result) {
	o, it := w.o, w.it
	if w.gaveBack(r) {
		return
	}
	if r.Outcome == outbound.Delivered {
		w.attempt.Works()
		if w.recorder != nil {
			w.recorder.Add(it.Bytes, answers.Answer{Bytes: r.Answer, Cut: r.Cut, Sent: w.began, Took: time.Since(w.began)})
		}
		if o.elastic != nil && w.asked.Parse(payload.Body(it.Bytes)) == nil {
			o.elastic.Add(&w.asked, r.Answer, r.Status, w.began, time.Since(w.began))
		}
	}
	if r.Sent {
		o.sent.Add(1)
	}
	switch {
	case r.Outcome == outbound.Delivered:
		o.delivered.Add(1)
		o.latency.Record(o.q.Age(it))
		o.statuses.Add(r.Status)
		o.recorded.Answered(it.Bytes, r.Status)
		if o.s.Verbose >= verboseAnswers {
			o.logf("%s: %d in %s: %s", o, r.Status, o.q.Age(it), payload.Describe(it.Bytes))
		}
	case o.ctx.Err() != nil: // Close cut it off
		o.unsent.Add(1)
	default:
		o.failures.Add(r.Outcome)
		o.recorded.Answered(it.Bytes, statuses.None)
		if w.recorder != nil {
			w.recorder.Add(it.Bytes, answers.Answer{Error: r.Outcome.String(), Sent: w.began, Took: time.Since(w.began)})
		}
		if o.s.Verbose >= verboseLosses {
			o.logf("%s: %s: %s", o, r.Outcome, payload.Describe(it.Bytes))
		}
	}
	w.it = queue.Item{}
	o.q.Done(it, !r.Outcome.TimedOut())
}
