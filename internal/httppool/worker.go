package httppool

import (
	"errors"
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

// work is one worker's life: it sends requests until it has been idle for too
// long, the target does not take its connection, or the output ends.
func (s *shared) work() {
	w := s.newWorker()
	if s.client.Looped() {
		w.run()
	} else {
		w.sender = s.client.NewSender(w.done)
	}
	err := w.connect()
	if w.runner != nil && err == nil {
		s.workers.Stay()
		w.runner.Start()
		s.workers.Started()
		return
	}
	defer w.close()
	s.workers.Started()
	for err == nil {
		if it, ok := s.q.Get(s.ctx.Done(), s.cfg.IdleFor); ok {
			err = w.send(it)
		} else if s.ctx.Err() != nil || s.q.Drained() || s.workers.MayEnd() {
			return
		} else {
			w.sender.Idle() // a worker that stays must not hold a dead socket
		}
	}
	if s.ctx.Err() == nil {
		s.workers.End()
	}
}

// connect opens the worker's connection before it takes a request, which waits
// meanwhile for whoever is free first. It returns an error when the target does
// not take the connection, but has others. While it has none, a request that
// waits is taken first, since it has to fail with the connection.
func (w *worker) connect() error {
	s, begun := w.s, time.Now()
	if s.client.Standing() == 0 && s.q.Len() > 0 {
		return nil
	}
	if err := w.sender.Open(s.ctx, begun.Add(s.cfg.Client.Timeout)); err != nil {
		if s.client.Standing() == 0 {
			return nil
		}
		return w.refused(err, false)
	}
	if !w.attempt.Careful() {
		w.attempt.Stands()
		return nil
	}
	settled := time.NewTimer(outbound.SettleFor)
	defer settled.Stop()
	select {
	case <-settled.C:
	case <-s.ctx.Done():
		return nil
	}
	if w.sender.Idle(); !w.sender.Connected() && s.client.Standing() > 0 {
		return w.refused(errUnserved, true)
	}
	w.attempt.Stands()
	return nil
}

// errUnserved is why a worker ends whose target accepted a connection and ended
// it before it gave an answer.
var errUnserved = errors.New("a new connection ended before its first answer")

// refused notes that the target does not take the worker's connection, and
// returns err.
func (w *worker) refused(err error, accepted bool) error {
	if w.s.ctx.Err() == nil && w.attempt.Fail(time.Now(), accepted) {
		w.s.cfg.Logf("%s: takes no more connections than it has: %v; requests wait for those, and more are tried after growing pauses", w.s.cfg.Name, err)
	}
	return err
}

// A worker sends requests one after the other, and counts what became of
// them.
type worker struct {
	s        *shared
	sender   *http1client.Sender
	runner   *dispatch.Runner  // nil: it has a goroutine
	attempt  outbound.Attempt  // at its connections
	recorder *answers.Recorder // nil: nobody wants the answers
	asked    http1.Request     // scratch of report

	it    queue.Item // under way
	began time.Time
	now   time.Duration // on the queue's clock, when the worker last read it
	err   error         // why the worker is to end
	kept  bool          // the request is still under way: it could not be sent over this connection
}

// newWorker makes a worker that lacks its sender.
func (s *shared) newWorker() *worker {
	w := &worker{s: s, attempt: s.takes.Begin(time.Now())}
	if s.cfg.Responses != nil {
		w.recorder = s.cfg.Responses.Recorder(s.cfg.Client.Memory)
	}
	return w
}

// run lets event loops keep the worker going.
func (w *worker) run() {
	s := w.s
	w.runner = dispatch.NewRunner(dispatch.RunnerConfig{
		Queue: s.q, Done: s.ctx.Done(), Send: w.start, Broken: func() bool { return w.err != nil },
		IdleFor: s.cfg.IdleFor, Idle: w.idle, End: w.end,
	})
	w.sender = s.client.NewLoopSender(w.done, w.runner.Ready)
}

// idle reports whether the worker ends, when it found nothing to do.
func (w *worker) idle() bool {
	if w.s.workers.MayEnd() {
		return true
	}
	w.sender.Idle()
	return false
}

// end is the end of a worker without a goroutine.
func (w *worker) end(broken bool) {
	w.close()
	if broken && w.s.ctx.Err() == nil {
		w.s.workers.End()
	}
	w.s.workers.Leave()
}

func (w *worker) close() {
	w.attempt.End()
	w.sender.Close()
	if w.recorder != nil {
		w.recorder.Release()
	}
}

// send sends a request and waits for its answer. It returns an error when the
// worker's connection is one more than the target takes.
func (w *worker) send(it queue.Item) error {
	w.start(it)
	return w.err
}

// start begins to send a request. With event loops the worker may have another one
// under way before start returns.
func (w *worker) start(it queue.Item) {
	// A worker has just done with another request, or it waited, and the request has
	// just come: then the clock need not be read again, which takes as long as to
	// frame a small answer.
	if w.now == 0 || it.Returned > 0 || w.s.cfg.Sessions {
		w.now = w.s.q.Now()
	}
	w.it, w.began, w.err, w.kept = it, w.s.q.Time(max(w.now, it.At)), nil, false
	w.sender.Send(w.s.ctx, payload.Body(it.Bytes), w.began, it.Sent)
}

// returnsMost bounds how often a request waits for another connection because
// the one that it was to go over was not to be had: as often as there may be
// workers, each of which found its connection gone. A request that may have
// reached the target is sent once more, and never again.
const returnsMost = 10_000

// gaveBack puts the request under way back into the queue, for others to send,
// when the target only took no more connections.
func (w *worker) gaveBack(r http1client.Result) bool {
	s := w.s
	if !r.Unserved || s.ctx.Err() != nil {
		return false
	}
	if s.client.Standing() == 0 {
		s.takes.Forget()
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
	if s.cfg.Sessions {
		it.Returned++
		w.it, w.kept = it, true
		return true
	}
	w.it = queue.Item{}
	s.q.Return(it)
	return true
}

// done takes what became of the request under way.
func (w *worker) done(r http1client.Result) {
	s, it := w.s, w.it
	if w.gaveBack(r) {
		return
	}
	w.now = s.q.Now()
	age := w.now - it.At
	s.demand.Took(age)
	if r.Outcome == outbound.Delivered {
		w.attempt.Works()
		if w.recorder != nil {
			w.recorder.Add(it.Bytes, answers.Answer{Bytes: r.Answer, Cut: r.Cut, Sent: w.began, Took: time.Since(w.began)})
		}
		if s.cfg.Elastic != nil && w.asked.Parse(payload.Body(it.Bytes)) == nil {
			s.cfg.Elastic.Add(&w.asked, r.Answer, r.Status, w.began, time.Since(w.began))
		}
	}
	if r.Sent {
		s.account.sent.Add(1)
	}
	switch {
	case r.Outcome == outbound.Delivered:
		s.account.delivered.Add(1)
		s.account.latency.Record(age)
		s.account.statuses.Add(r.Status)
		s.account.recorded.Answered(it.Bytes, r.Status)
		if s.cfg.LogAnswers {
			s.cfg.Logf("%s: %d in %s: %s", s.cfg.Name, r.Status, age, payload.Describe(it.Bytes))
		}
	case s.ctx.Err() != nil: // Close cut it off
		s.account.unsent.Add(1)
	default:
		s.account.failures.Add(r.Outcome)
		if r.Outcome == outbound.Closed && s.account.silent() {
			s.cfg.Logf("%s: takes connections and ends them without an answer: is it an HTTP server, and one without TLS? With TLS the address begins with https://", s.cfg.Name)
		}
		s.account.recorded.Answered(it.Bytes, statuses.None)
		if w.recorder != nil {
			w.recorder.Add(it.Bytes, answers.Answer{Error: r.Outcome.String(), Sent: w.began, Took: time.Since(w.began)})
		}
		if s.cfg.LogLosses {
			s.cfg.Logf("%s: %s: %s", s.cfg.Name, r.Outcome, payload.Describe(it.Bytes))
		}
	}
	w.it = queue.Item{}
	progressed := w.now
	if r.Outcome.TimedOut() {
		progressed = 0
	}
	s.q.DoneAt(it, progressed)
}
