package assemble

import (
	"net/netip"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
)

func s(off, ack int, data string) seg { return seg{from: 's', off: off, ack: ack, data: data} }

func ca(off, ack int, data string) seg { return seg{from: 'c', off: off, ack: ack, data: data} }

func TestPairs(t *testing.T) {
	const (
		n    = len(get1)
		m    = len(ok2)
		head = "HEAD / HTTP/1.1\r\n\r\n"
		long = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
		cont = "HTTP/1.1 100 Continue\r\n\r\n"
		shut = "HTTP/1.1 200 OK\r\n\r\nuntil the end"
		sw   = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
		no   = "HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno"
		late = DefaultExpire + time.Second
	)
	track := Config{TrackResponse: true}
	at := func(d time.Duration, g seg) seg { g.at = d; return g }
	cases := []streamCase{
		{name: "one pair", segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2)}), want: []string{get1, "<" + ok2}},
		{name: "without tracking", cfg: Config{Expire: 1}, segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2)}), want: []string{get1}},
		{name: "pipelined", segs: joined(handshake, []seg{c(0, get1+get2), c(2*n, get3), s(0, 3*n, ok2+none), s(m+len(none), 3*n, ok2)}),
			want: []string{get1, get2, get3, "<" + ok2, "<" + none, "<" + ok2}},
		{name: "the response overtakes the request", segs: joined(handshake, []seg{s(0, n, ok2), c(0, get1)}), want: []string{get1, "<" + ok2}},
		{name: "the response overtakes a half of the request", segs: joined(handshake, []seg{c(0, get1[:9]), s(0, n, ok2[:9]), s(9, n, ok2[9:]), c(9, get1[9:])}), want: []string{get1, "<" + ok2}},
		{name: "early response", segs: joined(handshake, []seg{c(0, post10[:41]), s(0, 41, none), c(41, post10[41:])}), want: []string{post10, "<" + none}},
		{name: "early response to a request that is cut off", segs: joined(handshake, []seg{c(0, post10[:41]), s(0, 41, none), {from: 'c', off: 41, flags: packet.FlagRST}}),
			lost: map[Loss]uint64{LostClosed: 1, LostUnpaired: 1}},
		{name: "early response to a request that takes long", segs: joined(handshake, []seg{c(0, post10[:41]), s(0, 41, none), at(late, c(41, post10[41:])), at(late, c(49, get1)), at(late, s(len(none), 49+n, ok2))}),
			want: []string{post10, get1, "<" + ok2}, lost: map[Loss]uint64{LostUnpaired: 1}},
		{name: "continue, then a response", segs: joined(handshake, []seg{c(0, post10[:39]), s(0, 39, cont), ca(39, len(cont), post10[39:]), s(len(cont), 49, ok2)}), want: []string{post10, "<" + ok2},
			check: func(t *testing.T, r *rig) {
				if r.a.stats.Interim != 1 {
					t.Errorf("%d interim responses, want 1", r.a.stats.Interim)
				}
			}},
		{name: "continue before a slow body", segs: joined(handshake, []seg{c(0, post10[:39]), s(0, 39, cont), at(late, ca(39, len(cont), post10[39:])), at(late, s(len(cont), 49, ok2))}), want: []string{post10, "<" + ok2}},
		{name: "HEAD", segs: joined(handshake, []seg{c(0, head), s(0, len(head), long), c(len(head), get1), s(len(long), 0, ok2)}), want: []string{head, "<" + long, get1, "<" + ok2}},
		{name: "until the connection ends", segs: joined(handshake, []seg{c(0, get1), s(0, n, shut), {from: 's', off: len(shut), flags: packet.FlagFIN}}), want: []string{get1, "<" + shut}},
		{name: "until the connection is reset", segs: joined(handshake, []seg{c(0, get1), s(0, n, shut), {from: 's', off: len(shut), flags: packet.FlagRST}}), want: []string{get1}, lost: map[Loss]uint64{LostClosed: 1}},
		{name: "the client's FIN comes before the response", segs: joined(handshake, []seg{{from: 'c', data: get1, flags: packet.FlagFIN}, s(0, n, ok2), {from: 's', off: m, flags: packet.FlagFIN}}), want: []string{get1, "<" + ok2}},
		{name: "websocket", segs: joined(handshake, []seg{c(0, upgrade), s(0, 0, sw), c(len(upgrade), get1), s(len(sw), 0, ok2)}), want: []string{upgrade, "<" + sw}, check: tunnels(1)},
		{name: "websocket, client's frame overtakes", segs: joined(handshake, []seg{c(0, upgrade), c(len(upgrade), get1), s(0, 0, sw)}), want: []string{upgrade, "<" + sw}, check: tunnels(1)},
		{name: "upgrade refused", segs: joined(handshake, []seg{c(0, upgrade+get1), s(0, 0, none+ok2)}), want: []string{upgrade, "<" + none, get1, "<" + ok2}, check: tunnels(0)},
		{name: "upgrade unanswered", segs: joined(handshake, []seg{c(0, upgrade), c(len(upgrade), get1), {from: 'c', at: late, port: 9, data: get2}}), want: []string{upgrade, get1, get2}},
		{name: "CONNECT", segs: joined(handshake, []seg{c(0, connect), s(0, 0, "HTTP/1.1 200 OK\r\n\r\n"), c(len(connect), get1)}), want: []string{connect, "<HTTP/1.1 200 OK\r\n\r\n"}, check: tunnels(1)},
		{name: "CONNECT refused", segs: joined(handshake, []seg{c(0, connect), s(0, 0, no), c(len(connect), connect)}), want: []string{connect, "<" + no, connect}},
		{name: "joined before a response", segs: []seg{s(0, 0, ok2), ca(0, m, get1), s(m, n, none)}, want: []string{get1, "<" + none}, lost: map[Loss]uint64{LostUnpaired: 1}},
		{name: "joined in a response", segs: []seg{s(0, 0, "content"), s(7, 0, "more"), ca(0, 11, get1), s(11, n, none)}, want: []string{get1, "<" + none}, lost: map[Loss]uint64{LostJoined: 1}},
		{name: "request missing, acknowledged", segs: joined(handshake, []seg{c(0, get1), s(0, n, ok2), s(m, 2*n, none), ca(2*n, m+len(none), get3),
			{from: 's', at: 5 * time.Millisecond, off: m + len(none), ack: 3 * n, data: ok2}, {from: 's', at: 100 * time.Millisecond, off: m + len(none), ack: 3 * n}}),
			want: []string{get1, "<" + ok2, get3, "<" + ok2}, lost: map[Loss]uint64{LostGap: 1, LostUnpaired: 1}},
		{name: "response missing", segs: joined(handshake, []seg{c(0, get1), ca(n, m, get2), s(m, 2*n, none), ca(2*n, m+len(none), get3), s(m+len(none), 3*n, ok2)}),
			want: []string{get1, get2, get3, "<" + none, "<" + ok2}, lost: map[Loss]uint64{LostGap: 1}},
		{name: "body of a request missing", segs: joined(handshake, []seg{c(0, post10[:41]), c(45, post10[45:]), {from: 'c', off: 49, at: late, data: get1}, s(0, 49, none+ok2)}),
			want: []string{get1, "<" + ok2}, lost: map[Loss]uint64{LostGap: 1, LostUnpaired: 1}},
	}
	for i := range cases {
		if cases[i].cfg.Expire == 0 {
			cases[i].cfg = track
		}
	}
	runStreamCases(t, cases)
}

