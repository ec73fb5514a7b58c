package assemble

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/packet"
	"github.com/buger/gor/raw_socket_listener/packettest"
)

// What a connection survives: each case was once a connection that went deaf, a
// request that nobody sent, or one that was given twice.
func TestStreamsSurvive(t *testing.T) {
	const n = len(get1)
	long := "GET /long HTTP/1.1\r\nHost: a\r\nCookie: " + strings.Repeat("c", 3000) + "\r\n\r\n"
	bytewise := func(off int, data string) (segs []seg) {
		for i := range len(data) {
			segs = append(segs, c(off+i, data[i:i+1]))
		}
		return segs
	}
	hole := []seg{c(0, get1), c(2*n, "x")} // a segment of n bytes is missing
	const behind = 2*n + 1
	counted := func(starts uint64) func(*testing.T, *rig) {
		return func(t *testing.T, r *rig) {
			t.Helper()
			if got := r.a.stats.SkippedStarts; got != starts {
				t.Errorf("%d request lines counted as skipped, want %d", got, starts)
			}
		}
	}
	refused := func(want uint64) func(*testing.T, *rig) {
		return func(t *testing.T, r *rig) {
			t.Helper()
			if got := r.a.stats.Refused; got != want {
				t.Errorf("%d segments counted as refused, want %d", got, want)
			}
		}
	}
	far := func(want uint64) func(*testing.T, *rig) {
		return func(t *testing.T, r *rig) {
			t.Helper()
			if got := r.a.stats.Far; got != want {
				t.Errorf("%d segments counted as far, want %d", got, want)
			}
		}
	}
	gap1 := map[Loss]uint64{LostGap: 1}
	const (
		oddHead = "GET /odd name HTTP/1.1\nHost: a\nno colon here\n\n"
		// What an upload of a capture file holds, up to the end of its last chunk.
		upload   = "GET /quoted HTTP/1.1\r\nHost: a\r\n\x92\x05\xe2 and\x00 binary content\nof several lines\r\n0\r\n\r\n"
		badHead  = "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"
		pages    = "PATCH /p HTTP/1.1\r\nContent-Type: application/xml\r\n\r\n"
		expect   = "POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 20\r\n\r\n"
		body20   = "aaaaaaaaaabbbbbbbbbb"
		refusal  = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"
		interim  = "HTTP/1.1 100 Continue\r\n\r\n"
		proxyV1  = "PROXY TCP4 192.0.2.7 192.0.2.1 51234 80\r\n"
		proxyV2  = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x01\xc8\x22\x00\x50"
		proxyOwn = "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
	)
	track := Config{TrackResponse: true}
	m := len(ok2)
	rst := func(off int) seg { return seg{from: 'c', off: off, flags: packet.FlagRST} }
	runStreamCases(t, []streamCase{
		// Far segments.
		{name: "exactly 2^31 ahead", segs: []seg{c(0, get1), c(n+1<<31, "0123456789"), c(n, get2)}, want: []string{get1, get2}, check: far(1)},
		{name: "2^31 behind the first that was seen", segs: []seg{c(0, get1), c(1<<31, "0123456789"), c(n, get2)}, want: []string{get1, get2}, check: far(1)},
		{name: "beyond the largest window", segs: joined(handshake, []seg{c(0, get1), c(n+maxAhead+1, get3), c(n, get2)}), want: []string{get1, get2}, check: counted(1)},
		{name: "at the edge of the largest window", segs: joined(handshake, []seg{c(0, get1), c(n+maxAhead, "x"), c(n, get2)}), want: []string{get1, get2}, lost: gap1, check: far(0)},
		{name: "two far segments that do not agree", segs: joined(handshake, []seg{c(0, get1), c(1<<31, "xx"), c(3<<29, get3), c(n, get2)}), want: []string{get1, get2}, check: far(2)},
		{name: "ports used again, neither end nor SYN seen", segs: joined(handshake, []seg{c(0, get1), c(1<<31, get2), c(1<<31+n, get3)}), want: []string{get1, get3}, check: counted(1)},
		{name: "a FIN out of any window", segs: joined(handshake, []seg{c(0, get1), {from: 'c', off: n + maxAhead + 9, flags: packet.FlagFIN}, c(n, get2)}), want: []string{get1, get2}},

		// Entering a stream again.
		{name: "the rest of a method behind a hole", segs: joined(handshake, []seg{c(0, get1), c(n+2, get2[2:]), c(2*n, get3)}), want: []string{get1, get3}, lost: gap1, check: counted(1)},
		{name: "the rest of a method when joining", segs: []seg{c(0, "T /2 HTTP/1.1\r\n\r\n"), c(17, get1)}, want: []string{get1}, lost: map[Loss]uint64{LostJoined: 1}, check: counted(1)},
		{name: "PROPPATCH cut to PATCH", segs: joined(handshake, []seg{c(0, get1), c(n+4, pages), c(n+4+len(pages), get3)}), want: []string{get1, get3}, lost: gap1, check: counted(1)},
		{name: "PATCH behind a hole", segs: joined(handshake, []seg{c(0, get1), c(n+4, "PATCH / HTTP/1.1\r\n\r\n")}), want: []string{get1, "PATCH / HTTP/1.1\r\n\r\n"}, lost: gap1},
		{name: "an unregistered method in order", segs: joined(handshake, []seg{c(0, "FROB / HTTP/1.1\r\n\r\n")}), want: []string{"FROB / HTTP/1.1\r\n\r\n"}},
		{name: "a head over segments behind a hole", segs: joined(handshake, hole, []seg{c(behind, long[:1400]), c(behind+1400, long[1400:]), c(behind+len(long), long[:9]), c(behind+len(long)+9, long[9:])}),
			want: []string{get1, long, long}, lost: gap1},
		{name: "a head byte by byte behind a hole", segs: joined(handshake, hole, bytewise(behind, get2), []seg{c(behind+n, get3)}), want: []string{get1, get2, get3}, lost: gap1},
		{name: "a head over segments when joining", segs: []seg{c(0, "content"), c(7, long[:1400]), c(1407, long[1400:])}, want: []string{long}, lost: map[Loss]uint64{LostJoined: 1}},
		{name: "an odd head behind a hole", segs: joined(handshake, hole, []seg{c(behind, oddHead), c(behind+len(oddHead), get3)}), want: []string{get1, oddHead, get3}, lost: gap1},
		{name: "joined at the second request, the first comes late", segs: []seg{c(n, get2), c(0, get1), c(2*n, get3)}, want: []string{get2, get3}, check: counted(1)},
		{name: "an odd head when joining", segs: []seg{c(0, oddHead), c(len(oddHead), get3)}, want: []string{oddHead, get3}},
		{name: "text that begins like a head behind a hole", segs: joined(handshake, hole, []seg{c(behind, "GET lost, said he. "), c(behind+19, "POST /it"), c(behind+27, " was what they had"), c(behind+45, get3)}),
			want: []string{get1, get3}, lost: gap1, check: counted(0)},
		{name: "a request line that nothing follows behind a hole", segs: joined(handshake, hole, []seg{c(behind, "GET /quoted HTTP/1.1\r\nand then"), c(behind+30, get3)}), want: []string{get1, get3}, lost: gap1, check: counted(1)},
		{name: "a request line in an upload behind a hole", segs: joined(handshake, hole, []seg{c(behind, upload), c(behind+len(upload), get3)}), want: []string{get1, get3}, lost: gap1, check: counted(1)},
		{name: "a request line in an upload behind a hole, over two segments", segs: joined(handshake, hole, []seg{c(behind, upload[:60]), c(behind+60, upload[60:]), c(behind+len(upload), get3)}), want: []string{get1, get3}, lost: gap1, check: counted(1)},
		{name: "a request line in an upload when joining", segs: []seg{c(0, upload), c(len(upload), get3)}, want: []string{get3}, lost: map[Loss]uint64{LostJoined: 1}, check: counted(1)},
		{name: "a head that begins within a segment behind a hole", segs: joined(handshake, hole, []seg{c(behind, "body"+get2), c(behind+4+n, get3)}), want: []string{get1, get3}, lost: gap1, check: counted(1)},
		{name: "its request line over two segments", segs: joined(handshake, hole, []seg{c(behind, "body"+get2[:12]), c(behind+16, get2[12:]), c(behind+4+n, get3)}), want: []string{get1, get3}, lost: gap1, check: counted(1)},
		{name: "a second hole in the head", segs: joined(handshake, hole, []seg{c(behind, long[:1400]), c(behind+2000, long[2000:]), c(behind+len(long), get3)}), want: []string{get1, get3}, lost: map[Loss]uint64{LostGap: 2}},
		{name: "five requests cut by a snap length", segs: joined(handshake, snapped(long, 5), []seg{c(5*len(long), get3)}), want: []string{get3}, lost: map[Loss]uint64{LostGap: 5}},

		// Malformed messages.
		{name: "six malformed messages", segs: joined(handshake, alternate(badHead, get1, 6)), want: []string{get1, get1, get1, get1, get1, get1}, lost: map[Loss]uint64{LostMalformed: 6}},
		{name: "malformed, and a request behind it in the segment", segs: joined(handshake, []seg{c(0, badHead+get2), c(len(badHead)+n, get3)}), want: []string{get3}, lost: map[Loss]uint64{LostMalformed: 1}, check: counted(1)},

		// RST and SYN that the other end refuses.
		{name: "a RST one byte ahead", segs: joined(handshake, []seg{c(0, get1), rst(n + 1), c(n, get2), c(2*n, get3)}), want: []string{get1, get2, get3}, check: refused(1)},
		{name: "a RST one byte behind", segs: joined(handshake, []seg{c(0, get1), rst(n - 1), c(n, get2)}), want: []string{get1, get2}, check: refused(1)},
		{name: "a RST in a request", segs: joined(handshake, []seg{c(0, post10[:20]), rst(100), c(20, post10[20:]), c(49, get2)}), want: []string{post10, get2}},
		{name: "a RST that overtakes its data", segs: joined(handshake, []seg{rst(n), c(0, get1)}), want: []string{get1}, check: closing},
		{name: "a RST of the server that overtakes its data, in a request", cfg: track, segs: joined(handshake, []seg{c(0, get1+post10[:20]), {from: 's', off: m, ack: n, flags: packet.FlagRST}, s(0, n, ok2)}), want: []string{get1, "<" + ok2}, lost: map[Loss]uint64{LostClosed: 1}},
		{name: "a RST of the server that overtakes its data, and one of the client", cfg: track, segs: joined(handshake, []seg{c(0, get1+post10[:20]), {from: 's', off: m, ack: n, flags: packet.FlagRST}, rst(n + 20), s(0, n, ok2)}), want: []string{get1, "<" + ok2}, lost: map[Loss]uint64{LostClosed: 1}},
		{name: "an exact RST that was not taken", segs: joined(handshake, []seg{c(0, get1), rst(n), c(n, get2), c(2*n, get3)}), want: []string{get1, get2, get3}},
		{name: "an exact RST in a body that was not taken", segs: joined(handshake, []seg{c(0, post10[:45]), rst(45), c(45, post10[45:]), c(49, get3)}), want: []string{post10, get3}},
		{name: "a RST that was not taken, a minute before", segs: joined(handshake, []seg{c(0, get1), rst(n), at(time.Minute, c(n, get2))}), want: []string{get1, get2}},
		{name: "a challenged SYN", segs: joined(handshake, []seg{c(0, get1), {from: 'c', off: 5000, flags: packet.FlagSYN}, c(n, get2), c(2*n, get3)}), want: []string{get1, get2, get3}, check: refused(1)},
		{name: "a SYN amid what waits for its predecessors", cfg: track, segs: joined(handshake, []seg{s(0, 0, ""), c(30, post10[30:35]), {from: 'c', off: 34, flags: packet.FlagSYN}, c(35, post10[35:]), c(40, post10[40:]), c(0, post10[:30]), c(49, get2)}), want: []string{post10, get2}},
		{name: "a challenged SYN in a body", segs: joined(handshake, []seg{c(0, post10[:45]), {from: 'c', off: 70_000_000, flags: packet.FlagSYN}, c(45, post10[45:]), c(49, get3)}), want: []string{post10, get3}},
		{name: "a challenged SYN, the first that is seen", segs: []seg{{from: 'c', off: 1 << 31, flags: packet.FlagSYN}, c(0, get1), c(n, get2)}, want: []string{get1, get2}},
		{name: "a far segment before the first request", segs: joined(handshake, []seg{c(1<<31, "far away"), c(0, get1), c(n, get2)}), want: []string{get1, get2}},
		{name: "a SYN on a connection whose end was not seen", segs: joined(handshake, []seg{c(0, get1), {from: 'c', off: 69_999_999, flags: packet.FlagSYN}, c(70_000_000, get2), c(70_000_000+n, get3)}), want: []string{get1, get2, get3}, check: connections(2)},
		{name: "its handshake with responses", cfg: track, segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2), {from: 'c', off: 69_999_999, flags: packet.FlagSYN}, {from: 's', off: 999_999, flags: packet.FlagSYN, ack: 70_000_000}, ca(70_000_000, 1_000_000, get2), s(1_000_000, 70_000_000+n, ok2)}),
			want: []string{get1, "<" + ok2, get2, "<" + ok2}, check: connections(2)},
		{name: "a FIN that data go past", segs: joined(handshake, []seg{{from: 'c', off: 2*n + 5, flags: packet.FlagFIN}, c(0, get1), c(n, get2), c(2*n, get3)}), want: []string{get1, get2, get3}, check: refused(1)},

		// Handshakes.
		{name: "a second SYN,ACK, the client follows the first", cfg: track, segs: joined(handshake, []seg{{from: 's', off: 5_000_000, flags: packet.FlagSYN}, ca(0, 0, get1), s(0, n, ok2), ca(n, m, get2), s(m, 2*n, ok2)}),
			want: []string{get1, "<" + ok2, get2, "<" + ok2}, check: connections(1)},
		{name: "a second SYN,ACK, the client follows it", cfg: track, segs: joined(handshake, []seg{{from: 's', off: 4_999_999, flags: packet.FlagSYN}, ca(0, 5_000_000, get1), s(5_000_000, n, ok2)}),
			want: []string{get1, "<" + ok2}, check: connections(1)},
		{name: "a second SYN,ACK in a POST", cfg: track, segs: joined(handshake, []seg{c(0, post10[:45]), {from: 's', off: 5_000_000, flags: packet.FlagSYN}, c(45, post10[45:]), s(0, 49, ok2)}), want: []string{post10, "<" + ok2}},
		{name: "a SYN,ACK of a wrong acknowledgement", cfg: track, segs: joined(handshake[:1], []seg{{from: 's', off: -1, ack: 500_000_000, flags: packet.FlagSYN}, c(0, get1), {from: 's', off: -1, flags: packet.FlagSYN}, s(0, n, ok2)}), want: []string{get1, "<" + ok2}},
		{name: "such a one without the SYN", cfg: track, segs: []seg{{from: 's', off: -1, ack: 1 << 31, flags: packet.FlagSYN}, c(0, get1), c(n, get2)}, want: []string{get1, get2}},

		// What was given before.
		{name: "with FIN again after 3.2 s", segs: joined(handshake, []seg{{from: 'c', data: post10, flags: packet.FlagFIN}, at(time.Second, seg{from: 'c', data: post10, flags: packet.FlagFIN}), at(3200*time.Millisecond, seg{from: 'c', data: post10, flags: packet.FlagFIN}), at(50*time.Second, seg{from: 'c', data: post10, flags: packet.FlagFIN})}),
			want: []string{post10}, check: connections(1)},
		{name: "with its response, again after 10 s", cfg: track, segs: joined(handshake, []seg{{from: 'c', data: get1, flags: packet.FlagFIN}, {from: 's', data: ok2, flags: packet.FlagFIN, ack: n + 1}, at(10*time.Second, c(0, get1)), at(10*time.Second, s(0, n, ok2))}),
			want: []string{get1, "<" + ok2}, check: connections(1)},
		{name: "again behind a SYN of somebody else", segs: joined(handshake, []seg{{from: 'c', data: get1, flags: packet.FlagFIN}, {from: 'c', off: 1 << 31, flags: packet.FlagSYN}, c(0, get1), at(3*time.Second, c(0, get1))}), want: []string{get1}},
		{name: "again and more after 10 s", segs: joined(handshake, []seg{c(0, get1), rst(n), at(10*time.Second, c(0, get1+get2)), at(10*time.Second, c(2*n, get3))}), want: []string{get1, get3}, lost: map[Loss]uint64{LostJoined: 1}, check: counted(1)},
		{name: "another connection on its ports after 10 s", segs: joined(handshake, []seg{{from: 'c', data: get1, flags: packet.FlagFIN}, at(10*time.Second, c(200_000_000, get2))}), want: []string{get1, get2}},

		// Bodies that are withheld.
		{name: "Expect, refused", segs: joined(handshake, []seg{c(0, expect), ca(len(expect), len(refusal), get2)}), want: []string{get2}, lost: map[Loss]uint64{LostWithheld: 1}},
		{name: "Expect, refused, the next request byte by byte", segs: joined(handshake, []seg{c(0, expect)}, acked(bytewise(len(expect), get2), len(refusal))), want: []string{get2}, lost: map[Loss]uint64{LostWithheld: 1}},
		{name: "Expect, taken", segs: joined(handshake, []seg{c(0, expect), ca(len(expect), len(interim), body20), ca(len(expect)+20, 70, get2)}), want: []string{expect + body20, get2}},
		{name: "Expect, not waited for", segs: joined(handshake, []seg{c(0, expect), c(len(expect), "GET / HTTP/1.1\r\n\r\nxx"), c(len(expect)+20, get2)}), want: []string{expect + "GET / HTTP/1.1\r\n\r\nxx", get2}},
		{name: "Expect, taken, a body that looks like a request", segs: joined(handshake, []seg{c(0, expect), ca(len(expect), len(interim), "GET / HTTP/1.1\r\n\r\nxx"), c(len(expect)+20, get2)}), want: []string{expect + "GET / HTTP/1.1\r\n\r\nxx", get2}},
		{name: "Expect, refused, with responses", cfg: track, segs: joined(handshake, []seg{c(0, expect), s(0, len(expect), refusal), ca(len(expect), len(refusal), get2), s(len(refusal), len(expect)+n, ok2)}),
			want: []string{get2, "<" + ok2}, lost: map[Loss]uint64{LostWithheld: 1, LostUnpaired: 1}},

		// PROXY protocol.
		{name: "PROXY 1", segs: joined(handshake, []seg{c(0, proxyV1), c(len(proxyV1), get1)}), want: []string{get1}},
		{name: "PROXY 1 with the request", segs: joined(handshake, []seg{c(0, proxyV1+get1)}), want: []string{get1}},
		{name: "PROXY 1 byte by byte", segs: joined(handshake, bytewise(0, proxyV1+get1)), want: []string{get1}},
		{name: "PROXY 1 when joining", segs: []seg{c(0, proxyV1), c(len(proxyV1), get1)}, want: []string{get1}},
		{name: "PROXY 2", segs: joined(handshake, []seg{c(0, proxyV2), c(len(proxyV2), get1)}), want: []string{get1}},
		{name: "PROXY 2 byte by byte", segs: joined(handshake, bytewise(0, proxyV2+get1)), want: []string{get1}},
		{name: "PROXY 2 of the load balancer's own", segs: joined(handshake, []seg{c(0, proxyOwn+get1)}), want: []string{get1}},
		{name: "a hole in what begins like PROXY", segs: joined(handshake, []seg{c(0, "P"), c(n, get2)}), want: []string{get2}, lost: gap1},
		{name: "the same byte by byte", segs: joined(handshake, []seg{c(0, "P")}, bytewise(n, get2)), want: []string{get2}, lost: gap1},
		{name: "a method that begins like PROXY", segs: joined(handshake, bytewise(0, "PROPFIND / HTTP/1.1\r\n\r\n")), want: []string{"PROPFIND / HTTP/1.1\r\n\r\n"}},
		{name: "empty lines that begin like PROXY", segs: joined(handshake, bytewise(0, "\r\n\r\n"+get1)), want: []string{get1}},

		// Behind an Upgrade.
		{name: "h2c refused, a head over segments", segs: joined(handshake, []seg{c(0, upgrade), c(len(upgrade), long[:1400]), c(len(upgrade)+1400, long[1400:])}), want: []string{upgrade, long}},

		// Time.
		{name: "a hole that closes after 2.2 s", segs: joined(handshake, []seg{c(0, post10[:41]), c(45, post10[45:]), at(2200*time.Millisecond, c(41, post10[41:45]))}), want: []string{post10}},
		{name: "a hole that closes after 12.6 s", segs: joined(handshake, []seg{c(0, post10[:41]), c(45, post10[45:]), at(12600*time.Millisecond, c(41, post10[41:45]))}), want: []string{post10}},
		{name: "acknowledged, closed after 60 ms", cfg: track, segs: joined(handshake, []seg{c(0, post10[:41]), c(45, post10[45:]), s(0, 49, ok2), at(60*time.Millisecond, c(41, post10[41:45]))}), want: []string{post10, "<" + ok2}},
		{name: "an acknowledgement beyond what was seen", cfg: track, segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2), s(m, 2*n, ok2), at(time.Second, ca(2*n, 2*m, get3)), at(time.Second, s(2*m, 3*n, ok2))}),
			want: []string{get1, "<" + ok2, get3, "<" + ok2}, lost: map[Loss]uint64{LostGap: 1, LostUnpaired: 1}, check: missing(n)},
		{name: "it is the last of the capture", cfg: track, segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2), {from: 's', off: m, ack: 2 * n}}), want: []string{get1, "<" + ok2}, lost: gap1, check: missing(n)},
		{name: "an empty line before a response, seen late", cfg: track, segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2), ca(n, m+2, get2), s(m, n, "\r\n"), s(m+2, 2*n, none)}), want: []string{get1, "<" + ok2, get2, "<" + none}},
		{name: "an empty line before a response, before the request", cfg: track, segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2), s(m, n, "\r\n"), s(m+2, 2*n, none), ca(n, m+2, get2)}), want: []string{get1, "<" + ok2, get2, "<" + none}},
	})
}

