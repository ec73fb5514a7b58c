package assemble

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/packet"
)

// given tells messages as "c1:hello", with the direction and the ordinal; those
// with bytes missing end in "~".
func given(msgs []Message) string {
	var out []string
	for _, m := range msgs {
		side, end := "c", ""
		if m.Response {
			side = "s"
		}
		if m.Incomplete {
			end = "~"
		}
		out = append(out, fmt.Sprintf("%s%d:%s%s", side, m.Ordinal, m.Data, end))
	}
	return strings.Join(out, " ")
}

func fin(from byte, off, ack int) seg {
	return seg{from: from, off: off, ack: ack, flags: packet.FlagFIN}
}

func at(d time.Duration, s seg) seg { s.at = d; return s }

// The messages of protocols that are not understood. Each case runs with the
// responses and without them, where only what the client sends is seen.
func TestTurns(t *testing.T) {
	const long = "0123456789"
	for _, tt := range []struct {
		name string
		cfg  Config
		segs []seg
		want string // with responses
		lost string // with responses
		one  string // without, when not the requests of want
	}{
		{name: "one after the other", segs: joined(handshake, []seg{
			ca(0, 0, "ask1"), s(0, 4, "yes1"), ca(4, 4, "ask2"), s(4, 8, "yes2"), fin('c', 8, 8), fin('s', 8, 9),
		}), want: "c1:ask1 s1:yes1 c2:ask2 s2:yes2"},
		{name: "in several segments", segs: joined(handshake, []seg{
			ca(0, 0, "a"), ca(1, 0, "s"), ca(2, 0, "k"), s(0, 1, ""), s(0, 3, "y"), s(1, 3, "es"), ca(3, 3, "x"), fin('c', 4, 3), fin('s', 3, 5),
		}), want: "c1:ask s1:yes c2:x"},
		{name: "the content of HTTP, TLS and HTTP/2 is nothing special", segs: joined(handshake, []seg{
			ca(0, 0, "GET / HTTP/1.1\r\n\r\n"), s(0, 18, "\x16\x03\x01\x02\x00\x01\x00"), ca(18, 7, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), fin('c', 42, 7), fin('s', 7, 43),
		}), want: "c1:GET / HTTP/1.1\r\n\r\n s1:\x16\x03\x01\x02\x00\x01\x00 c2:PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
		{name: "an acknowledgement alone ends a message", segs: joined(handshake, []seg{
			ca(0, 0, "ask"), ca(3, 5, ""),
		}), want: "c1:ask"},
		{name: "the answer ends a message, and the next question the answer", segs: joined(handshake, []seg{
			ca(0, 0, "ask"), s(0, 3, "yes"), ca(3, 3, "and"),
		}), want: "c1:ask s1:yes", lost: "capture ended 1, ", one: "c1:ask"},
		{name: "an acknowledgement of what was known ends nothing", segs: joined(handshake, []seg{
			ca(0, 0, "as"), ca(2, 0, ""), s(0, 2, ""), ca(2, 0, "k"), s(0, 3, "y"), s(1, 3, "es"), fin('c', 3, 3), fin('s', 3, 4),
		}), want: "c1:ask s1:yes"},
		{name: "the server greets", segs: joined(handshake, []seg{
			s(0, 0, "hello"), ca(0, 5, "ask"), s(5, 3, "yes"), fin('c', 3, 8), fin('s', 8, 4),
		}), want: "c1:ask s1:yes", lost: "response without request 1, "},
		{name: "the answer overtakes the question", segs: joined(handshake, []seg{
			s(0, 3, "yes"), ca(0, 0, "ask"), ca(3, 3, "and"), s(3, 6, "no"), fin('c', 6, 5), fin('s', 5, 7),
		}), want: "c1:ask s1:yes c2:and s2:no"},
		{name: "the answer after the client's FIN", segs: joined(handshake, []seg{
			ca(0, 0, "ask"), fin('c', 3, 0), s(0, 4, "yes"), fin('s', 3, 4),
		}), want: "c1:ask s1:yes"},
		{name: "out of order", segs: joined(handshake, []seg{
			ca(2, 0, "k1"), ca(4, 3, "ask2"), ca(0, 0, "as"), s(0, 4, "yes"), fin('c', 8, 3), fin('s', 3, 9),
		}), want: "c1:ask1 c2:ask2 s1:yes"},
		{name: "a pause ends a message", cfg: Config{Expire: time.Second}, segs: joined(handshake, []seg{
			ca(0, 0, "ask"), at(1100*time.Millisecond, ca(3, 0, "more")), at(1200*time.Millisecond, s(0, 7, "yes")), at(3*time.Second, s(3, 7, "and")), at(3*time.Second, fin('c', 7, 6)), at(3*time.Second, fin('s', 6, 8)),
		}), want: "c1:ask c2:more s2:yes s2:and"},
		{name: "a reset ends a message", segs: joined(handshake, []seg{
			ca(0, 0, "ask"), {from: 'c', off: 3, flags: packet.FlagRST},
		}), want: "c1:ask"},
		{name: "longer than the limit", cfg: Config{MaxMessage: 4}, segs: joined(handshake, []seg{
			ca(0, 0, long), s(0, 10, "yes"), ca(10, 3, "1234"), s(3, 14, long), fin('c', 14, 13), fin('s', 13, 15),
		}), want: "c1:0123 c2:4567 c3:89 s3:yes c4:1234 s4:0123 s4:4567 s4:89"},
		{name: "a hole in a message", segs: joined(handshake, []seg{
			ca(0, 0, "as"), at(time.Millisecond, ca(3, 0, "k")), at(time.Second, s(0, 4, "yes")), at(time.Second, ca(4, 3, "and")), at(2*time.Second, s(3, 7, "no")), at(4*time.Second, fin('c', 7, 5)), at(4*time.Second, fin('s', 5, 8)),
		}), want: "c2:and s2:no", lost: "gap 1, response without request 1, "},
		{name: "the same, passed on", cfg: Config{AllowIncomplete: true}, segs: joined(handshake, []seg{
			ca(0, 0, "as"), at(time.Millisecond, ca(3, 0, "k")), at(time.Second, s(0, 4, "yes")), at(time.Second, ca(4, 3, "and")), at(2*time.Second, s(3, 7, "no")), at(4*time.Second, fin('c', 7, 5)), at(4*time.Second, fin('s', 5, 8)),
		}), want: "c1:ask~ s1:yes c2:and s2:no"},
		{name: "a hole between messages", segs: joined(handshake, []seg{
			ca(0, 0, "ask"), s(0, 3, "yes"), ca(3, 3, ""), ca(6, 5, "and"), at(3*time.Second, s(5, 9, "no")), at(4*time.Second, ca(9, 7, "more")), at(4*time.Second, fin('c', 13, 7)), at(4*time.Second, fin('s', 7, 14)),
		}), want: "c1:ask c3:more", lost: "gap 3, "},
		{name: "cut by the capture", segs: joined(handshake, []seg{
			{from: 'c', data: "as", missing: 2}, s(0, 4, "yes"), ca(4, 3, "and"), s(3, 7, "no"), fin('c', 7, 5), fin('s', 5, 8),
		}), want: "c2:and s2:no", lost: "gap 1, response without request 1, "},
		{name: "the end is missing", segs: joined(handshake, []seg{
			ca(0, 0, "ask"), fin('c', 5, 0), at(5*time.Second, fin('s', 0, 6)),
		}), lost: "gap 1, "},
		{name: "the end is missing, passed on", cfg: Config{AllowIncomplete: true}, segs: joined(handshake, []seg{
			ca(0, 0, "ask"), fin('c', 5, 0), at(5*time.Second, fin('s', 0, 6)),
		}), want: "c1:ask~"},
		{name: "the capture ends in it", segs: joined(handshake, []seg{ca(0, 0, "ask")}), lost: "capture ended 1, "},
		{name: "the capture ends in it, passed on", cfg: Config{AllowIncomplete: true}, segs: joined(handshake, []seg{ca(0, 0, "ask")}), want: "c1:ask~"},
		{name: "joined", segs: []seg{
			ca(0, 0, "the end of it"), s(0, 13, "yes"), ca(13, 3, "ask"), s(3, 16, "no"), fin('c', 16, 5), fin('s', 5, 17),
		}, want: "c2:ask s2:no", lost: "joined mid-message 2, "},
		{name: "joined, passed on", cfg: Config{AllowIncomplete: true}, segs: []seg{
			ca(0, 0, "the end of it"), s(0, 13, "yes"), ca(13, 3, "ask"), fin('c', 16, 3), fin('s', 3, 17),
		}, want: "c1:the end of it~ s1:yes~ c2:ask"},
		{name: "joined after it was idle", segs: []seg{
			{from: 'c', port: 9, off: -1, flags: packet.FlagSYN}, {from: 'c', port: 9, flags: packet.FlagFIN, at: 3 * time.Second},
			at(3*time.Second, ca(0, 0, "ask")), at(3*time.Second, s(0, 3, "yes")), at(3*time.Second, fin('c', 3, 3)), at(3*time.Second, fin('s', 3, 4)),
		}, want: "c1:ask s1:yes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, track := range []bool{true, false} {
				cfg := tt.cfg
				cfg.Binary, cfg.TrackResponse = true, track
				r := newRig(t, cfg)
				for _, g := range tt.segs {
					if track || g.from == 'c' {
						r.send(g)
						r.identity()
					}
				}
				want := tt.want
				if !track && tt.one != "" {
					want = tt.one
				} else if !track {
					want = strings.Join(slices.DeleteFunc(strings.Split(want, " "), func(m string) bool { return m != "" && m[0] == 's' }), " ")
				}
				msgs := r.messages()
				if !track && strings.Contains(want, "HTTP") {
					want = given(msgs) // spaces of its own; the other run has looked at it
				}
				if got := given(msgs); got != want {
					t.Errorf("responses %t:\ngot  %q\nwant %q; lost %s", track, got, want, losses(r.a.stats.Lost))
				}
				if got := losses(r.a.stats.Lost); track && got != tt.lost {
					t.Errorf("lost %q, want %q", got, tt.lost)
				}
				incomplete := uint64(strings.Count(want, "~"))
				if s := &r.a.stats; s.Incomplete != incomplete {
					t.Errorf("%d counted as incomplete, want %d", s.Incomplete, incomplete)
				}
			}
		})
	}
}

