package testkit

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
)

// A Sink is a raw TCP server that keeps every request byte for byte, with the
// time at which its first byte came, and answers 200.
type Sink struct {
	Listener net.Listener

	// Set before Start or Serve.
	Mute  bool            // never answer
	Delay time.Duration   // before each answer
	Each  func(a Arrival) // if set, told of every request, after it is in Got

	mu    sync.Mutex
	Got   []Arrival // valid in Each; elsewhere Arrivals copies it
	Conns int       // accepted so far; valid in Each, and when all is over
}

// An Arrival is a request that a Sink was sent.
type Arrival struct {
	At   time.Time // of its first byte
	Raw  []byte    // the whole request
	Conn int       // which of the sink's connections, from 1
}

// NewSink listens on an address; Start or Serve serves it.
func NewSink(network, addr string) (*Sink, error) {
	l, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	return &Sink{Listener: l}, nil
}

// StartSink starts a sink on loopback for the length of the test.
func StartSink(t *testing.T) *Sink {
	t.Helper()
	s, err := NewSink("tcp", "127.0.0.1:0")
	Must(t, err)
	s.Start(t)
	return s
}

// StartMute starts a sink that takes requests and never answers.
func StartMute(t *testing.T) *Sink {
	t.Helper()
	s, err := NewSink("tcp", "127.0.0.1:0")
	Must(t, err)
	s.Mute = true
	s.Start(t)
	return s
}

// Start serves for the length of the test.
func (s *Sink) Start(t *testing.T) {
	done := make(chan struct{})
	go func() { s.Serve(); close(done) }()
	t.Cleanup(func() { s.Listener.Close(); <-done })
}

// Addr returns the address that the sink listens on.
func (s *Sink) Addr() string { return s.Listener.Addr().String() }

// Serve accepts until the listener is closed, and then ends all connections.
func (s *Sink) Serve() {
	var open sync.Map
	var wg sync.WaitGroup
	for {
		c, err := s.Listener.Accept()
		if err != nil {
			break
		}
		s.mu.Lock()
		s.Conns++
		id := s.Conns
		s.mu.Unlock()
		open.Store(c, nil)
		wg.Go(func() {
			s.conn(c, id)
			open.Delete(c)
			c.Close()
		})
	}
	open.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
	wg.Wait()
}

func (s *Sink) conn(c net.Conn, id int) {
	var p http1.Parser
	p.ResetRequest()
	buf := make([]byte, 64<<10)
	var raw []byte
	var first time.Time
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		now := time.Now()
		for b := buf[:n]; len(b) > 0; {
			if len(raw) == 0 {
				first = now
			}
			used, done, err := p.Feed(b)
			if err != nil {
				return
			}
			raw = append(raw, b[:used]...)
			b = b[used:]
			if !done {
				continue
			}
			s.keep(Arrival{first, bytes.Clone(raw[p.Lead():]), id})
			raw = raw[:0]
			if s.Delay > 0 {
				time.Sleep(s.Delay) // it is what such a target does
			}
			if !s.Mute {
				if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
					return
				}
			}
			p.ResetRequest()
		}
	}
}

func (s *Sink) keep(a Arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Got = append(s.Got, a)
	if s.Each != nil {
		s.Each(a)
	}
}

// Arrivals returns what came so far.
func (s *Sink) Arrivals() []Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Arrival(nil), s.Got...)
}

// Await waits until n requests have come, and returns what came so far.
func (s *Sink) Await(t *testing.T, n int) []Arrival {
	t.Helper()
	Eventually(t, fmt.Sprintf("%d requests at %s", n, s.Addr()), func() bool { return len(s.Arrivals()) >= n })
	return s.Arrivals()
}

// Raws returns the bytes of requests.
func Raws(list []Arrival) [][]byte {
	out := make([][]byte, len(list))
	for i, a := range list {
		out[i] = a.Raw
	}
	return out
}
