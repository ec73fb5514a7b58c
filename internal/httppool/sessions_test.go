package httppool

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/buger/gor/internal/certs/certstest"
	"github.com/buger/gor/internal/ledger"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// sessions has a connection for each recorded one.
func sessions(c *Config) { c.Sessions, c.Most = true, DefaultMost }

// A session whose connection was idle for the worker timeout closes it, and
// one that is told to close does.
func TestSessionsEnd(t *testing.T) {
	target := testkit.StartSink(t)
	out := newRig(t, target.Addr(), func(c *Config) {
		sessions(c)
		c.Client.KeepHost, c.IdleFor = true, 20*time.Millisecond
	})
	send := func(conn uint64, n int) {
		msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, conn, uint32(n)), Time: 1e18, Duration: 0, Length: -1})
		_, err := out.Write(fmt.Appendf(msg, "GET /%d HTTP/1.1\r\nHost: prod\r\nX-Conn: %d\r\nX-Number: %d\r\n\r\n", n, conn, n))
		testkit.Must(t, err)
	}
	for n := range 3 {
		send(1, n)
		target.Await(t, n+1)
		testkit.Eventually(t, "the session ends", func() bool { return out.sessions.Open() == 0 })
	}
	for i, a := range target.Arrivals() {
		if a.Conn != i+1 {
			t.Errorf("request %d came on connection %d", i, a.Conn)
		}
	}
}

// A target that never answers: what its sessions hold is counted as unsent.
func TestSessionsUnsent(t *testing.T) {
	target := testkit.StartMute(t)
	out := newRig(t, target.Addr(), sessions)
	const n = 90
	for i := range n {
		msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(i%7), uint32(i)), Time: 1e18, Duration: 0, Length: -1})
		_, err := out.Write(append(msg, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"...))
		testkit.Must(t, err)
	}
	target.Await(t, 7)
	testkit.Must(t, out.Close())
	counts := map[string]uint64{}
	var sum uint64
	for _, row := range out.Counts() {
		counts[row.Name] += row.N
		sum += row.N
	}
	if counts["unsent"] != n || sum != n {
		t.Errorf("%v, want %d unsent", counts, n)
	}
}

// TestSessionsOfATargetThatTakesFewConnections: sessions above what it takes wait
// until others end, each with its messages in order.
func TestSessionsOfATargetThatTakesFewConnections(t *testing.T) {
	// Where the machine halts the target may end a connection so late that requests
	// were sent over it.
	testkit.InSomeRun(t, outbound.SettleFor/10, func() error { return sessionsBeyondTheLimit(t) })
}

func sessionsBeyondTheLimit(t *testing.T) error {
	const recorded, each = 12, 5
	target := &limitedTarget{answer: 2 * time.Millisecond, limit: 4}
	addr := target.start(t)
	out := newRig(t, addr, func(c *Config) {
		sessions(c)
		c.IdleFor = 20 * time.Millisecond
	})
	for n := range each {
		for conn := range recorded {
			msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, uint64(conn), uint32(n)), Time: 1e18, Duration: 0, Length: -1})
			_, err := out.Write(fmt.Appendf(msg, "GET /%d/%d HTTP/1.1\r\nHost: prod\r\n\r\n", conn, n))
			testkit.Must(t, err)
		}
	}
	testkit.Must(t, out.Settle(nil))
	if got, want := ledger.Words(out.Counts()), fmt.Sprintf("%d delivered", recorded*each); got != want {
		return fmt.Errorf("got %s, want %s", got, want)
	}
	next := map[string]int{}
	for _, path := range target.paths() {
		conn, n, _ := strings.Cut(path[1:], "/")
		if testkit.Atoi(t, n) != next[conn] {
			t.Errorf("message %s of connection %s, want %d", n, conn, next[conn])
		}
		next[conn]++
	}
	return nil
}

// TestSessionsOpenAhead: the connections of the recorded ones that are announced
// stand before there is a request, which then goes over its own.
func TestSessionsOpenAhead(t *testing.T) {
	a := certstest.New(t, "sessions")
	pair, err := tls.LoadX509KeyPair(a.IssueFor("sessions", time.Now().Add(time.Hour), "a.example"))
	testkit.Must(t, err)
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			target := testkit.StartTarget(t, func(c net.Conn, _ int) {
				if scheme == "https" {
					c = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}})
				}
				for {
					if _, err := testkit.ReadRequest(c); err != nil {
						return
					}
					if _, err := c.Write([]byte(testkit.OK200)); err != nil {
						return
					}
				}
			})
			out := newRig(t, scheme+"://a.example", func(c *Config) {
				sessions(c)
				c.Client.Dial = testkit.DialTo(target.Address())
				if config := c.Client.Target.TLS(false); config != nil {
					config.RootCAs = a.Pool()
					c.Client.TLS = func() *tls.Config { return config }
				}
			})
			openAhead(t, out)
		})
	}
}

func openAhead(t *testing.T, out *rig) {
	f := new(pace.Forecast)
	ready := out.Begin(f)
	id := func(conn int) []byte { return payload.AppendID(nil, uint64(conn), 0) }
	const conns = 5
	for range 2 {
		for conn := range conns {
			f.Announce(0, payload.ConnPart(id(conn)))
		}
	}
	select {
	case <-ready():
	case <-time.After(testkit.Timeout):
		t.Fatal("the connections do not stand")
	}
	if n := out.client.Standing(); n != conns {
		t.Fatalf("%d connections stand, want %d", n, conns)
	}
	for conn := range conns - 1 { // for the last one no request comes
		msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: id(conn), Time: 1e18, Duration: 0, Length: -1})
		_, err := out.Write(fmt.Appendf(msg, "GET /%d HTTP/1.1\r\nHost: prod\r\n\r\n", conn))
		testkit.Must(t, err)
	}
	testkit.Must(t, out.Settle(nil))
	if got, want := ledger.Words(out.Counts()), fmt.Sprintf("%d delivered", conns-1); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if n := out.client.Counts().Connections.Load(); n != conns {
		t.Errorf("%d connections, want %d", n, conns)
	}
}

// TestSessionsOpenAheadOfATargetThatIsAway: what is announced is not tried for each
// connection, and waiting for it ends.
func TestSessionsOpenAheadOfATargetThatIsAway(t *testing.T) {
	var dials atomic.Int64
	out := newRig(t, "127.0.0.1:1", func(c *Config) {
		sessions(c)
		c.Client.Dial = func(context.Context, string, string) (net.Conn, error) {
			dials.Add(1)
			return nil, syscall.ECONNREFUSED
		}
	})
	f := new(pace.Forecast)
	ready := out.Begin(f)
	for conn := range 100 {
		f.Announce(0, payload.ConnPart(payload.AppendID(nil, uint64(conn), 0)))
	}
	select {
	case <-ready():
	case <-time.After(testkit.Timeout):
		t.Fatal("waiting for the connections does not end")
	}
	if n := dials.Load(); n != 1 {
		t.Errorf("%d attempts to connect, want 1", n)
	}
}
