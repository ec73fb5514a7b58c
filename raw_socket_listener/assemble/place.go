package assemble

import "github.com/buger/gor/raw_socket_listener/packet"

// Which connection a segment belongs to: the one that is known between its
// ports, the next one, or none. A TCP receives packets of strangers, of earlier
// connections and of copies, and takes none of them for its own; neither does
// the assembler, and it never gives a connection up for a single packet that
// the other end may have refused (RFC 5961).

// Distances in sequence numbers.
const (
	// maxAhead is how far ahead of the expected byte a segment may lie. The
	// largest window is 1 GiB (RFC 7323 section 2.3: 65,535 << 14), and no
	// sender may have more under way. Beyond it the sign of a difference says
	// less and less, and at 2^31 nothing.
	maxAhead = 1 << 30
	// staleReach is how far back a late copy may lie: beyond it, the segment
	// belongs to another connection between the same ports whose SYN was not
	// seen. No receive window in use is larger.
	staleReach = 64 << 20
	// reuseReach is how far before the first data, or behind the end, a
	// segment may lie and still belong to the connection.
	reuseReach = 1 << 20
	// maxSegment is above the longest packet of any link: BIG TCP ends at
	// 512 KiB. A capture that says more lies.
	maxSegment = 1 << 20
)

// A fit says how a segment and a connection go together.
type fit uint8

const (
	fits      fit = iota
	fitsNext      // it belongs to the next connection between the same ports
	fitsBegun     // so it does, and the SYN of that was seen
	fitsNot       // it belongs to no connection that is known
)

// A mark is a position that something was seen at once, when it is set.
type mark struct {
	at  sequence
	set bool
}

// fit says whether s, of f, belongs to c. The flow's marks remember what would
// be another connection until a second segment agrees with it, or until data
// at the expected byte shows that the old one lives.
func (a *Assembler) fit(c *conn, f, other *flow, s *packet.Segment) fit {
	if s.Flags.Has(packet.FlagSYN) {
		return a.fitSYN(c, f, other, s)
	}
	if f.silent || s.Flags.Has(packet.FlagRST) {
		return fits
	}
	seq := sequence(s.Seq)
	if f.mode == modeUnseen {
		return a.fitUnseen(c, f, other, s)
	}
	if seq == f.next && !f.begun.set && !f.far.set {
		return fits
	}
	n := len(s.Payload) + s.Missing
	ahead := seq.minus(f.next)
	switch over := c.place == placeClosing; {
	case ahead == 0:
		if n > 0 && f.mode != modeEnded {
			f.begun, f.far = mark{}, mark{}
		}
		return fits
	case f.begun.set && f.follows(other, s):
		if f.untouched() {
			f.begin(f.begun.at, modeFraming) // the handshake was begun anew
			f.fin = f.fin && f.finAt.within(f.next, maxAhead)
			return fits
		}
		if n == 0 {
			return fitsNot // not before it carries something
		}
		return fitsBegun
	case n == 0 && (ahead > maxAhead || ahead < -staleReach):
		return fitsNot
	case n == 0:
		return fits
	case f.untouched() && (ahead < 0 || ahead > reuseReach) && !(f.agreed() && (ahead > maxAhead || ahead < -staleReach)):
		if a.isLate(c, f, s, seq.plus(n)) {
			a.stats.Retransmitted++ // of the connection before
			return fitsNot
		}
		if f.syn && ahead > 0 && ahead <= maxAhead {
			return fits
		}
		// Its beginning was taken from the other side, or from a SYN that a
		// connection which began before the capture has challenged.
		first := f.first
		a.join(c, f, seq)
		f.begun = mark{first, f.syn}
		f.syn = false
		f.fin = f.fin && f.finAt.within(seq, maxAhead)
		return fits
	case (ahead > maxEarlyBytes || ahead < -reuseReach) && a.isLate(c, f, s, seq.plus(n)):
		a.stats.Retransmitted++ // of the connection before
		return fitsNot
	case over && !f.response && (ahead > reuseReach || ahead < -staleReach):
		return fitsNext
	case f.mode == modeEnded && ahead > 0:
		// Behind the end, unless the end was none.
	case ahead >= 0 && ahead <= maxAhead:
		return fits
	case ahead < 0 && ahead >= -staleReach && !other.contradicts(s):
		return fits
	}
	if f.far.set && seq == f.far.at && !f.response && (a.traits.opaque || a.framer.recognises(s.Payload, f.response)) {
		return fitsNext // the client's second in sequence, and what it holds begins there
	}
	f.far = mark{seq.plus(n), true}
	a.stats.Far++
	return fitsNot
}

// fitUnseen is fit for a direction that nothing was seen of. What is known of the
// connection before is none of this one.
func (a *Assembler) fitUnseen(c *conn, f, other *flow, s *packet.Segment) fit {
	seq, n := sequence(s.Seq), len(s.Payload)+s.Missing
	if c.ignored || n == 0 {
		return fits
	}
	switch end, late := a.late(&c.key, s, !f.response); {
	case !late, other.answeredBy(s):
	case end.before(seq.plus(n)):
		a.join(c, f, end)
		f.syn = true
	default:
		a.stats.Retransmitted++
		return fitsNot
	}
	return fits
}

