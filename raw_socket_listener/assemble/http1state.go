package assemble

import "github.com/buger/gor/internal/http1"

// An http1State is what the framer keeps of a message.
type http1State struct {
	parser  http1.Parser
	ready   bool // the parser is set for the next message
	trial   mode // where the direction goes back to if what begins is not a message; modeUnseen when that is out of question
	blind   bool // the byte before the message was not seen
	atFirst bool // the message begins with the direction's first byte
	bare    bool // its head announces a body that may be left out, and nothing came behind it
}

// http1 is the state of h.
func (h *half) http1() *http1State { return h.state.(*http1State) }

func (m *http1State) held() int        { return m.parser.Held() }
func (m *http1State) remaining() int64 { return m.parser.Remaining() }

// over makes m ready for the next message, for which prepare sets the parser.
func (m *http1State) over() {
	m.ready, m.trial, m.blind, m.atFirst, m.bare = false, modeUnseen, false, false, false
}

func (m *http1State) reset() {
	if m.parser.Held() > smallChunk {
		m.parser.ResetRequest() // which keeps no more than a few KiB
	}
	m.over()
}

// end concludes the message under way in f, for why unless that is NotLost.
func (fr *http1Framer) end(c *conn, f *flow, h *half, m *http1State, why Loss, whole []byte) {
	head := m.parser.Head()
	e := ending{why: why, whole: whole, ambiguous: head != nil && head.Flags&http1.Ambiguous != 0}
	switch {
	case !m.parser.Done():
	case f.response:
		e.interim, e.opaque = head.Interim(), m.parser.Opaque()
	case h.request.connect:
		e.tunnel = modeConnected
	case h.request.upgrade:
		e.tunnel = modeUpgraded
	}
	fr.to.conclude(c, f, &h.partial, e)
	m.over()
}
