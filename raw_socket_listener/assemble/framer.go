package assemble

// A framer finds the messages in the bytes of a direction: it is what an
// assembler knows of a protocol. Streams, stores, the table of connections and
// pairing know none, so that another protocol is another framer.
//
// What it finds it says to its assembler: that a message begins (start, or
// beginTurn), that it is complete or lost for a reason (conclude, or endTurn), that
// bytes belong to no message that can be had (pass), and that the rest of the
// connection is opaque (ignore). State between two calls is in the flow and, while
// a message is under way, in its half.
//
// Arrivals and acknowledgements are given by value, so that none is moved to the
// heap for the call through the interface.
type framer interface {
	// opaque reports that messages cannot be told from their bytes.
	opaque() bool

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

	// endsInQuiet reports whether a message that is under way ends when nothing more
	// of it comes for Config.Expire; quiet ends it.
	endsInQuiet() bool
	quiet(c *conn, f *flow)

	// ended ends the message under way in h with its direction: by a FIN when why
	// is NotLost, which may be what completes it.
	ended(c *conn, f *flow, h *half, why Loss)

	// answerable reports whether the response that waits for its peer can be taken.
	answerable(c *conn) bool
}

// newFramer is the framer of what a configures.
func newFramer(a *Assembler) framer {
	if a.cfg.Binary {
		return turnsFramer{a}
	}
	return http1Framer{a}
}
