package assemble

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/raw_socket_listener/packet"
)

func TestSizesAreAsAccounted(t *testing.T) {
	if n := int(unsafe.Sizeof(half{})); n > halfBytes {
		t.Errorf("a half takes %d bytes, %d are accounted for", n, halfBytes)
	}
	// A map of pointers at half load takes two slots for each.
	if n := int(unsafe.Sizeof(conn{}) + 2*(unsafe.Sizeof(key{})+9)); n > connBytes {
		t.Errorf("a connection takes %d bytes, %d are accounted for", n, connBytes)
	}
	if n := int(unsafe.Sizeof(entry{})); n > messageOverhead {
		t.Errorf("an entry takes %d bytes, %d are accounted for", n, messageOverhead)
	}
	if n := int(unsafe.Sizeof(piece{})); n > pieceBytes {
		t.Errorf("a piece takes %d bytes, %d are accounted for", n, pieceBytes)
	}
}

// client makes the address of one of many clients.
func client(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 24), byte(i >> 16), byte(i >> 8)}), uint16(1024+i&0xFF))
}

// A flood of connections that never carry anything displaces itself, not
// those that do, and memory stays where it may.
func TestHalfOpenConnections(t *testing.T) {
	r := newRig(t, Config{MaxConns: 4096})
	for _, g := range handshake {
		r.send(g)
	}
	r.send(c(0, post10[:20]))
	g := &packet.Segment{Dst: rigServer, Flags: packet.FlagSYN, Time: rigEpoch}
	for i := range 100_000 {
		g.Src, g.Seq = client(i), uint32(i)
		g.Time += 1000
		r.a.Segment(g)
		if len(r.a.conns) > 4096 || r.a.pool.used > 4096 {
			t.Fatalf("after %d SYNs: %d connections, %d bytes", i, len(r.a.conns), r.a.pool.used)
		}
	}
	r.send(seg{from: 'c', off: 20, data: post10[20:], at: time.Second})
	if got := r.messages(); len(got) != 1 || string(got[0].Data) != post10 {
		t.Errorf("got %d messages, want the one that was under way", len(got))
	}
	if s := r.a.stats; s.Evicted != 100_000+1-4096 || s.LostSum() != 0 {
		t.Errorf("evicted %d, lost %s", s.Evicted, losses(s.Lost))
	}
}

// Of messages that do not end, the oldest idle ones go first.
func TestMemoryIsBounded(t *testing.T) {
	const most = 1 << 20
	shapes := map[string]string{
		"torn heads":  "GET /" + strings.Repeat("x", 100),
		"torn bodies": "POST / HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + strings.Repeat("x", 5000),
		"early data":  "",
	}
	for name, data := range shapes {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{MaxBuffered: most})
			g := &packet.Segment{Dst: rigServer, Time: rigEpoch}
			const n = 20_000
			for i := range n {
				g.Src, g.Seq, g.Flags, g.Payload = client(i), 0, packet.FlagSYN, nil
				g.Time += 1000
				r.a.Segment(g)
				g.Flags, g.Seq, g.Payload = packet.FlagACK, 1, []byte(data)
				if data == "" {
					g.Seq, g.Payload = 1000, []byte("GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 5000\r\n\r\n")
				}
				r.a.Segment(g)
				room := max(most-connBytes*len(r.a.conns), most/4)
				if used := r.a.pool.used; used > room+70_000 || used+r.a.pool.kept > max(used, room+70_000) {
					t.Fatalf("after %d connections %d bytes are in use, %d kept, of %d", i, used, r.a.pool.kept, room)
				}
			}
			// The youngest is still whole.
			if data != "" {
				g.Seq, g.Flags, g.Payload = 1+uint32(len(data)), packet.FlagFIN|packet.FlagACK, []byte(" HTTP/1.1\r\n\r\n")
				r.a.Segment(g)
			}
			r.identity()
			emitted := r.a.stats.Emitted()
			r.messages()
			lost := r.a.stats.Lost
			if lost[LostMemory] == 0 {
				t.Errorf("nothing was lost to memory: %s", losses(lost))
			}
			if name == "torn heads" && emitted != 1 {
				t.Errorf("%d messages, want the youngest", emitted)
			}
		})
	}
}

// One message may be larger than all that may be buffered.
func TestAMessageBeyondTheCeilingIsAdmittedAlone(t *testing.T) {
	r := newRig(t, Config{MaxBuffered: 100_000, MaxMessage: 1 << 20})
	const n = 500_000
	head := fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n", n)
	r.send(handshake[0])
	r.send(c(0, head))
	for at := 0; at < n; at += 1000 {
		r.send(c(len(head)+at, strings.Repeat("x", 1000)))
	}
	if got := r.messages(); len(got) != 1 || len(got[0].Data) != len(head)+n {
		t.Errorf("got %d messages; lost %s", len(got), losses(r.a.stats.Lost))
	}
}

// A hole before more than the store takes is given up.
func TestStoreIsBounded(t *testing.T) {
	r := newRig(t, Config{})
	r.send(handshake[0])
	for i := range maxEarlyPieces + 10 {
		r.send(c(100+10*i, "0123456789"))
		if h := r.a.conns[keyOfRig()].req.h; h != nil && h.store.pieces > maxEarlyPieces+1 {
			t.Fatalf("%d pieces wait", h.store.pieces)
		}
	}
	if got := r.a.stats.Gaps; got != 1 {
		t.Errorf("%d gaps, want 1", got)
	}
	r.send(c(100+10*(maxEarlyPieces+10), get1))
	if got := r.messages(); len(got) != 1 {
		t.Errorf("%d messages, want 1", len(got))
	}
}

