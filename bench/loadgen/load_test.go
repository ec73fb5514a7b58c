package loadgen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
	"github.com/buger/gor/internal/testkit"
)

// startServer starts a server on loopback for the length of the test.
func startServer(t testing.TB) *testkit.CountServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := testkit.ServeCounting(l)
	t.Cleanup(func() { s.Close() })
	return s
}

// A tee keeps what is written to a connection.
type tee struct {
	net.Conn
	mu  sync.Mutex
	all bytes.Buffer
}

func (c *tee) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.all.Write(p)
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// TestLoad: what goes over the connections of each case is what was asked for,
// as the verifier sees it, and the server sees as many.
func TestLoad(t *testing.T) {
	for _, c := range Cases() {
		t.Run(c.String(), func(t *testing.T) {
			s := startServer(t)
			var conns []*tee
			want := int64(100)
			if c == Post64k || c == Chunked1m {
				want = 10 // they are long
			}
			load := Load{Traffic: NewTraffic(c, 11), Address: s.Address(), Connections: 3, Requests: want, Dial: func(address string) (net.Conn, error) {
				conn, err := net.Dial("tcp", address)
				if err != nil {
					return nil, err
				}
				conns = append(conns, &tee{Conn: conn})
				return conns[len(conns)-1], nil
			}}
			r, err := load.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if r.Requests() != want || r.Answered != want || s.Requests() != want {
				t.Errorf("%d sent, %d answered, %d at the server, want %d", r.Requests(), r.Answered, s.Requests(), want)
			}
			var recording []byte
			bytes := int64(0)
			for _, conn := range conns {
				bytes += int64(conn.all.Len())
				recording = appendStream(t, recording, conn.all.Bytes())
			}
			if bytes != r.Bytes {
				t.Errorf("%d bytes sent, %d reported", bytes, r.Bytes)
			}
			if f := verify(t, load.Traffic, recording, r.Sent); !f.Perfect() || f.Expected != want {
				t.Errorf("%+v", f)
			}
		})
	}
}

// appendStream appends a record for each request in a stream.
func appendStream(t *testing.T, dst, stream []byte) []byte {
	t.Helper()
	for len(stream) > 0 {
		var p http1.Parser
		p.ResetRequest()
		n, done, err := p.Feed(stream)
		if !done || err != nil {
			t.Fatalf("done %v, %v", done, err)
		}
		dst = appendRecord(dst, stream[:n])
		stream = stream[n:]
	}
	return dst
}

func appendRecord(dst, raw []byte) []byte {
	msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 1, 1), Time: 1, Duration: -1, Length: -1})
	return payload.AppendRecord(dst, append(msg, raw...))
}

