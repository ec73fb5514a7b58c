package assemble

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// chunkedHead begins a body that ends when its sender likes.
const chunkedHead = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"

// When all who hold memory go on, those without an end go, and not the
// requests beside them: the oldest is then no idler.
func TestEndlessBodiesDisplaceThemselves(t *testing.T) {
	const (
		most     = 400_000
		rounds   = 10
		segments = 50 // of an upload, a millisecond each
	)
	for _, test := range []struct {
		name    string
		endless int // bodies in each round, ten times as fast as the upload
		heads   int // half heads a millisecond
	}{
		{"one", 1, 0},
		{"three", 3, 0},
		{"one among half heads", 1, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, Config{MaxBuffered: most})
			port := uint16(1000)
			begin := func(at time.Duration, data string) uint16 {
				port++
				r.send(seg{from: 'c', off: -1, flags: packet.FlagSYN, port: port, at: at})
				r.send(seg{from: 'c', data: data, port: port, at: at})
				return port
			}
			for round := range rounds {
				start := time.Duration(round) * time.Second
				endless := make([]uint16, test.endless)
				for i := range endless {
					endless[i] = begin(start, chunkedHead+"10000000\r\n")
				}
				head := fmt.Sprintf("POST /%d HTTP/1.1\r\nContent-Length: %d\r\n\r\n", round, segments*1000)
				upload := begin(start, head)
				for i := range segments {
					now := start + time.Duration(i)*time.Millisecond
					r.send(seg{from: 'c', off: len(head) + 1000*i, data: strings.Repeat("u", 1000), port: upload, at: now})
					for _, port := range endless {
						r.send(seg{from: 'c', off: len(chunkedHead) + 10 + 10_000*i, data: strings.Repeat("e", 10_000), port: port, at: now})
					}
					for range test.heads {
						begin(now, "GET /half")
					}
					if used := r.a.pool.used; used > most {
						t.Fatalf("%d bytes are in use, want %d at most", used, most)
					}
				}
				r.identity()
			}
			if got := len(r.messages()); got != rounds {
				t.Errorf("%d of %d uploads were given; lost %s", got, rounds, losses(r.a.stats.Lost))
			}
			if got := r.a.stats.Lost[LostMemory]; got < uint64(rounds*test.endless) {
				t.Errorf("%d messages were lost to memory, want those without an end: %s", got, losses(r.a.stats.Lost))
			}
		})
	}
}

// An upload that pauses is an idler, and gives way to one that goes on.
func TestAnIdleUploadGivesWay(t *testing.T) {
	r := newRig(t, Config{MaxBuffered: 100_000})
	body := strings.Repeat("u", 1000)
	r.send(seg{from: 'c', off: -1, flags: packet.FlagSYN, port: 7})
	r.send(seg{from: 'c', data: chunkedHead + "2710\r\n" + body, port: 7})
	r.send(seg{from: 'c', off: -1, flags: packet.FlagSYN, port: 8, at: time.Second})
	head := fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", 200*len(body))
	r.send(seg{from: 'c', data: head, port: 8, at: time.Second})
	for i := range 200 {
		r.send(seg{from: 'c', off: len(head) + i*len(body), data: body, port: 8, at: time.Second})
	}
	if got := r.messages(); len(got) != 1 || len(got[0].Data) != len(head)+200*len(body) || r.a.stats.Lost[LostMemory] != 1 {
		t.Errorf("%d messages were given, want the upload; lost %s", len(got), losses(r.a.stats.Lost))
	}
}

// A flood of torn messages that keeps the memory full makes no garbage: the
// memory of those that go serves those that come.
func TestAFullPoolIsReused(t *testing.T) {
	head := "GET /" + strings.Repeat("x", 100)
	body := "POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 5000)
	for name, kinds := range map[string][]string{
		"heads":  {head},
		"bodies": {body},
		"both":   {head, head, body, head, body + body + body, body},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{MaxBuffered: 4 << 20, MaxConns: 1000})
			g := &packet.Segment{Dst: rigServer, Time: rigEpoch}
			var payloads [][]byte
			for _, kind := range kinds {
				payloads = append(payloads, []byte(kind))
			}
			n := 0
			next := func() {
				n++
				g.Src, g.Seq, g.Flags, g.Payload = client(n), 0, packet.FlagSYN, nil
				g.Time += 1000
				r.a.Segment(g)
				g.Flags, g.Seq, g.Payload = packet.FlagACK, 1, payloads[n%len(payloads)]
				r.a.Segment(g)
			}
			for range 5000 {
				next()
			}
			if name != "heads" && r.a.stats.Lost[LostMemory] == 0 {
				t.Fatalf("memory was never full: %d of %d bytes are in use", r.a.pool.used, r.a.pool.limit)
			}
			if allocs := testing.AllocsPerRun(5000, next); allocs > 0 {
				t.Errorf("%v allocations for each message", allocs)
			}
		})
	}
}

// The ledger of a capture that runs adds up, with the messages under way.
func TestOpenMessagesAreCounted(t *testing.T) {
	r := newRig(t, Config{TrackResponse: true})
	now := rigEpoch
	want := func(open uint64) {
		t.Helper()
		now += int64(sweepGrain)
		r.a.Tick(now)
		s := r.a.Snapshot()
		if s.Open != open || s.Open != r.countOpen() || s.Starts != s.Emitted()+s.Interim+s.LostSum()+s.Open {
			t.Errorf("%d messages are open, want %d (%d by hand): %+v", s.Open, open, r.countOpen(), s.Rows())
		}
	}
	for _, g := range handshake {
		r.send(g)
	}
	want(0)
	r.send(c(0, post10[:20]))
	want(1)
	r.send(seg{from: 's', data: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", ack: len(post10)})
	want(1) // it waits for its request
	r.send(c(20, post10[20:]))
	want(1)
	r.messages()
	if s := r.a.Snapshot(); s.Open != 0 || s.Lost[LostIncomplete] != 1 {
		t.Errorf("at the end %d messages are open, lost %s", s.Open, losses(s.Lost))
	}
}
