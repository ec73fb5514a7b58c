package loadgen

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/buger/gor/internal/http1"
)

// answer is what the server says to every request.
const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

const (
	// serverBuffer takes the largest segment that offloads make.
	serverBuffer = 64 << 10
	// mostAnswers is how many go out in one write. More requests than that
	// seldom come in one read.
	mostAnswers = 64
)

// A Server answers requests, and only counts them.
type Server struct {
	l        net.Listener
	requests atomic.Int64
	wg       sync.WaitGroup

	mu     sync.Mutex
	conns  map[net.Conn]bool
	closed bool
}

// Serve answers whatever l accepts, until Close.
func Serve(l net.Listener) *Server {
	s := &Server{l: l, conns: make(map[net.Conn]bool)}
	s.wg.Go(s.accept)
	return s
}

// Address is where it listens.
func (s *Server) Address() string { return s.l.Addr().String() }

// Requests is how many whole requests came so far.
func (s *Server) Requests() int64 { return s.requests.Load() }

// Close ends all connections and returns when that is done.
func (s *Server) Close() error {
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

func (s *Server) accept() {
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
func (s *Server) serve(c net.Conn) {
	answers := []byte(strings.Repeat(answer, mostAnswers))
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
			if _, err := c.Write(answers[:now*len(answer)]); err != nil {
				return
			}
			whole -= now
		}
	}
}
