package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync"
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
	mu  sync.Mutex
	log []string
}

func newWSRig(t *testing.T, addr string, change func(s *Settings, o *wsOutput)) *wsRig {
	t.Helper()
	rig := &wsRig{t: t, env: testEnv(t, io.Discard)}
	rig.env.QueueBytes = 64 << 20
	rig.env.Logf = func(format string, args ...any) {
		rig.mu.Lock()
		defer rig.mu.Unlock()
		rig.log = append(rig.log, fmt.Sprintf(format, args...))
	}
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
		rig.t.Errorf("counts are %q, want %q; said %q", got, want, rig.said())
	}
}

func (rig *wsRig) said() string {
	rig.mu.Lock()
	defer rig.mu.Unlock()
	return strings.Join(rig.log, "\n")
}

func (rig *wsRig) awaitSaid(part string) {
	rig.t.Helper()
	testkit.Eventually(rig.t, part, func() bool { return strings.Contains(rig.said(), part) })
}

// wantArrivals wants exactly these messages, in order.
func wantArrivals(t *testing.T, got []wsArrival, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d messages came, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i].kind != websocket.MessageBinary || !bytes.Equal(got[i].msg, want[i]) {
			t.Fatalf("message %d is %s of %d bytes, %.80q; want %d bytes, %.80q", i, got[i].kind, len(got[i].msg), got[i].msg, len(want[i]), want[i])
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
	server := startWSServer(t, "127.0.0.1:0")
	rig := newWSRig(t, "ws://"+server.addr()+"/endpoint?token=secret", func(s *Settings, _ *wsOutput) { s.ws.Workers = 3 })
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
	rig.drain("1000 delivered, 1 failed: malformed, 1 responses ignored")

	got, ways := map[string][]wsArrival{}, map[int]bool{}
	for _, a := range server.await(t, n) {
		key := string(payload.ConnPart(payload.ID(a.msg)))
		got[key] = append(got[key], a)
		ways[a.conn] = true
	}
	for key, msgs := range want {
		wantArrivals(t, got[key], msgs)
		for _, a := range got[key] {
			if a.conn != got[key][0].conn {
				t.Errorf("connection %s went over more than one", key)
			}
		}
	}
	if len(ways) != 3 {
		t.Errorf("%d connections, want 3", len(ways))
	}
	for _, r := range server.handshakes() {
		if r.URL.String() != "/endpoint?token=secret" || r.Header["Authorization"] != nil || r.Host != server.addr() {
			t.Errorf("handshake %s at %s: %v", r.URL, r.Host, r.Header)
		}
		remote := netip.MustParseAddrPort(r.RemoteAddr)
		if runtime.GOOS == "linux" && !rig.env.Own.Has(remote, netip.MustParseAddrPort(server.addr())) {
			t.Error("a capture would take the output's connection for traffic")
		}
	}
	if strings.Contains(rig.String()+rig.said(), "secret") {
		t.Errorf("the query is told: %s, %s", rig, rig.said())
	}
}