// fitSYN is fit for a SYN. On a connection that lives it is challenged (RFC 5961
// section 4): it begins a new one only when something follows it.
func (a *Assembler) fitSYN(c *conn, f, other *flow, s *packet.Segment) fit {
	over := c.place == placeClosing || f.mode == modeEnded || other.mode == modeEnded
	if s.Flags.Has(packet.FlagACK) && other.mode != modeUnseen && !sequence(s.Ack).within(other.first, reuseReach) {
		other.begun = mark{sequence(s.Ack), true}
		a.stats.Refused++
		return fitsNot
	}
	if f.mode == modeUnseen {
		return fits
	}
	first := sequence(s.Seq) + 1
	if f.first == first || !f.syn && f.first.within(first, reuseReach) {
		return fits
	}
	if over && !s.Flags.Has(packet.FlagACK) {
		return fitsNext // a server's answer alone begins nothing
	}
	f.begun = mark{first, true}
	a.stats.Refused++
	return fitsNot
}

// follows reports whether s belongs to the connection whose SYN was seen beside
// this one. A SYN amid what this one carries may be forged, and what lies behind
// it is rather of this one, unless its acknowledgement says that it is not.
func (f *flow) follows(other *flow, s *packet.Segment) bool {
	seq := sequence(s.Seq)
	if n := f.begun.at.minus(f.next); !f.untouched() && n < maxEarlyBytes && n > -maxEarlyBytes {
		return seq == f.begun.at && (!other.answered || other.contradicts(s) || other.begunBy(s))
	}
	return seq.within(f.begun.at, reuseReach)
}

// begunBy reports whether s acknowledges just the SYN that was seen beside f: its
// sender has heard of the next connection.
func (f *flow) begunBy(s *packet.Segment) bool {
	return f.begun.set && s.Flags.Has(packet.FlagACK) && sequence(s.Ack) == f.begun.at
}

// follow takes the position that the receiver of f acknowledges for that of f's
// handshake, of two that differ.
func (a *Assembler) follow(f *flow, ack sequence) {
	switch {
	case !f.untouched():
	case ack == f.first:
		f.begun = mark{}
	case ack.within(f.begun.at, reuseReach):
		f.begin(f.begun.at, modeFraming)
	}
}

// agreed reports whether both ends have named the first byte of f.
func (f *flow) agreed() bool { return f.syn && f.answered && f.acked == f.first }

// untouched reports whether no byte of f came, but its handshake and perhaps its
// FIN.
func (f *flow) untouched() bool {
	return f.fresh && f.next == f.first && (f.h == nil || !f.h.open && !f.h.prelude && f.h.store.empty())
}

// answeredBy reports whether the acknowledgement of s, of the other direction, is
// for bytes of f: s is then no copy from the connection before, whose numbers
// were others.
func (f *flow) answeredBy(s *packet.Segment) bool {
	if !s.Flags.Has(packet.FlagACK) || f.mode == modeUnseen || f.silent {
		return false
	}
	carried, behind := f.next.minus(f.first), f.next.minus(sequence(s.Ack))
	return behind >= -1 && behind <= maxEarlyBytes && (carried < 0 || behind < carried) // one more for a FIN
}

// contradicts reports whether the acknowledgement of s, of the other direction,
// lies far from what f carried: s is then no late copy.
func (f *flow) contradicts(s *packet.Segment) bool {
	if !s.Flags.Has(packet.FlagACK) || !f.answered {
		return false
	}
	n := sequence(s.Ack).minus(f.acked)
	return n > staleReach || n < -staleReach
}

// reset ends the connection if the other end takes the RST (RFC 5961 section
// 3.2): exactly at the next byte, with a right checksum. One that lies ahead waits
// until what is before it has come or is given up.
func (a *Assembler) reset(c *conn, f, other *flow, s *packet.Segment) {
	if c.place == placeClosing {
		return
	}
	seq := sequence(s.Seq)
	switch {
	case s.BadSum:
	case f.mode == modeUnseen && other.mode == modeUnseen,
		f.mode == modeUnseen && !f.answered && s.Flags.Has(packet.FlagACK) && sequence(s.Ack) == other.next,
		f.mode != modeUnseen && seq == f.next,
		f.answered && seq == f.acked && (f.mode == modeUnseen || f.next.before(seq)):
		a.cut(c)
		return
	case f.mode != modeUnseen && seq.within(f.next, maxAhead):
		f.rst = mark{seq, true}
	}
	a.stats.Refused++
}

// cut notes that a RST ended c. What is under way in it is given up when it is
// forgotten and nothing more has come: until then, bytes in sequence show that the
// other end did not take the RST, or that it never got there.
func (a *Assembler) cut(c *conn) {
	c.cut = true
	a.move(c, placeClosing)
}

// revives reports whether s goes on in f where a RST had ended the connection.
func (f *flow) revives(s *packet.Segment) bool {
	if f.mode == modeEnded || f.silent {
		return false
	}
	seq := sequence(s.Seq)
	return !f.next.before(seq) && f.next.before(seq.plus(len(s.Payload)+s.Missing))
}
