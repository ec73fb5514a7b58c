package main

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// httpResponses are the answers of an HTTP output's target, as records for
// the other outputs (--output-http-track-response).
type httpResponses struct {
	o    *httpOutput
	q    *queue.Queue
	item queue.Item // taken and not yet given, when the last Read's buffer was short
	held bool

	kept     atomic.Int64 // bytes of answers that workers hold
	shed     atomic.Uint64
	tooLarge atomic.Uint64
}

var _ Input = (*httpResponses)(nil)

const (
	// responsesWaiting bounds the responses that wait for the other outputs:
	// what a fast target answers while the emitter is at work.
	responsesWaiting = 1000

	// responsesKept bounds the bytes of all answers that are being received,
	// and of those that wait: half of what the queues have.
	responsesKept = 4 << 20
)

func newHTTPResponses(o *httpOutput) *httpResponses {
	return &httpResponses{o: o, q: queue.New(responsesWaiting, responsesKept)}
}

// keep appends a part of an answer, unless the answer gets too long or all
// together take too much memory.
func (r *httpResponses) keep(answer, part []byte) (longer []byte, ok bool) {
	if len(answer)+len(part) > r.o.s.ResponseBuffer || r.kept.Load()+int64(len(part)) > responsesKept {
		return answer, false
	}
	r.kept.Add(int64(len(part)))
	return append(answer, part...), true
}

// give makes a record of the answer to msg.
func (r *httpResponses) give(c *client, msg []byte, sent time.Time, took time.Duration) {
	if c.cut {
		r.tooLarge.Add(1)
		return
	}
	c.record = payload.AppendMeta(c.record[:0], payload.Meta{
		Type: payload.ReplayResponse, ID: payload.ID(msg), Time: sent.UnixNano(), Duration: int64(took), Length: int64(len(c.answer)),
	})
	c.record = append(c.record, c.answer...)
	if r.q.Put(c.record) != nil {
		r.shed.Add(1)
	}
}

func (r *httpResponses) Read(p []byte) (int, error) {
	if !r.held {
		if r.item, r.held = r.q.Get(nil, 0); !r.held {
			return 0, io.EOF
		}
	}
	if len(p) < len(r.item.Bytes) {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, r.item.Bytes)
	r.q.Done(r.item, true)
	r.held = false
	return n, nil
}

func (r *httpResponses) Close() error {
	r.q.Close()
	return nil
}

// Live is true: an output that is full must not hold up the target's workers.
func (r *httpResponses) Live() bool { return true }

func (r *httpResponses) String() string { return fmt.Sprintf("responses of %s", r.o) }

func (r *httpResponses) Counts() []stats.Count {
	return []stats.Count{
		{Name: "too large (--output-http-response-buffer) or for lack of memory", N: r.tooLarge.Load()},
		{Name: "faster than they could be passed on", N: r.shed.Load()},
	}
}

func (r *httpResponses) Progress() progress { return progress{} }
func (r *httpResponses) Report(*report)     {}
