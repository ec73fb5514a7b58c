package assemble

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/packet"
)

const (
	get1   = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n" // 28 bytes
	get2   = "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n"
	get3   = "GET /3 HTTP/1.1\r\nHost: a\r\n\r\n"
	post10 = "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0123456789" // 39 + 10
	chunky = "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"
	ok2    = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	none   = "HTTP/1.1 204 No Content\r\n\r\n"
)

type streamCase struct {
	name  string
	cfg   Config
	segs  []seg
	want  []string // requests as they are, responses behind "<"
	lost  map[Loss]uint64
	check func(*testing.T, *rig)
}

func joined(parts ...[]seg) []seg { return slices.Concat(parts...) }

func c(off int, data string) seg { return seg{from: 'c', off: off, data: data} }

func TestStreams(t *testing.T) {
	wrap := func(segs []seg, isn uint32) []seg {
		segs = slices.Clone(segs)
		for i := range segs {
			segs[i].isn = isn
		}
		return segs
	}
	const n = len(get1)
	cases := []streamCase{
		{name: "one request", segs: joined(handshake, []seg{c(0, get1)}), want: []string{get1}},
		{name: "two requests in one segment", segs: joined(handshake, []seg{c(0, get1+get2)}), want: []string{get1, get2}},
		{name: "first line over two segments", segs: joined(handshake, []seg{c(0, get1[:5]), c(5, get1[5:])}), want: []string{get1}},
		{name: "chunked with trailer", segs: joined(handshake, []seg{c(0, chunky[:50]), c(50, chunky[50:]+get1)}), want: []string{chunky, get1}},
		{name: "empty lines between", segs: joined(handshake, []seg{c(0, get1+"\r\n"), c(n+2, "\r\n"+get2)}), want: []string{get1, get2}},
		{name: "sequence wraps in a request", segs: wrap(joined(handshake, []seg{c(0, get1), c(n, post10[:20]), c(n+20, post10[20:]), c(n+49, get2)}), uint32(0xFFFFFFFF-clientISN-n-30)),
			want: []string{get1, post10, get2}},
		{name: "sequence wraps out of order", segs: wrap(joined(handshake, []seg{c(n, get2), c(0, get1), c(0, get1)}), uint32(0xFFFFFFFF-clientISN-n)),
			want: []string{get1, get2}},
		{name: "out of order", segs: joined(handshake, []seg{c(20, post10[20:30]), c(30, post10[30:]), c(0, post10[:20])}), want: []string{post10},
			check: func(t *testing.T, r *rig) {
				if r.a.stats.OutOfOrder != 2 {
					t.Errorf("%d segments out of order, want 2", r.a.stats.OutOfOrder)
				}
			}},
		{name: "retransmission", segs: joined(handshake, []seg{c(0, post10[:20]), c(0, post10[:20]), c(20, post10[20:]), c(0, post10), c(49, get1)}),
			want: []string{post10, get1},
			check: func(t *testing.T, r *rig) {
				if s := r.a.stats; s.Retransmitted != 2 || s.Conflicting != 0 {
					t.Errorf("retransmitted %d, conflicting %d, want 2, 0", s.Retransmitted, s.Conflicting)
				}
			}},
		{name: "retransmission with more bytes", segs: joined(handshake, []seg{c(0, post10[:20]), c(0, post10+get1[:5]), c(54, get1[5:])}), want: []string{post10, get1}},
		{name: "overlap: the first copy wins", segs: joined(handshake, []seg{c(0, post10[:41]), c(39, "XXXX456789")}), want: []string{"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n01XX456789"},
			check: conflicts(1)},
		{name: "overlap in the store: the first copy wins", segs: joined(handshake, []seg{c(41, "2345"), c(40, "XXXXXXX"), c(0, post10[:40]), c(47, "78")}),
			want: []string{"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n0X2345XX78"}, check: conflicts(1)},
		{name: "overlap from below into the store", segs: joined(handshake, []seg{c(41, "2345"), c(0, post10)}), want: []string{post10}, check: conflicts(0)},
		{name: "a segment around several in the store", segs: joined(handshake, []seg{c(41, "2"), c(43, "4"), c(45, "6"), c(40, "123456789"), c(0, post10[:40])}), want: []string{post10}, check: conflicts(0)},
		{name: "keep-alive probes", segs: joined(handshake, []seg{c(0, get1), c(n-1, "x"), c(n-1, ""), c(n, get2)}), want: []string{get1, get2},
			check: func(t *testing.T, r *rig) {
				if s := r.a.stats; s.Retransmitted != 0 || s.Conflicting != 0 {
					t.Errorf("a probe was counted: %+v", s)
				}
			}},
		{name: "data in SYN", segs: []seg{{from: 'c', off: -1, flags: packet.FlagSYN, data: get1}, c(n, get2)}, want: []string{get1, get2}},
		{name: "data in SYN, sent again without the SYN", segs: []seg{{from: 'c', off: -1, flags: packet.FlagSYN, data: get1}, c(0, get1+get2)}, want: []string{get1, get2}},
		{name: "SYN seen twice", segs: joined(handshake, handshake, []seg{c(0, get1)}, handshake, []seg{c(n, get2)}), want: []string{get1, get2},
			check: connections(1)},
		{name: "every packet seen twice", segs: joined(handshake, handshake, []seg{c(0, get1), c(0, get1), c(n, post10[:9]), c(n, post10[:9]), c(n+9, post10[9:]), c(n+9, post10[9:])}),
			want: []string{get1, post10}, check: connections(1)},
		{name: "FIN with the last data", segs: joined(handshake, []seg{c(0, get1), {from: 'c', off: n, data: get2, flags: packet.FlagFIN}}), want: []string{get1, get2}},
		{name: "FIN before the last data", segs: joined(handshake, []seg{{from: 'c', off: 2 * n, flags: packet.FlagFIN}, c(n, get2), c(0, get1)}), want: []string{get1, get2}},
		{name: "bytes before the FIN are missing at the end", segs: joined(handshake, []seg{c(0, get1), {from: 'c', off: 2 * n, flags: packet.FlagFIN}}), want: []string{get1}, lost: map[Loss]uint64{LostGap: 1}, check: missing(n)},
		{name: "FIN in a message", segs: joined(handshake, []seg{c(0, get1+get2[:9]), {from: 'c', off: n + 9, flags: packet.FlagFIN}}), want: []string{get1}, lost: map[Loss]uint64{LostClosed: 1}},
		{name: "data behind FIN", segs: joined(handshake, []seg{{from: 'c', off: 0, data: get1, flags: packet.FlagFIN}, c(n, get2)}), want: []string{get1}},
		{name: "late copy of a closed connection", segs: joined(handshake, []seg{{from: 'c', off: 0, data: get1, flags: packet.FlagFIN}, c(0, get1), {from: 'c', off: 0, data: get1, at: time.Second}}),
			want: []string{get1}, check: connections(1)},
		{name: "RST", segs: joined(handshake, []seg{c(0, get1+post10[:20]), {from: 'c', off: n + 20, flags: packet.FlagRST}}), want: []string{get1}, lost: map[Loss]uint64{LostClosed: 1}},
		{name: "RST of the server", segs: joined(handshake, []seg{c(0, get1+post10[:20]), {from: 's', off: 0, flags: packet.FlagRST}}), want: []string{get1}, lost: map[Loss]uint64{LostClosed: 1}},
		{name: "stray RST", segs: joined(handshake, []seg{c(0, get1+post10[:20]), {from: 'c', off: -100_000_000, flags: packet.FlagRST}, c(n+20, post10[20:])}), want: []string{get1, post10}},
		{name: "ports used again", segs: joined(handshake, []seg{c(0, get1), c(n, get2[:9])}, wrap(handshake, 50_000_000), wrap([]seg{c(0, get3)}, 50_000_000)),
			want: []string{get1, get3}, lost: map[Loss]uint64{LostClosed: 1}, check: connections(2)},
		{name: "ports used again after FIN", segs: joined(handshake, []seg{{from: 'c', off: 0, data: get1, flags: packet.FlagFIN}}, wrap(handshake, 77_000), wrap([]seg{c(0, get3)}, 77_000)),
			want: []string{get1, get3}, check: connections(2)},
		{name: "ports used again, SYN not seen", segs: joined(handshake, []seg{{from: 'c', off: 0, data: get1, flags: packet.FlagFIN}}, wrap([]seg{c(0, get3)}, 1<<30)),
			want: []string{get1, get3}, check: connections(2)},
		{name: "joined between requests", segs: []seg{c(0, get1), c(n, get2)}, want: []string{get1, get2}},
		{name: "joined at a request over two segments", segs: []seg{c(0, get1[:9]), c(9, get1[9:])}, want: []string{get1}},
		{name: "joined in a body", segs: []seg{c(0, "56789"), c(5, "more of it"), c(15, get1)}, want: []string{get1}, lost: map[Loss]uint64{LostJoined: 1}},
		{name: "joined by a keep-alive probe", segs: []seg{c(-1, "\x00"), c(0, get1)}, want: []string{get1}},
		{name: "garbage", segs: joined(handshake, []seg{c(0, "\x00\x01\x02\x03 what is this\r\n\r\n"), c(21, "more")}), lost: map[Loss]uint64{LostMalformed: 1}},
		{name: "garbage, then a request", segs: joined(handshake, []seg{c(0, "hello\r\n"), c(7, "more"), c(11, get1)}), want: []string{get1}, lost: map[Loss]uint64{LostMalformed: 1}},
		{name: "another connection is not touched by garbage", segs: joined(handshake, []seg{c(0, get1[:9])}, []seg{{from: 'c', off: 0, data: "\r\r\x00\x00", port: 5}}, []seg{c(9, get1[9:])}),
			want: []string{get1}, lost: map[Loss]uint64{LostJoined: 1}},
		{name: "TLS", segs: joined(handshake, []seg{c(0, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc"), c(9, get1)}), check: func(t *testing.T, r *rig) {
			if r.a.stats.TLS != 1 || len(r.logs) != 1 || !strings.Contains(r.logs[0], "port 80 carries TLS") {
				t.Errorf("TLS %d, logged %q", r.a.stats.TLS, r.logs)
			}
		}},
		{name: "TLS byte by byte", segs: joined(handshake, []seg{c(0, "\x16"), c(1, "\x03\x01\x02\x00\x01\x00\x01\xfc")}), lost: map[Loss]uint64{LostMalformed: 1}},
		{name: "HTTP/2", segs: joined(handshake, []seg{c(0, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), c(24, get1)}), check: func(t *testing.T, r *rig) {
			if r.a.stats.HTTP2 != 1 || len(r.logs) != 1 {
				t.Errorf("HTTP/2 %d, logged %q", r.a.stats.HTTP2, r.logs)
			}
		}},
		{name: "HTTP/2 in pieces", segs: joined(handshake, []seg{c(0, "PRI * HT"), c(8, "TP/2.0\r\n\r\nSM\r\n\r\n"), c(24, get1)}), check: func(t *testing.T, r *rig) {
			if r.a.stats.HTTP2 != 1 {
				t.Errorf("HTTP/2 %d", r.a.stats.HTTP2)
			}
		}},
		{name: "Upgrade refused, unseen", segs: joined(handshake, []seg{c(0, upgrade), c(len(upgrade), get1)}), want: []string{upgrade, get1}},
		{name: "Upgrade taken, unseen", segs: joined(handshake, []seg{c(0, upgrade), c(len(upgrade), "\x81\x85abcdhello"), c(len(upgrade)+11, "\x81\x85abcdhello")}), want: []string{upgrade}},
		{name: "CONNECT, unseen", segs: joined(handshake, []seg{c(0, connect), c(len(connect), get1), c(len(connect)+n, connect)}), want: []string{connect, connect}},
		{name: "too large", cfg: Config{MaxMessage: 45}, segs: joined(handshake, []seg{c(0, post10[:40]), c(40, post10[40:]+get1)}), want: []string{get1}, lost: map[Loss]uint64{LostTooLarge: 1}},
		{name: "too large, in one segment", cfg: Config{MaxMessage: 45}, segs: joined(handshake, []seg{c(0, post10+get1)}), want: []string{get1}, lost: map[Loss]uint64{LostTooLarge: 1}},
		{name: "too large, chunked", cfg: Config{MaxMessage: 60}, segs: joined(handshake, []seg{c(0, chunky[:40]), c(40, chunky[40:]+get1)}), want: []string{get1}, lost: map[Loss]uint64{LostTooLarge: 1}},
		{name: "excluded", cfg: Config{Exclude: exclude}, segs: joined(handshake, []seg{c(0, get1), {from: 'c', off: 0, data: get2, port: 7}}), want: []string{get2},
			check: func(t *testing.T, r *rig) {
				if r.a.stats.Excluded != 1 {
					t.Errorf("excluded %d, want 1", r.a.stats.Excluded)
				}
			}},
	}
	runStreamCases(t, cases)
}

func TestGaps(t *testing.T) {
	const n = len(get1)
	later := func(at time.Duration, s seg) seg { s.at = at; return s }
	after := backoffTime + time.Second
	cases := []streamCase{
		{name: "a request is missing", segs: joined(handshake, []seg{c(0, get1), c(2*n, get3)}), want: []string{get1, get3}, lost: map[Loss]uint64{LostGap: 1}, check: missing(n)},
		{name: "a part of a head is missing", segs: joined(handshake, []seg{c(0, get1[:9]), c(20, get1[20:]), c(n, get2)}), want: []string{get2}, lost: map[Loss]uint64{LostGap: 1}, check: missing(11)},
		{name: "a part of a body is missing", segs: joined(handshake, []seg{c(0, post10[:41]), c(45, post10[45:]+get1)}), want: []string{get1}, lost: map[Loss]uint64{LostGap: 1}, check: missing(4)},
		{name: "the end of a body is missing", segs: joined(handshake, []seg{c(0, post10[:41]), c(49, get1)}), want: []string{get1}, lost: map[Loss]uint64{LostGap: 1}},
		{name: "the end of a body and more are missing", segs: joined(handshake, []seg{c(0, post10[:41]), c(49+5, get1[5:]), c(49+n, get2)}), want: []string{get2}, lost: map[Loss]uint64{LostGap: 1}},
		{name: "a part of a chunk is missing", segs: joined(handshake, []seg{c(0, chunky[:52]), c(54, chunky[54:]+get1)}), want: []string{get1}, lost: map[Loss]uint64{LostGap: 1}},
		{name: "closed late, in time", segs: joined(handshake, []seg{c(0, post10[:41]), later(time.Second, c(45, post10[45:])), later(2*time.Second, c(41, post10[41:45]))}), want: []string{post10}},
		{name: "closed too late", segs: joined(handshake, []seg{c(0, post10[:41]), c(45, post10[45:]+get1), later(after, c(45+4+n, get2)), later(after, c(41, post10[41:45]))}),
			want: []string{get1, get2}, lost: map[Loss]uint64{LostGap: 1}},
		{name: "content that looks like a request", segs: joined(handshake, []seg{c(0, "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n"), c(500, get1), c(500+n, "rest")}), lost: map[Loss]uint64{LostGap: 1}},
		{name: "two holes in one body", segs: joined(handshake, []seg{c(0, post10[:41]), c(43, "4"), c(46, "789"+get1)}), want: []string{get1}, lost: map[Loss]uint64{LostGap: 1}, check: missing(4)},
		{name: "snap length in a body", segs: joined(handshake, []seg{{from: 'c', data: post10[:41], missing: 8}, c(49, get1)}), want: []string{get1}, lost: map[Loss]uint64{LostGap: 1}, check: missing(8)},
		{name: "snap length in a head", segs: joined(handshake, []seg{{from: 'c', data: get1[:9], missing: n - 9}, c(n, get2)}), want: []string{get2}, lost: map[Loss]uint64{LostGap: 1}},
		{name: "snap length out of order", segs: joined(handshake, []seg{{from: 'c', off: n, data: post10[:41], missing: 8}, c(n+49, get2), c(0, get1)}), want: []string{get1, get2}, lost: map[Loss]uint64{LostGap: 1}},
		{name: "the last bytes are missing", segs: joined(handshake, []seg{c(0, get1), {from: 'c', off: 2 * n, flags: packet.FlagFIN}, {from: 'c', off: 0, data: get1, port: 9, at: after}}),
			want: []string{get1, get1}, lost: map[Loss]uint64{LostGap: 1}},
		{name: "the first bytes are missing", segs: joined(handshake, []seg{c(n, get2)}), want: []string{get2}, lost: map[Loss]uint64{LostGap: 1}},
	}
	runStreamCases(t, cases)
}

// With AllowIncomplete what came of a message is given if its head is whole, and
// the sums are right all the same.
func TestIncomplete(t *testing.T) {
	const n = len(get1)
	on := Config{AllowIncomplete: true}
	both := Config{AllowIncomplete: true, TrackResponse: true}
	incomplete := func(n uint64) func(*testing.T, *rig) {
		return func(t *testing.T, r *rig) {
			if s := &r.a.stats; s.Incomplete != n {
				t.Errorf("%d counted as incomplete, want %d", s.Incomplete, n)
			}
		}
	}
	runStreamCases(t, []streamCase{
		{name: "whole", cfg: on, segs: joined(handshake, []seg{c(0, post10), c(49, get1)}), want: []string{post10, get1}, check: incomplete(0)},
		{name: "a hole that closes", cfg: on, segs: joined(handshake, []seg{c(0, post10[:41]), c(45, post10[45:]), c(41, post10[41:45])}), want: []string{post10}, check: incomplete(0)},
		{name: "a part of a head", cfg: on, segs: joined(handshake, []seg{c(0, get1[:9]), c(20, get1[20:]), c(n, get2)}), want: []string{get2}, lost: map[Loss]uint64{LostGap: 1}, check: incomplete(0)},
		{name: "a part of a body", cfg: on, segs: joined(handshake, []seg{c(0, post10[:41]), c(45, post10[45:]+get1)}), want: []string{post10[:41] + post10[45:], get1}, check: incomplete(1)},
		{name: "all of a body", cfg: on, segs: joined(handshake, []seg{c(0, post10[:39]), c(49, get1)}), want: []string{post10[:39], get1}, check: incomplete(1)},
		{name: "two holes in one body", cfg: on, segs: joined(handshake, []seg{c(0, post10[:41]), c(43, "4"), c(46, "789"+get1)}), want: []string{post10[:41] + "4789", get1}, check: incomplete(1)},
		{name: "the end of a body and more", cfg: on, segs: joined(handshake, []seg{c(0, post10[:41]), c(49+5, get1[5:]), c(49+n, get2)}),
			want: []string{post10[:41], get2}, lost: map[Loss]uint64{LostGap: 1}, check: incomplete(1)},
		{name: "a part of a chunk", cfg: on, segs: joined(handshake, []seg{c(0, chunky[:52]), c(54, chunky[54:]+get1)}), want: []string{chunky[:52] + chunky[54:], get1}, check: incomplete(1)},
		{name: "a chunk's line", cfg: on, segs: joined(handshake, []seg{c(0, chunky[:57]), c(62, chunky[62:]), c(len(chunky), get1)}), want: []string{chunky[:57], get1}, check: incomplete(1)},
		{name: "a request between two", cfg: on, segs: joined(handshake, []seg{c(0, get1), c(2*n, get3)}), want: []string{get1, get3}, lost: map[Loss]uint64{LostGap: 1}, check: incomplete(0)},
		{name: "snap length in a body", cfg: on, segs: joined(handshake, []seg{{from: 'c', data: post10[:41], missing: 8}, c(49, get1)}), want: []string{post10[:41], get1}, check: incomplete(1)},
		{name: "the connection ended", cfg: on, segs: joined(handshake, []seg{c(0, post10[:41]), {from: 'c', off: 41, flags: packet.FlagFIN}}), want: []string{post10[:41]}, check: incomplete(1)},
		{name: "it was reset", cfg: on, segs: joined(handshake, []seg{c(0, post10[:41]), {from: 'c', off: 41, flags: packet.FlagRST}}), want: []string{post10[:41]}, check: incomplete(1)},
		{name: "it ended in a head", cfg: on, segs: joined(handshake, []seg{c(0, get1[:20]), {from: 'c', off: 20, flags: packet.FlagFIN}}), lost: map[Loss]uint64{LostClosed: 1}, check: incomplete(0)},
		{name: "the capture ended", cfg: on, segs: joined(handshake, []seg{c(0, post10[:41])}), want: []string{post10[:41]}, check: incomplete(1)},
		{name: "the connection idled", cfg: on, segs: joined(handshake, []seg{c(0, post10[:41]), {from: 'c', data: get1, port: 9, at: IdleTimeout + time.Second}}), want: []string{post10[:41], get1}, check: incomplete(1)},
		{name: "joined in the middle", cfg: on, segs: []seg{c(0, "the end of a body"), c(17, get1)}, want: []string{get1}, lost: map[Loss]uint64{LostJoined: 1}, check: incomplete(0)},
		{name: "too large", cfg: Config{AllowIncomplete: true, MaxMessage: 45}, segs: joined(handshake, []seg{c(0, post10[:41]), c(45, post10[45:]+get1)}), want: []string{get1}, lost: map[Loss]uint64{LostTooLarge: 1}, check: incomplete(0)},
		{name: "not HTTP", cfg: on, segs: joined(handshake, []seg{c(0, chunky[:52]+"XX nonsense\r\n")}), lost: map[Loss]uint64{LostMalformed: 1}, check: incomplete(0)},
		{name: "with its response", cfg: both, segs: joined(handshake, []seg{c(0, post10[:41]), c(45, post10[45:]), s(0, 49, ok2), ca(49, len(ok2), get1), s(len(ok2), 49+n, none)}),
			want: []string{post10[:41] + post10[45:], get1, "<" + ok2, "<" + none}, check: incomplete(1)},
		{name: "a response", cfg: both, segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2[:38]), {from: 's', off: 39, ack: n, flags: packet.FlagFIN}}),
			want: []string{get1, "<" + ok2[:38]}, check: incomplete(1)},
		{name: "a response whose request is lost", cfg: both, segs: joined(handshake, []seg{c(0, get1[:9]), c(20, get1[20:]), s(0, n, ok2[:38]), {from: 's', off: 39, ack: n, flags: packet.FlagFIN}}),
			lost: map[Loss]uint64{LostGap: 1, LostUnpaired: 1}, check: incomplete(0)},
		// What is compared with a retransmission is what lies behind the hole.
		{name: "sent again", cfg: on, segs: joined(handshake, []seg{c(0, post10[:41]), c(43, "4"), {from: 'c', off: 43, data: "4", at: backoffTime}, {from: 'c', off: 40, data: "1234", at: backoffTime + time.Second}, {from: 'c', off: 44, data: "56789", at: backoffTime + time.Second}}),
			want: []string{post10[:41] + "456789"}, check: func(t *testing.T, r *rig) {
				incomplete(1)(t, r)
				if s := &r.a.stats; s.Conflicting != 0 || s.Retransmitted != 1 {
					t.Errorf("%d retransmitted, %d conflicting", s.Retransmitted, s.Conflicting)
				}
			}},
	})
}

