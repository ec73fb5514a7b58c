package testkit

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
)

// A WSServer is a WebSocket server that keeps every message.
type WSServer struct {
	l net.Listener

	// Accept, when set, answers the handshake of connection n, from 1, itself
	// and returns true.
	Accept func(w http.ResponseWriter, r *http.Request, n int) bool
	// Each, when set, is told of every message of a connection; an error ends it.
	Each func(c *websocket.Conn, n int, msg []byte) error

	mu    sync.Mutex
	got   []WSArrival
	heads []*http.Request
	open  map[net.Conn]bool
	wg    sync.WaitGroup
}

type WSArrival struct {
	Conn int // which of the server's connections, from 1
	Kind websocket.MessageType
	Msg  []byte
}

func NewWSServer(t *testing.T, addr string) *WSServer {
	t.Helper()
	l, err := net.Listen("tcp", addr)
	Must(t, err)
	return &WSServer{l: l, open: map[net.Conn]bool{}}
}

// StartWSServer starts one for the length of the test.
func StartWSServer(t *testing.T, addr string) *WSServer {
	t.Helper()
	s := NewWSServer(t, addr)
	s.Start(t, nil)
	return s
}

func (s *WSServer) Start(t *testing.T, secure *tls.Config) {
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
		s.open[c] = true
		if state == http.StateClosed {
			delete(s.open, c)
		}
	}}
	s.wg.Go(func() { server.Serve(l) })
	t.Cleanup(s.Stop)
}

// Stop ends the server and all its connections at once.
func (s *WSServer) Stop() {
	s.l.Close()
	s.mu.Lock()
	for c := range s.open {
		c.Close()
	}
	s.open = nil
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *WSServer) Addr() string { return s.l.Addr().String() }

func (s *WSServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.wg.Add(1)
	defer s.wg.Done()
	s.mu.Lock()
	s.heads = append(s.heads, r)
	n := len(s.heads)
	s.mu.Unlock()
	if s.Accept != nil && s.Accept(w, r, n) {
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
		s.got = append(s.got, WSArrival{n, kind, msg})
		s.mu.Unlock()
		if s.Each != nil && s.Each(c, n, msg) != nil {
			return
		}
	}
}

// Arrivals returns what came so far.
func (s *WSServer) Arrivals() []WSArrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]WSArrival(nil), s.got...)
}

// Handshakes returns the requests so far.
func (s *WSServer) Handshakes() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.heads...)
}

// Await waits until n messages have come.
func (s *WSServer) Await(t *testing.T, n int) []WSArrival {
	t.Helper()
	Eventually(t, fmt.Sprintf("%d messages at %s", n, s.Addr()), func() bool { return len(s.Arrivals()) >= n })
	return s.Arrivals()
}

// AcceptRaw answers the handshake on a bare connection, from which it reads no
// more: what comes then is up to the test.
func AcceptRaw(w http.ResponseWriter, r *http.Request) (net.Conn, *bufio.ReadWriter) {
	c, b, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) // RFC 6455 section 1.3
	fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	return c, b
}
