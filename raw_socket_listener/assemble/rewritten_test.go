package assemble

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// A conversation is one request and its answer as an interface sees them.
type interfaceView struct {
	client, server string
	isn, serverISN uint32
	stamps         string // 8 bytes of TCP time stamps, or none
	requests       []string
	join           bool // without the handshake
}

// segmentsOf are the view's segments, a millisecond between the requests.
func (v interfaceView) segmentsOf(late time.Duration) (list []packet.Segment) {
	client, server := netip.MustParseAddrPort(v.client), netip.MustParseAddrPort(v.server)
	seq, ack, at := v.isn, v.serverISN+1, rigEpoch+int64(late)
	add := func(fromServer bool, flags packet.TCPFlags, seq, ack uint32, data string) {
		s := packet.Segment{Time: at, Src: client, Dst: server, Flags: flags, Seq: seq, Ack: ack, Payload: []byte(data), Window: 1000}
		if fromServer {
			s.Src, s.Dst = server, client
		}
		if v.stamps != "" {
			s.Options = []byte("\x01\x01\x08\x0a" + v.stamps)
		}
		list = append(list, s)
	}
	if !v.join {
		add(false, packet.FlagSYN, seq, 0, "")
		add(true, packet.FlagSYN|packet.FlagACK, v.serverISN, seq+1, "")
	}
	seq++
	for _, r := range v.requests {
		at += int64(time.Millisecond)
		add(false, packet.FlagACK|packet.FlagPSH, seq, ack, r)
		seq += uint32(len(r))
		const answer = "HTTP/1.1 204 No Content\r\n\r\n"
		add(true, packet.FlagACK|packet.FlagPSH, ack, seq, answer)
		ack += uint32(len(answer))
	}
	add(false, packet.FlagACK|packet.FlagFIN, seq, ack, "")
	return list
}

// interleave gives the segments of several views in turn, as they are captured.
func interleave(lists ...[]packet.Segment) (all []packet.Segment) {
	for i := 0; ; i++ {
		some := false
		for _, l := range lists {
			if i < len(l) {
				all, some = append(all, l[i]), true
			}
		}
		if !some {
			return all
		}
	}
}

// Packets that are seen twice with rewritten addresses are taken once, and
// connections that only look alike are both taken.
func TestRewrittenAddresses(t *testing.T) {
	get := func(targets ...string) (list []string) {
		for _, target := range targets {
			list = append(list, "GET "+target+" HTTP/1.1\r\nHost: h\r\n\r\n")
		}
		return list
	}
	long := "GET /long HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 400) + "\r\n\r\n"
	outer := interfaceView{client: "198.51.100.2:39412", server: "198.51.100.1:80", isn: 4032170947, serverISN: 2433367433, requests: get("/1", "/2", "/3")}
	with := func(edit func(v *interfaceView)) interfaceView {
		v := outer
		edit(&v)
		return v
	}
	inner := with(func(v *interfaceView) { v.server = "172.17.0.2:80" })
	const stamps = "\x50\xb9\x0e\xb5\x2e\x76\x03\x94"
	for _, tt := range []struct {
		name  string
		views []interfaceView
		late  time.Duration // of the views behind the first
		want  int           // requests
		again uint64
	}{
		{"a published port", []interfaceView{outer, inner}, time.Microsecond, 3, 1},
		{"a published port, and the bridge", []interfaceView{outer, inner, inner}, time.Microsecond, 3, 1},
		{"of another number", []interfaceView{outer, with(func(v *interfaceView) { v.server = "172.17.0.2:8080" })}, time.Microsecond, 3, 1},
		{"joined", []interfaceView{with(func(v *interfaceView) { v.join = true }), with(func(v *interfaceView) { v.join, v.server = true, "172.17.0.2:80" })}, time.Microsecond, 3, 1},
		{"the other interface first", []interfaceView{inner, outer}, -time.Microsecond, 3, 1},
		{"a long request", []interfaceView{with(func(v *interfaceView) { v.requests = []string{long} }), with(func(v *interfaceView) { v.server, v.requests = "172.17.0.2:80", []string{long} })}, time.Microsecond, 1, 1},
		{"masqueraded", []interfaceView{with(func(v *interfaceView) { v.stamps = stamps }), with(func(v *interfaceView) { v.stamps, v.client, v.server = stamps, "172.17.0.1:1024", "172.17.0.2:80" })}, time.Microsecond, 3, 1},

		{"the same port of the client to two servers", []interfaceView{outer, with(func(v *interfaceView) { v.server, v.isn, v.serverISN = "172.17.0.2:80", 77, 88 })}, time.Microsecond, 6, 0},
		{"the same number of the client's alone", []interfaceView{outer, with(func(v *interfaceView) { v.server, v.serverISN = "172.17.0.2:80", 88 })}, time.Microsecond, 6, 0},
		{"the same numbers, other content", []interfaceView{outer, with(func(v *interfaceView) { v.server, v.requests = "172.17.0.2:80", get("/4", "/5", "/6") })}, time.Microsecond, 6, 0},
		{"later", []interfaceView{outer, inner}, 3 * time.Second, 6, 0},
		{"two clients that were made by hand", []interfaceView{outer, with(func(v *interfaceView) { v.client = "198.51.100.3:39412" })}, time.Microsecond, 6, 0},
		{"two clients with other time stamps", []interfaceView{with(func(v *interfaceView) { v.stamps = stamps }), with(func(v *interfaceView) { v.client, v.stamps = "198.51.100.3:39412", "\x50\xb9\x0e\xb6\x2e\x76\x03\x94" })}, time.Microsecond, 6, 0},
	} {
		for _, responses := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				r := newRig(t, Config{Address: filter.Address{Ports: []uint16{80, 8080}}, TrackResponse: responses})
				var lists [][]packet.Segment
				for i, v := range tt.views {
					late := tt.late
					if i == 0 {
						late = 0
					}
					lists = append(lists, v.segmentsOf(late))
				}
				for _, s := range interleave(lists...) {
					r.a.Segment(&s)
				}
				requests, answers := 0, 0
				for _, m := range r.messages() {
					if m.Response {
						answers++
						continue
					}
					requests++
					if tt.again > 0 && m.Dst.String() != tt.views[0].server {
						t.Errorf("a request to %s, want those to %s", m.Dst, tt.views[0].server)
					}
				}
				if requests != tt.want || responses && answers != tt.want || r.a.stats.Rewritten != tt.again || r.a.stats.LostSum() != 0 {
					t.Errorf("%d requests, %d answers, want %d; %v", requests, answers, tt.want, r.a.stats.Rows())
				}
				if said := strings.Count(strings.Join(r.logs, "\n"), "is seen again"); said != int(tt.again) {
					t.Errorf("told %d times: %q", said, r.logs)
				}
			})
		}
	}
}

