package main

import (
	"context"
	"net"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/http1client"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

// newClient makes what the workers' connections share.
func (o *httpOutput) newClient() *http1client.Client {
	c := http1client.Config{
		Target: o.t, TLS: o.t.TLS(o.s.http.SkipVerify), CertificateHint: "--output-http-skip-verify sends all the same",
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			return o.dial(ctx, network, address)
		},
		Timeout: o.s.http.Timeout, HeadMost: o.s.http.ResponseBuffer, Redirects: o.s.http.Redirects,
		KeepHost: o.s.modifier.OriginalHost, KeepConnection: o.s.RecognizeSessions,
		KeepHeads: o.elastic != nil, Memory: o.answers, Places: o.places, Tell: o.tellHealth,
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
// long, or the output ends.
func (o *httpOutput) work() {
	w := o.newWorker()
	defer w.close()
	it, ok := o.q.Get(o.ctx.Done(), o.s.http.WorkerTimeout)
	o.workers.Started()
	o.workers.Grow(o.q.Len()) // a burst may have been over before its first worker stood
	for {
		if ok {
			w.send(it)
		} else if o.ctx.Err() != nil || o.q.Drained() || o.workers.MayEnd() {
			return
		} else {
			w.sender.Idle() // a worker that stays must not hold a dead socket
		}
		it, ok = o.q.Get(o.ctx.Done(), o.s.http.WorkerTimeout)
	}
}

// startSessions puts sessions in the place of the workers, for
// --recognize-tcp-sessions.
func (o *httpOutput) startSessions() *dispatch.Sessions {
	most := maxHTTPWorkers
	if o.s.http.Workers > 0 {
		most = o.s.http.Workers
	}
	serve := func(ss *dispatch.Session) {
		w := o.newWorker()
		defer w.close()
		for {
			it, ok := ss.Take()
			if !ok {
				return
			}
			w.send(it)
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
	recorder *answers.Recorder // nil: nobody wants the answers
	asked    http1.Request     // scratch of report

	it    queue.Item // under way
	began time.Time
}

func (o *httpOutput) newWorker() *httpWorker {
	w := &httpWorker{o: o}
	w.sender = o.client.NewSender(w.done)
	if o.responses != nil {
		w.recorder = o.responses.Recorder(o.answers)
	}
	return w
}

func (w *httpWorker) close() {
	w.sender.Close()
	if w.recorder != nil {
		w.recorder.Release()
	}
}

func (w *httpWorker) send(it queue.Item) {
	w.it, w.began = it, time.Now()
	w.sender.Send(w.o.ctx, payload.Body(it.Bytes), w.began)
}

// done takes what became of the request under way.
func (w *httpWorker) done(r http1client.Result) {
	o, it := w.o, w.it
	if r.Outcome == outbound.Delivered {
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
		if o.s.Verbose >= verboseAnswers {
			o.logf("%s: %d in %s: %s", o, r.Status, o.q.Age(it), payload.Describe(it.Bytes))
		}
	case o.ctx.Err() != nil: // Close cut it off
		o.unsent.Add(1)
	default:
		o.failures.Add(r.Outcome)
		if o.s.Verbose >= verboseLosses {
			o.logf("%s: %s: %s", o, r.Outcome, payload.Describe(it.Bytes))
		}
	}
	w.it = queue.Item{}
	o.q.Done(it, !r.Outcome.TimedOut())
}
