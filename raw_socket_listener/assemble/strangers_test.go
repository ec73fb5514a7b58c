package assemble

import (
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// What strangers put between the packets of a connection, and what comes out of
// turn, costs no request, invents none, and is in a count. Each case was once a
// finding of the oracle's.
func TestStreamsAmongStrangers(t *testing.T) {
	const n = len(get1)
	m := len(ok2)
	track := Config{TrackResponse: true}
	counted := func(want uint64) func(*testing.T, *rig) {
		return func(t *testing.T, r *rig) {
			t.Helper()
			if got := r.a.stats.SkippedStarts; got != want {
				t.Errorf("%d request lines counted as skipped, want %d", got, want)
			}
		}
	}
	syn := func(from byte, off int) seg { return seg{from: from, off: off - 1, flags: packet.FlagSYN} }
	fin := func(from byte, off, ack int) seg { return seg{from: from, off: off, ack: ack, flags: packet.FlagFIN} }
	rst := func(from byte, off, ack int) seg { return seg{from: from, off: off, ack: ack, flags: packet.FlagRST} }
	upgrade := "GET /ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	switched := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
	tunnel := joined(handshake, []seg{c(0, upgrade), s(0, len(upgrade), switched), ca(len(upgrade), len(switched), "\x82\x04ping")})
	const frame = len("\x82\x04ping")
	inTunnel := len(upgrade) + frame
	over := joined(handshake, []seg{c(0, get1), s(0, n, ok2), fin('c', n, m), fin('s', m, n+1)})
	given := []string{get1, "<" + ok2}
	none := map[Loss]uint64(nil)
	runStreamCases(t, []streamCase{
		// SYNs.
		{name: "a SYN one byte off before the first data", segs: joined(handshake, []seg{syn('c', 1), c(0, get1), c(n, get2)}), want: []string{get1, get2}},
		{name: "a SYN that names a byte behind the first data, joining", segs: []seg{{from: 'c', off: 0}, syn('c', 1), c(0, get1), c(n, get2)}, want: []string{get1, get2}},
		{name: "a far SYN, and late copies", segs: joined(handshake, []seg{c(0, get1), syn('c', 1<<30+7777), c(n, get2), fin('c', 2*n, 0), c(0, get1), c(n, get2)}), want: []string{get1, get2}},
		{name: "a SYN at the next byte of a tunnel", cfg: track, segs: joined(tunnel, []seg{syn('c', inTunnel), ca(inTunnel, len(switched), get1)}), want: []string{upgrade, "<" + switched}},
		{name: "a SYN one byte off in a tunnel", cfg: track, segs: joined(tunnel, []seg{syn('c', inTunnel+1), fin('c', inTunnel, len(switched)), c(0, upgrade)}), want: []string{upgrade, "<" + switched}},
		{name: "a far SYN in a tunnel", cfg: track, segs: joined(tunnel, []seg{syn('c', 1<<30), ca(inTunnel, len(switched), get1)}), want: []string{upgrade, "<" + switched}},
		{name: "a connection begins where a tunnel was", cfg: track, segs: joined(tunnel, []seg{syn('c', 1<<30), c(1<<30, get1), c(1<<30+n, get2)}), want: []string{upgrade, "<" + switched, get1, get2}},
		{name: "another SYN,ACK behind the end", cfg: track, segs: joined(over, []seg{{from: 's', off: m + 1000, ack: 3 << 28, flags: packet.FlagSYN}, c(0, get1)}), want: given},
		{name: "the next connection, whose SYN was not seen", cfg: track, segs: joined(over, []seg{{from: 's', off: 1<<29 - 1, ack: 3 << 28, flags: packet.FlagSYN}, ca(3<<28, 1<<29, get3), s(1<<29, 3<<28+n, ok2)}), want: []string{get1, "<" + ok2, get3, "<" + ok2}},

		{name: "the next connection, whose SYN was not seen, and whose server's numbers lie below", cfg: track, segs: joined(over, []seg{ca(3<<28, -8000, get3), s(-8000, 3<<28+n, ok2), ca(3<<28+n, -8000+m, get2), s(-8000+m, 3<<28+2*n, ok2)}),
			want: []string{get1, "<" + ok2, get3, "<" + ok2, get2, "<" + ok2}},
		{name: "the same, and a late copy of the old server's", cfg: track, segs: joined(over, []seg{ca(3<<28, -8000, get3), s(0, n, ok2), s(-8000, 3<<28+n, ok2)}),
			want: []string{get1, "<" + ok2, get3, "<" + ok2}},
		{name: "the next connection near, while the old one is open", cfg: track, segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2), syn('c', 4000), {from: 's', off: -8001, ack: 4000, flags: packet.FlagSYN},
			ca(4000, -8000, get2), s(-8000, 4000+n, ok2), ca(4000+n, -8000+m, get3), s(-8000+m, 4000+2*n, ok2)}),
			want: []string{get1, "<" + ok2, get2, "<" + ok2, get3, "<" + ok2}},

		{name: "a SYN,ACK near, behind a RST of the server's", cfg: track, segs: joined(handshake, []seg{c(0, get1), s(m, n, ok2), ca(n, 2*m, get2), rst('s', 2*m, n), {from: 's', off: 7, ack: n, flags: packet.FlagSYN}, ca(2*n, 2*m, get3), c(0, get1)}), want: []string{get1, get2, get3}, lost: map[Loss]uint64{LostGap: 1, LostUnpaired: 1}},

		{name: "two far segments of a server's in sequence", cfg: track, segs: joined(handshake, []seg{c(0, get1), s(1<<31, n, ok2), s(1<<31+m, n, ok2), s(0, n, ok2), ca(n, m, get2)}), want: []string{get1, "<" + ok2, get2}},

		// RSTs.
		{name: "a RST of the server's behind a hole of its own", cfg: track, segs: joined(handshake, []seg{c(0, get1), s(10, n, "xx"), rst('s', 12, n), ca(n, 0, get2)}), want: []string{get1, get2}, lost: map[Loss]uint64{LostGap: 1}},
		{name: "a RST behind a hole of the client's", segs: joined(handshake, []seg{c(0, get1), c(2*n, get3), rst('c', 3*n, 0), c(n, get2)}), want: []string{get1, get2, get3}},
		{name: "a RST at what was acknowledged, behind what came", cfg: track, segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2), ca(n, m, post10[:20]), rst('c', n, m), ca(n+20, m, post10[20:])}), want: []string{get1, "<" + ok2, post10}},
		{name: "an exact RST, and silence", segs: joined(handshake, []seg{c(0, get1+post10[:20]), rst('c', n+20, 0), at(lingerTime+time.Second, c(n+20, post10[20:]))}), want: []string{get1}, lost: map[Loss]uint64{LostClosed: 1, LostJoined: 1}},
		{name: "a RST of each side's in a body", cfg: track, segs: joined(handshake, []seg{c(0, post10[:20]), rst('c', 20, 0), rst('s', 0, 20), c(20, post10[20:])}), want: []string{post10}},
		{name: "a RST that lies ahead, and data up to it and beyond", segs: joined(handshake, []seg{c(0, post10[:20]), rst('c', 30, 0), c(20, post10[20:30]), c(30, post10[30:])}), want: []string{post10}},
		{name: "a RST that overtook its data", segs: joined(handshake, []seg{rst('c', n, 0), c(0, get1)}), want: []string{get1}},
		{name: "a RST, and a SYN of the next connection", segs: joined(handshake, []seg{c(0, post10[:20]), rst('c', 20, 0), syn('c', 5000), c(5000, get1)}), want: []string{get1}, lost: map[Loss]uint64{LostClosed: 1}},
		{name: "a RST in a response that goes on", cfg: track, segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2[:20]), rst('s', 20, n), s(20, n, ok2[20:]), ca(n, m, get2)}), want: []string{get1, "<" + ok2, get2}},
		{name: "a RST, a SYN, a FIN and then data before them", segs: joined(handshake, []seg{c(0, get1), rst('c', n, 0), syn('c', n+1), fin('c', 3*n, 0), c(n, get2), c(2*n, get3)}), want: []string{get1, get2, get3}},
		{name: "a RST, a SYN far before, and a late copy", segs: joined(handshake, []seg{c(0, get1), rst('c', n, 0), syn('c', -maxAhead+5000), c(0, get1)}), want: []string{get1}},
		{name: "a RST amid a tunnel", cfg: track, segs: joined(tunnel, []seg{rst('c', inTunnel+100, len(switched)), ca(inTunnel, len(switched), "x"), at(10*time.Second, ca(inTunnel+1, len(switched), get1))}), want: []string{upgrade, "<" + switched}},

		// Behind the end.
		{name: "a request 2^30 ahead, behind a RST, and late copies", segs: []seg{c(0, get1), rst('c', n, 0), c(3<<30, get2), c(0, get1), c(0, get1)}, want: []string{get1, get2}},
		{name: "a request 2^30 ahead, which is given up, and late copies", segs: []seg{c(0, get1), c(1<<30, get2), at(20*time.Second, c(0, get1)), at(50*time.Second, rst('c', 1<<30+n, 0)), at(60*time.Second, c(0, get1))}, want: []string{get1, get2}, lost: map[Loss]uint64{LostGap: 1}},
		{name: "a far segment in a tunnel, and a late copy behind its end", cfg: track, segs: joined(tunnel, []seg{ca(inTunnel+1<<30-100, len(switched), "x"), fin('c', inTunnel, len(switched)), c(0, upgrade)}), want: []string{upgrade, "<" + switched}},
		{name: "a far segment of the server's, and a late copy", cfg: track, segs: joined(over, []seg{s(m+1<<31, n, "xx"), c(0, get1)}), want: given},
		{name: "a late copy of what a tunnel began with", cfg: track, segs: joined(tunnel, []seg{fin('c', inTunnel, len(switched)), at(5*time.Second, c(0, upgrade))}), want: []string{upgrade, "<" + switched}},
		{name: "segments that wait behind the FIN", segs: joined(handshake, []seg{c(0, get1), c(n+maxAhead-9, get2), fin('c', n, 0)}), want: []string{get1}, lost: none, check: counted(1)},

		// Before the first that was seen.
		{name: "what came before, and behind the end", segs: []seg{c(n, get2), fin('c', 2*n, 0), c(0, get1), c(0, get1)}, want: []string{get2}, check: counted(1)},
		{name: "what came before, in one with what came behind", segs: []seg{c(n, get2), c(0, get1+get2+get3)}, want: []string{get2, get3}, check: counted(1)},
		{name: "what came before a malformed one", segs: []seg{c(n, "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"), c(0, get1)}, lost: map[Loss]uint64{LostMalformed: 1}, check: counted(1)},
	})
}
