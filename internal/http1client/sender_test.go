package http1client

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/testkit"
)

// serve answers each request with what answer makes of its target, until that
// is empty: then it closes the connection.
func serve(t *testing.T, answer func(conn int, target string) string) *testkit.RawTarget {
	return testkit.StartTarget(t, func(c net.Conn, conn int) {
		var p http1.Parser
		p.ResetRequest()
		var raw []byte
		buf := make([]byte, 16<<10)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			raw = append(raw, buf[:n]...)
			if _, done, err := p.Feed(buf[:n]); err != nil || !done {
				if err != nil {
					t.Error(err)
					return
				}
				continue
			}
			var r http1.Request
			if err := r.Parse(raw); err != nil {
				t.Error(err)
				return
			}
			text := answer(conn, string(r.Target()))
			if text == "" {
				return
			}
			if _, err := io.WriteString(c, text); err != nil {
				return
			}
			raw = raw[:0]
			p.ResetRequest()
		}
	})
}

// TestSender: what becomes of requests, one after the other, and how many
// connections that takes.
func TestSender(t *testing.T) { clients(t, testSender) }

func testSender(t *testing.T, loops *evloop.Loops) {
	target := serve(t, func(_ int, target string) string {
		switch target {
		case "/moved":
			return "HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
		case "/away":
			return "HTTP/1.1 302 Found\r\nLocation: http://elsewhere.invalid/\r\nContent-Length: 0\r\n\r\n"
		case "/close":
			return ""
		case "/bad":
			return "220 mail.example.com ESMTP\r\n"
		}
		return testkit.OK200
	})
	const room = 1 << 20
	memory := buffers.NewBudget(room)
	c := testConfig(t, target.Address())
	c.Redirects, c.Memory, c.Loops = 3, memory, loops
	client := New(c)
	var got []string
	s := newWaiting(client, func(r Result) {
		head, _, _ := strings.Cut(string(r.Answer), "\r\n")
		got = append(got, fmt.Sprintf("%s %d %v %q", r.Outcome, r.Status, r.Sent, head))
	})
	want := []string{
		`delivered 200 true "HTTP/1.1 200 OK"`,
		`delivered 200 true "HTTP/1.1 200 OK"`,
		`delivered 302 true "HTTP/1.1 302 Found"`,
		`CONNECT not replayed 0 false ""`,
		`malformed request 0 false ""`,
		`closed without an answer 0 true ""`,
		`bad response 0 true ""`,
		`delivered 200 true "HTTP/1.1 200 OK"`,
	}
	for _, raw := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /moved HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /away HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
		"CONNECT a:1 HTTP/1.1\r\n\r\n",
		"GET",
		"POST /close HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
		"GET /bad HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", // folded: alone on its connection
	} {
		s.send(raw)
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	counts := client.Counts()
	if n, f, a := counts.Redirected.Load(), counts.Foreign.Load(), counts.Ambiguous.Load(); n != 1 || f != 1 || a != 1 {
		t.Errorf("%d redirections followed, %d not, %d ambiguous; want one of each", n, f, a)
	}
	if n := counts.Connections.Load(); n != 3 || target.Conns.Load() != 3 {
		t.Errorf("%d connections, %d accepted, want 3", n, target.Conns.Load())
	}
	if memory.Free() == room {
		t.Error("the sender holds no memory for what it follows")
	}
	s.Close()
	if memory.Free() != room {
		t.Errorf("%d bytes are held after Close", room-memory.Free())
	}
}

// TestSendAgain: on a kept connection that ends before an answer comes, what
// may be repeated is sent again, and nothing else.
func TestSendAgain(t *testing.T) { clients(t, testSendAgain) }

func testSendAgain(t *testing.T, loops *evloop.Loops) {
	for _, tt := range []struct {
		raw  string
		want outbound.Outcome
	}{
		{"GET /second HTTP/1.1\r\nHost: a\r\n\r\n", outbound.Delivered},
		{"POST /second HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", outbound.Closed},
		{"GET /second HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", outbound.Closed},
	} {
		target := serve(t, func(conn int, target string) string {
			if conn == 1 && target == "/second" {
				return ""
			}
			return testkit.OK200
		})
		c := testConfig(t, target.Address())
		c.Loops = loops
		client := New(c)
		var got outbound.Outcome
		s := newWaiting(client, func(r Result) { got = r.Outcome })
		for _, raw := range []string{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", tt.raw} {
			s.send(raw)
		}
		again := client.Counts().SentAgain.Load()
		if got != tt.want || (again == 1) != (tt.want == outbound.Delivered) {
			t.Errorf("%q: %s, %d sent again; want %s", tt.raw, got, again, tt.want)
		}
		s.Close()
	}
}

// TestContextEndsExchange: a target that does not answer is left at once.
func TestContextEndsExchange(t *testing.T) { clients(t, testContextEndsExchange) }

func testContextEndsExchange(t *testing.T, loops *evloop.Loops) {
	began := make(chan struct{})
	target := testkit.StartTarget(t, func(c net.Conn, _ int) {
		_, _ = c.Read(make([]byte, 1))
		close(began)
		_, _ = io.Copy(io.Discard, c)
	})
	c := testConfig(t, target.Address())
	c.Timeout, c.Loops = time.Hour, loops
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	results := make(chan Result, 1)
	s := newWaiting(New(c), func(r Result) { results <- r })
	go s.sendBytes(ctx, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
	<-began
	cancel()
	if r := <-results; r.Outcome == outbound.Delivered || !r.Sent {
		t.Errorf("%+v", r)
	}
}

// TestSendAllocates: a request on a kept connection costs no memory.
func TestSendAllocates(t *testing.T) { clients(t, testSendAllocates) }

func testSendAllocates(t *testing.T, loops *evloop.Loops) {
	if testkit.RaceEnabled {
		t.Skip("the race detector allocates")
	}
	target := testkit.StartTarget(t, func(c net.Conn, _ int) {
		buf, answer := make([]byte, 4<<10), []byte(testkit.OK200)
		for {
			if _, err := c.Read(buf); err != nil {
				return
			}
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	})
	c := testConfig(t, target.Address())
	c.Loops = loops
	s := newWaiting(New(c), func(r Result) {
		if r.Outcome != outbound.Delivered {
			t.Errorf("%s", r.Outcome)
		}
	})
	defer s.Close()
	raw, ctx := []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), context.Background()
	if n := testing.AllocsPerRun(1000, func() { s.sendBytes(ctx, raw) }); n > 0 {
		t.Errorf("%v allocations for a request", n)
	}
}
