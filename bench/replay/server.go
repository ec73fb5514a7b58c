package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/http1"
)

// answer is what the server says to every request.
const answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// serverBuffer takes several requests at once.
const serverBuffer = 16 << 10

// A counter is what a server saw.
type counter struct {
	requests, conns atomic.Int64
	first, last     atomic.Int64 // ns since 1970
}

// serverMain is the role "server": it prints its address, answers requests,
// and for each line on stdin prints what it saw.
func serverMain(stdin io.Reader, stdout io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	var n counter
	var wg sync.WaitGroup
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.conns.Add(1)
			wg.Go(func() {
				serve(c, &n)
				c.Close()
			})
		}
	}()
	fmt.Fprintln(stdout, l.Addr())
	lines := bufio.NewScanner(stdin)
	for lines.Scan() {
		fmt.Fprintln(stdout, n.requests.Load(), n.conns.Load(), n.first.Load(), n.last.Load())
	}
	return lines.Err()
}

func serve(c net.Conn, n *counter) {
	var p http1.Parser
	p.ResetRequest()
	buf := make([]byte, serverBuffer)
	for {
		got, err := c.Read(buf)
		if err != nil {
			return
		}
		for raw := buf[:got]; len(raw) > 0; {
			used, done, err := p.Feed(raw)
			if err != nil {
				return
			}
			raw = raw[used:]
			if !done {
				continue
			}
			p.ResetRequest()
			now := time.Now().UnixNano()
			if n.requests.Add(1) == 1 {
				n.first.Store(now)
			}
			n.last.Store(now)
			if _, err := io.WriteString(c, answer); err != nil {
				return
			}
		}
	}
}

// A server is a process in that role.
type server struct {
	addr  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	mu    sync.Mutex
	out   *bufio.Reader
}

func startServer() (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &server{cmd: exec.Command(self)}
	s.cmd.Env = append(os.Environ(), roleVar+"=server")
	s.cmd.Stderr = os.Stderr
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.out = bufio.NewReader(stdout)
	if _, err := fmt.Fscanln(s.out, &s.addr); err != nil {
		s.stop()
		return nil, fmt.Errorf("start the server: %w", err)
	}
	return s, nil
}

func (s *server) stop() {
	s.stdin.Close()
	_ = s.cmd.Wait() // it was asked all there is to ask
}

func (s *server) counts() (requests, conns int64, first, last time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var firstNs, lastNs int64
	if _, err = fmt.Fprintln(s.stdin); err == nil {
		_, err = fmt.Fscanln(s.out, &requests, &conns, &firstNs, &lastNs)
	}
	return requests, conns, time.Unix(0, firstNs), time.Unix(0, lastNs), err
}

// awaitQuiet waits until n requests have come, or none for peerQuiet.
func (s *server) awaitQuiet(ctx context.Context, n int64) {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	began := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		requests, _, _, last, err := s.counts()
		if err != nil || requests >= n || requests > 0 && time.Since(last) > peerQuiet || time.Since(began) > runPatience/2 {
			return
		}
	}
}
