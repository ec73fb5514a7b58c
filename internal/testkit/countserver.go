package testkit

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/buger/gor/internal/http1"
)

const (
	// serverBuffer takes the largest segment that offloads make.
	serverBuffer = 64 << 10
	// mostAnswers is how many go out in one write. More requests than that
	// seldom come in one read.
	mostAnswers = 64
)

// A CountServer answers requests, and only counts them.
type CountServer struct {
	l        net.Listener
	requests atomic.Int64
	wg       sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

// ServeCounting answers whatever l accepts, until Close.
func ServeCounting(l net.Listener) *CountServer {
	s := &CountServer{l: l, conns: make(map[net.Conn]bool)}
	s.wg.Go(s.accept)
	return s
}

// Address is where it listens.
func (s *CountServer) Address() string { return s.l.Addr().String() }

// Requests is how many whole requests came so far.
func (s *CountServer) Requests() int64 { return s.requests.Load() }

// Close ends all connections and returns when that is done.
func (s *CountServer) Close() error {
	err := s.l.Close()
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
	return err
}

func (s *CountServer) accept() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			c.Close()
			return
		}
		s.conns[c] = true
		s.mu.Unlock()
		s.wg.Go(func() {
			s.serve(c)
			s.mu.Lock()
			delete(s.conns, c)
			s.mu.Unlock()
			c.Close()
		})
	}
}

// serve ends with the connection, or with a request that is none.
func (s *CountServer) serve(c net.Conn) {
	answers := []byte(strings.Repeat(OK200, mostAnswers))
	buf := make([]byte, serverBuffer)
	var p http1.Parser
	p.ResetRequest()
	for {
		n, err := c.Read(buf)
		if err != nil {
			return
		}
		whole := 0
		for b := buf[:n]; len(b) > 0; {
			used, done, err := p.Feed(b)
			if err != nil {
				return
			}
			b = b[used:]
			if done {
				p.ResetRequest()
				whole++
			}
		}
		s.requests.Add(int64(whole))
		for whole > 0 {
			now := min(whole, mostAnswers)
			if _, err := c.Write(answers[:now*len(OK200)]); err != nil {
				return
			}
			whole -= now
		}
	}
}