// snapped is data n times, of which the capture kept 40 bytes of each.
func snapped(data string, n int) (segs []seg) {
	for i := range n {
		segs = append(segs, seg{from: 'c', off: i * len(data), data: data[:40], missing: len(data) - 40})
	}
	return segs
}

// alternate is a and b in turn, n times each.
func alternate(a, b string, n int) (segs []seg) {
	for i := range n {
		off := i * (len(a) + len(b))
		segs = append(segs, c(off, a), c(off+len(a), b))
	}
	return segs
}

func acked(segs []seg, ack int) []seg {
	for i := range segs {
		segs[i].ack = ack
	}
	return segs
}

func closing(t *testing.T, r *rig) {
	t.Helper()
	if got := r.a.stats.Refused; got != 1 || len(r.a.conns) != 0 {
		t.Errorf("%d refused, %d connections left", got, len(r.a.conns))
	}
}

// The address that a PROXY header names comes with each request.
func TestProxyNamesTheClient(t *testing.T) {
	r := newRig(t, Config{})
	for _, g := range joined(handshake, []seg{c(0, "PROXY TCP6 2001:db8::7 2001:db8::1 51234 80\r\n"+get1), c(45+len(get1), get2)}) {
		r.send(g)
	}
	msgs := r.messages()
	if len(msgs) != 2 {
		t.Fatalf("%d messages, want 2", len(msgs))
	}
	for _, m := range msgs {
		if m.Client.String() != "2001:db8::7" || m.Src != rigClient {
			t.Errorf("client %v, source %v", m.Client, m.Src)
		}
	}
}

