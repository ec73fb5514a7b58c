package assemble

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// A dialogue is a conversation whose messages are known.
type dialogue struct {
	port   uint16
	isn    uint32
	stream [2][]byte  // what the client sent, and the server
	msgs   [2][]bound // where the messages lie in it
	turns  []turn
}

type bound struct{ from, to int }

// A turn is what one side sent until the other side spoke.
type turn struct {
	side     int
	from, to int
	ack      int // what the side had received
}

// newDialogue makes a conversation of n turns of up to depth pipelined requests.
func newDialogue(rnd *rand.Rand, port uint16, n, depth, maxBody int, chunked bool) *dialogue {
	t := &dialogue{port: port, isn: rnd.Uint32()}
	for i := range n {
		first := len(t.stream[0])
		ack := len(t.stream[1])
		var answers []byte
		var bounds []bound
		for j := range 1 + rnd.IntN(depth) {
			body := randomBody(rnd, rnd.IntN(maxBody))
			kind := rnd.IntN(4)
			from := len(t.stream[0])
			b := t.stream[0]
			switch {
			case kind == 0 && chunked:
				b = fmt.Appendf(b, "POST /%d/%d/%d HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", port, i, j)
				b = appendChunks(rnd, b, body)
			case kind == 1:
				b = fmt.Appendf(b, "POST /%d/%d/%d HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", port, i, j, len(body), body)
			case kind == 2:
				b = fmt.Appendf(b, "HEAD /%d/%d/%d HTTP/1.1\r\n\r\n", port, i, j)
			default:
				b = fmt.Appendf(b, "GET /%d/%d/%d HTTP/1.1\r\nHost: a\r\n\r\n", port, i, j)
			}
			t.stream[0] = b
			t.msgs[0] = append(t.msgs[0], bound{from, len(b)})

			at := len(answers)
			answer := randomBody(rnd, rnd.IntN(maxBody))
			switch {
			case kind == 2:
				answers = fmt.Appendf(answers, "HTTP/1.1 200 OK\r\nX: %d/%d/%d\r\nContent-Length: 12345\r\n\r\n", port, i, j)
			case rnd.IntN(4) == 0 && chunked:
				answers = fmt.Appendf(answers, "HTTP/1.1 200 OK\r\nX: %d/%d/%d\r\nTransfer-Encoding: chunked\r\n\r\n", port, i, j)
				answers = appendChunks(rnd, answers, answer)
			default:
				answers = fmt.Appendf(answers, "HTTP/1.1 200 OK\r\nX: %d/%d/%d\r\nContent-Length: %d\r\n\r\n%s", port, i, j, len(answer), answer)
			}
			bounds = append(bounds, bound{ack + at, ack + len(answers)})
		}
		t.stream[1] = append(t.stream[1], answers...)
		t.msgs[1] = append(t.msgs[1], bounds...)
		t.turns = append(t.turns, turn{0, first, len(t.stream[0]), ack}, turn{1, ack, len(t.stream[1]), len(t.stream[0])})
	}
	return t
}

// randomBody is content that a careless reader takes for messages.
func randomBody(rnd *rand.Rand, n int) []byte {
	parts := []string{"GET /evil HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", "0\r\n\r\n", "\n🐵🙈🙉\n", "\x00\x00\x00\x00", "zzzz"}
	var b []byte
	for len(b) < n {
		b = append(b, parts[rnd.IntN(len(parts))]...)
	}
	return b[:n]
}