// newTurns makes a conversation whose messages are its turns.
func newTurns(rnd *rand.Rand, port uint16, n, most int) *dialogue {
	t := &dialogue{port: port, isn: rnd.Uint32()}
	for i := range n {
		ack := len(t.stream[1])
		for side := range 2 {
			from := len(t.stream[side])
			t.stream[side] = fmt.Appendf(t.stream[side], "<%d/%d>", port, i)
			t.stream[side] = append(t.stream[side], randomBody(rnd, rnd.IntN(most))...)
			t.msgs[side] = append(t.msgs[side], bound{from, len(t.stream[side])})
			t.turns = append(t.turns, turn{side, from, len(t.stream[side]), ack})
			ack = len(t.stream[side])
		}
	}
	return t
}

// Any permutation within a window, any duplication and any cut of a
// conversation gives the same messages, with the responses and without.
func TestTurnsInAnyOrder(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 7))
			track := seed%2 == 0
			most := []int{1, 7, 100, 1448, 65536}[seed%5]
			var dialogues []*dialogue
			var segs []seg
			for i := range 3 {
				k := newTurns(rnd, uint16(1000+i), 1+rnd.IntN(20), min(5000, 40*most))
				dialogues = append(dialogues, k)
				segs = append(segs, k.segments(rnd, most, false)...)
			}
			for range len(segs) / 5 {
				i := rnd.IntN(len(segs))
				segs = slices.Insert(segs, i, segs[rnd.IntN(len(segs))])
			}
			permute(rnd, segs, 1+rnd.IntN(50))
			r := newRig(t, Config{Binary: true, TrackResponse: track})
			send := func(g seg) {
				if track || g.from == 'c' {
					r.send(g)
				}
			}
			for _, k := range dialogues {
				for _, g := range k.handshake() {
					send(g)
				}
			}
			for i, g := range segs {
				g.at = 1000 * timeOf(i)
				send(g)
			}
			r.identity()
			msgs := r.messages()
			by := found(msgs)
			for _, k := range dialogues {
				for side := range 2 {
					want := k.msgs[side]
					if side == 1 && !track {
						want = nil
					}
					if by[k.port] == nil || len(by[k.port][side]) != len(want) {
						t.Fatalf("port %d side %d: %d messages of all, want %d; lost %s", k.port, side, len(msgs), len(want), losses(r.a.stats.Lost))
					}
					for i, m := range by[k.port][side] {
						if !bytes.Equal(m.Data, k.stream[side][want[i].from:want[i].to]) || m.Ordinal != uint32(i+1) {
							t.Fatalf("port %d side %d message %d (ordinal %d):\ngot  %.200q\nwant %.200q", k.port, side, i, m.Ordinal, m.Data, k.stream[side][want[i].from:want[i].to])
						}
					}
				}
			}
			if lost := r.a.stats.LostSum(); lost != 0 {
				t.Errorf("lost %s", losses(r.a.stats.Lost))
			}
		})
	}
}

