package assemble

// A sequence is a position in one direction of a TCP connection (RFC 9293
// section 3.4). It wraps at 2^32, so positions are compared by the sign of
// their difference, never with < or >. That means something only for positions
// less than 2^31 apart: whoever takes a position from a packet compares its
// distance with a bound first.
type sequence uint32

// minus returns how many bytes s lies behind t in the stream, negative when it
// lies before it. At a distance of 2^31 it is negative both ways.
func (s sequence) minus(t sequence) int { return int(int32(s - t)) }

// before reports whether s comes earlier in the stream than t.
func (s sequence) before(t sequence) bool { return int32(s-t) < 0 }

// within reports whether s is t or lies at most n bytes behind it.
func (s sequence) within(t sequence, n int) bool { return uint32(s-t) <= uint32(n) }

// plus returns the position n bytes behind s.
func (s sequence) plus(n int) sequence { return s + sequence(uint32(n)) }
