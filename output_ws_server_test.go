package main

import (
	"bufio"
	"context"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/buger/gor/internal/testkit"
)

// A wsServer is a WebSocket server that keeps every message.
type wsServer struct {
	l net.Listener

	// accept, when set, answers the handshake of connection n, from 1, itself
	// and returns true.
	accept func(w http.ResponseWriter, r *http.Request, n int) bool
	// each, when set, is told of every message of a connection; an error ends it.
	each func(c *websocket.Conn, n int, msg []byte) error

	mu    sync.Mutex
	got   []wsArrival
	heads []*http.Request
	open  map[net.Conn]bool
	wg    sync.WaitGroup
}

type wsArrival struct {
	conn int // which of the server's connections, from 1
	kind websocket.MessageType
	msg  []byte
}

func newWSServer(t *testing.T, addr string) *wsServer {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	testkit.Must(t, err)
	return &wsServer{l: l, open: map[net.Conn]bool{}}
}

// startWSServer starts one for the length of the test.
func startWSServer(t *testing.T, addr string) *wsServer {
	t.Helper()
	s := newWSServer(t, addr)
	s.start(t, nil)
	return s
}

func (s *wsServer) start(t *testing.T, secure *tls.Config) {
	l := s.l
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	server := &http.Server{Handler: s, ErrorLog: log.New(io.Discard, "", 0), ConnState: func(c net.Conn, state http.ConnState) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open == nil {
			c.Close()
			return
		}
		if s.open[c] = true; state == http.StateClosed {
			delete(s.open, c)
		}
	}}
	s.wg.Go(func() { server.Serve(l) })
	t.Cleanup(s.stop)
}

// stop ends the server and all its connections at once.
func (s *wsServer) stop() {
	s.l.Close()
	s.mu.Lock()
	for c := range s.open {
		c.Close()
	}
	s.open = nil
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *wsServer) addr() string { return s.l.Addr().String() }

func (s *wsServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.wg.Add(1)
	defer s.wg.Done()
	s.mu.Lock()
	s.heads = append(s.heads, r)
	n := len(s.heads)
	s.mu.Unlock()
	if s.accept != nil && s.accept(w, r, n) {
		return
	}
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(-1)
	for {
		kind, msg, err := c.Read(context.Background())
		if err != nil {
			return
		}
		s.mu.Lock()
		s.got = append(s.got, wsArrival{n, kind, msg})
		s.mu.Unlock()
		if s.each != nil && s.each(c, n, msg) != nil {
			return
		}
	}
}

// arrivals returns what came so far.
func (s *wsServer) arrivals() []wsArrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]wsArrival(nil), s.got...)
}

// handshakes returns the requests so far.
func (s *wsServer) handshakes() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.heads...)
}

// await waits until n messages have come.
func (s *wsServer) await(t *testing.T, n int) []wsArrival {
	t.Helper()
	testkit.Eventually(t, fmt.Sprintf("%d messages at %s", n, s.addr()), func() bool { return len(s.arrivals()) >= n })
	return s.arrivals()
}

// acceptRaw answers the handshake on a bare connection, of which it reads no
// more: what comes then is up to the test.
func acceptRaw(w http.ResponseWriter, r *http.Request) (net.Conn, *bufio.ReadWriter) {
	c, b, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455 section 1.3
	fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	return c, b
}
