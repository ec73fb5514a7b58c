package mirror

import (
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/admission"
	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/queue"
	"github.com/buger/gor/internal/stats"
)

// Config says how a Server serves.
type Config struct {
	// Limit is the largest request in bytes; required.
	Limit int

	// Bytes bounds all requests that are being received, and again those that
	// wait for Read; zero means 8 MB. One at a time is admitted beside them.
	Bytes int

	// MemoryWait is how long a client waits for that, and for Read to have made
	// room for what it was given; zero means 10 seconds.
	MemoryWait time.Duration

	// MaxConns bounds the connections; zero means 1024.
	MaxConns int

	// HeadWait is how long a head may take, and IdleWait how long a connection
	// may be without a request; zero means 10 seconds and 75, which is as long
	// as nginx keeps its own.
	HeadWait, IdleWait time.Duration

	// Logf is told once of each kind of strange peer; nil for nobody.
	Logf func(format string, args ...any)
}

const (
	defaultBytes    = 8 << 20
	defaultMaxConns = 1024
	defaultHeadWait = 10 * time.Second
	defaultIdleWait = 75 * time.Second

	defaultMemoryWait = 10 * time.Second

	// idleLeast is how long a connection has to have brought nothing until it
	// gives way to any other when there are as many as may be.
	idleLeast = 10 * time.Second

	// sayAcceptAgain is how often it is said that connections cannot be
	// accepted.
	sayAcceptAgain = 10 * time.Second

	notAlone = -1 // see reserve

	// bodyWait is how long each read of a body may take, wholeWait a whole
	// request, writeWait an answer.
	bodyWait  = 10 * time.Second
	wholeWait = 5 * time.Minute
	writeWait = 5 * time.Second

	// skipMost bounds what is read of a request that is too large before its
	// connection is closed.
	skipMost = 64 << 20
)

// Rows of Counts: requests, those that were lost by reason, and connections.
const (
	requests = iota
	lostTooLarge
	lostMemory
	lostSlow
	lostTorn
	lostFull
	lostConnect
	lostMalformed
	ambiguous
	connections
	refused
	gaveWay
	foreignTLS
	foreignHTTP2
)

func newCounts() *stats.Reasons {
	return stats.NewReasons(slices.Concat(
		stats.List(stats.Note, "requests"),
		stats.List(stats.Lost, "lost: too large", "lost: memory", "lost: too slow", "lost: connection ended",
			"lost: faster than they could be passed on", "lost: CONNECT", "lost: malformed"),
		stats.List(stats.Note, "ambiguous framing", "connections", "connections refused", "connections closed to make room", "connections with TLS", "connections with HTTP/2")))
}

// A Server accepts connections and gives their requests. Read is for one
// goroutine.
type Server struct {
	cfg      Config
	listener net.Listener
	q        *queue.Queue
	reader   queue.Reader

	table      *admission.Table
	counts     *stats.Reasons
	saidAccept time.Time      // of the accepting goroutine
	told       [2]atomic.Bool // TLS, HTTP/2

	mu     sync.Mutex
	conns  map[net.Conn]*admission.Conn
	used   int            // bytes of requests that are being received
	turn   buffers.Places // whose request is beside them
	closed bool

	closing chan struct{}
	serves  sync.WaitGroup
}

// New serves on l until Close.
func New(l net.Listener, cfg Config) *Server {
	orElse := func(p *int, n int) {
		if *p == 0 {
			*p = n
		}
	}
	orElse(&cfg.Bytes, defaultBytes)
	orElse(&cfg.MaxConns, defaultMaxConns)
	if cfg.HeadWait == 0 {
		cfg.HeadWait = defaultHeadWait
	}
	if cfg.IdleWait == 0 {
		cfg.IdleWait = defaultIdleWait
	}
	if cfg.MemoryWait == 0 {
		cfg.MemoryWait = defaultMemoryWait
	}
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	s := &Server{
		cfg: cfg, listener: l, q: newQueue(cfg.Bytes), conns: map[net.Conn]*admission.Conn{}, table: admission.New(cfg.MaxConns, idleLeast),
		counts: newCounts(), closing: make(chan struct{}), turn: buffers.NewPlaces(1),
	}
	s.reader.Queue = s.q
	s.serves.Go(s.accept)
	return s
}

func newQueue(bytes int) *queue.Queue { return queue.New(0, bytes) }

