package rawsocket

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/buger/gor/internal/http1"
)

// fuzzWords are payloads that lead somewhere; a fuzzer finds them slowly.
var fuzzWords = []string{
	get1, post10, chunky, ok2, none, upgrade, connect,
	"HEAD / HTTP/1.1\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 101 S\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
	"\x16\x03\x01\x02\x00\x01\x00", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\r\n", "0\r\n\r\n", "x",
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
// Each segment is 8 bytes: connection and direction, flags, position (2),
// acknowledgement, time step, word, and how the word is cut.
func FuzzAssembler(f *testing.F) {
	step := func(dir, flags byte, off uint16, ack, dt, word, cut byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{dir, flags}, off), ack, dt, word, cut)
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
	f.Fuzz(func(t *testing.T, modes byte, b []byte) {
		const most = 64 << 10
		r := newRig(t, Config{TrackResponse: modes&fuzzTrack != 0, Binary: modes&fuzzBinary != 0, AllowIncomplete: modes&fuzzIncomplete != 0, MaxConns: 3, MaxBuffered: most, MaxMessage: 2000})
		now := rigEpoch
		for ; len(b) >= 8; b = b[8:] {
			g := Segment{
				Src: netip.AddrPortFrom(rigClient.Addr(), 1000+uint16(b[0]>>1&7)), Dst: rigServer,
				Flags: TCPFlags(b[1]), Seq: uint32(binary.BigEndian.Uint16(b[2:])), Ack: uint32(b[4]),
			}
			// The positions wrap within reach of small numbers.
			g.Seq -= 30
			if b[0]&1 != 0 {
				g.Src, g.Dst = g.Dst, g.Src
			}
			now += int64(b[5]) * 20_000_000
			g.Time = now
			if i := int(b[6]); i < len(fuzzWords) {
				w := fuzzWords[i]
				at := int(b[7]&63) % (len(w) + 1)
				if b[7]&64 != 0 {
					w = w[:at]
				} else {
					w = w[at:]
				}
				if b[7]&128 != 0 {
					g.Missing = at
				}
				g.Payload = []byte(w)
			}
			r.a.segment(&g)
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