func TestWSSecure(t *testing.T) {
	ca := testkit.NewAuthority(t, "test authority")
	cert, err := tls.LoadX509KeyPair(ca.Issue("server", time.Now().Add(time.Hour)))
	testkit.Must(t, err)
	server := newWSServer(t, "127.0.0.1:0")
	server.start(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	msgs := testMessages(3, 1000)
	addr := "wss://user:p%40ss@" + server.addr() + "/"

	strict := newWSRig(t, addr, nil)
	strict.put(msgs...)
	strict.awaitSaid("--output-ws-skip-verify sends all the same")
	testkit.Must(t, strict.Close())
	strict.want("3 unsent")
	if n := len(server.handshakes()); n != 0 {
		t.Errorf("%d handshakes with a server that is not trusted", n)
	}

	trusting := newWSRig(t, addr, func(_ *Settings, o *wsOutput) {
		if o != nil {
			config := o.cfg.TLS()
			o.cfg.TLS = func() *tls.Config { return config }
			config.RootCAs = ca.Pool()
		}
	})
	trusting.put(msgs...)
	trusting.drain("3 delivered")
	loose := newWSRig(t, addr, func(s *Settings, _ *wsOutput) { s.ws.TLS.SkipVerify = true })
	loose.put(msgs...)
	loose.drain("3 delivered")
	got := server.await(t, 6)
	wantArrivals(t, got[:3], msgs)
	wantArrivals(t, got[3:], msgs)
	for _, r := range server.handshakes() {
		if name, password, ok := r.BasicAuth(); !ok || name != "user" || password != "p@ss" {
			t.Errorf("Authorization is %q", r.Header.Get("Authorization"))
		}
	}
	if strings.Contains(strict.String()+strict.said(), "p%40ss") {
		t.Errorf("the password is told: %s, %s", strict, strict.said())
	}
}

// TestWSStatus: an answer other than 101 is said once, and the server is asked
// again.
func TestWSStatus(t *testing.T) {
	for status, says := range map[int]string{401: "401 Unauthorized where", 302: "302 Found where", 200: "200 OK where", 404: "look at the path"} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			server := newWSServer(t, "127.0.0.1:0")
			server.accept = func(w http.ResponseWriter, r *http.Request, n int) bool {
				if n > 3 {
					return false
				}
				w.Header().Set("Location", "http://"+server.addr()+"/other")
				w.WriteHeader(status)
				return true
			}
			server.start(t, nil)
			rig := newWSRig(t, "ws://"+server.addr(), nil)
			msgs := testMessages(2, 10)
			rig.put(msgs...)
			rig.drain("2 delivered")
			wantArrivals(t, server.await(t, 2), msgs)
			if said := rig.said(); strings.Count(said, "\n") != 1 || !strings.Contains(said, says) || !strings.Contains(said, "sends again after") {
				t.Errorf("said %q, want %q once", said, says)
			}
			for _, r := range server.handshakes() {
				if r.URL.Path != "/" {
					t.Errorf("%s was asked for", r.URL)
				}
			}
		})
	}
}

// TestWSRestart: what is written while the server is away waits for it.
func TestWSRestart(t *testing.T) {
	server := startWSServer(t, testkit.FreePort(t))
	rig := newWSRig(t, "ws://"+server.addr(), nil)
	msgs := testMessages(300, 500)
	rig.put(msgs[:100]...)
	wantArrivals(t, server.await(t, 100), msgs[:100])
	server.stop()
	rig.awaitSaid("trying again")
	rig.put(msgs[100:]...)
	if n := rig.client.Counts().Delivered.Load(); n != 100 {
		t.Errorf("%d delivered to a server that is away", n)
	}
	again := startWSServer(t, server.addr())
	rig.drain("300 delivered")
	wantArrivals(t, again.await(t, 200), msgs[100:])
	if !strings.Contains(rig.said(), "sends again after") {
		t.Errorf("said %q", rig.said())
	}
}

// largeMessage is more than the socket buffers of both ends can hold.
func largeMessage() []byte {
	msg := testMessages(1, 0)[0]
	return append(msg, bytes.Repeat([]byte("0123456789abcdef"), 1<<20)...)
}

// TestWSBrokenOff: a message that was written in part is sent again, whole.
func TestWSBrokenOff(t *testing.T) {
	server := newWSServer(t, "127.0.0.1:0")
	server.accept = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n > 1 {
			return false
		}
		c, b := acceptRaw(w, r)
		io.CopyN(io.Discard, b, 1<<20)
		testkit.ResetConn(c)
		return true
	}
	server.start(t, nil)
	rig := newWSRig(t, "ws://"+server.addr(), nil)
	msgs := append([][]byte{largeMessage()}, testMessages(3, 10)...)
	rig.put(msgs...)
	rig.drain("4 delivered")
	wantArrivals(t, server.await(t, 4), msgs)
	if n := rig.client.Counts().SentAgain.Load(); n != 1 {
		t.Errorf("%d sent again, want 1", n)
	}
}

