package e2e

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/testkit"
)

// onInterrupt returns a channel that tells of an interrupt.
func onInterrupt() <-chan os.Signal {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	return interrupted
}

// A pacer bounds how many bytes a second all its users take together.
type pacer struct {
	rate int
	mu   sync.Mutex
	due  time.Time
}

func (p *pacer) take(n int) {
	p.mu.Lock()
	if now := time.Now(); p.due.Before(now) {
		p.due = now
	}
	due := p.due
	p.due = due.Add(time.Duration(n) * time.Second / time.Duration(p.rate))
	p.mu.Unlock()
	time.Sleep(time.Until(due))
}

// connAbuse is what connections that are established do to a capture.
type connAbuse struct {
	addr  string
	pace  *pacer
	conns atomic.Int64
	bytes atomic.Int64
}

// soakConns is the role "soak conns ADDRESS BYTES", BYTES a second. It does
// all kinds of abuse until it is interrupted.
func soakConns(args []string) int {
	rate, err := strconv.Atoi(args[1])
	if err != nil {
		return testkit.RoleFailed("%v", err)
	}
	a := &connAbuse{addr: args[0], pace: &pacer{rate: rate}}
	interrupted := onInterrupt()
	failed := make(chan error, 1)
	for i, kind := range []func(*abuser) error{
		randomStream, behindARequest, garbageChunks, hugeHead, endlessLines,
		endlessLength, endlessChunks, endlessChunk, endlessAnswer,
	} {
		go a.repeat(uint64(i), kind, failed)
	}
	for i := range 200 {
		go a.repeat(uint64(100+i), slowHead, failed)
	}
	select {
	case err := <-failed:
		return testkit.RoleFailed("%v", err)
	case <-interrupted:
	}
	fmt.Fprintf(os.Stderr, "%d connections, %d bytes\n", a.conns.Load(), a.bytes.Load())
	return 0
}

// repeat does one kind of abuse on one connection after the other. What ends
// them does not matter; that there is no server would.
func (a *connAbuse) repeat(seed uint64, kind func(*abuser) error, failed chan<- error) {
	random := rand.New(rand.NewPCG(3, seed))
	for {
		c, err := net.Dial("tcp", a.addr)
		if err != nil {
			select {
			case failed <- err:
			default:
			}
			return
		}
		a.conns.Add(1)
		read := make(chan struct{})
		go func() {
			io.Copy(paced{a.pace}, c)
			close(read)
		}()
		kind(&abuser{connAbuse: a, c: c, random: random, buf: make([]byte, 16<<10)})
		if random.IntN(2) == 0 {
			c.(*net.TCPConn).SetLinger(0) // a reset
		}
		c.Close()
		<-read
	}
}

// paced takes what a connection reads, at its pace.
type paced struct{ *pacer }

func (p paced) Write(b []byte) (int, error) {
	p.take(len(b))
	return len(b), nil
}

// An abuser writes on one connection.
type abuser struct {
	*connAbuse
	c      net.Conn
	random *rand.Rand
	buf    []byte
}

func (a *abuser) Write(b []byte) (int, error) {
	a.pace.take(len(b))
	n, err := a.c.Write(b)
	a.bytes.Add(int64(n))
	return n, err
}

// garbage writes up to n random bytes.
func (a *abuser) garbage(n int) error {
	for n = 1 + a.random.IntN(n); n > 0; n -= len(a.buf) {
		if _, err := a.Write(garbage(a.random, a.buf[:min(n, len(a.buf))])); err != nil {
			return err
		}
	}
	return nil
}

func randomStream(a *abuser) error { return a.garbage(100 << 10) }

func behindARequest(a *abuser) error {
	head := "POST /abuse HTTP/1.1\r\nHost: abuse\r\nContent-Length: 1000\r\n\r\n"
	if a.random.IntN(2) == 0 {
		head = "GET /abuse HTTP/1.1\r\nHost: abuse\r\n\r\n"
	}
	if _, err := io.WriteString(a, head); err != nil {
		return err
	}
	return a.garbage(100 << 10)
}

// garbageChunks sends chunk sizes that are none, that overflow, and that are
// longer than any line.
func garbageChunks(a *abuser) error {
	sizes := []string{"zz", "-1", "0x10", "FFFFFFFFFFFFFFFFF", "7fffffffffffffff", "", "1 2", "\x00", "5;" + string(bytes.Repeat([]byte("e"), 20_000))}
	_, err := fmt.Fprintf(a, "POST /abuse HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabuse\r\n%s\r\n", sizes[a.random.IntN(len(sizes))])
	if err != nil {
		return err
	}
	return a.garbage(50 << 10)
}

// hugeHead sends one header line of a megabyte.
func hugeHead(a *abuser) error {
	if _, err := io.WriteString(a, "GET /abuse HTTP/1.1\r\nX-Huge: "); err != nil {
		return err
	}
	return a.fill(1<<20, func(int) []byte { return bytes.Repeat([]byte("h"), len(a.buf)) })
}

// endlessLines sends header lines as long as they are taken.
func endlessLines(a *abuser) error {
	if _, err := io.WriteString(a, "GET /abuse HTTP/1.1\r\n"); err != nil {
		return err
	}
	return a.fill(4<<20, func(at int) []byte { return fmt.Appendf(nil, "X-%d: %d\r\n", at, a.random.Uint64()) })
}

// endlessLength sends a body that was said to have ten gigabytes.
func endlessLength(a *abuser) error {
	if _, err := io.WriteString(a, "POST /abuse HTTP/1.1\r\nContent-Length: 10000000000\r\n\r\n"); err != nil {
		return err
	}
	return a.fill(10_000_000_000, func(int) []byte { return garbage(a.random, a.buf) })
}

// endlessChunks sends a body without an end, in chunks.
func endlessChunks(a *abuser) error {
	if _, err := io.WriteString(a, "POST /abuse HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"); err != nil {
		return err
	}
	return a.fill(24<<20, func(int) []byte {
		chunk := fmt.Appendf(nil, "%x\r\n", len(a.buf))
		return append(append(chunk, garbage(a.random, a.buf)...), "\r\n"...)
	})
}

// endlessChunk sends a chunk of a terabyte, up to what is just no message too
// large, and then another connection does.
func endlessChunk(a *abuser) error {
	if _, err := io.WriteString(a, "POST /abuse HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n10000000000\r\n"); err != nil {
		return err
	}
	return a.fill(15<<20, func(int) []byte { return garbage(a.random, a.buf) })
}

// fill writes what next gives until n bytes are written.
func (a *abuser) fill(n int, next func(at int) []byte) error {
	for at := 0; at < n; {
		b := next(at)
		if _, err := a.Write(b); err != nil {
			return err
		}
		at += len(b)
	}
	return nil
}

// endlessAnswer asks for an answer without an end, and reads some of it.
func endlessAnswer(a *abuser) error {
	if _, err := io.WriteString(a, "GET "+endlessTarget+" HTTP/1.1\r\nHost: abuse\r\n\r\n"); err != nil {
		return err
	}
	time.Sleep(time.Duration(a.random.IntN(int(5 * time.Second))))
	return nil
}

// slowHead sends a header line now and then, as clients do that want to hold
// a server's connections.
func slowHead(a *abuser) error {
	if _, err := io.WriteString(a, "GET /abuse HTTP/1.1\r\n"); err != nil {
		return err
	}
	for at := range 60 {
		time.Sleep(time.Second/2 + time.Duration(a.random.IntN(int(time.Second))))
		if _, err := fmt.Fprintf(a, "X-Slow: %d\r\n", at); err != nil {
			return err
		}
	}
	return nil
}
