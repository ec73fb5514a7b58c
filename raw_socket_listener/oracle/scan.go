package oracle

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// A Start is where a request starts.
type Start struct {
	Offset int64
	Ends   []int64 // behind the request, as far as that is known; two when its body may be left out
	Whole  bool    // all of its bytes are there
	Sure   bool    // nothing before it in its stream can lead a reader astray
	Found  bool    // nothing but its own bytes, and that they begin a segment, says that it starts there
}

// A scanner lists the strict starts of a stream.
type scanner struct {
	s       *Stream
	answer  func(at int64) int // the status of the response to the request that ends there; 0 when it was not seen
	visible bool               // the capture sees responses
	starts  []Start
	openEnd bool // at its end are bytes that may turn out to be anything
	losses  int  // how often it is not known any more where a request begins

	sound  bool // what came, came in such an order that nobody need lose anything
	pos    int64
	synced bool
	sure   bool
	found  bool // c.pos is where a search, or that a body was left out, led to

	// The client left out the body before c.pos. A head there that does not end
	// before another segment begins a request may have been content as well.
	refused bool
}

// lose goes on from an offset in search of a head.
func (c *scanner) lose(from int64) {
	c.pos, c.synced, c.sure = from, false, false
	c.losses++
}

func (c *scanner) run() {
	s := c.s
	c.pos, c.synced = s.First, s.Begun
	c.sound = s.Begun && !s.Joined && !s.Late && !s.Reset && !s.Cut && (c.visible || !s.Answered)
	c.sure = c.sound
	switch b := s.tail(s.First); {
	case foreign(b):
		return
	case s.Begun:
		c.pos += int64(proxyHeader(b))
	case s.Stray:
		c.pos = s.solo
	}
	for c.synced || c.search() {
		if !c.request() {
			return
		}
	}
}

// search finds the next segment that begins with a whole head. Others whose
// request line is whole are starts too, which somebody has to account for.
func (c *scanner) search() bool {
	for i := range c.s.runs {
		r := &c.s.runs[i]
		for at := max(c.pos, r.at); at < r.end(); at++ {
			if !r.edge[at-r.at] {
				continue
			}
			h := readHead(r.data[at-r.at:])
			switch {
			case !registered(h.method):
				continue
			case h.size > 0 && !h.bad:
				c.pos, c.synced, c.found = at, true, true
				return true
			}
			c.starts = append(c.starts, Start{Offset: at, Found: true})
			at += int64(h.line) - 1
		}
	}
	return false
}

// request takes the request at c.pos, and reports false at the end of what can
// be known of the stream.
func (c *scanner) request() bool {
	s := c.s
	b := s.tail(c.pos)
	for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') {
		b = b[1:]
		c.pos++
	}
	last := c.pos+int64(len(b)) >= s.end()
	h := readHead(b)
	switch {
	case h.line == 0 && last:
		c.openEnd = len(b) > 0
		return false
	case h.line == 0: // a hole
		c.lose(c.pos + int64(len(b)))
		return true
	case h.method == "":
		c.lose(c.pos + int64(h.line))
		return true
	}
	if c.refused && s.requestIn(c.pos+1, c.pos+int64(max(h.line, h.size))) {
		c.sure = false
	}
	c.refused = false
	start := Start{Offset: c.pos, Sure: c.sure, Found: c.found}
	c.found = false
	switch {
	case h.size == 0:
		c.starts = append(c.starts, start)
		c.lose(c.pos + int64(len(b)))
		return !last
	case h.bad:
		c.starts = append(c.starts, start)
		c.lose(c.pos + int64(h.size))
		return true
	}
	bodyAt := c.pos + int64(h.size)
	end, whole, framed := s.body(bodyAt, h)
	start.Ends, start.Whole = []int64{end}, whole
	if !framed {
		start.Ends = nil
	}
	if h.expect && end != bodyAt {
		start.Sure = false
		start.Ends = append(start.Ends, bodyAt)
		rest := s.tail(bodyAt)
		if next := readHead(rest); registered(next.method) && c.answer(bodyAt) != 100 {
			// The client got its answer and left the body out.
			start.Whole, start.Ends = false, []int64{bodyAt}
			c.sure = c.sure && rest[len(next.method)+1] == '/' // what else may be content
			c.sure = c.sure && s.begins[bodyAt]                // before an answer it is what the body begins with
			if h.length <= int64(len(next.method)) && s.cutIn(bodyAt+1, bodyAt+int64(len(next.method))) {
				// The body is full before anything follows the method: until
				// then nobody can tell "P", "O", "S", "T" from content.
				c.sure = false
			}
			c.starts = append(c.starts, start)
			c.pos, c.refused, c.found = bodyAt, true, true
			return true
		} else if next.line == 0 {
			c.sure = false
		}
	}
	c.starts = append(c.starts, start)
	switch status := c.answer(end); {
	case !framed:
		c.lose(end)
	case !h.upgrade:
		c.pos = end
		c.sure = c.sure && whole
	case h.method == "CONNECT" && (!c.visible || status < 300), status == 101:
		return false
	case !c.visible || status == 0:
		c.lose(end)
	default:
		c.pos, c.sure = end, false // refused
	}
	return true
}