func tunnels(n uint64) func(*testing.T, *rig) {
	return func(t *testing.T, r *rig) {
		if got := r.a.stats.Tunnels; got != n {
			t.Errorf("%d tunnels, want %d", got, n)
		}
	}
}

// A response has its request's connection and ordinal, its own times, and the
// addresses the other way round.
func TestMessageFields(t *testing.T) {
	const n = len(get1)
	r := newRig(t, Config{TrackResponse: true})
	for _, g := range joined(handshake, []seg{
		{from: 'c', data: get1 + get2[:5], at: 1000},
		{from: 'c', off: n + 5, data: get2[5:], at: 3000},
		{from: 's', data: ok2 + ok2[:1], at: 4000},
		{from: 's', off: len(ok2) + 1, data: ok2[1:], at: 6000},
	}) {
		r.send(g)
	}
	got := r.messages()
	if len(got) != 4 {
		t.Fatalf("%d messages, want 4", len(got))
	}
	id := got[0].Conn
	want := []Message{
		{false, false, id, 1, rigEpoch + 1000, 0, rigClient, rigServer, netip.Addr{}, nil},
		{false, false, id, 2, rigEpoch + 1000, 2000, rigClient, rigServer, netip.Addr{}, nil},
		{true, false, id, 1, rigEpoch + 4000, 0, rigServer, rigClient, netip.Addr{}, nil},
		{true, false, id, 2, rigEpoch + 4000, 2000, rigServer, rigClient, netip.Addr{}, nil},
	}
	for i, w := range want {
		w.Data = got[i].Data
		if g := got[i]; g.Response != w.Response || g.Conn != w.Conn || g.Ordinal != w.Ordinal || g.Time != w.Time ||
			g.Duration != w.Duration || g.Src != w.Src || g.Dst != w.Dst {
			t.Errorf("message %d:\ngot  %+v\nwant %+v", i, g, w)
		}
	}
}

// Without ports in the address, the handshake or the content says who is the
// client.
func TestDirection(t *testing.T) {
	anyPort := filter.Address{Path: "x.pcap", Text: "x.pcap"}
	cases := []struct {
		name string
		addr filter.Address
		segs []seg
		want int
	}{
		{"SYN", anyPort, joined(handshake[:1], []seg{c(0, get1), s(0, 0, ok2)}), 2},
		{"SYN,ACK", anyPort, joined(handshake[1:], []seg{c(0, get1), s(0, 0, ok2)}), 2},
		{"request", anyPort, []seg{c(0, get1), s(0, 0, ok2)}, 2},
		{"response", anyPort, []seg{s(0, 0, ok2), ca(0, len(ok2), get1), s(len(ok2), 0, ok2)}, 2},
		{"content", anyPort, []seg{c(0, "\x01\x02\x03"), s(0, 0, "\x03\x04")}, 0},
		{"both ports are captured", filter.Address{Ports: []uint16{80, 40000}}, joined(handshake, []seg{c(0, get1), s(0, 0, ok2)}), 2},
		{"other port", filter.Address{Ports: []uint16{81}}, joined(handshake, []seg{c(0, get1), s(0, 0, ok2)}), 0},
		{"server is the host", filter.Address{Hosts: []netip.Addr{rigServer.Addr()}}, joined(handshake, []seg{c(0, get1), s(0, 0, ok2)}), 2},
		{"client is the host", filter.Address{Hosts: []netip.Addr{rigClient.Addr()}}, joined(handshake, []seg{c(0, get1), s(0, 0, ok2)}), 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			tc.addr.Text = "x"
			r := newRig(t, Config{TrackResponse: true, Address: tc.addr})
			for _, g := range tc.segs {
				r.send(g)
			}
			if got := r.messages(); len(got) != tc.want {
				t.Errorf("%d messages, want %d", len(got), tc.want)
			}
		})
	}
}