func appendChunks(rnd *rand.Rand, b, body []byte) []byte {
	for len(body) > 0 {
		n := 1 + rnd.IntN(len(body))
		b = fmt.Appendf(b, "%x;e=1\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	return append(b, "0\r\nTrailer: x\r\n\r\n"...)
}

// segments cuts the conversation into segments of 1 to most bytes. With
// whole, a message begins a segment.
func (t *dialogue) segments(rnd *rand.Rand, most int, whole bool) []seg {
	side := [2]byte{'c', 's'}
	var out []seg
	for _, u := range t.turns {
		for at := u.from; at < u.to; {
			to := min(u.to, at+1+rnd.IntN(most))
			if whole {
				to = min(u.to, at+most)
				for _, m := range t.msgs[u.side] {
					if m.from > at {
						to = min(to, m.from)
						break
					}
				}
			}
			out = append(out, seg{from: side[u.side], off: at, data: string(t.stream[u.side][at:to]), ack: u.ack, port: t.port, isn: t.isn})
			at = to
		}
	}
	for i, s := range side {
		out = append(out, seg{from: s, off: len(t.stream[i]), flags: packet.FlagFIN, ack: len(t.stream[1-i]), port: t.port, isn: t.isn})
	}
	return out
}

func (t *dialogue) handshake() []seg {
	h := slices.Clone(handshake)
	for i := range h {
		h[i].port, h[i].isn = t.port, t.isn
	}
	return h
}

// found sorts what was given by connection and direction.
func found(msgs []Message) map[uint16]*[2][]Message {
	by := map[uint16]*[2][]Message{}
	for _, m := range msgs {
		port, side := m.Src.Port(), 0
		if m.Response {
			port, side = m.Dst.Port(), 1
		}
		if by[port] == nil {
			by[port] = &[2][]Message{}
		}
		by[port][side] = append(by[port][side], m)
	}
	return by
}

// Any permutation within a window, any duplication and any cut of a
// conversation gives the same messages.
func TestAnyOrderGivesTheSame(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			most := []int{1, 7, 100, 1448, 65536}[seed%5]
			maxBody := min(20_000, 60*most)
			var dialogues []*dialogue
			var segs []seg
			for i := range 3 {
				k := newDialogue(rnd, uint16(1000+i), 1+rnd.IntN(12), 4, maxBody, true)
				dialogues = append(dialogues, k)
				segs = append(segs, k.segments(rnd, most, false)...)
			}
			for range len(segs) / 5 {
				i := rnd.IntN(len(segs))
				segs = slices.Insert(segs, i, segs[rnd.IntN(len(segs))])
			}
			permute(rnd, segs, 1+rnd.IntN(50))

			r := newRig(t, Config{TrackResponse: true})
			for _, k := range dialogues {
				for _, s := range k.handshake() {
					r.send(s)
				}
			}
			for i, s := range segs {
				s.at = 1000 * timeOf(i)
				r.send(s)
			}
			r.identity()
			by := found(r.messages())
			for _, k := range dialogues {
				for side := range 2 {
					if by[k.port] == nil || len(by[k.port][side]) != len(k.msgs[side]) {
						t.Fatalf("port %d side %d: found %v, want %d; lost %s", k.port, side, by[k.port] != nil, len(k.msgs[side]), losses(r.a.stats.Lost))
					}
					for i, m := range by[k.port][side] {
						b := k.msgs[side][i]
						if !bytes.Equal(m.Data, k.stream[side][b.from:b.to]) || m.Ordinal != uint32(i+1) {
							t.Fatalf("port %d side %d message %d (ordinal %d):\ngot  %.200q\nwant %.200q", k.port, side, i, m.Ordinal, m.Data, k.stream[side][b.from:b.to])
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

// permute moves elements by up to window places.
func permute(rnd *rand.Rand, segs []seg, window int) {
	type keyed struct {
		key int
		seg seg
	}
	k := make([]keyed, len(segs))
	for i, s := range segs {
		k[i] = keyed{i + rnd.IntN(window), s}
	}
	slices.SortStableFunc(k, func(a, b keyed) int { return a.key - b.key })
	for i := range k {
		segs[i] = k[i].seg
	}
}

// Removing segments loses the messages in them and, where each message begins
// a segment and has a length, no other.
func TestRemovedSegmentsCostTheirMessages(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			k := newDialogue(rnd, 1000, 2+rnd.IntN(30), 1, 6000, false)
			segs := k.segments(rnd, 1448, true)
			var touched [2]map[int]bool
			touched[0], touched[1] = map[int]bool{}, map[int]bool{}
			for range 1 + rnd.IntN(4) {
				i := rnd.IntN(len(segs) - 2) // the last two are the FINs
				s := segs[i]
				side := 0
				if s.from == 's' {
					side = 1
				}
				for j, m := range k.msgs[side] {
					if s.off < m.to && s.off+len(s.data) > m.from {
						touched[side][j] = true
					}
				}
				segs = slices.Delete(segs, i, i+1)
			}
			if seed%2 == 0 {
				permute(rnd, segs[:len(segs)-2], 4)
			}
			r := newRig(t, Config{TrackResponse: true})
			for _, s := range append(k.handshake(), segs...) {
				r.send(s)
			}
			by := found(r.messages())[1000]
			if by == nil {
				by = &[2][]Message{}
			}
			var want [2][]string
			for side := range 2 {
				for j, m := range k.msgs[side] {
					if !touched[side][j] && !touched[0][j] {
						want[side] = append(want[side], string(k.stream[side][m.from:m.to]))
					}
				}
				var got []string
				for _, m := range by[side] {
					got = append(got, string(m.Data))
				}
				if !slices.Equal(got, want[side]) {
					t.Errorf("side %d: got %d messages, want %d of %d; lost %s", side, len(got), len(want[side]), len(k.msgs[side]), losses(r.a.stats.Lost))
				}
			}
			s := &r.a.stats
			if touchedMessages := uint64(len(touched[0]) + len(touched[1])); touchedMessages > 0 && s.LostSum() == 0 || s.Lost[LostGap] > touchedMessages {
				t.Errorf("%d messages were touched, lost: %s", touchedMessages, losses(s.Lost))
			}
			for _, m := range by[1] {
				req := by[0][slices.IndexFunc(by[0], func(q Message) bool { return q.Ordinal == m.Ordinal })]
				name := bytes.TrimPrefix(bytes.Fields(req.Data)[1], []byte("/"))
				if !bytes.Contains(m.Data, append([]byte("X: "), name...)) {
					t.Errorf("the response to %s is %.60q", name, m.Data)
				}
			}
		})
	}
}
