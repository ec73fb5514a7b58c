package oracle

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// streamReach is how far from what was seen of a direction a segment may
	// lie and still belong to it: above every receive window in use (Linux
	// grows to 6 MB), and far below what a random number hits.
	streamReach = 16 << 20
	// lateFill is how much later than the bytes behind it a byte may come and
	// count as reordered. A capture may have gone on without what is later.
	lateFill = 40 * time.Millisecond
)

// A Direction is what one end of a connection sent to the other.
type Direction struct {
	Src, Dst netip.AddrPort
	Streams  []*Stream
}

// A Stream is the bytes of one direction from one SYN, or from where the
// capture came upon it. Offsets count from its first packet that was seen,
// and are negative for what came later and lies before it.
type Stream struct {
	Begun    bool  // its SYN, or the answer to it, was seen: First is exact
	First    int64 // of the first byte
	Answered bool  // only the answer to its SYN was seen
	Joined   bool  // what was seen of it first was not its SYN
	Stray    bool  // it began without a SYN beside another one
	Late     bool  // bytes came more than lateFill after those behind them
	Reset    bool  // a RST came exactly at the next byte, or what it tells is not certain

	Cut    bool   // the other end's RST came where it is valid: its connection may have ended before a hole closed
	base   uint32 // sequence number of offset 0
	high   int64  // behind the highest byte seen
	fin    int64  // behind the last byte, valid iff ended
	ended  bool
	origin int64      // of the first packet that was seen with data
	cut    [][2]int64 // bytes that the capture has not kept
	resets []int64    // where RSTs lay, ahead of what was there
	next   int64      // behind the bytes that are there without a hole
	pieces []piece
	runs   []run          // of pieces, joined; made by join
	begins map[int64]bool // where segments begin, repeated ones too
	solo   int64          // behind the first packet that was seen
}

type piece struct {
	at   int64
	data []byte
	edge bool // it is the begin of a segment
	time int64
}

func (p *piece) end() int64 { return p.at + int64(len(p.data)) }

// A run is bytes without a hole, as many as there are.
type run struct {
	at   int64
	data []byte
	edge []bool // for each byte, whether a segment brought it as its first
}

func (r *run) end() int64 { return r.at + int64(len(r.data)) }

// A Trace is all that was captured.
type Trace struct {
	Directions []*Direction
	packets    []Packet
}

// Follow sorts packets, which stay the caller's and must not change, into
// streams.
func Follow(packets []Packet) *Trace {
	t := &Trace{packets: packets}
	by := map[[2]netip.AddrPort]*Direction{}
	of := func(src, dst netip.AddrPort) *Direction {
		k := [2]netip.AddrPort{src, dst}
		if by[k] == nil {
			by[k] = &Direction{Src: src, Dst: dst}
			t.Directions = append(t.Directions, by[k])
		}
		return by[k]
	}
	for i := range packets {
		p := &packets[i]
		if p.Flags&(SYN|ACK) == SYN|ACK && p.Flags&RST == 0 {
			if of(p.Src, p.Dst).mayBegin(p.Seq + 1) {
				of(p.Dst, p.Src).begin(p.Ack, true)
			}
		}
		of(p.Src, p.Dst).take(p)
	}
	for _, d := range t.Directions {
		for _, s := range d.Streams {
			s.join()
		}
	}
	t.spread()
	return t
}

// at returns the offset of a sequence number, the one that lies nearest to
// what was seen last.
func (s *Stream) at(seq uint32) int64 {
	return s.high + int64(int32(seq-s.base-uint32(s.high)))
}

// find returns the newest stream that seq may belong to.
func (d *Direction) find(seq uint32) *Stream {
	for _, s := range slices.Backward(d.Streams) {
		at := s.at(seq)
		low := s.First - streamReach
		if s.Begun && !s.Joined {
			low = s.First - 1 // of a keep-alive probe
		}
		if at >= low && at <= s.high+streamReach {
			return s
		}
	}
	return nil
}

func (d *Direction) add(first uint32, begun bool) *Stream {
	s := &Stream{base: first, Begun: begun, Stray: !begun && len(d.Streams) > 0, begins: map[int64]bool{}}
	d.Streams = append(d.Streams, s)
	return s
}

// mayBegin reports whether a stream may begin with a sequence number: nothing
// near it was seen, or it begins there.
func (d *Direction) mayBegin(first uint32) bool {
	s := d.find(first)
	return s == nil || s.at(first) == s.First
}

// begin notes that a handshake named the sequence number of the first byte. A
// SYN near a stream that goes on is a stranger's or a late one.
func (d *Direction) begin(first uint32, answer bool) {
	for _, s := range slices.Backward(d.Streams) {
		at := s.at(first)
		switch {
		case at < s.First-streamReach || at > s.high+streamReach || s.ended && at >= s.fin:
			continue
		case s.Begun && at == s.First:
			s.Answered = s.Answered && answer
		case !s.Begun && at <= s.First:
			s.First, s.Begun, s.Answered = at, true, answer
			s.Joined = s.solo > 0
			s.next = max(s.next, at)
		}
		return
	}
	d.add(first, true).Answered = answer
}

