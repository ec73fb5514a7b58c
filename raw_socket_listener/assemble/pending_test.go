package assemble

import (
	"strings"
	"testing"
	"unsafe"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// Requests that nobody answers, many on each of many connections, take no
// more memory than may be, and do not unpair those that are answered.
func TestUnansweredRequestsAreBounded(t *testing.T) {
	if n := int(unsafe.Sizeof(exchange{})); n > exchangeBytes {
		t.Errorf("an exchange takes %d bytes, %d are accounted for", n, exchangeBytes)
	}
	r := newRig(t, Config{TrackResponse: true})
	for _, g := range handshake {
		r.send(g)
	}
	share := r.a.cfg.MaxBuffered / pendingShare
	flood := []byte(strings.Repeat(get1, 500))
	off, ack := 0, 0
	const n = 1000
	for i := range n {
		g := &packet.Segment{Src: client(i), Dst: rigServer, Flags: packet.FlagSYN, Time: rigEpoch}
		r.a.Segment(g)
		g.Flags, g.Seq, g.Payload = packet.FlagACK, 1, flood
		r.a.Segment(g)
		if got := r.a.pendingBytes; got > share+2*maxPending*exchangeBytes {
			t.Fatalf("after %d connections the requests without answers take %d bytes, want %d at most", i, got, share)
		}
		r.send(seg{from: 'c', off: off, data: get1, ack: ack})
		r.send(seg{from: 's', off: ack, data: none, ack: off + len(get1)})
		off, ack = off+len(get1), ack+len(none)
	}
	sum := 0
	for _, c := range r.a.conns {
		sum += cap(c.pending.list) * exchangeBytes
	}
	if most := share + n*fewPending*exchangeBytes + 2*maxPending*exchangeBytes; sum > most {
		t.Errorf("the requests without answers take %d bytes, want %d at most", sum, most)
	}
	if got := r.a.stats.Responses; got != n {
		t.Errorf("%d responses were given, want %d; lost %s", got, n, losses(r.a.stats.Lost))
	}
	r.messages()
	if r.a.pendingBytes != 0 {
		t.Errorf("at the end they take %d bytes", r.a.pendingBytes)
	}
}
