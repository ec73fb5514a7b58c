package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
	"github.com/buger/gor/internal/wsclient"
)

// wsRig is an output with what it says.
type wsRig struct {
	*wsOutput
	t   *testing.T
	env *plugin.Env
	log testkit.Log
}

func newWSRig(t *testing.T, addr string, change func(s *Settings, o *wsOutput)) *wsRig {
	t.Helper()
	rig := &wsRig{t: t, env: testEnv(t, io.Discard)}
	rig.env.QueueBytes = 64 << 20
	rig.env.Logf = rig.log.Logf
	s := defaultSettings()
	if change != nil {
		change(s, nil)
	}
	target, err := wsclient.Parse(addr)
	testkit.Must(t, err)
	o, err := newWSOutput(target, s, rig.env)
	testkit.Must(t, err)
	if change != nil {
		change(s, o)
	}
	rig.wsOutput = o
	o.start(s.ws.Workers)
	t.Cleanup(func() { o.Close() })
	return rig
}

func (rig *wsRig) put(msgs ...[]byte) {
	rig.t.Helper()
	for _, msg := range msgs {
		for {
			_, err := rig.Write(msg)
			if err == nil {
				break
			}
			if !errors.Is(err, queue.ErrFull) {
				rig.t.Fatal(err)
			}
			rig.Room(nil, time.Second)
		}
	}
}

// drain ends the output and wants these rows of it, "2 delivered, 1 unsent".
func (rig *wsRig) drain(want string) {
	rig.t.Helper()
	cancel := make(chan struct{})
	defer time.AfterFunc(testkit.Timeout, func() { close(cancel) }).Stop()
	testkit.Must(rig.t, rig.Drain(cancel))
	testkit.Must(rig.t, rig.Close())
	rig.want(want)
}

func (rig *wsRig) want(want string) {
	rig.t.Helper()
	if got := ledger.Words(rig.Counts()); got != want {
		rig.t.Errorf("counts are %q, want %q; said %q", got, want, rig.log.String())
	}
}

// wantArrivals wants exactly these messages, in order.
func wantArrivals(t *testing.T, got []testkit.WSArrival, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d messages came, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].Kind != websocket.MessageBinary || !bytes.Equal(got[i].Msg, want[i]) {
			t.Fatalf("message %d is %s of %d bytes, %.80q; want %d bytes, %.80q", i, got[i].Kind, len(got[i].Msg), got[i].Msg, len(want[i]), want[i])
		}
	}
}

// bodyOf is a binary body with everything in it that could end a message.
func bodyOf(n int) []byte {
	random := rand.NewChaCha8([32]byte{byte(n)})
	body := make([]byte, n)
	random.Read(body)
	return append(body, payload.Separator+"\r\n\x00\xff"...)
}

