package main

import (
	"errors"
	"hash/maphash"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/recent"
)

// An emitter carries messages from inputs to outputs. Each input has a
// goroutine, a buffer and wrappers of its own; the outputs are shared.
type emitter struct {
	outputs     []*outlet
	flows       []*flow
	answerFlows []*flow // what comes back from outputs, for the others
	answering   sync.WaitGroup

	// With a middleware all inputs and answers end in toMiddleware, and what comes back
	// from it goes on to the outputs.
	toMiddleware   *outlet
	fromMiddleware *flow
	broken         chan struct{} // closed when the middleware ended by itself
	returning      sync.WaitGroup
	split          bool
	turn           atomic.Uint64 // counts requests with split

	sessions bool         // with split all of a connection goes to one output
	seed     maphash.Seed // which one
	stop     chan struct{}
	stopped  sync.Once
	limit    int             // bytes of a message
	large    *buffers.Copies // nil: each output makes its own
	waits    bool            // --on-full wait: for every output, for ever
	logf     func(format string, args ...any)
}

// A flow is an input, with its wrappers, on its way to the outlets.
type flow struct {
	in      plugin.Input
	outlets []*outlet
	split   bool          // each message goes to one of them
	wait    bool          // for outputs that are full
	only    bool          // there is one output: waiting for it delays nobody
	passed  atomic.Uint64 // messages that the input gave

	// routed remembers where recent requests went for the responses that follow
	// them. Nil when no response can come.
	routed  *recent.IDs
	pending []*outlet // scratch of emit
}

const (
	// readBuffer is what a flow reads into at first; it holds nearly every
	// request, and grows when one is larger.
	readBuffer = 64 << 10

	// keepGrown bounds for how long a grown buffer is kept: its bytes times
	// the small messages that came meanwhile, 1,000 of them for 1 MiB.
	keepGrown = 1000 << 20

	// maxHeaderLine is more than what the header line of a record adds to a
	// message of the largest size.
	maxHeaderLine = 1 << 10
)

func newEmitter(p *plugins, s *Settings, logf func(format string, args ...any)) *emitter {
	e := &emitter{split: s.SplitOutput && len(p.outputs) > 1, stop: make(chan struct{}), limit: s.MessageLimit, sessions: s.RecognizeSessions, seed: maphash.MakeSeed(), waits: s.OnFull == "wait", logf: logf}
	for _, out := range p.outputs {
		e.outputs = append(e.outputs, newOutlet(out, logf))
	}
	for _, in := range p.inputs {
		if p.middle == nil {
			e.flows = append(e.flows, e.newFlow(in, s, !in.Live() || s.raw.TrackResponse))
		}
	}
	for _, out := range e.outputs {
		if in := out.Responses(); in != nil {
			e.answerFlows = append(e.answerFlows, &flow{in: prettifyInput(describeInput(in, s, logf), s), outlets: e.takeResponses()})
		}
	}
	if p.middle != nil {
		e.putBetween(p.middle, p.inputs, s)
	}
	return e
}

// newFlow is the way of an input to the outputs. responses says that it may
// give responses, behind their requests.
func (e *emitter) newFlow(in plugin.Input, s *Settings, responses bool) *flow {
	in = describeInput(in, s, e.logf)
	in = modifyInput(in, s, responses, e.logf)
	in = prettifyInput(in, s)
	f := &flow{in: in, outlets: e.outputs, split: e.split, wait: !in.Live(), only: len(e.outputs) == 1}
	f.settle(s)
	if responses {
		f.routed = recent.New()
	}
	return f
}

// settle applies --on-full.
func (f *flow) settle(s *Settings) {
	switch s.OnFull {
	case "wait":
		f.wait, f.only = true, true
	case "shed":
		f.wait = false
	}
}

// takeResponses lists the outputs that have none themselves.
func (e *emitter) takeResponses() []*outlet {
	return slices.DeleteFunc(slices.Clone(e.outputs), func(o *outlet) bool { return o.Responses() != nil })
}

// endAnswers passes on what came back so far, and takes no more.
func (e *emitter) endAnswers() {
	for _, f := range e.answerFlows {
		f.in.Close()
	}
	e.answering.Wait()
}

// run carries messages until every input has ended, and reports whether all
// ended well. An input's error is said when it happens and stops no other.
func (e *emitter) run() bool {
	var failed atomic.Bool
	var wg sync.WaitGroup
	for _, f := range e.answerFlows {
		e.answering.Go(func() { _ = e.carry(f) }) // it ends with io.EOF
	}
	if e.fromMiddleware != nil {
		e.returning.Go(func() {
			if err := e.carry(e.fromMiddleware); err != nil {
				e.logf("%v", err)
				close(e.broken)
			}
		})
	}
	for _, f := range e.flows {
		wg.Go(func() {
			if err := e.carry(f); err != nil {
				e.logf("%s: %v", f.in, err)
				failed.Store(true)
			}
		})
	}
	wg.Wait()
	return !failed.Load()
}

// halt makes every flow stop waiting for outputs. The inputs are closed by
// who opened them.
func (e *emitter) halt() {
	e.stopped.Do(func() { close(e.stop) })
}

// carry is one input's goroutine.
func (e *emitter) carry(f *flow) error {
	buf := make([]byte, readBuffer)
	var grown *buffers.Block // what buf is, when a message was larger
	defer func() { grown.Free() }()
	small := 0 // messages since one that readBuffer would not have held
	for {
		n, err := f.in.Read(buf)
		switch {
		case err == nil:
		case errors.Is(err, io.ErrShortBuffer):
			size := 2 * len(buf)
			if most := e.limit + maxHeaderLine; len(buf) < most {
				size = min(size, most)
			}
			grown.Free()
			grown = buffers.NewBlock(size)
			buf = grown.Bytes
			continue
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
		f.passed.Add(1)
		e.emit(f, buf[:n])
		// One large message must not cost its size for ever; but where they are
		// common, a new buffer for each would cost more.
		if small++; n > readBuffer {
			small = 0
		}
		if len(buf) > readBuffer && small >= keepGrown/len(buf) {
			grown.Free()
			grown, buf = nil, make([]byte, readBuffer)
		}
	}
}

// emit hands a message to the outlets that should have it: first to all that
// have room, then, if the input can wait, to the others.
func (e *emitter) emit(f *flow, msg []byte) {
	if f.split {
		out := e.outputs[e.route(f, msg)]
		if !out.offer(msg) {
			e.waitOrShed(f, out, msg)
		}
		return
	}
	e.large.Offer(msg)
	defer e.large.Withdraw(msg)
	f.pending = f.pending[:0]
	for _, out := range f.outlets {
		if !out.offer(msg) {
			f.pending = append(f.pending, out)
		}
	}
	for _, out := range f.pending {
		e.waitOrShed(f, out, msg)
	}
}

// route picks the output for a message when they share the traffic: in turn
// or by its connection, and for a response the one that had the request.
func (e *emitter) route(f *flow, msg []byte) int {
	if !payload.IsRequest(msg) {
		if i, ok := f.routed.Get(msg); ok {
			return int(i)
		}
	}
	var turn uint64
	if e.sessions {
		turn = maphash.Bytes(e.seed, payload.ConnPart(payload.ID(msg)))
	} else {
		turn = e.turn.Add(1) - 1
	}
	i := int(turn % uint64(len(e.outputs)))
	f.routed.Put(msg, uint16(i))
	return i
}
