package http1client

import (
	"bytes"
	"net"
	"sync"
	"testing"

	"github.com/buger/gor/internal/evloop"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/testkit"
)

// A scripted server answers the first bytes of each connection with pieces of a
// text, and ends the connection.
type scripted struct {
	net.Listener
	mu     sync.Mutex
	text   []byte
	pieces []byte // lengths; what is left goes last
}

func (s *scripted) run() {
	for {
		c, err := s.Accept()
		if err != nil {
			return
		}
		s.serve(c)
	}
}

func (s *scripted) serve(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 4<<10)
	if _, err := c.Read(buf); err != nil {
		return
	}
	s.mu.Lock()
	text, pieces := s.text, s.pieces
	s.mu.Unlock()
	for _, n := range pieces {
		n := min(int(n), len(text))
		if _, err := c.Write(text[:n]); err != nil {
			return
		}
		text = text[n:]
	}
	if _, err := c.Write(text); err != nil {
		return
	}
	c.(*net.TCPConn).CloseWrite()
	c.Read(buf) // until the client has seen the end
}

// keepsAll keeps whole answers.
type keepsAll struct{}

func (keepsAll) Keep(answer, b []byte) ([]byte, bool) { return append(answer, b...), true }
func (keepsAll) GiveBack([]byte)                      {}

// FuzzClients: both clients make the same of an answer, whatever it is and
// however it comes in pieces.
func FuzzClients(f *testing.F) {
	if !evloop.Supported {
		f.Skip("no event loops on this system")
	}
	for _, text := range []string{
		testkit.OK200, testkit.OK200 + testkit.OK200, "", "HTTP/1.1 200 OK\r\n\r\nuntil the end", "HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\n" + testkit.OK200, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbinary", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", "SSH-2.0-x\r\n",
		"HTTP/1.1 302 Found\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 103 Early\r\n\r\n",
	} {
		f.Add([]byte(text), []byte{1, 3, 20})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	server := &scripted{Listener: l}
	go server.run()
	f.Cleanup(func() { l.Close() })
	f.Fuzz(func(t *testing.T, text, pieces []byte) {
		if len(text) > 16<<10 || len(pieces) > 32 {
			return
		}
		server.mu.Lock()
		server.text, server.pieces = text, pieces
		server.mu.Unlock()
		type seen struct {
			outcome outbound.Outcome
			status  int
			sent    bool
			answer  []byte
			cut     bool
		}
		var results [2][]seen
		for i, loops := range []*evloop.Loops{nil, new(evloop.Loops)} {
			c := testConfig(t, l.Addr().String())
			c.Tell, c.Loops, c.Keeper, c.Timeout = func(error) {}, loops, keepsAll{}, testkit.Timeout
			client := New(c)
			w := newWaiting(client, func(r Result) {
				got := seen{outcome: r.Outcome, sent: r.Sent}
				if r.Outcome == outbound.Delivered { // else the rest says nothing
					got.status, got.answer, got.cut = r.Status, bytes.Clone(r.Answer), r.Cut
				}
				results[i] = append(results[i], got)
			})
			w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			w.Close()
			if loops != nil {
				loops.Close()
			}
		}
		a, b := results[0], results[1]
		if len(a) != 1 || len(b) != 1 || a[0].outcome != b[0].outcome || a[0].status != b[0].status || a[0].sent != b[0].sent ||
			!bytes.Equal(a[0].answer, b[0].answer) || a[0].cut != b[0].cut {
			t.Fatalf("%q in pieces of %v: %+v with goroutines, %+v with loops", text, pieces, a, b)
		}
	})
}