func TestWSDelivers(t *testing.T) {
	server := testkit.StartWSServer(t, "127.0.0.1:0")
	rig := newWSRig(t, "ws://"+server.Addr()+"/endpoint?token=secret", func(s *Settings, _ *wsOutput) { s.ws.Workers = 3 })
	const n, conns = 1000, 20
	want := map[string][][]byte{} // by recorded connection
	for i := range n {
		size := i
		if i%100 == 7 {
			size = 64<<10 - 100 + 90_000*(i/100) + i%3 // below, at and above one frame
		}
		meta := payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(i%conns), uint32(i)), Time: 1e18 + int64(i), Duration: int64(i%3) - 1, Length: -1}
		if i%2 == 1 {
			meta.Type = payload.Response
		}
		body := bodyOf(size)
		wire := append(payload.AppendMeta(nil, meta), body...)
		key := string(payload.ConnPart(meta.ID))
		want[key] = append(want[key], wire)
		msg := wire
		switch i % 4 {
		case 0: // five fields
			meta.Length = int64(len(body))
			msg = append(payload.AppendMeta(nil, meta), body...)
		case 2: // three, of an old recording
			if meta.Duration < 0 {
				msg = append(fmt.Appendf(nil, "1 %s %d\n", meta.ID, meta.Time), body...)
			}
		}
		rig.put(msg)
	}
	rig.put([]byte("3 a 1000000000000000000 5\nHTTP/1.1 200 OK\r\n\r\n"), []byte("no header"))
	arrivals := server.Await(t, n)
	for _, r := range server.Handshakes() { // before they end, and are forgotten
		remote := netip.MustParseAddrPort(r.RemoteAddr)
		if runtime.GOOS == "linux" && !rig.env.Own.Has(remote, netip.MustParseAddrPort(server.Addr())) {
			t.Error("a capture would take the output's connection for traffic")
		}
	}
	rig.drain("1000 delivered, 1 failed: malformed, 1 responses ignored")

	got, ways := map[string][]testkit.WSArrival{}, map[int]bool{}
	for _, a := range arrivals {
		key := string(payload.ConnPart(payload.ID(a.Msg)))
		got[key] = append(got[key], a)
		ways[a.Conn] = true
	}
	for key, msgs := range want {
		wantArrivals(t, got[key], msgs)
		for _, a := range got[key] {
			if a.Conn != got[key][0].Conn {
				t.Errorf("connection %s went over more than one", key)
			}
		}
	}
	if len(ways) != 3 {
		t.Errorf("%d connections, want 3", len(ways))
	}
	for _, r := range server.Handshakes() {
		if r.URL.String() != "/endpoint?token=secret" || r.Header["Authorization"] != nil || r.Host != server.Addr() {
			t.Errorf("handshake %s at %s: %v", r.URL, r.Host, r.Header)
		}
	}
	if strings.Contains(rig.String()+rig.log.String(), "secret") {
		t.Errorf("the query is told: %s, %s", rig, rig.log.String())
	}
}

// largeMessage is more than the socket buffers of both ends can hold.
func largeMessage() []byte {
	msg := testMessages(1, 0)[0]
	return append(msg, bytes.Repeat([]byte("0123456789abcdef"), 1<<20)...)
}

// TestWSCloseWhileBlocked: Close ends a write that the server does not take,
// and Settle gives up on it.
func TestWSCloseWhileBlocked(t *testing.T) {
	server := testkit.NewWSServer(t, "127.0.0.1:0")
	held := make(chan net.Conn, 1)
	server.Accept = func(w http.ResponseWriter, r *http.Request, n int) bool {
		c, b := testkit.AcceptRaw(w, r)
		io.ReadFull(b, make([]byte, 1<<10)) // it has begun
		held <- c
		return true
	}
	server.Start(t, nil)
	rig := newWSRig(t, "ws://"+server.Addr(), func(s *Settings, o *wsOutput) {
		if s.ws.Workers = 2; o != nil {
			o.patience.Limit = 100 * time.Millisecond
		}
	})
	rig.put(append(testMessages(5, 10), largeMessage())...)
	conn := <-held
	defer conn.Close()
	testkit.Must(t, rig.Settle(nil)) // in a chain of hosts it must not wait for ever
	cancel := make(chan struct{})
	close(cancel)
	if err := rig.Drain(cancel); err == nil {
		t.Error("Drain with a message that is not sent: no error")
	}
	began := time.Now()
	testkit.Must(t, rig.Close())
	if took := time.Since(began); took > wsclient.StallTimeout/2 {
		t.Errorf("Close took %s", took)
	}
	if n := stats.Sum(rig.Counts()); n != 6 || rig.Counts()[1].N == 0 {
		t.Errorf("counts are %v, want 6 with some unsent", rig.Counts())
	}
}

// TestWSLostMessage: one that two connections were lost over is counted and, when
// losses are wanted, described.
func TestWSLostMessage(t *testing.T) {
	rig := newWSRig(t, "ws://"+testkit.FreePort(t), func(s *Settings, _ *wsOutput) { s.Verbose = verboseLosses })
	rig.lost(testMessages(1, 10)[0])
	rig.want("1 failed: the connection was lost twice while it was sent")
	if said := rig.log.String(); !strings.Contains(said, `lost twice while it was sent: 000000000000000900000000 "POST /0 HTTP/1.1"`) {
		t.Errorf("said %q", said)
	}
}
