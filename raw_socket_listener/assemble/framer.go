package assemble

import "github.com/buger/gor/internal/http1"

// A framer finds the messages in the bytes of a direction: it is what an
// assembler knows of a protocol. Streams, stores, the table of connections and
// pairing know none, so that another protocol is another framer.
//
// What it finds it says to a messageSink, which is all that it reaches of the
// assembler. What it keeps between two calls is in the flow, in the half while a
// message is under way, and in its own state there.
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

	// enter begins f in its middle, at seq. For quiet, in ns, nothing can have come
	// on the connection without its being known.
	enter(c *conn, f *flow, seq sequence, quiet int64)

	// frame takes b, the bytes of f that come next in order, and moves f.next
	// beyond what it took. b is the caller's: what a message needs of it is copied
	// before frame returns. It takes all of b: when a message needs more, that is
	// asked for by returning nil. The exception are bytes that have to wait until
	// the other direction has gone on, as responses do for their requests: they are
	// returned, a part at the end of b, with f.waitsForPeer set. start says whether
	// what comes next begins a segment.
	frame(c *conn, f *flow, b []byte, from arrival) (rest []byte, start bool)

	// missed passes n bytes that will not come, and before which f.next stood. now
	// is packet time, in ns since 1970.
	missed(c *conn, f *flow, n int, now int64)

	// heard takes an acknowledgement without data, sent at seq.
	heard(c *conn, f *flow, seq, ack sequence, acked bool)

	// quiet ends the message under way in f when nothing more of it has come for
	// Config.Expire, where traits.endsInQuiet.
	quiet(c *conn, f *flow)

	// ended ends the message under way in h with its direction: by a FIN when why
	// is NotLost, which may be what completes it.
	ended(c *conn, f *flow, h *half, why Loss)

	// answerable reports whether the response that waits for its peer can be taken.
	answerable(c *conn) bool
}

// A messageSink takes what a framer finds. It is the assembler, as far as framers
// know it. A message is a partial from start to conclude or takeBack: that of its
// direction's half, or one of several in the framer's state where messages of one
// direction can be under way at the same time.
//
// Arrivals and endings are given by value, as in framer.
type messageSink interface {
	// halfOf returns the half of f, which it makes when there is none. It is f.h
	// until the call of the framer returns.
	halfOf(c *conn, f *flow) *half

	// start says that m begins with from, in f. A request gets its ordinal.
	start(c *conn, f *flow, m *partial, from arrival)

	// matchRequest finds the request that the response m, at f.next, answers, where
	// responses come in the order of their requests. It reports false when the
	// request may yet come, and m has to wait for it. Where the protocol names the
	// request otherwise, the framer sets m.request, and does not call it.
	matchRequest(c *conn, f *flow, m *partial) bool

	// add copies b, the next bytes of m. drop forgets all that was added.
	add(m *partial, b []byte)
	drop(m *partial)

	// lose says that m will not be given; its end is still looked for. miss says
	// that bytes of it are missing, for which it is lost unless Config.AllowIncomplete.
	lose(m *partial, why Loss)
	miss(m *partial, why Loss)

	// conclude ends m: it is given or counted as lost, and may begin anew.
	conclude(c *conn, f *flow, m *partial, e ending)

	// takeBack says that m, the last to begin in f, was no message: what was added
	// is counted as skipped.
	takeBack(c *conn, f *flow, m *partial)

	// loseUnseen counts a lost message that never began. skipped counts bytes
	// that belong to no message, and the request lines that they held.
	loseUnseen(why Loss)
	skipped(bytes, starts int)

	// foreign says that c carries another protocol: it is ignored from then on, and
	// both of its halves are gone.
	foreign(c *conn, protocol http1.Preface)

	// updateLists says that what f waits for or holds has changed, of a direction
	// other than that which the framer was called for.
	updateLists(c *conn, f *flow)
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

// newFramer is the framer of what cfg says, for the messages that to takes.
func newFramer(to messageSink, cfg Config) framer {
	if cfg.Binary {
		return &turnsFramer{to: to, expire: int64(cfg.Expire), maxMessage: cfg.MaxMessage}
	}
	return &http1Framer{to: to, maxMessage: cfg.MaxMessage, allowIncomplete: cfg.AllowIncomplete}
}
