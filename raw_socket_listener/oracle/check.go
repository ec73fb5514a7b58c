package oracle

import (
	"bytes"
	"fmt"
	"net/netip"
)

// A Message is one that the capture gave.
type Message struct {
	Response bool
	Src, Dst netip.AddrPort // who sent it to whom
	Data     []byte
}

// An Account is what a capture says of a trace.
type Account struct {
	Messages []Message // in the order of each direction of each connection
	Lost     uint64    // messages, for whatever named reason
	Skipped  uint64    // request starts that were seen to go by
	Visible  bool      // the capture sees responses; they are in Lost then
	Ports    []uint16  // of servers; without any, the packets tell
}

// A Finding is where a capture and the oracle disagree.
type Finding struct {
	Kind string // one of the constants
	What string
}

// The kinds of findings.
const (
	Invented = "given, but nobody sent it"
	Deaf     = "neither given nor counted"
	Missed   = "whole, in a whole stream, and not given"
	Dull     = "whole, and not given, more than one for each place where the order was lost"
	Overdone = "more lost than there is to lose"
)

func (f Finding) String() string { return f.Kind + ": " + f.What }

// A Report is what came of a check.
type Report struct {
	Strict   int // strict starts
	Given    int // of these: given
	Requests int // requests given
	Findings []Finding
}

func (r *Report) found(kind, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{kind, fmt.Sprintf(format, args...)})
}

// Check holds an account against the trace.
func (t *Trace) Check(a Account) (r Report) {
	requests, responses := map[[2]netip.AddrPort][][]byte{}, map[[2]netip.AddrPort][][]byte{}
	for _, m := range a.Messages {
		to := requests
		if m.Response {
			to = responses
		} else {
			r.Requests++
		}
		k := [2]netip.AddrPort{m.Src, m.Dst}
		to[k] = append(to[k], m.Data)
	}
	var missing []string
	unfinished, unsure := 0, false
	for _, d := range t.Directions {
		k := [2]netip.AddrPort{d.Src, d.Dst}
		for _, b := range responses[k] {
			if !d.has(b) {
				r.found(Invented, "a response %v to %v: %.80q", d.Src, d.Dst, b)
			}
		}
		if !t.asks(d, a.Ports) {
			continue
		}
		given := requests[k]
		delete(requests, k)
		marks := make([]int, len(d.Streams)) // the first lenient start that is free
		var all [][]Start
		var lenient [][]Start
		taken := make([]map[int64]bool, len(d.Streams))
		losses, sounds := make([]int, len(d.Streams)), make([]bool, len(d.Streams))
		for i, s := range d.Streams {
			c := scanner{s: s, visible: a.Visible, answer: func(at int64) int { return t.answer(d, s, at) }}
			c.run()
			all, lenient = append(all, c.starts), append(lenient, s.lenient(c.starts))
			taken[i], losses[i], sounds[i] = map[int64]bool{}, c.losses, c.sound
			unsure = unsure || !c.sound || c.losses > 0 || c.openEnd || !s.solid() || !t.seenAll(d, s)
		}
		within := make([][][2]int64, len(d.Streams)) // what was given, from its second byte on
		for _, b := range given {
			if !place(d.Streams, lenient, marks, taken, within, b) {
				r.found(Invented, "%v to %v: %.80q (%d bytes)", d.Src, d.Dst, b, len(b))
			}
		}
		for i, s := range d.Streams {
			var idle []string
			for _, st := range all[i] {
				if covered(within[i], st.Offset) {
					continue // it is content of what was given
				}
				r.Strict++
				if !st.Whole {
					unfinished++
				}
				if taken[i][st.Offset] {
					r.Given++
					continue
				}
				if !st.Sure && st.Found && s.readAs(st.Offset, taken[i]) {
					// "POST ", then "GET / HTTP/1.1" in the next segment: one
					// request line, which a lone word stands before or which has
					// a space in its target. The request that ends with it was
					// given, and there is no second one.
					r.Given++
					continue
				}
				line := fmt.Sprintf("%v to %v, stream %d, offset %d: %.60q", d.Src, d.Dst, i, st.Offset-s.First, s.tail(st.Offset))
				missing = append(missing, line)
				switch {
				case st.Whole && st.Sure:
					r.found(Missed, "%s", line)
				case s.cutIn(st.Offset+1, st.Offset+int64(len(readHead(s.tail(st.Offset)).method))):
					// Where the order was lost, a method in pieces is as likely
					// content: it has to be counted, no more.
				case st.Whole && !s.Late && !s.Reset && !s.Cut && !s.Stray && (sounds[i] || st.Offset >= s.origin):
					idle = append(idle, line)
				}
			}
			if len(idle) > losses[i]+1 {
				r.found(Dull, "%d requests, %d such places: %.400q", len(idle), losses[i]+1, idle)
			}
		}
	}
	for k, given := range requests {
		for _, b := range given {
			r.found(Invented, "%v to %v, which carry no requests: %.80q", k[0], k[1], b)
		}
	}
	if uint64(len(missing)) > a.Lost+a.Skipped {
		r.found(Deaf, "%d strict starts of %d were not given, %d are counted as lost and %d as skipped: %.400q", len(missing), r.Strict, a.Lost, a.Skipped, missing)
	}
	if !unsure && !a.Visible && len(a.Ports) > 0 && a.Lost > uint64(unfinished) {
		r.found(Overdone, "%d lost where %d of %d requests are not whole", a.Lost, unfinished, r.Strict)
	}
	return r
}