// A RST whose checksum is wrong ends nothing, wherever it lies.
func TestRSTWithAWrongChecksum(t *testing.T) {
	r := newRig(t, Config{})
	for _, g := range joined(handshake, []seg{c(0, post10[:20])}) {
		r.send(g)
	}
	r.a.Segment(&packet.Segment{Src: rigClient, Dst: rigServer, Seq: clientISN + 1 + 20, Flags: packet.FlagRST, BadSum: true, Time: rigEpoch})
	r.send(c(20, post10[20:]))
	if got := r.messages(); len(got) != 1 || r.a.stats.Refused != 1 {
		t.Errorf("%d messages, %d refused, want 1, 1", len(got), r.a.stats.Refused)
	}
}

// The checksum of a RST is right, was left to the card, or is wrong.
func TestChecksumOfRST(t *testing.T) {
	for _, build := range []func(packettest.Seg) []byte{
		func(s packettest.Seg) []byte { return packettest.TCP4("10.0.0.1:4000", "10.0.0.2:80", s) },
		func(s packettest.Seg) []byte { return packettest.TCP6("[2001:db8::1]:4000", "[2001:db8::2]:80", s) },
	} {
		for _, tt := range []struct {
			name string
			set  func(tcp []byte, pseudo, right uint16)
			bad  bool
		}{
			{"right", func(tcp []byte, _, right uint16) { binary.BigEndian.PutUint16(tcp[16:], right) }, false},
			{"of the pseudo header alone", func(tcp []byte, pseudo, _ uint16) { binary.BigEndian.PutUint16(tcp[16:], pseudo) }, false},
			{"none", func([]byte, uint16, uint16) {}, false},
			{"wrong", func(tcp []byte, _, right uint16) { binary.BigEndian.PutUint16(tcp[16:], right^0x0100) }, true},
		} {
			b := build(packettest.Seg{Seq: 7, Flags: packet.FlagRST, Payload: []byte("odd")})
			header := 20
			addrs := b[12:20]
			if b[0]>>4 == 6 {
				header, addrs = 40, b[8:40]
			}
			tcp := b[header:]
			pseudo := sumOf(append(append([]byte{}, addrs...), 0, 6, byte(len(tcp)>>8), byte(len(tcp))))
			right := ^sumOf(append(binary.BigEndian.AppendUint16(nil, pseudo), tcp...))
			tt.set(tcp, pseudo, right)
			var s packet.Segment
			if r := packet.DecodeIP(b, len(b), &s); r != packet.Decoded || s.BadSum != tt.bad {
				t.Errorf("IPv%d, %s: %v, bad %t", b[0]>>4, tt.name, r, s.BadSum)
			}
		}
	}
}