// TestWSNeverReads: a message that two connections do not take is counted, and
// the next one goes on.
func TestWSNeverReads(t *testing.T) {
	server := newWSServer(t, "127.0.0.1:0")
	held := make(chan net.Conn, 2)
	server.accept = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n > 2 {
			return false
		}
		c, _ := acceptRaw(w, r)
		held <- c
		return true
	}
	server.start(t, nil)
	rig := newWSRig(t, "ws://"+server.addr(), func(s *Settings, o *wsOutput) {
		s.Verbose = verboseLosses
		if o != nil {
			o.cfg.Stall = 100 * time.Millisecond
		}
	})
	msgs := append([][]byte{largeMessage()}, testMessages(3, 10)...)
	rig.put(msgs...)
	rig.drain("3 delivered, 1 failed: the connection was lost twice while it was sent")
	for range 2 {
		(<-held).Close()
	}
	wantArrivals(t, server.await(t, 3), msgs[1:])
	for _, part := range []string{"the server does not read any more; trying again", `"POST /0 HTTP/1.1"`} {
		if !strings.Contains(rig.said(), part) {
			t.Errorf("said %q, want %q in it", rig.said(), part)
		}
	}
}

// TestWSCloseWhileBlocked: Close ends a write that the server does not take,
// and Settle gives up on it.
func TestWSCloseWhileBlocked(t *testing.T) {
	server := newWSServer(t, "127.0.0.1:0")
	held := make(chan net.Conn, 1)
	server.accept = func(w http.ResponseWriter, r *http.Request, n int) bool {
		c, b := acceptRaw(w, r)
		io.ReadFull(b, make([]byte, 1<<10)) // it has begun
		held <- c
		return true
	}
	server.start(t, nil)
	rig := newWSRig(t, "ws://"+server.addr(), func(s *Settings, o *wsOutput) {
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

// TestWSClosedByServer: what comes after the server's close frame goes over the
// next connection.
func TestWSClosedByServer(t *testing.T) {
	server := newWSServer(t, "127.0.0.1:0")
	server.each = func(c *websocket.Conn, n int, _ []byte) error {
		if n == 1 {
			return errors.Join(c.Close(websocket.StatusGoingAway, "bye"), net.ErrClosed)
		}
		return nil
	}
	server.start(t, nil)
	rig := newWSRig(t, "ws://"+server.addr(), nil)
	msgs := testMessages(2, 10)
	rig.put(msgs[0])
	rig.awaitSaid(`the server closed the connection with status 1001: "bye"; trying again`)
	rig.put(msgs[1])
	rig.drain("2 delivered")
	wantArrivals(t, server.await(t, 2), msgs)
}

// TestWSReads: pings are answered, and what the server sends is dropped, in
// whatever length.
func TestWSReads(t *testing.T) {
	server := newWSServer(t, "127.0.0.1:0")
	ponged := make(chan error, 1)
	server.each = func(c *websocket.Conn, _ int, _ []byte) error {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Timeout)
		err := c.Write(ctx, websocket.MessageText, bytes.Repeat([]byte("x"), 1<<20))
		go func() { // the pong is read by the server's loop
			defer cancel()
			ponged <- errors.Join(err, c.Ping(ctx))
		}()
		return nil
	}
	server.start(t, nil)
	rig := newWSRig(t, "ws://"+server.addr(), nil)
	msgs := testMessages(1, 10)
	rig.put(msgs...)
	testkit.Must(t, <-ponged)
	rig.drain("1 delivered")
	wantArrivals(t, server.arrivals(), msgs)
	if said := rig.said(); said != "" {
		t.Errorf("said %q", said)
	}
}