// The second sight may come on another ring, and is told of once for all.
func TestRewrittenOnAnotherRing(t *testing.T) {
	v := interfaceView{client: "198.51.100.2:39412", server: "198.51.100.1:80", isn: 1, serverISN: 2, requests: []string{"GET / HTTP/1.1\r\n\r\n"}}
	one, other := newRig(t, Config{}), newRig(t, Config{})
	other.a.sights = one.a.sights
	for _, s := range v.segmentsOf(0) {
		one.a.Segment(&s)
	}
	v.server = "172.17.0.2:80"
	for _, s := range v.segmentsOf(time.Microsecond) {
		other.a.Segment(&s)
	}
	if n, m := len(one.messages()), len(other.messages()); n != 1 || m != 0 || other.a.stats.Rewritten != 1 {
		t.Errorf("%d and %d messages", n, m)
	}
}

// A connection that two captures see is taken by one of them, whichever has each
// segment first, and one of which only one capture sees a part is taken by that.
func TestSharedWithAnotherCapture(t *testing.T) {
	get := func(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n" }
	view := interfaceView{client: "198.51.100.2:39412", server: "198.51.100.1:80", isn: 1000, serverISN: 2000, requests: []string{get("/1"), get("/2"), get("/3"), get("/4")}}
	all := view.segmentsOf(0)
	for _, tt := range []struct {
		name          string
		first, second []packet.Segment // in the order in which each captures them
		order         string           // of the two captures' segments
		want          [2]int           // requests of each capture
		shared        [2]uint64
	}{
		{"in step", all, all, "abababababababababab", [2]int{4, 0}, [2]uint64{0, 1}},
		{"one behind the other", all, all, "aaaaaaaaaabbbbbbbbbb", [2]int{4, 0}, [2]uint64{0, 1}},
		{"each ahead in turn", all, all, "aaabbbbbaaaaaaabbbbb", [2]int{4, 0}, [2]uint64{0, 1}},
		{"sent again", append(append(all[:3:3], all[2]), all[3:]...), all, "aaaaaaaaaaabbbbbbbbbb", [2]int{4, 0}, [2]uint64{0, 1}},
		{"joined later", all, all[4:], "aaaaaabbaaaabbbb", [2]int{4, 0}, [2]uint64{0, 1}},
		{"moved to the other interface", all[:6], all[6:], "aaaaaabbbb", [2]int{2, 2}, [2]uint64{0, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen := &Sights{}
			rigs := [2]*rig{newRig(t, Config{Capture: seen.Join()}), newRig(t, Config{Capture: seen.Join()})}
			left := [2][]packet.Segment{tt.first, tt.second}
			for _, r := range rigs {
				r.a.sights = seen
			}
			for _, c := range tt.order {
				i := int(c - 'a')
				if len(left[i]) > 0 {
					rigs[i].a.Segment(&left[i][0])
					left[i] = left[i][1:]
				}
			}
			for i, r := range rigs {
				if n := len(r.messages()); n != tt.want[i] || r.a.stats.Shared != tt.shared[i] || r.a.stats.LostSum() != 0 {
					t.Errorf("capture %d: %d requests, want %d; %v", i, n, tt.want[i], r.a.stats.Rows())
				}
			}
		})
	}
}

// Comparing costs no allocation: each connection is compared at its beginning.
func TestSightsDoNotAllocate(t *testing.T) {
	var l Sights
	s := &packet.Segment{Flags: packet.FlagACK, Payload: []byte("GET / HTTP/1.1\r\n\r\n"), Options: []byte("\x01\x01\x08\x0a12345678")}
	if n := testing.AllocsPerRun(100, func() {
		s.Seq++
		l.again(1, rigClient, rigServer, s)
	}); n > 0 {
		t.Errorf("%v allocations for each segment", n)
	}
}

func TestTimestampsOption(t *testing.T) {
	for options, want := range map[string]uint64{
		"": 0, "\x00\x08\x0a12345678": 0, "\x08": 0, "\x08\x0a1234": 0, "\x08\x00": 0, "\x02\x04\x05\xb4\x08\x0a\x00\x00\x00\x00\x00\x00\x00\x07": 7,
	} {
		if got := packet.Timestamps([]byte(options)); got != want {
			t.Errorf("%q: %d, want %d", options, got, want)
		}
	}
}