// sumOf is RFC 1071's sum in its plainest form.
func sumOf(b []byte) uint16 {
	if len(b)%2 == 1 {
		b = append(b, 0)
	}
	sum := 0
	for i := 0; i < len(b); i += 2 {
		sum += int(b[i])<<8 | int(b[i+1])
		if sum > 0xffff {
			sum -= 0xffff
		}
	}
	return uint16(sum)
}

// A subflow makes the connection that it joins one that is not understood, and
// what goes by in both is counted.
func TestMultipath(t *testing.T) {
	key := "BBBBBBBB"
	token := sha256.Sum256([]byte(key))
	for _, tt := range []struct {
		name   string
		learns []seg // how the server's key is seen
	}{
		{"by the SYN,ACK", []seg{{from: 's', off: -1, flags: packet.FlagSYN, options: "\x1e\x0c\x01\x01" + key}}},
		{"by the third packet", []seg{{from: 'c', options: "\x1e\x14\x01\x01AAAAAAAA" + key}}},
		{"by the first data", []seg{{from: 'c', data: get1, options: "\x01\x01\x1e\x16\x01\x01AAAAAAAA" + key + "\x00\x1c"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, Config{TrackResponse: true})
			segs := joined(handshake[:1], tt.learns, []seg{c(0, get1), c(len(get1), post10[:20])})
			segs[0].options = "\x1e\x0c\x01\x01AAAAAAAA"
			segs = append(segs, seg{from: 'c', off: -1, flags: packet.FlagSYN, port: 9, options: "\x02\x04\x05\xb4\x1e\x0c\x10\x01" + string(token[:4]) + "rand"})
			segs = append(segs, seg{from: 'c', data: get2, port: 9}, c(len(get1)+40, get3))
			for _, g := range segs {
				r.send(g)
				r.identity()
			}
			if got := r.messages(); len(got) != 1 {
				t.Errorf("%d messages, want the one before the subflow", len(got))
			}
			if s := &r.a.stats; s.Multipath != 2 || s.SkippedStarts != 2 || s.Lost[LostGap] != 1 || len(r.a.tokens) != 0 {
				t.Errorf("%d connections, %d starts, lost %s, %d tokens kept", s.Multipath, s.SkippedStarts, losses(s.Lost), len(r.a.tokens))
			}
		})
	}
}

