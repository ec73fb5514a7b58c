package assemble

import (
	"fmt"
	"strings"
	"testing"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// A load is requests on keep-alive connections, for ever.
type load struct {
	r    *rig
	segs []packet.Segment
	at   int
}

func newLoad(t testing.TB, conns int, parts ...string) *load {
	l := &load{r: newRig(t, Config{})}
	l.r.hand.limit = HandoverBytes
	for i := range conns {
		l.r.a.Segment(&packet.Segment{Src: client(i), Dst: rigServer, Flags: packet.FlagSYN, Time: rigEpoch})
	}
	seqs := make([]uint32, conns)
	for _, p := range parts {
		for i := range conns {
			l.segs = append(l.segs, packet.Segment{Src: client(i), Dst: rigServer, Flags: packet.FlagACK, Seq: 1 + seqs[i], Payload: []byte(p), Time: rigEpoch})
			seqs[i] += uint32(len(p))
		}
	}
	for i := range l.segs {
		l.segs[i].Ack = seqs[0] // by how much a round moves the sequence numbers
	}
	return l
}

// next sends a segment, and takes what has become complete after a hundred.
func (l *load) next() {
	s := &l.segs[l.at]
	l.r.a.Segment(s)
	s.Seq += s.Ack
	s.Time += 1000
	if l.at++; l.at == len(l.segs) {
		l.at = 0
	}
	if l.at%100 == 0 {
		l.r.a.Tick(s.Time)
	}
	l.drain()
}

func (l *load) drain() {
	h := l.r.hand
	for len(h.queue) > 0 {
		b := h.get(nil)
		h.mu.Lock()
		h.recycle(b)
		h.mu.Unlock()
	}
}

const browserGet = "GET /index.html?query=1 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n" +
	"Accept: text/html,application/xhtml+xml\r\nAccept-Language: en-US,en;q=0.5\r\nConnection: keep-alive\r\n\r\n"

var loads = map[string][]string{
	"get":       {browserGet},
	"pipelined": {strings.Repeat(browserGet, 8)},
	"post64k":   append([]string{fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", 64<<10)}, slices64k()...),
	"chunked":   {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n", "hello\r\n0\r\n\r\n"},
	"torn head": {browserGet[:50], browserGet[50:]},
}

func slices64k() []string {
	parts := make([]string, 64)
	for i := range parts {
		parts[i] = strings.Repeat("x", 1024)
	}
	return parts
}

func TestNothingIsAllocated(t *testing.T) {
	for name, parts := range loads {
		t.Run(name, func(t *testing.T) {
			l := newLoad(t, 100, parts...)
			for range 20 * len(l.segs) {
				l.next()
			}
			if n := testing.AllocsPerRun(20*len(l.segs), l.next); n != 0 {
				t.Errorf("%v allocations per segment", n)
			}
			if s := &l.r.a.stats; s.LostSum() != 0 || s.Requests == 0 {
				t.Errorf("%d requests, lost %s", s.Requests, losses(s.Lost))
			}
		})
	}
}

// So it is with messages of which nobody knows the end, with their responses and
// without.
func TestTurnsAllocateNothing(t *testing.T) {
	for _, track := range []bool{false, true} {
		r := newRig(t, Config{Binary: true, TrackResponse: track})
		r.hand.limit = HandoverBytes
		l := &load{r: r}
		ask, answer := []byte(strings.Repeat("ask", 300)), []byte(strings.Repeat("yes", 1000))
		g := packet.Segment{Flags: packet.FlagACK, Time: rigEpoch}
		const conns = 100
		var asked, answered [conns]uint32
		for i := range conns {
			r.a.Segment(&packet.Segment{Src: client(i), Dst: rigServer, Flags: packet.FlagSYN, Time: rigEpoch})
			r.a.Segment(&packet.Segment{Src: rigServer, Dst: client(i), Flags: packet.FlagSYN | packet.FlagACK, Ack: 1, Time: rigEpoch})
		}
		i := 0
		next := func() {
			g.Src, g.Dst, g.Seq, g.Ack, g.Payload = client(i), rigServer, 1+asked[i], 1+answered[i], ask
			r.a.Segment(&g)
			asked[i] += uint32(len(ask))
			g.Src, g.Dst, g.Seq, g.Ack, g.Payload = rigServer, client(i), 1+answered[i], 1+asked[i], answer
			r.a.Segment(&g)
			answered[i] += uint32(len(answer))
			if i = (i + 1) % conns; i == 0 {
				g.Time += 1000
				r.a.Tick(g.Time)
			}
			l.drain()
		}
		for range 20 * conns {
			next()
		}
		if n := testing.AllocsPerRun(20*conns, next); n != 0 {
			t.Errorf("responses %t: %v allocations per exchange", track, n)
		}
		if s := &r.a.stats; s.LostSum() != 0 || s.Requests < 39*conns || track != (s.Responses >= 39*conns) {
			t.Errorf("responses %t: %d requests, %d responses, lost %s", track, s.Requests, s.Responses, losses(s.Lost))
		}
	}
}

func BenchmarkSegments(b *testing.B) {
	for name, parts := range loads {
		for _, conns := range []int{100, 10000} {
			b.Run(fmt.Sprintf("%s/%d", name, conns), func(b *testing.B) {
				l := newLoad(b, conns, parts...)
				for range len(l.segs) {
					l.next()
				}
				var n int64
				for _, s := range l.segs {
					n += int64(len(s.Payload))
				}
				b.SetBytes(n / int64(len(l.segs)))
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					l.next()
				}
			})
		}
	}
}