// readAs reports whether the request line at an offset has a request that was
// taken begin in its target. One that begins in its method does not count: LOCK
// is none of the readings of UNLOCK.
func (s *Stream) readAs(at int64, taken map[int64]bool) bool {
	h := readHead(s.tail(at))
	for i := at + int64(len(h.method)) + 1; i < at+int64(h.line); i++ {
		if taken[i] {
			return true
		}
	}
	return false
}

// covered reports whether an offset lies in one of the ranges.
func covered(ranges [][2]int64, at int64) bool {
	for _, r := range ranges {
		if r[0] <= at && at < r[1] {
			return true
		}
	}
	return false
}

// place finds the next lenient start at which b lies, and takes it.
func place(streams []*Stream, lenient [][]Start, marks []int, taken []map[int64]bool, within [][][2]int64, b []byte) bool {
	for i, s := range streams {
		for j := marks[i]; j < len(lenient[i]); j++ {
			st := lenient[i][j]
			fits := false
			for _, end := range st.Ends {
				fits = fits || end-st.Offset == int64(len(b))
			}
			if !fits || !s.has(st.Offset, b) {
				continue
			}
			taken[i][st.Offset] = true
			end := st.Offset + int64(len(b))
			within[i] = append(within[i], [2]int64{st.Offset + 1, end})
			for marks[i] = j + 1; marks[i] < len(lenient[i]) && lenient[i][marks[i]].Offset < end; marks[i]++ {
			}
			return true
		}
	}
	return false
}

func (d *Direction) has(b []byte) bool {
	for _, s := range d.Streams {
		for i := range s.runs {
			if bytes.Contains(s.runs[i].data, b) {
				return true
			}
		}
	}
	return false
}

// asks reports whether the client of the connection sent d.
func (t *Trace) asks(d *Direction, ports []uint16) bool {
	if len(ports) > 0 {
		for _, p := range ports {
			if d.Dst.Port() == p {
				return true
			}
		}
		return false
	}
	for i := range t.packets {
		p := &t.packets[i]
		mine, other := p.Src == d.Src && p.Dst == d.Dst, p.Src == d.Dst && p.Dst == d.Src
		if !mine && !other {
			continue
		}
		switch {
		case p.Flags&SYN != 0:
			return mine == (p.Flags&ACK == 0)
		case bytes.HasPrefix(p.Payload, []byte("HTTP/1.")):
			return other
		case registered(readHead(p.Payload).method):
			return mine
		}
	}
	return false
}

// seenAll reports that no packet tells of bytes of the stream beyond those that
// are known of.
func (t *Trace) seenAll(d *Direction, s *Stream) bool {
	for i := range t.packets {
		p := &t.packets[i]
		var at int64
		switch {
		case p.Flags&(RST|SYN) != 0:
			continue
		case p.Src == d.Src && p.Dst == d.Dst:
			at = s.at(p.Seq)
		case p.Src == d.Dst && p.Dst == d.Src && p.Flags&ACK != 0:
			at = s.at(p.Ack)
		}
		if at > s.high+1 && at < s.high+streamReach || at > s.high && !s.ended {
			return false
		}
	}
	return true
}

// answer returns the status of the first response that was sent when its
// sender had received the stream up to an offset, 0 when there is none.
func (t *Trace) answer(d *Direction, s *Stream, at int64) int {
	back := t.reverse(d)
	for i := range t.packets {
		p := &t.packets[i]
		if back == nil || p.Src != d.Dst || p.Dst != d.Src || p.Flags&ACK == 0 || len(p.Payload) == 0 {
			continue
		}
		if n := s.at(p.Ack); n < at || n > s.high+1 {
			continue
		}
		o := back.find(p.Seq)
		if o == nil {
			continue
		}
		if b := o.tail(o.at(p.Seq)); len(b) >= 12 && string(b[:7]) == "HTTP/1." {
			code, _ := decimal(string(b[9:12]))
			return int(code)
		}
	}
	return 0
}

// reverse returns what the other end sent, nil when that is nothing.
func (t *Trace) reverse(d *Direction) *Direction {
	for _, o := range t.Directions {
		if o.Src == d.Dst && o.Dst == d.Src {
			return o
		}
	}
	return nil
}

// spread marks a stream as reset when the other end reset the connection.
func (t *Trace) spread() {
	for _, d := range t.Directions {
		if back := t.reverse(d); back != nil {
			for _, o := range back.Streams {
				for _, s := range d.Streams {
					s.Cut = s.Cut || o.Reset
				}
			}
		}
	}
}
