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

// responses are the answers of an output's target, as records for the other
// outputs (--output-http-track-response, --output-binary-track-response).
type responses struct {
	of    fmt.Stringer
	limit int    // bytes of one
	flag  string // that says so
	q     *queue.Queue
	item  queue.Item // taken and not yet given, when the last Read's buffer was short
	held  bool

	kept     atomic.Int64 // bytes of answers that workers hold
	shed     atomic.Uint64
	tooLarge atomic.Uint64
}

var _ Input = (*responses)(nil)

const (
	// responsesWaiting bounds the responses that wait for the other outputs:
	// what a fast target answers while the emitter is at work.
	responsesWaiting = 1000

	// responsesKept bounds the bytes of all answers that are being received,
	// and of those that wait: half of what the queues have.
	responsesKept = 4 << 20
)

func newResponses(of fmt.Stringer, limit int, flag string) *responses {
	return &responses{of: of, limit: limit, flag: flag, q: queue.New(responsesWaiting, responsesKept)}
}

// keep appends a part of an answer, unless the answer gets too long or all
// together take too much memory.
func (r *responses) keep(answer, part []byte) (longer []byte, ok bool) {
	if len(answer)+len(part) > r.limit || r.kept.Load()+int64(len(part)) > responsesKept {
		return answer, false
	}
	r.kept.Add(int64(len(part)))
	return append(answer, part...), true
}

// giveBack returns the memory of an answer that was kept.
func (r *responses) giveBack(answer []byte) { r.kept.Add(-int64(len(answer))) }

// give makes a record of the answer to msg, of which cut says that it is not
// whole. record is scratch, and is returned.
func (r *responses) give(record, msg, answer []byte, cut bool, sent time.Time, took time.Duration) []byte {
	if cut {
		r.tooLarge.Add(1)
		return record
	}
	record = payload.AppendMeta(record[:0], payload.Meta{
		Type: payload.ReplayResponse, ID: payload.ID(msg), Time: sent.UnixNano(), Duration: int64(took), Length: int64(len(answer)),
	})
	record = append(record, answer...)
	if r.q.Put(record) != nil {
		r.shed.Add(1)
	}
	return record
}

func (r *responses) Read(p []byte) (int, error) {
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

func (r *responses) Close() error {
	r.q.Close()
	return nil
}

// Live is true: an output that is full must not hold up the target's workers.
func (r *responses) Live() bool { return true }

func (r *responses) String() string { return fmt.Sprintf("responses of %s", r.of) }

func (r *responses) Counts() []stats.Count {
	return []stats.Count{
		{Name: "too large (" + r.flag + ") or for lack of memory", Kind: stats.Note, N: r.tooLarge.Load()},
		{Name: "faster than they could be passed on", Kind: stats.Note, N: r.shed.Load()},
	}
}

func (r *responses) Progress() progress { return progress{} }
func (r *responses) Report(*report)     {}