func (d *Direction) take(p *Packet) {
	seq := p.Seq
	if p.Flags&SYN != 0 && p.Flags&RST == 0 {
		seq++
		d.begin(seq, false)
	}
	if p.Flags&RST != 0 {
		for _, s := range d.Streams {
			s.resets = append(s.resets, s.at(seq))
			s.reach()
		}
		return
	}
	if len(p.Payload)+p.Missing == 0 && p.Flags&FIN == 0 {
		return
	}
	s := d.find(seq)
	if s == nil {
		s = d.add(seq, false)
		s.solo, s.Joined = int64(len(p.Payload)+p.Missing), true
	}
	at := s.at(seq)
	if len(s.begins) == 0 && s.Begun && at < s.First && len(p.Payload)+p.Missing > 1 {
		// What was sent first lies before what the SYN named: that was another
		// connection's, or a stranger's.
		s.First, s.Begun, s.Answered, s.Joined = at, false, false, true
	}
	if len(s.begins) == 0 {
		s.origin = at
	}
	s.begins[at] = true
	if !s.Begun || s.Joined {
		s.First = min(s.First, at)
	}
	// A FIN before what came in sequence already is none of the receiver's.
	if end := at + int64(len(p.Payload)+p.Missing); p.Flags&FIN != 0 && !s.ended && end >= s.next {
		s.ended, s.fin = true, end
		s.reach()
	}
	s.put(at, p)
}

// put adds the bytes of p that are new.
func (s *Stream) put(at int64, p *Packet) {
	b, begin := p.Payload, at
	s.high = max(s.high, at+int64(len(b)+p.Missing))
	i := s.behind(at)
	var fresh []piece
	for _, q := range s.pieces[i:] {
		if q.at >= at+int64(len(b)) {
			break
		}
		if n := q.at - at; n > 0 {
			fresh = append(fresh, piece{at, b[:n], at == begin, p.Time})
		}
		b = b[min(q.end()-at, int64(len(b))):]
		at = q.end()
	}
	if len(b) > 0 {
		fresh = append(fresh, piece{at, b, at == begin, p.Time})
	}
	for j := len(s.pieces) - 1; len(fresh) > 0 && j >= i && s.pieces[j].at > fresh[0].at; j-- {
		s.Late = s.Late || p.Time-s.pieces[j].time > int64(lateFill)
	}
	for _, q := range fresh {
		for _, c := range s.cut {
			s.Late = s.Late || q.at < c[1] && c[0] < q.end() // nobody waits for what was cut off
		}
	}
	if p.Missing > 0 {
		s.cut = append(s.cut, [2]int64{begin + int64(len(p.Payload)), begin + int64(len(p.Payload)+p.Missing)})
	}
	s.pieces = append(s.pieces, fresh...)
	slices.SortFunc(s.pieces[i:], func(a, b piece) int { return int(a.at - b.at) })
	for j := s.behind(s.next); j < len(s.pieces) && s.pieces[j].at <= s.next; j++ {
		s.next = s.pieces[j].end()
		s.reach()
	}
}

// reach notes that the next byte is where a RST was, which may have overtaken
// what came before it.
func (s *Stream) reach() {
	s.Reset = s.Reset || slices.Contains(s.resets, s.next) || s.ended && s.next == s.fin && slices.Contains(s.resets, s.fin+1)
}

// behind returns the first piece that ends behind an offset.
func (s *Stream) behind(at int64) int {
	i, _ := slices.BinarySearchFunc(s.pieces, at, func(q piece, at int64) int {
		if q.end() <= at {
			return -1
		}
		return 1
	})
	return i
}

// join makes runs of the pieces, up to the FIN.
func (s *Stream) join() {
	for _, p := range s.pieces {
		if s.ended && p.end() > s.fin {
			if p.at >= s.fin {
				continue
			}
			p.data = p.data[:s.fin-p.at]
		}
		if p.end() <= s.First {
			continue
		}
		if p.at < s.First {
			p.data, p.at, p.edge = p.data[s.First-p.at:], s.First, false
		}
		n := len(s.runs)
		if n == 0 || s.runs[n-1].end() != p.at {
			s.runs = append(s.runs, run{at: p.at})
			n++
		}
		r := &s.runs[n-1]
		r.data = append(r.data, p.data...)
		edge := make([]bool, len(p.data))
		edge[0] = p.edge
		r.edge = append(r.edge, edge...)
	}
}

// tail returns the bytes from an offset on, up to a hole or the end.
func (s *Stream) tail(at int64) []byte {
	for i := range s.runs {
		if r := &s.runs[i]; r.at <= at && at < r.end() {
			return r.data[at-r.at:]
		}
	}
	return nil
}

// cutIn reports whether a segment begins at an offset from from up to to.
func (s *Stream) cutIn(from, to int64) bool {
	for at := from; at <= to; at++ {
		if s.begins[at] {
			return true
		}
	}
	return false
}

// requestIn reports whether a segment begins with a request line at an offset
// from from up to, and not at, to.
func (s *Stream) requestIn(from, to int64) bool {
	for at := from; at < to; at++ {
		if s.begins[at] && registered(readHead(s.tail(at)).method) {
			return true
		}
	}
	return false
}

// end returns the offset behind the last byte that is there.
func (s *Stream) end() int64 {
	if len(s.runs) == 0 {
		return s.First
	}
	return s.runs[len(s.runs)-1].end()
}

// solid reports whether nothing is missing of the stream as far as it is known.
func (s *Stream) solid() bool {
	return len(s.runs) == 0 && s.high <= s.First || len(s.runs) == 1 && s.runs[0].at == s.First && s.end() == s.high
}

// has reports whether the bytes at an offset are b.
func (s *Stream) has(at int64, b []byte) bool {
	for i := range s.runs {
		r := &s.runs[i]
		if r.at <= at && at+int64(len(b)) <= r.end() {
			return string(r.data[at-r.at:at-r.at+int64(len(b))]) == string(b)
		}
	}
	return false
}
