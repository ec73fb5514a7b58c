package answers

import (
	"slices"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/payload"
)

const (
	// keepRecord bounds the buffer that a Recorder keeps for the next answer,
	// and keepScarce the same when memory is scarce.
	keepRecord = 16 << 10
	keepScarce = 1 << 10
)

// A Recorder makes records of one connection's answers. It is for one
// goroutine.
type Recorder struct {
	in     *Input
	memory *buffers.Budget
	record []byte
	taken  int // bytes of memory; the capacity of record
}

// Recorder returns a Recorder whose buffer is taken from memory.
func (in *Input) Recorder(memory *buffers.Budget) *Recorder {
	return &Recorder{in: in, memory: memory}
}

// An Answer is what a target answered to one message.
type Answer struct {
	Bytes []byte
	Cut   bool          // it is not whole: it is counted, and not passed on
	Sent  time.Time     // when its message was sent
	Took  time.Duration // from then until the answer's last byte, or until it failed

	// Error says why there was no answer; Bytes is then empty.
	Error string
}

// Add passes on the answer to the message msg, which it does not keep. When
// there is no room for it, it is counted.
func (r *Recorder) Add(msg []byte, a Answer) {
	if a.Cut {
		r.in.tooLarge.Add(1)
		return
	}
	attributes := r.in.attributes
	if a.Error != "" {
		attributes = payload.AppendAttribute(slices.Clip(attributes), payload.AttrError, a.Error)
	}
	r.record = payload.AppendMeta(r.record[:0], payload.Meta{
		Type: payload.ReplayResponse, ID: payload.ID(msg), Time: a.Sent.UnixNano(), Duration: int64(a.Took), Length: int64(len(a.Bytes)),
		Attributes: attributes,
	})
	r.record = append(r.record, a.Bytes...)
	if r.in.q.Put(r.record) != nil {
		r.in.shed.Add(1)
	}
	keep := keepRecord
	if r.memory.Scarce() {
		keep = keepScarce
	}
	if cap(r.record) > keep || !r.memory.Resize(r.taken, cap(r.record)) {
		r.Release()
		return
	}
	r.taken = cap(r.record)
}

// Release lets go of the buffer.
func (r *Recorder) Release() {
	r.memory.Give(r.taken)
	r.record, r.taken = nil, 0
}