func keyOfRig() key {
	k, _ := keyOf(&packet.Segment{Src: rigClient, Dst: rigServer})
	return k
}

// Time ends what does not go on.
func TestTimeouts(t *testing.T) {
	r := newRig(t, Config{TrackResponse: true})
	for _, g := range handshake {
		r.send(g)
	}
	r.send(c(0, post10[:20]))
	r.send(seg{from: 'c', port: 9, data: get1})
	now := rigEpoch + int64(IdleTimeout) - 1
	r.a.Tick(now)
	r.a.Tick(rigEpoch) // a clock that is set back
	if n := len(r.a.conns); n != 2 {
		t.Errorf("%d connections before the timeout, want 2", n)
	}
	r.a.Tick(now + int64(sweepGrain))
	if n := len(r.a.conns); n != 0 {
		t.Errorf("%d connections after the timeout, want 0", n)
	}
	if got := r.a.stats.Lost[LostExpired]; got != 1 {
		t.Errorf("%d messages expired, want 1", got)
	}
	r.messages()
}

// A source that cannot wait loses messages when Next is not called, counts
// them, and keeps those that came before.
func TestShed(t *testing.T) {
	r := newRig(t, Config{})
	r.hand.limit = HandoverBytes
	r.send(handshake[0])
	body := strings.Repeat("x", 10_000)
	msg := fmt.Sprintf("POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	const n = 1000
	for i := range n {
		r.send(c(i*len(msg), msg))
		r.a.Tick(rigEpoch + int64(i))
		r.identity()
	}
	got := len(r.messages())
	s := &r.a.stats
	if s.Lost[LostShed] == 0 || got+int(s.Lost[LostShed]) != n || got*len(msg) < HandoverBytes-2*batchBytes || got*len(msg) > HandoverBytes+2*batchBytes {
		t.Errorf("given %d, shed %d of %d", got, s.Lost[LostShed], n)
	}
	if len(r.logs) != int(s.Lost[LostShed]) {
		t.Errorf("told of %d, shed %d", len(r.logs), s.Lost[LostShed])
	}
}

// What else the ledger counts.
func TestCounts(t *testing.T) {
	both := "POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	r := newRig(t, Config{TrackResponse: true})
	for _, g := range joined(handshake, []seg{
		c(0, both),
		{from: 's', data: none, ack: len(both)},
		{from: 'c', off: len(both), flags: packet.FlagFIN, ack: len(none)},
		{from: 's', off: len(none), flags: packet.FlagFIN, ack: len(both) + 1 + 100}, // 100 bytes that were not seen, behind the end
	}) {
		r.send(g)
	}
	r.a.Segment(&packet.Segment{Src: rigClient, Dst: netip.AddrPortFrom(rigServer.Addr(), 81), Flags: packet.FlagSYN, Time: rigEpoch})
	r.a.Tick(rigEpoch + int64(lingerTime))
	r.messages()
	s := &r.a.stats
	if s.Ambiguous != 1 || s.UnseenBytes != 100 || s.Unmatched != 1 {
		t.Errorf("ambiguous %d, unseen %d, unmatched %d, want 1, 100, 1", s.Ambiguous, s.UnseenBytes, s.Unmatched)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	r := newRig(t, Config{MaxConns: 2})
	for i := range uint16(4) {
		r.send(seg{from: 'c', data: get1 + get2[:5], port: 1000 + i})
	}
	r.send(seg{from: 'c', off: len(get1) + 5, data: get2[5:], port: 1003})
	if got := len(r.messages()); got != 5 {
		t.Errorf("%d messages, want 5", got)
	}
	if s := &r.a.stats; s.Evicted != 2 || s.Lost[LostMemory] != 2 || s.Lost[LostIncomplete] != 1 {
		t.Errorf("evicted %d, lost %s", s.Evicted, losses(s.Lost))
	}
}

// A field that is added to Stats must be added up too.
func TestStatsAddUp(t *testing.T) {
	var one, sum Stats
	var fill func(v reflect.Value)
	fill = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Uint64:
			v.SetUint(3)
		case reflect.Array:
			for i := range v.Len() {
				fill(v.Index(i))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				fill(v.Field(i))
			}
		}
	}
	fill(reflect.ValueOf(&one).Elem())
	want := one
	sum.Add(&one)
	if !reflect.DeepEqual(sum, want) {
		t.Errorf("nothing and one are %+v, want %+v", sum, want)
	}
}

// A head with more fields than anybody should index is lost, counted, whether
// it comes in one segment or in many, and the request behind it is whole.
func TestManyFieldsAreTooLarge(t *testing.T) {
	const next = "GET /next HTTP/1.1\r\n\r\n"
	crowded := "POST / HTTP/1.1\r\nContent-Length: 4\r\n" + strings.Repeat("a:\n", http1.MaxFields) + "\r\nbody"
	for _, piece := range []int{len(crowded), 1000} {
		r := newRig(t, Config{})
		r.send(handshake[0])
		for at := 0; at < len(crowded); at += piece {
			r.send(c(at, crowded[at:min(at+piece, len(crowded))]))
		}
		r.send(c(len(crowded), next))
		if got := r.messages(); len(got) != 1 || string(got[0].Data) != next || r.a.stats.Lost[LostTooLarge] != 1 {
			t.Errorf("pieces of %d: got %d messages; lost %s", piece, len(got), losses(r.a.stats.Lost))
		}
		r.identity()
	}
}
