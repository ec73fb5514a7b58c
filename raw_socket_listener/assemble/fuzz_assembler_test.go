package assemble

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// fuzzWords are payloads that lead somewhere; a fuzzer finds them slowly.
var fuzzWords = []string{
	get1, post10, chunky, ok2, none, upgrade, connect,
	"HEAD / HTTP/1.1\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 101 S\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
	"\x16\x03\x01\x02\x00\x01\x00", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\r\n", "0\r\n\r\n", "x",
	"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 417 Expectation Failed\r\n\r\n",
	"PROXY TCP4 192.0.2.1 192.0.2.2 51234 80\r\n", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\xc8\x22\x00\x50",
	"PROPPATCH / HTTP/1.1\r\n\r\n", "GET / a HTTP/1.1\nno colon\n\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "hello world\r\n",
}

// fuzzEdges are what is added to positions: the edges of windows and of the type.
var fuzzEdges = [...]uint32{
	0, maxAhead - 1, maxAhead, maxAhead + 1, 1<<31 - 1, 1 << 31, 1<<31 + 1, 1<<32 - 1,
	staleReach, 1<<32 - staleReach - 1, reuseReach, 1<<32 - reuseReach, 1<<32 - maxAhead, 1 << 29, 3 << 30, 1 << 16,
}

// fuzzOptions are TCP options: none, two subflows of MPTCP and what they join.
var fuzzOptions = [...]string{
	"",
	"\x1e\x0c\x10\x00\x00\x00\x00\x01\x00\x00\x00\x02",
	"\x1e\x14\x01\x01AAAAAAAABBBBBBBB",
	"\x01\x1e\x0c\x01\x01BBBBBBBB",
}

// What FuzzAssembler configures.
const (
	fuzzTrack = 1 << iota
	fuzzBinary
	fuzzIncomplete
)

// FuzzAssembler feeds any segments on a few connections. Nothing may panic,
// the ledger must add up after each, memory must stay bounded, and nothing may
// be left at the end.
//
// Each segment is 10 bytes: connection and direction, flags, position (2), its
// edge, acknowledgement, its edge and options, time step, word, and how the word
// is cut. Edges reach all of the 32 bits of a position.
func FuzzAssembler(f *testing.F) {
	step := func(dir, flags byte, off uint16, ack, dt, word, cut byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{dir, flags}, off), 0, ack, 0, dt, word, cut)
	}
	edge := func(position, ack byte, step []byte) []byte {
		step[4], step[6] = position, ack
		return step
	}
	join := func(steps ...[]byte) (b []byte) {
		for _, s := range steps {
			b = append(b, s...)
		}
		return b
	}
	add := func(modes byte, b []byte) {
		for _, more := range []byte{0, fuzzBinary, fuzzIncomplete, fuzzBinary | fuzzIncomplete} {
			f.Add(modes|more, b)
		}
	}
	n := uint16(len(get1))
	add(fuzzTrack, join(step(0, 2, 0, 0, 0, 255, 0), step(1, 18, 0, 1, 0, 255, 0), step(0, 16, 1, 1, 0, 0, 0), step(1, 16, 1, 1+byte(n), 0, 3, 0)))
	add(fuzzTrack, join(step(0, 2, 0, 0, 0, 255, 0), step(0, 16, 1+n, 1, 0, 1, 0), step(0, 16, 1, 1, 200, 0, 9), step(0, 16, 1, 1, 255, 0, 0), step(0, 1, 200, 0, 0, 255, 0)))
	add(0, join(step(0, 16, 1, 1, 0, 5, 0), step(0, 16, 1+uint16(len(upgrade)), 1, 0, 0, 0)))
	add(fuzzTrack, join(step(0, 16, 1, 1, 0, 6, 0), step(0, 16, 1+uint16(len(connect)), 1, 0, 0, 0), step(1, 16, 1, 1, 0, 10, 0), step(1, 4, 20, 1, 0, 255, 0)))
	add(fuzzTrack, join(step(1, 16, 1, 1, 0, 3, 0), step(0, 16, 1, 40, 0, 0, 0), step(1, 16, 40, 28, 0, 3, 64+3), step(0, 2, 7, 0, 0, 255, 0)))
	for e := range byte(len(fuzzEdges)) {
		add(fuzzTrack, join(step(0, 16, 1, 1, 0, 0, 0), edge(e, 0, step(0, 16, 1+n, 1, 0, 1, 0)), step(0, 16, 1+n, 1, 0, 0, 0),
			edge(e, 0, step(1, 18, 0, 1, 0, 255, 0)), edge(0, e, step(1, 16, 1, 1, 0, 3, 0)), edge(e, e, step(0, 20, 9, 1, 255, 0, 0))))
	}
	f.Fuzz(func(t *testing.T, modes byte, b []byte) {
		const most = 64 << 10
		r := newRig(t, Config{TrackResponse: modes&fuzzTrack != 0, Binary: modes&fuzzBinary != 0, AllowIncomplete: modes&fuzzIncomplete != 0, MaxConns: 3, MaxBuffered: most, MaxMessage: 2000})
		now := rigEpoch
		for ; len(b) >= 10; b = b[10:] {
			g := packet.Segment{
				Src: netip.AddrPortFrom(rigClient.Addr(), 1000+uint16(b[0]>>1&7)), Dst: rigServer,
				Flags: packet.TCPFlags(b[1]), Seq: uint32(binary.BigEndian.Uint16(b[2:])), Ack: uint32(b[5]) + fuzzEdges[int(b[6]&15)],
				Options: []byte(fuzzOptions[b[6]>>4&3]), BadSum: b[6]>>6 == 3,
			}
			// The positions wrap within reach of small numbers.
			g.Seq += fuzzEdges[int(b[4])%len(fuzzEdges)] - 30
			if b[0]&1 != 0 {
				g.Src, g.Dst = g.Dst, g.Src
			}
			now += int64(b[7]) * 20_000_000
			if b[7] > 250 {
				now += int64(b[7]-250) * int64(100*time.Second) // idle, or a trace that is forgotten
			}
			g.Time = now
			if i := int(b[8]); i < len(fuzzWords) {
				w := fuzzWords[i]
				at := int(b[9]&63) % (len(w) + 1)
				if b[9]&64 != 0 {
					w = w[:at]
				} else {
					w = w[at:]
				}
				if b[9]&128 != 0 {
					g.Missing = at
				}
				g.Payload = []byte(w)
			}
			r.a.Segment(&g)
			r.identity()
			if len(r.a.conns) > 3 || r.a.pool.used > most+maxEarlyBytes {
				t.Fatalf("%d connections, %d bytes", len(r.a.conns), r.a.pool.used)
			}
			if r.a.freePieces != nil && r.a.freePieces.data.size != 0 {
				t.Fatal("a free piece holds data")
			}
		}
		for _, m := range r.messages() {
			switch {
			case len(m.Data) == 0 || len(m.Data) > 2000:
				t.Fatalf("a message of %d bytes", len(m.Data))
			case m.Incomplete && modes&fuzzIncomplete == 0:
				t.Fatalf("an incomplete message: %q", m.Data)
			case modes&fuzzBinary == 0 && !m.Incomplete && !http1.CompleteRequest(m.Data) && !m.Response:
				t.Fatalf("a request that is none: %q", m.Data)
			}
		}
	})
}