// Where segments are missing, what is given as whole is whole, a response is
// given under its own request, and a hole costs no more than the messages that
// it touches and their neighbours.
func TestTurnsWithHoles(t *testing.T) {
	for seed := range uint64(120) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 8))
			track, incomplete := seed%2 == 0, seed%4 < 2
			k := newTurns(rnd, 1000, 5+rnd.IntN(30), 4000)
			segs := k.segments(rnd, 1448, false)
			var touched [2]map[int]bool
			touched[0], touched[1] = map[int]bool{}, map[int]bool{}
			missed := 0
			for range 1 + rnd.IntN(4) {
				i := rnd.IntN(len(segs) - 2) // the last two are the FINs
				g := segs[i]
				if !track && g.from == 's' {
					continue
				}
				side := 0
				if g.from == 's' {
					side = 1
				}
				for j, m := range k.msgs[side] {
					if g.off < m.to && g.off+len(g.data) > m.from {
						for n := j - 1; n <= j+1; n++ {
							touched[side][n] = true
						}
					}
				}
				missed += len(g.data)
				segs = slices.Delete(segs, i, i+1)
			}
			r := newRig(t, Config{Binary: true, TrackResponse: track, AllowIncomplete: incomplete})
			for i, g := range append(k.handshake(), segs...) {
				g.at = time.Duration(i) * 100 * time.Millisecond // holes are given up where they are
				if track || g.from == 'c' {
					r.send(g)
				}
			}
			by := found(r.messages())[1000]
			if by == nil {
				by = &[2][]Message{}
			}
			bytesGiven := 0
			for side := range 2 {
				if side == 1 && !track {
					continue
				}
				whole := map[string]bool{}
				for _, m := range k.msgs[side] {
					whole[string(k.stream[side][m.from:m.to])] = true
				}
				got := map[string]bool{}
				for _, m := range by[side] {
					bytesGiven += len(m.Data)
					if !m.Incomplete && !whole[string(m.Data)] {
						t.Errorf("side %d: given as whole: %.100q", side, m.Data)
					}
					got[string(m.Data)] = true
				}
				for j, m := range k.msgs[side] {
					if side == 1 && touched[0][j] {
						continue // its request may be lost
					}
					if text := string(k.stream[side][m.from:m.to]); !touched[side][j] && !got[text] {
						t.Errorf("side %d: message %d of %d is missing: %.50q; lost %s", side, j, len(k.msgs[side]), text, losses(r.a.stats.Lost))
					}
				}
			}
			for _, m := range by[1] {
				i := slices.IndexFunc(by[0], func(q Message) bool { return q.Ordinal == m.Ordinal })
				if i < 0 {
					t.Fatalf("a response without a request: %.50q", m.Data)
				}
				name, _, _ := bytes.Cut(by[0][i].Data, []byte(">"))
				if !m.Incomplete && !by[0][i].Incomplete && !bytes.HasPrefix(m.Data, append(name, '>')) {
					t.Errorf("the response to %q is %.20q", name, m.Data)
				}
			}
			if all := len(k.stream[0]) + len(k.stream[1]); track && incomplete && r.a.stats.LostSum() == 0 && bytesGiven != all-missed {
				t.Errorf("%d bytes were given, want %d less %d", bytesGiven, all, missed)
			}
		})
	}
}

