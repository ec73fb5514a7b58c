package assemble

// A framer finds the messages in the bytes of a direction: it is what an
// assembler knows of a protocol. Streams, stores, the table of connections and
// pairing know none, so that another protocol is another framer.
//
// What it finds it says to its assembler: that a message begins (start), what of it
// is missing (miss, lose), that it ends (conclude with an ending), and that the rest
// of the connection is opaque (ignore). What it keeps between two calls is in the
// flow, in the half while a message is under way, and in its own state there.
//
// Arrivals and acknowledgements are given by value, so that none is moved to the
// heap for the call through the interface.
type framer interface {
	// traits are asked for once, and newState for each half.
	traits() traits
	newState() state

	// recognises reports whether b, which begins a segment, may begin a message: a
	// response, or a request. An opaque framer recognises none.
	recognises(b []byte, response bool) bool

	// enter begins f in its middle, at seq.
	enter(c *conn, f *flow, seq sequence)

	// frame takes b, the bytes of f that come next in order, and moves f.next
	// beyond what it took. b is the caller's: what a message needs of it is copied
	// before frame returns. It takes all of b: when a message needs more, that is
	// asked for by returning nil. The exception are bytes that have to wait until
	// the other direction has gone on, as responses do for their requests: they are
	// returned, a part at the end of b, with f.waitsForPeer set. start says whether
	// what comes next begins a segment.
	frame(c *conn, f *flow, b []byte, from arrival) (rest []byte, start bool)

	// missed passes n bytes that will not come, and before which f.next stood.
	missed(c *conn, f *flow, n int)

	// heard takes an acknowledgement without data, sent at seq.
	heard(c *conn, f *flow, seq, ack sequence, acked bool)

	// quiet ends the message under way in f, of which nothing more has come for
	// Config.Expire, where traits.endsInQuiet.
	quiet(c *conn, f *flow)

	// ended ends the message under way in h with its direction: by a FIN when why
	// is NotLost, which may be what completes it.
	ended(c *conn, f *flow, h *half, why Loss)

	// answerable reports whether the response that waits for its peer can be taken.
	answerable(c *conn) bool
}

// traits are what an assembler has to know of a protocol beforehand.
type traits struct {
	opaque      bool // messages cannot be told from their bytes
	endsInQuiet bool // a message under way ends when nothing more of it comes for Config.Expire
}

// A state is what a framer keeps of a message while it is under way, and between
// two messages what it can use for the next.
type state interface {
	held() int        // bytes of memory
	remaining() int64 // bytes of the message that are certain to come
	reset()           // forgets the message: the next one is another connection's
}

// noState is the state of a framer that keeps all it knows in its half.
type noState struct{}

func (noState) held() int        { return 0 }
func (noState) remaining() int64 { return 0 }
func (noState) reset()           {}

// newFramer is the framer of what a configures.
func newFramer(a *Assembler) framer {
	if a.cfg.Binary {
		return turnsFramer{a}
	}
	return http1Framer{a}
}