// Traces of connections take no more memory than is accounted for, however many
// there are, and are forgotten in time.
func TestTraces(t *testing.T) {
	r := newRig(t, Config{MaxConns: 64})
	for i := range uint16(1000) {
		r.send(seg{from: 'c', data: get1, flags: packet.FlagFIN, port: 1000 + i, at: time.Duration(i) * time.Millisecond})
	}
	if n := len(r.a.traces.list); n > 64*traceShare {
		t.Errorf("%d traces, want at most %d", n, 64*traceShare)
	}
	r.send(seg{from: 'c', data: get1, port: 1999, at: 10 * time.Second})
	r.send(seg{from: 'c', data: get1, port: 1999, at: 10*time.Second + traceTime + time.Second})
	if got := len(r.messages()); got != 1001 {
		t.Errorf("%d messages, want %d: a copy within %v is none, one behind is", got, 1001, traceTime)
	}
}

// What is missing of a connection that closed just before the end of a capture
// is counted.
func TestClosedBeforeTheEndIsCounted(t *testing.T) {
	r := newRig(t, Config{TrackResponse: true})
	const n = len(get1)
	for _, g := range joined(handshake, []seg{c(0, get1), s(0, n, ok2), {from: 'c', off: 3 * n, flags: packet.FlagFIN}, {from: 's', off: len(ok2), ack: 3*n + 1, flags: packet.FlagFIN}}) {
		r.send(g)
	}
	if got := r.messages(); len(got) != 2 || r.a.stats.MissingBytes != uint64(2*n) || r.a.stats.Lost[LostGap] != 1 {
		t.Errorf("%d messages, %d bytes missing, lost %s", len(got), r.a.stats.MissingBytes, fmt.Sprint(losses(r.a.stats.Lost)))
	}
}