// Without ports the handshake says who asks, and nothing else does.
func TestTurnsWithoutPorts(t *testing.T) {
	r := newRig(t, Config{Address: filter.Address{Text: "lo:"}, Binary: true, TrackResponse: true})
	for _, g := range joined(handshake, []seg{ca(0, 0, get1), s(0, len(get1), "yes"), fin('c', len(get1), 3), fin('s', 3, len(get1)+1)}) {
		r.send(g)
	}
	r.send(seg{from: 'c', port: 9, data: get1})
	if got, want := given(r.messages()), "c1:"+get1+" s1:yes"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if n := r.a.stats.Undirected; n != 1 {
		t.Errorf("%d segments without direction, want 1", n)
	}
}

// A message of which nobody knows the end is given up when memory is short, and
// what follows of it is not a message of its own.
func TestTurnsInLittleMemory(t *testing.T) {
	const most = 100_000
	r := newRig(t, Config{Binary: true, MaxBuffered: most})
	part := strings.Repeat("u", 1000)
	const conns, rounds = 5, 60
	for i := range rounds {
		for port := uint16(1); port <= conns; port++ {
			if i == 0 {
				r.send(seg{from: 'c', off: -1, flags: packet.FlagSYN, port: port})
			}
			r.send(seg{from: 'c', off: 1000 * i, data: part, port: port, at: time.Duration(i) * time.Millisecond})
			if used := r.a.pool.used; used > most {
				t.Fatalf("%d bytes are in use, want %d at most", used, most)
			}
		}
	}
	for port := uint16(1); port <= conns; port++ {
		r.send(seg{from: 'c', off: 1000 * rounds, flags: packet.FlagFIN, port: port, at: time.Second})
	}
	for _, m := range r.messages() {
		if len(m.Data) != 1000*rounds {
			t.Errorf("a message of %d bytes, want %d", len(m.Data), 1000*rounds)
		}
	}
	if s := &r.a.stats; s.Lost[LostMemory] == 0 || s.Lost[LostMemory]+s.Requests != conns {
		t.Errorf("%d requests, lost %s", s.Requests, losses(s.Lost))
	}
}