// accept ends when the listener does. Whatever else goes wrong, too many open
// files say, passes.
func (s *Server) accept() {
	for wait := 5 * time.Millisecond; ; {
		c, err := s.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			if now := time.Now(); now.Sub(s.saidAccept) >= sayAcceptAgain {
				s.saidAccept = now
				s.cfg.Logf("accept connection: %v; trying again", err)
			}
			pause := time.NewTimer(wait)
			select {
			case <-pause.C:
			case <-s.closing:
				pause.Stop()
			}
			wait = min(2*wait, time.Second)
			continue
		}
		wait = 5 * time.Millisecond
		place := s.admit(c)
		if place == nil {
			s.counts.Add(refused)
			_ = c.SetWriteDeadline(time.Now().Add(writeWait)) // it fits into the socket's buffer
			_, _ = c.Write(appendAnswer(nil, "503 Service Unavailable", true, true))
			c.Close()
			continue
		}
		s.counts.Add(connections)
		s.serves.Go(func() {
			defer s.forget(c)
			(&conn{s: s, c: c, place: place, id: rand.Uint64()}).serve()
		})
	}
}

// admit gives c a place, which another connection may lose for it, or returns
// nil.
func (s *Server) admit(c net.Conn) *admission.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	place, evicted := s.table.Admit(c.RemoteAddr(), func() { c.Close() }, time.Now())
	if evicted != nil {
		s.counts.Add(gaveWay)
		evicted.End()
	}
	if place != nil {
		s.conns[c] = place
	}
	return place
}

func (s *Server) forget(c net.Conn) {
	c.Close()
	s.mu.Lock()
	if place := s.conns[c]; place != nil {
		place.Leave()
	}
	delete(s.conns, c)
	s.mu.Unlock()
}

// reserve takes n bytes more for a request that has some, if there is room or
// it is the only one.
//
// notAlone says that there must be room: there is another way for the only one.
func (s *Server) reserve(has, n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+n > s.cfg.Bytes && s.used > has {
		return false
	}
	s.used += n
	return true
}

func (s *Server) giveBack(n int) {
	s.mu.Lock()
	s.used -= n
	s.mu.Unlock()
}

// Read gives one request as a record, as io.Reader has it: io.ErrShortBuffer
// keeps it for the next call. After Close, and after the last, it is io.EOF.
func (s *Server) Read(p []byte) (int, error) { return s.reader.Read(p) }

// Close ends the connections. Requests that were whole are still given.
func (s *Server) Close() error {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	if !closed {
		close(s.closing)
	}
	for c := range s.conns {
		_ = c.SetReadDeadline(time.Now())
	}
	s.mu.Unlock()
	if closed {
		return nil
	}
	err := s.listener.Close()
	s.serves.Wait()
	s.q.Close()
	return err
}

// Counts gives the requests, and those that were lost by reason.
func (s *Server) Counts() []stats.Count { return s.counts.Rows() }

// foreign says once of each kind that a peer speaks something else.
func (s *Server) foreign(b []byte) bool {
	switch http1.Sniff(b) {
	case http1.PrefaceTLS:
		s.counts.Add(foreignTLS)
		if !s.told[0].Swap(true) {
			s.cfg.Logf("a proxy sends TLS; mirror to http://, not https://: this listener is meant for the same host, or for a network that you trust")
		}
	case http1.PrefaceHTTP2:
		s.counts.Add(foreignHTTP2)
		if !s.told[1].Swap(true) {
			s.cfg.Logf("a proxy sends HTTP/2; have it mirror in HTTP/1.1 (nginx: proxy_http_version 1.1)")
		}
	default:
		return false
	}
	return true
}

// appendAnswer appends a whole answer. old says that the request was of HTTP/1.0,
// whose connections stay open only when that is said.
func appendAnswer(dst []byte, status string, last, old bool) []byte {
	dst = append(dst, "HTTP/1.1 "...)
	dst = append(dst, status...)
	switch {
	case last:
		dst = append(dst, "\r\nConnection: close"...)
	case old:
		dst = append(dst, "\r\nConnection: keep-alive"...)
	}
	if status != noContent {
		dst = append(dst, "\r\nContent-Length: 0"...)
	}
	return append(dst, "\r\n\r\n"...)
}

const noContent = "204 No Content"
