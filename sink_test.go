package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"testing"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
)

// A sink is a raw TCP server that keeps every request byte for byte, with the
// time at which its first byte came, and answers 200.
type sink struct {
	l     net.Listener
	mu    sync.Mutex
	got   []arrival
	conns int
	mute  bool          // never answer
	delay time.Duration // before each answer

	// each, when set, is told of every request under the lock.
	each func(a arrival)
}

type arrival struct {
	at   time.Time
	raw  []byte
	conn int // which of the sink's connections, from 1
}

func newSink(network, addr string) (*sink, error) {
	l, err := net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	return &sink{l: l}, nil
}

// startSink starts a sink on loopback for the length of the test.
func startSink(t *testing.T) *sink {
	t.Helper()
	s, err := newSink("tcp", "127.0.0.1:0")
	must(t, err)
	s.start(t)
	return s
}

// startMute starts one that takes requests and never answers.
func startMute(t *testing.T) *sink {
	t.Helper()
	s, err := newSink("tcp", "127.0.0.1:0")
	must(t, err)
	s.mute = true
	s.start(t)
	return s
}

func (s *sink) start(t *testing.T) {
	done := make(chan struct{})
	go func() { s.serve(); close(done) }()
	t.Cleanup(func() { s.l.Close(); <-done })
}

func (s *sink) addr() string { return s.l.Addr().String() }

// serve accepts until the listener is closed, and then ends all connections.
func (s *sink) serve() {
	var open sync.Map
	var wg sync.WaitGroup
	for {
		c, err := s.l.Accept()
		if err != nil {
			break
		}
		s.mu.Lock()
		s.conns++
		id := s.conns
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

func (s *sink) conn(c net.Conn, id int) {
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
			s.keep(arrival{first, bytes.Clone(raw[p.Lead():]), id})
			raw = raw[:0]
			if s.delay > 0 {
				time.Sleep(s.delay) // it is what such a target does
			}
			if !s.mute {
				if _, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"); err != nil {
					return
				}
			}
			p.ResetRequest()
		}
	}
}

func (s *sink) keep(a arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, a)
	if s.each != nil {
		s.each(a)
	}
}

// arrivals returns what came so far.
func (s *sink) arrivals() []arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]arrival(nil), s.got...)
}

// await waits until n requests have come.
func (s *sink) await(t *testing.T, n int) []arrival {
	t.Helper()
	eventually(t, fmt.Sprintf("%d requests at %s", n, s.addr()), func() bool { return len(s.arrivals()) >= n })
	return s.arrivals()
}

// sinkMain is the role "sink ADDRESS FILE": a sink that says how much it got,
// and writes it as a recording when it is interrupted.
func sinkMain(args []string) int {
	s, err := newSink("tcp", args[0])
	if err != nil {
		return fail("%v", err)
	}
	file, err := os.Create(args[1])
	if err != nil {
		return fail("%v", err)
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	s.each = func(arrival) { fmt.Fprintf(os.Stderr, "got %d\n", len(s.got)) }
	go s.serve()
	fmt.Fprintln(os.Stderr, "listening")
	<-interrupted
	for i, a := range s.arrivals() {
		msg := payload.AppendMeta(nil, payload.Meta{Type: payload.Request, ID: payload.AppendID(nil, 0, uint32(i)), Time: a.at.UnixNano(), Duration: -1, Length: -1})
		if _, err := file.Write(payload.AppendRecord(nil, append(msg, a.raw...))); err != nil {
			return fail("%v", err)
		}
	}
	if err := file.Close(); err != nil {
		return fail("%v", err)
	}
	return 0
}