func verify(t *testing.T, tr *Traffic, recording []byte, sent []uint32) Findings {
	t.Helper()
	f, err := tr.Verify(bytes.NewReader(recording), "memory", sent)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestSchedule: requests are due at an even pace that alternates between the
// connections and does not depend on when the ones before went out.
func TestSchedule(t *testing.T) {
	l := &Load{Connections: 4, Rate: 1000}
	for _, test := range []struct {
		conn, seq uint32
		want      time.Duration
	}{{0, 0, 0}, {1, 0, time.Millisecond}, {3, 0, 3 * time.Millisecond}, {0, 1, 4 * time.Millisecond}, {2, 1000, 4002 * time.Millisecond}} {
		c := client{load: l, number: test.conn, seq: test.seq}
		if got := c.due(); got != test.want {
			t.Errorf("connection %d, request %d is due after %v, want %v", test.conn, test.seq, got, test.want)
		}
	}
}

// TestRate: a load with a rate takes as long as its requests do at that rate.
func TestRate(t *testing.T) {
	s := startServer(t)
	for _, c := range []Case{Get, Pipe8} {
		r, err := Load{Traffic: NewTraffic(c, 1), Address: s.Address(), Connections: 2, Requests: 400, Rate: 2000}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// The last ones are due a little before the time is over.
		if least := 190 * time.Millisecond; r.Took < least {
			t.Errorf("%v: 400 requests at 2,000/s took %v", c, r.Took)
		}
	}
}

// TestTake: the requests that are asked for go out, whoever sends them.
func TestTake(t *testing.T) {
	var left atomic.Int64
	left.Store(20)
	c := client{load: &Load{Requests: 20}, left: &left}
	for _, want := range []int{8, 8, 4, 0, 0} {
		if got := c.take(8); got != want {
			t.Errorf("took %d, want %d", got, want)
		}
	}
}

// TestStop: a load that is stopped ends with the answer to what it has sent,
// whether it goes as fast as it can or waits for its next request.
func TestStop(t *testing.T) {
	s := startServer(t)
	for _, rate := range []float64{0, 0.001} {
		stop := make(chan struct{})
		before := s.Requests()
		go func() {
			for s.Requests() == before {
				runtime.Gosched()
			}
			close(stop)
		}()
		r, err := Load{Traffic: NewTraffic(Get, 1), Address: s.Address(), Connections: 1, Rate: rate, Stop: stop}.Run(t.Context())
		if err != nil || r.Requests() == 0 || r.Answered != r.Requests() || s.Requests()-before != r.Requests() {
			t.Errorf("rate %v: %+v, %v", rate, r, err)
		}
	}
	if _, err := (Load{Traffic: NewTraffic(Get, 1), Address: s.Address(), Connections: 1}).Run(t.Context()); err == nil {
		t.Error("a load without end began")
	}
}

// TestLoadFails: what goes wrong ends the load and is named.
func TestLoadFails(t *testing.T) {
	for _, test := range []struct{ name, answer, want string }{
		{"refused", "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", "connection 0, request 1: read the answer: status 413"},
		{"no HTTP", "what?\r\n\r\n", "connection 0, request 1: read the answer: "},
		{"closed", "", "connection 0, request 1: read the answer: EOF"},
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			c, err := l.Accept()
			if err != nil {
				return
			}
			defer c.Close()
			if _, err := c.Read(make([]byte, 1000)); err == nil {
				io.WriteString(c, test.answer)
			}
		})
		r, err := Load{Traffic: NewTraffic(Get, 1), Address: l.Addr().String(), Connections: 1, Requests: 10}.Run(t.Context())
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
		if r.Requests() != 1 || r.Answered != 0 {
			t.Errorf("%s: %+v", test.name, r)
		}
		l.Close()
		wg.Wait()
	}
	_, err := Load{Traffic: NewTraffic(Get, 1), Connections: 1, Requests: 1, Dial: func(string) (net.Conn, error) {
		return nil, errors.New("no way")
	}}.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no way") {
		t.Errorf("%v", err)
	}
}

// TestLoadCancelled: a server that does not answer holds up nobody who has
// lost patience.
func TestLoadCancelled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	impatient := errors.New("impatient")
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.Read(make([]byte, 1000))
		cancel(impatient)
		c.Read(make([]byte, 1)) // until the load closes it
	}()
	if _, err := (Load{Traffic: NewTraffic(Get, 1), Address: l.Addr().String(), Connections: 1, Requests: 2}).Run(ctx); err != impatient {
		t.Errorf("%v, want %v", err, impatient)
	}
}

// TestServerClose: a server ends although clients are still there.
func TestServerClose(t *testing.T) {
	s := startServer(t)
	c, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "GET / HTTP/1.1\r\n\r\n")
	if _, err := io.ReadFull(c, make([]byte, len(testkit.OK200))); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection is still open")
	}
}

// TestExchangeAllocates: neither side allocates in steady state.
func TestExchangeAllocates(t *testing.T) {
	s := startServer(t)
	for _, kind := range Cases() {
		l := &Load{Traffic: NewTraffic(kind, 1)}
		conn, err := net.Dial("tcp", s.Address())
		if err != nil {
			t.Fatal(err)
		}
		c := newClient(l, 1, conn, nil, stats.NewHistogram())
		c.out = make([]byte, 0, 2<<20) // the largest request is not the first one
		if n := testing.AllocsPerRun(100, func() {
			if err := c.exchange(l.Traffic.Together(Number{1, c.seq})); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v: %v allocations per exchange", kind, n)
		}
		conn.Close()
	}
}

func BenchmarkExchange(b *testing.B) {
	for _, kind := range Cases() {
		b.Run(kind.String(), func(b *testing.B) {
			s := startServer(b)
			r, err := Load{Traffic: NewTraffic(kind, 1), Address: s.Address(), Connections: 8, Requests: int64(b.N)}.Run(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(r.Bytes / int64(b.N))
			b.ReportMetric(r.Rate(), "requests/s")
		})
	}
}
