package wsclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/buger/gor/internal/plugin/plugintest"
	"github.com/buger/gor/internal/testkit"
)

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

func TestSecure(t *testing.T) {
	ca := testkit.NewAuthority(t, "test authority")
	cert, err := tls.LoadX509KeyPair(ca.Issue("server", time.Now().Add(time.Hour)))
	testkit.Must(t, err)
	server := testkit.NewWSServer(t, "127.0.0.1:0")
	server.Start(t, &tls.Config{Certificates: []tls.Certificate{cert}})
	msgs := plugintest.Messages(3, 1000)
	addr := "wss://user:p%40ss@" + server.Addr() + "/"

	strict := newRig(t, addr, nil)
	strict.put(msgs...)
	strict.log.Await(t, "here is what to type")
	strict.close()
	strict.want("3 unsent")
	if n := len(server.Handshakes()); n != 0 {
		t.Errorf("%d handshakes with a server that is not trusted", n)
	}

	trusting := newRig(t, addr, func(c *Config) { c.TLS().RootCAs = ca.Pool() })
	trusting.put(msgs...)
	trusting.drain("3 delivered")
	loose := newRig(t, addr, func(c *Config) {
		loose := c.Target.TLS(true)
		c.TLS = func() *tls.Config { return loose }
	})
	loose.put(msgs...)
	loose.drain("3 delivered")
	got := server.Await(t, 6)
	wantArrivals(t, got[:3], msgs)
	wantArrivals(t, got[3:], msgs)
	for _, r := range server.Handshakes() {
		if name, password, ok := r.BasicAuth(); !ok || name != "user" || password != "p@ss" {
			t.Errorf("Authorization is %q", r.Header.Get("Authorization"))
		}
	}
	if strings.Contains(strict.target.String()+strict.log.String(), "p%40ss") {
		t.Errorf("the password is told: %s, %s", strict.target, strict.log.String())
	}
}

// TestStatus: an answer other than 101 is said once, and the server is asked
// again.
func TestStatus(t *testing.T) {
	for status, says := range map[int]string{401: "401 Unauthorized where", 302: "302 Found where", 200: "200 OK where", 404: "look at the path"} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			server := testkit.NewWSServer(t, "127.0.0.1:0")
			server.Accept = func(w http.ResponseWriter, r *http.Request, n int) bool {
				if n > 3 {
					return false
				}
				w.Header().Set("Location", "http://"+server.Addr()+"/other")
				w.WriteHeader(status)
				return true
			}
			server.Start(t, nil)
			rig := newRig(t, "ws://"+server.Addr(), nil)
			msgs := plugintest.Messages(2, 10)
			rig.put(msgs...)
			rig.drain("2 delivered")
			wantArrivals(t, server.Await(t, 2), msgs)
			if said := rig.log.String(); strings.Count(said, "\n") != 1 || !strings.Contains(said, says) || !strings.Contains(said, "sends again after") {
				t.Errorf("said %q, want %q once", said, says)
			}
			for _, r := range server.Handshakes() {
				if r.URL.Path != "/" {
					t.Errorf("%s was asked for", r.URL)
				}
			}
		})
	}
}

// TestRestart: what is written while the server is away waits for it.
func TestRestart(t *testing.T) {
	server := testkit.StartWSServer(t, testkit.FreePort(t))
	rig := newRig(t, "ws://"+server.Addr(), nil)
	msgs := plugintest.Messages(300, 500)
	rig.put(msgs[:100]...)
	wantArrivals(t, server.Await(t, 100), msgs[:100])
	server.Stop()
	rig.log.Await(t, "trying again")
	rig.put(msgs[100:]...)
	if n := rig.client.Counts().Delivered.Load(); n != 100 {
		t.Errorf("%d delivered to a server that is away", n)
	}
	again := testkit.StartWSServer(t, server.Addr())
	rig.drain("300 delivered")
	wantArrivals(t, again.Await(t, 200), msgs[100:])
	if !strings.Contains(rig.log.String(), "sends again after") {
		t.Errorf("said %q", rig.log.String())
	}
}

