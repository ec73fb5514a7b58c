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
	outputs     []*plugin.Outlet
	flows       []*flow
	answerFlows []*flow // what comes back from outputs, for the others
	answering   sync.WaitGroup

	// With a middleware all inputs and answers end in toMiddleware, and what comes back
	// from it goes on to the outputs.
	toMiddleware   *plugin.Outlet
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
	outlets []*plugin.Outlet
	split   bool           // each message goes to one of them
	waiting plugin.Waiting // for outputs that are full
	passed  atomic.Uint64  // messages that the input gave

	// routed remembers where recent requests went for the responses that follow
	// them. Nil when no response can come.
	routed  *recent.IDs
	pending []*plugin.Outlet // scratch of emit
}

func newEmitter(p *plugins, s *Settings, logf func(format string, args ...any)) *emitter {
	e := &emitter{split: s.SplitOutput && len(p.outputs) > 1, stop: make(chan struct{}), limit: s.MessageLimit, sessions: s.RecognizeSessions, seed: maphash.MakeSeed(), waits: s.OnFull == "wait", logf: logf}
	for _, out := range p.outputs {
		e.outputs = append(e.outputs, plugin.NewOutlet(out, linkPatience, logf))
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
	f := &flow{in: in, outlets: e.outputs, split: e.split, waiting: waitingOf(in, len(e.outputs) == 1, s)}
	if responses {
		f.routed = recent.New()
	}
	return f
}

// waitingOf is for how long an input waits for an output that is full. only says
// that there is no other one, which waiting could delay.
func waitingOf(in plugin.Input, only bool, s *Settings) plugin.Waiting {
	switch {
	case s.OnFull == "wait":
		return plugin.Always
	case s.OnFull == "shed" || in.Live():
		return plugin.Never
	case only:
		return plugin.Always
	}
	return plugin.WhileProgress
}

// takeResponses lists the outputs that have none themselves.
func (e *emitter) takeResponses() []*plugin.Outlet {
	return slices.DeleteFunc(slices.Clone(e.outputs), func(o *plugin.Outlet) bool { return o.Responses() != nil })
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
	r := plugin.NewReader(f.in, e.limit)
	defer r.Free()
	for {
		msg, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		f.passed.Add(1)
		e.emit(f, msg)
	}
}

// emit hands a message to the outlets that should have it: first to all that
// have room, then, if the input can wait, to the others.
func (e *emitter) emit(f *flow, msg []byte) {
	if f.split {
		out := e.outputs[e.route(f, msg)]
		if !out.Offer(msg) {
			out.WaitOrShed(msg, f.waiting, e.stop)
		}
		return
	}
	e.large.Offer(msg)
	defer e.large.Withdraw(msg)
	f.pending = f.pending[:0]
	for _, out := range f.outlets {
		if !out.Offer(msg) {
			f.pending = append(f.pending, out)
		}
	}
	for _, out := range f.pending {
		out.WaitOrShed(msg, f.waiting, e.stop)
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

// settle returns when what was written to the outputs so far is out of the
// process's hands. Of several outputs, one that hangs is waited for only so
// long: the link's senders would otherwise stop for all. A single one is waited
// for, so that the messages stay with their senders.
func (e *emitter) settle(cancel <-chan struct{}) error {
	if e.toMiddleware != nil {
		if err := e.toMiddleware.Settle(cancel); err != nil {
			return err
		}
	}
	for _, out := range e.outputs {
		settle := out.SettlePatiently
		if len(e.outputs) == 1 || e.waits {
			settle = out.Settle
		}
		if err := settle(cancel); err != nil {
			return err
		}
	}
	return nil
}
