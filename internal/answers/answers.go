// Package answers makes an input for the other outputs of what an output's
// target answered.
package answers

import (
	"sync/atomic"

	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// A Config says whose answers these are.
type Config struct {
	// Of is the output's name for people.
	Of string

	// Limit is the longest answer that is passed on, in bytes.
	Limit int

	// LimitName is what people know Limit by.
	LimitName string

	// Label marks each record with the target that answered; empty for nothing.
	Label string
}

// An Input gives the answers of one target as records (payload.ReplayResponse).
// While an answer is received, its parts gather with Keep; when it is whole, a
// Recorder makes a record of it. All methods but Read are safe for concurrent
// use.
type Input struct {
	queue.Reader
	cfg Config
	q   *queue.Queue

	attributes []byte // of every record

	kept     atomic.Int64 // bytes of answers that are being received
	shed     atomic.Uint64
	tooLarge atomic.Uint64
}

var _ plugin.Input = (*Input)(nil)

const (
	// Total bounds what the connections of all outputs hold of answers, wanted
	// or not, in bytes: small heads in pieces, answers that are passed on, and
	// what is kept for the next.
	Total = 8 << 20

	// Memory bounds the bytes of all answers to one output that are being
	// received, and of those that wait: half of what the queues have.
	Memory = 4 << 20
)

// New returns an Input that has nothing to give yet.
func New(c Config) *Input {
	q := queue.New(0, Memory)
	in := &Input{Reader: queue.Reader{Queue: q}, cfg: c, q: q}
	if c.Label != "" {
		in.attributes = payload.AppendAttribute(nil, payload.AttrTarget, c.Label)
	}
	return in
}

// Keep appends a part of an answer, or reports false and appends nothing when
// the answer gets too long or all together take too much memory. What is kept
// must be given back with GiveBack when the answer is done with.
func (in *Input) Keep(answer, part []byte) (longer []byte, ok bool) {
	if len(answer)+len(part) > in.cfg.Limit || in.kept.Load()+int64(len(part)) > Memory {
		return answer, false
	}
	in.kept.Add(int64(len(part)))
	return append(answer, part...), true
}

// GiveBack returns the memory of an answer that was kept.
func (in *Input) GiveBack(answer []byte) { in.kept.Add(-int64(len(answer))) }

// Kept is how many bytes were kept and not given back.
func (in *Input) Kept() int { return int(in.kept.Load()) }

// Close ends the input: Read gives what waits, and then io.EOF.
func (in *Input) Close() error {
	in.q.Close()
	return nil
}

// Live is true: an output that is full must not hold up the target's workers.
func (in *Input) Live() bool { return true }

func (in *Input) String() string { return "responses of " + in.cfg.Of }

// Counts gives the answers that were not passed on.
func (in *Input) Counts() []stats.Count {
	return []stats.Count{
		{Name: "too large (" + in.cfg.LimitName + ") or for lack of memory", Kind: stats.Lost, N: in.tooLarge.Load()},
		{Name: "faster than they could be passed on", Kind: stats.Lost, N: in.shed.Load()},
	}
}

// Progress is unknown: an answer comes when the target gives it.
func (in *Input) Progress() plugin.Progress { return plugin.Progress{} }

// Report says nothing beyond the counts.
func (in *Input) Report(*plugin.Report) {}