// largeMessage is more than the socket buffers of both ends can hold.
func largeMessage() []byte {
	msg := plugintest.Messages(1, 0)[0]
	return append(msg, bytes.Repeat([]byte("0123456789abcdef"), 1<<20)...)
}

// TestBrokenOff: a message that was written in part is sent again, whole.
func TestBrokenOff(t *testing.T) {
	server := testkit.NewWSServer(t, "127.0.0.1:0")
	server.Accept = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n > 1 {
			return false
		}
		c, b := testkit.AcceptRaw(w, r)
		io.CopyN(io.Discard, b, 1<<20)
		testkit.ResetConn(c)
		return true
	}
	server.Start(t, nil)
	rig := newRig(t, "ws://"+server.Addr(), nil)
	msgs := append([][]byte{largeMessage()}, plugintest.Messages(3, 10)...)
	rig.put(msgs...)
	rig.drain("4 delivered")
	wantArrivals(t, server.Await(t, 4), msgs)
	if n := rig.client.Counts().SentAgain.Load(); n != 1 {
		t.Errorf("%d sent again, want 1", n)
	}
}

// TestNeverReads: a message that two connections do not take is counted, and
// the next one goes on.
func TestNeverReads(t *testing.T) {
	server := testkit.NewWSServer(t, "127.0.0.1:0")
	held := make(chan net.Conn, 2)
	server.Accept = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n > 2 {
			return false
		}
		c, _ := testkit.AcceptRaw(w, r)
		held <- c
		return true
	}
	server.Start(t, nil)
	rig := newRig(t, "ws://"+server.Addr(), func(c *Config) { c.Stall = 100 * time.Millisecond })
	msgs := append([][]byte{largeMessage()}, plugintest.Messages(3, 10)...)
	rig.put(msgs...)
	rig.drain("3 delivered, 1 lost")
	for range 2 {
		(<-held).Close()
	}
	wantArrivals(t, server.Await(t, 3), msgs[1:])
	if want := "the server does not read any more; trying again"; !strings.Contains(rig.log.String(), want) {
		t.Errorf("said %q, want %q in it", rig.log.String(), want)
	}
}

// TestClosedByServer: what comes after the server's close frame goes over the
// next connection.
func TestClosedByServer(t *testing.T) {
	server := testkit.NewWSServer(t, "127.0.0.1:0")
	server.Each = func(c *websocket.Conn, n int, _ []byte) error {
		if n == 1 {
			return errors.Join(c.Close(websocket.StatusGoingAway, "bye"), net.ErrClosed)
		}
		return nil
	}
	server.Start(t, nil)
	rig := newRig(t, "ws://"+server.Addr(), nil)
	msgs := plugintest.Messages(2, 10)
	rig.put(msgs[0])
	rig.log.Await(t, `the server closed the connection with status 1001: "bye"; trying again`)
	rig.put(msgs[1])
	rig.drain("2 delivered")
	wantArrivals(t, server.Await(t, 2), msgs)
}

// TestReads: pings are answered, and what the server sends is dropped, in
// whatever length.
func TestReads(t *testing.T) {
	server := testkit.NewWSServer(t, "127.0.0.1:0")
	ponged := make(chan error, 1)
	server.Each = func(c *websocket.Conn, _ int, _ []byte) error {
		ctx, cancel := context.WithTimeout(context.Background(), testkit.Timeout)
		err := c.Write(ctx, websocket.MessageText, bytes.Repeat([]byte("x"), 1<<20))
		go func() { // the pong is read by the server's loop
			defer cancel()
			ponged <- errors.Join(err, c.Ping(ctx))
		}()
		return nil
	}
	server.Start(t, nil)
	rig := newRig(t, "ws://"+server.Addr(), nil)
	msgs := plugintest.Messages(1, 10)
	rig.put(msgs...)
	testkit.Must(t, <-ponged)
	rig.drain("1 delivered")
	wantArrivals(t, server.Arrivals(), msgs)
	if said := rig.log.String(); said != "" {
		t.Errorf("said %q", said)
	}
}