const (
	upgrade = "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
	connect = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"
)

func runStreamCases(t *testing.T, cases []streamCase) {
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, tc.cfg)
			for _, s := range tc.segs {
				r.send(s)
				r.identity()
			}
			var got []string
			for _, m := range r.messages() {
				s := string(m.Data)
				if m.Response {
					s = "<" + s
				}
				got = append(got, s)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
			var want [LossKinds]uint64
			for l, n := range tc.lost {
				want[l] = n
			}
			if r.a.stats.Lost != want {
				t.Errorf("lost: %s\nwant: %s", losses(r.a.stats.Lost), losses(want))
			}
			if tc.check != nil {
				tc.check(t, r)
			}
		})
	}
}

func losses(l [LossKinds]uint64) string {
	var b strings.Builder
	for i, n := range l {
		if n > 0 {
			fmt.Fprintf(&b, "%s %d, ", Loss(i), n)
		}
	}
	return b.String()
}

func conflicts(n uint64) func(*testing.T, *rig) {
	return func(t *testing.T, r *rig) {
		if got := r.a.stats.Conflicting; got != n {
			t.Errorf("%d conflicting segments, want %d", got, n)
		}
	}
}

func connections(n uint64) func(*testing.T, *rig) {
	return func(t *testing.T, r *rig) {
		if got := r.a.stats.Connections; got != n {
			t.Errorf("%d connections, want %d", got, n)
		}
	}
}

func missing(n int) func(*testing.T, *rig) {
	return func(t *testing.T, r *rig) {
		if got := r.a.stats.MissingBytes; got != uint64(n) {
			t.Errorf("%d bytes missing, want %d", got, n)
		}
	}
}

func exclude(src, dst netip.AddrPort) bool { return src == rigClient && dst == rigServer }