// body returns where the body behind a head ends, and whether all of it is
// there. Unless framed, that cannot be known, or lies in a hole or behind the
// last byte; end is then where to go on.
func (s *Stream) body(at int64, h head) (end int64, whole, framed bool) {
	if !h.chunked {
		return s.pass(at, h.length)
	}
	whole = true
	for {
		b := s.tail(at)
		i := bytes.IndexByte(b, '\n')
		if i < 0 || i >= maxLine {
			return at + int64(len(b)), false, false
		}
		size, ok := chunkSize(string(b[:i]))
		if !ok {
			return at + int64(i), false, false
		}
		at += int64(i) + 1
		if size == 0 {
			break
		}
		end, all, framed := s.pass(at, size)
		whole = whole && all
		at = end
		b = s.tail(at)
		if len(b) > 0 && b[0] == '\r' {
			b = b[1:]
			at++
		}
		if !framed || len(b) == 0 || b[0] != '\n' {
			return at, false, false
		}
		at++
	}
	for from := at; ; {
		b := s.tail(at)
		i := bytes.IndexByte(b, '\n')
		if i < 0 || at-from > maxTrailer {
			return at + int64(len(b)), false, false
		}
		at += int64(i) + 1
		if i == 0 || i == 1 && b[0] == '\r' {
			return at, whole, true
		}
	}
}

// pass goes over n bytes, whether they are there or not.
func (s *Stream) pass(at, n int64) (end int64, whole, framed bool) {
	end = at + n
	if n > s.end()-at {
		return s.end(), false, false
	}
	whole = n == 0 || int64(len(s.tail(at))) >= n
	return end, whole, whole || end == s.end() || len(s.tail(end)) > 0
}

func chunkSize(line string) (n int64, ok bool) {
	i := 0
	for ; i < len(line); i++ {
		d := bytes.IndexByte([]byte("0123456789abcdef"), line[i]|0x20)
		if line[i] >= '0' && line[i] <= '9' {
			d = int(line[i] - '0')
		}
		if d < 0 {
			break
		}
		if n >= 1<<59 {
			return 0, false
		}
		n = n*16 + int64(d)
	}
	rest := bytes.TrimLeft(bytes.TrimSuffix([]byte(line[i:]), []byte("\r")), " \t")
	return n, i > 0 && (len(rest) == 0 || rest[0] == ';')
}

// foreign recognises TLS records and the preface of HTTP/2.
func foreign(b []byte) bool {
	return len(b) > 2 && b[0] >= 0x14 && b[0] <= 0x17 && b[1] == 3 && b[2] <= 4 || bytes.HasPrefix(b, []byte("PRI * HTTP/2.0\r\n"))
}

// proxyHeader is how many bytes the header of the PROXY protocol has that b
// begins with (www.haproxy.org/download/2.8/doc/proxy-protocol.txt).
func proxyHeader(b []byte) int {
	if line, _, ok := bytes.Cut(b[:min(len(b), 107)], []byte("\r\n")); ok && bytes.HasPrefix(b, []byte("PROXY ")) {
		f := strings.Split(string(line), " ")
		if f[1] == "UNKNOWN" {
			return len(line) + 2
		}
		if len(f) != 6 || f[1] != "TCP4" && f[1] != "TCP6" {
			return 0
		}
		for i := 2; i < 4; i++ {
			if a, err := netip.ParseAddrPort(net.JoinHostPort(f[i], f[i+2])); err != nil || a.Addr().Is4() != (f[1] == "TCP4") {
				return 0
			}
		}
		return len(line) + 2
	}
	if bytes.HasPrefix(b, []byte("\r\n\r\n\x00\r\nQUIT\n")) && len(b) >= 16 && b[12]>>4 == 2 {
		return min(len(b), 16+int(b[14])<<8+int(b[15]))
	}
	return 0
}

// lenient lists the lenient starts, in order.
func (s *Stream) lenient(strict []Start) (starts []Start) {
	var todo []int64
	for at := range s.begins {
		if b := s.tail(at); bytes.HasPrefix(b, []byte("PROXY ")) {
			at += int64(bytes.IndexByte(b, '\n') + 1) // whatever stands in it
		} else {
			at += int64(proxyHeader(b))
		}
		if registered(readHead(bytes.TrimLeft(s.tail(at), "\r\n")).method) {
			todo = append(todo, at)
		}
	}
	for _, st := range strict {
		todo = append(todo, st.Offset)
	}
	known := map[int64]bool{}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		b := s.tail(at)
		for len(b) > 0 && (b[0] == '\r' || b[0] == '\n') {
			b = b[1:]
			at++
		}
		h := readHead(b)
		if known[at] || h.size == 0 || h.bad {
			continue
		}
		known[at] = true
		st := Start{Offset: at}
		bodyAt := at + int64(h.size)
		if end, _, framed := s.body(bodyAt, h); framed {
			st.Ends = append(st.Ends, end)
		}
		if h.expect {
			st.Ends = append(st.Ends, bodyAt)
		}
		todo = append(todo, st.Ends...)
		starts = append(starts, st)
	}
	slices.SortFunc(starts, func(a, b Start) int { return int(a.Offset - b.Offset) })
	return starts
}
