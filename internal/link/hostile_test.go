package link

import (
	"net"
	"testing"
	"time"

	"github.com/buger/gor/internal/payload"
)

// hostiles opens n connections of hostile senders, each of which sends first.
func hostiles(t *testing.T, addr string, n int, first func() []byte) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if _, err := c.Write(first()); err != nil {
			t.Fatal(err)
		}
	}
}

// Connections that announce large messages and send nothing of them take no
// memory from an honest sender, nor time: not with the head of a frame, and not
// with a little more, which is more than what they always have.
func TestAnnouncedMemory(t *testing.T) {
	for _, sent := range []int{frameHead, 2 * smallBuffer} {
		l := listen(t)
		r := NewReceiver(l, ReceiverConfig{Limit: 4 << 20, ContendedTime: 100 * time.Millisecond, Logf: quiet(t)})
		got := drainInto(r)
		head := appendHead(nil, kindMessage, 1, nil)
		head[1], head[2], head[3], head[4] = 0, 0x0f, 0, 0 // 1 MB
		hostiles(t, l.Addr().String(), 42, func() []byte {
			return append(append(appendHello(nil, newIdentity(), version), head...), make([]byte, sent-frameHead)...)
		})
		src := newTestSource()
		s := newTestSender(t, l.Addr().String(), src)
		began := time.Now()
		for i := range 21 {
			src.ch <- message(1, uint32(i), 100_000)
		}
		close(src.ch)
		s.awaitDone(t)
		got.check(t, 1, 21, false)
		t.Logf("with %d bytes from each of 42: %s", sent, time.Since(began).Round(time.Millisecond))
		if sent == frameHead && r.large.free != r.large.all {
			t.Errorf("%d bytes are taken by nobody", r.large.all-r.large.free)
		}
	}
}

// Frames without messages, and messages of nearly nothing, cost no more memory
// than what they are read into.
func TestSpans(t *testing.T) {
	var stream []byte
	for i := range 100_000 {
		switch i % 3 {
		case 0:
			stream = appendHead(stream, kindPush, uint64(i), nil)
		default:
			stream = appendHead(stream, kindSkip, uint64(i-i/3), nil)
		}
	}
	for range 2 {
		b := &buffer{bytes: make([]byte, largeBuffer)}
		for i := 0; i+frameHead <= len(stream); i += frameHead {
			h := parseHead(stream[i:])
			b.add(span{push: h.kind == kindPush, number: map[byte]uint64{kindSkip: h.number}[h.kind]})
		}
		if len(b.spans) > 2 {
			t.Errorf("%d spans for nothing", len(b.spans))
		}
	}
	l := listen(t)
	got := drainInto(newTestReceiver(t, l))
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	record := payload.AppendOldRecord(nil, message(1, 0, 0))
	var records []byte
	for range 20_000 {
		records = append(records, record...)
	}
	if _, err := conn.Write(records); err != nil {
		t.Fatal(err)
	}
	got.await(t, 20_000)
}

// One client's idle connections lock out no other client.
func TestIdleConnectionsOfOneClient(t *testing.T) {
	const most = 64
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := NewReceiver(l, ReceiverConfig{Limit: 1 << 20, MaxConns: most, Logf: quiet(t)})
	got := drainInto(r)
	defer r.Close()
	hostiles(t, l.Addr().String(), most, func() []byte { return []byte("1") })
	other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	conn, err := other.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Skip("this system has no 127.0.0.2: ", err)
	}
	defer conn.Close()
	if _, err := conn.Write(payload.AppendOldRecord(nil, message(1, 0, 100))); err != nil {
		t.Fatal(err)
	}
	got.await(t, 1)
	if n := r.counts.Get(countGaveWay); n != 1 {
		t.Errorf("%d connections gave way, want 1", n)
	}
}
