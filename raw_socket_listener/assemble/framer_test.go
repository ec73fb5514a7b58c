package assemble

import (
	"strings"
	"testing"
)

var (
	_ framer      = (*http1Framer)(nil)
	_ framer      = (*turnsFramer)(nil)
	_ framer      = (*lengthFramer)(nil)
	_ messageSink = (*Assembler)(nil)
)

// lengthFramer is a protocol that exists for this test alone: a byte says how
// many follow. Streams, stores and pairing serve it as they are.
type lengthFramer struct{ to messageSink }

// lengthState is whether the request is known that a response answers.
type lengthState struct {
	noState
	matched bool
}

func (l *lengthState) reset() { l.matched = false }

func (fr *lengthFramer) traits() traits { return traits{} }

func (fr *lengthFramer) newState() state { return &lengthState{} }

func (fr *lengthFramer) end(c *conn, f *flow, h *half, why Loss) {
	fr.to.conclude(c, f, &h.partial, ending{why: why})
	h.state.reset()
}

func (fr *lengthFramer) recognises([]byte, bool) bool { return true }

func (fr *lengthFramer) enter(_ *conn, f *flow, seq sequence, _ int64) { f.begin(seq, modeFraming) }

func (fr *lengthFramer) frame(c *conn, f *flow, b []byte, from arrival) (rest []byte, start bool) {
	for len(b) > 0 {
		if f.mode != modeFraming {
			fr.to.skipped(len(b), 0)
			f.next = f.next.plus(len(b))
			return nil, false
		}
		h := fr.to.halfOf(c, f)
		if l := h.state.(*lengthState); f.response && !l.matched && !fr.to.matchRequest(c, f, &h.partial) {
			f.waitsForPeer = true
			return b, from.start
		}
		h.state.(*lengthState).matched = true
		if !h.open {
			fr.to.start(c, f, &h.partial, from)
		}
		size := 1
		if h.buf.size > 0 {
			size += int(h.buf.prefix()[0])
		}
		n := min(len(b), size-h.buf.size)
		fr.to.add(&h.partial, b[:n])
		f.next, f.fresh = f.next.plus(n), false
		if b = b[n:]; h.buf.size == 1+int(h.buf.prefix()[0]) {
			fr.end(c, f, h, NotLost)
		}
	}
	return nil, false
}

func (fr *lengthFramer) missed(c *conn, f *flow, _ int, _ int64) {
	if h := f.h; h != nil && h.open {
		fr.end(c, f, h, LostGap)
	}
	f.mode = modeResync
}

func (fr *lengthFramer) heard(*conn, *flow, sequence, sequence, bool) {}

func (fr *lengthFramer) quiet(*conn, *flow) {}

func (fr *lengthFramer) ended(c *conn, f *flow, h *half, why Loss) {
	if why == NotLost {
		why = LostClosed
	}
	fr.end(c, f, h, why)
}

func (fr *lengthFramer) answerable(c *conn) bool { return c.pending.len() > 0 }

// A protocol is a framer: messages in pieces, out of order, pipelined and
// answered, and lost in a hole, with nothing else told of it.
func TestFramerOfAnotherProtocol(t *testing.T) {
	const ask, more, answer = "\x03abc", "\x05defgh", "\x02ok"
	for _, tt := range []struct {
		name string
		segs []seg
		want string
		lost map[Loss]uint64
	}{
		{name: "whole", segs: []seg{c(0, ask), c(4, more)}, want: ask + " " + more},
		{name: "pipelined", segs: []seg{c(0, ask+more)}, want: ask + " " + more},
		{name: "in pieces", segs: []seg{c(0, ask[:2]), c(2, ask[2:]+more[:1]), c(5, more[1:])}, want: ask + " " + more},
		{name: "out of order", segs: []seg{c(6, more[2:]), c(4, more[:2]), c(0, ask)}, want: ask + " " + more},
		{name: "answered", segs: []seg{c(0, ask), {from: 's', data: answer, ack: 4}}, want: ask + " <" + answer},
		{name: "answered before the request came", segs: []seg{{from: 's', data: answer, ack: 4}, c(0, ask)}, want: ask + " <" + answer},
		{name: "a hole", segs: []seg{c(0, ask+more[:2]), c(8, "h")}, want: ask, lost: map[Loss]uint64{LostGap: 1}},
		{name: "cut by the end", segs: []seg{c(0, ask+more[:2])}, want: ask, lost: map[Loss]uint64{LostIncomplete: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Config{TrackResponse: true})
			r.a.framer = &lengthFramer{r.a}
			for _, g := range joined(handshake, tt.segs) {
				r.send(g)
			}
			if tt.lost[LostGap] > 0 {
				r.a.Tick(rigEpoch + 2*int64(backoffTime))
			}
			var got []string
			for _, m := range r.messages() {
				if m.Response {
					got = append(got, "<"+string(m.Data))
				} else {
					got = append(got, string(m.Data))
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
			var want [LossKinds]uint64
			for k, n := range tt.lost {
				want[k] = n
			}
			if r.a.stats.Lost != want {
				t.Errorf("lost %s, want %s", losses(r.a.stats.Lost), losses(want))
			}
		})
	}
}
