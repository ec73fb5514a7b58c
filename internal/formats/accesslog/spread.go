package accesslog

import "time"

// A spread gives requests whose stamps are whole seconds times within their
// second, evenly, in the order of the log: the first of n at 0, the next at 1/n.
// So a second is held until the log has come to one two seconds later; servers
// log in the order of the answers, and some stamp the time of the request.
type spread struct {
	open   []*second // at most openSeconds, in no order
	ready  []*second // to be given, in this order
	free   []*second
	newest int64 // the newest second seen
	closed int64 // the newest one closed
	bytes  int
	late   uint64 // requests of a second that was over
}

// A second is what came in it.
type second struct {
	at    int64 // ns since 1970
	from  int64 // ns within the second from which on the rest is spread
	upto  int64
	data  []byte
	items []item
	next  int // the first that was not given
}

// An item is a request without its header line.
type item struct {
	from, to int
	conn     uint64
	ordinal  uint32
	before   int64 // ns by which the request came before the stamp
}

const (
	openSeconds = 3 // see spread

	// heldBytes bounds what is held: of requests of 300 bytes so many come at
	// 28,000 a second. Where more come, half of what is left of the second is
	// divided among those that are held, and so on.
	heldBytes = 8 << 20
)

// add takes a request with the stamp at, a whole second.
func (s *spread) add(at int64, req []byte, it item) {
	if at <= s.closed && s.find(at) == nil {
		s.late++
		// Its second is over: it goes where a sequence of low discrepancy has the
		// next place, which needs no number of those to come.
		const golden = 0.6180339887498949
		f := float64(s.late) * golden
		sec := s.take(at)
		sec.from = int64((f - float64(int64(f))) * float64(time.Second))
		sec.upto = sec.from
		sec.add(req, it)
		s.ready = append(s.ready, sec)
		s.bytes += len(req)
		return
	}
	if at > s.newest {
		s.newest = at
		s.close(at - (openSeconds-1)*int64(time.Second))
	}
	sec := s.find(at)
	if sec == nil {
		sec = s.take(at)
		s.open = append(s.open, sec)
	}
	sec.add(req, it)
	s.bytes += len(req)
	for s.bytes > heldBytes && len(s.ready) == 0 {
		s.part()
	}
}

func (s *spread) find(at int64) *second {
	for _, sec := range s.open {
		if sec.at == at {
			return sec
		}
	}
	return nil
}

func (s *spread) take(at int64) *second {
	sec := &second{}
	if n := len(s.free); n > 0 {
		sec, s.free = s.free[n-1], s.free[:n-1]
	}
	*sec = second{at: at, upto: int64(time.Second), data: sec.data[:0], items: sec.items[:0]}
	return sec
}

func (sec *second) add(req []byte, it item) {
	it.from = len(sec.data)
	sec.data = append(sec.data, req...)
	it.to = len(sec.data)
	sec.items = append(sec.items, it)
}

// close makes the seconds before limit ready, the earliest first.
func (s *spread) close(limit int64) {
	for {
		first := -1
		for i, sec := range s.open {
			if sec.at < limit && (first < 0 || sec.at < s.open[first].at) {
				first = i
			}
		}
		if first < 0 {
			return
		}
		sec := s.open[first]
		s.open = append(s.open[:first], s.open[first+1:]...)
		s.closed = max(s.closed, sec.at)
		if len(sec.items) > 0 {
			s.ready = append(s.ready, sec)
		} else {
			s.free = append(s.free, sec)
		}
	}
}

// part makes room: the earliest second is closed when there are others; else
// what is held of it is given the first half of what is left of it.
func (s *spread) part() {
	if len(s.open) > 1 {
		first := s.open[0].at
		for _, sec := range s.open {
			first = min(first, sec.at)
		}
		s.close(first + 1)
		return
	}
	sec := s.open[0]
	half := sec.from + (sec.upto-sec.from)/2
	rest := s.take(sec.at)
	rest.from = half
	sec.upto = half
	s.open[0] = rest
	s.ready = append(s.ready, sec)
}

// finish makes all that is held ready.
func (s *spread) finish() { s.close(1<<63 - 1) }

// next returns the next request that is ready, and its time. It is valid until
// the next call.
func (s *spread) next() (req []byte, at int64, it item, ok bool) {
	for len(s.ready) > 0 {
		sec := s.ready[0]
		if sec.next == len(sec.items) {
			s.ready = append(s.ready[:0], s.ready[1:]...)
			if len(s.free) < openSeconds && cap(sec.data) <= heldBytes {
				s.free = append(s.free, sec)
			}
			continue
		}
		it = sec.items[sec.next]
		width := sec.upto - sec.from
		at = sec.at + sec.from + int64(float64(width)*float64(sec.next)/float64(len(sec.items)))
		sec.next++
		s.bytes -= it.to - it.from
		return sec.data[it.from:it.to:it.to], at - it.before, it, true
	}
	return nil, 0, item{}, false
}
