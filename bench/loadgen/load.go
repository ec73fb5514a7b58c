package loadgen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/stats"
)

// A Load sends traffic to a server. At least one of Requests and Stop bounds it.
type Load struct {
	Traffic     *Traffic
	Address     string // IP and port
	Connections int
	Requests    int64           // of all connections together; 0 is any number
	Stop        <-chan struct{} // when it is closed, nothing more is sent; nil never is

	// Rate is requests a second of all connections together, on an absolute
	// schedule: who is late catches up. 0 is as fast as answers come.
	Rate float64

	// Dial opens a connection; nil is net.Dial.
	Dial func(address string) (net.Conn, error)
}

// A Report is what a load did.
type Report struct {
	Sent     []uint32      // requests of each connection
	Answered int64         // requests
	Bytes    int64         // of the requests
	Took     time.Duration // from the first request to the last answer

	// Latency is how long after a request, or after the first of those that go
	// out together, each answer was there.
	Latency *stats.Snapshot
}

// Requests is how many were sent.
func (r Report) Requests() (sum int64) {
	for _, n := range r.Sent {
		sum += int64(n)
	}
	return sum
}

// Rate is answers a second.
func (r Report) Rate() float64 { return float64(r.Answered) / r.Took.Seconds() }

// Run opens all connections, sends the load, waits for the answer to every
// request and closes the connections. The answer to a request is awaited before
// the connection's next one, or next eight, go out. The first thing that goes
// wrong on any connection ends all; the report then tells how far each came.
func (l Load) Run(ctx context.Context) (Report, error) {
	if l.Requests <= 0 && l.Stop == nil {
		return Report{}, errors.New("a load without end: give it a number of requests or a channel that stops it")
	}
	dial := l.Dial
	if dial == nil {
		dial = func(address string) (net.Conn, error) { return net.Dial("tcp", address) }
	}
	clients := make([]*client, l.Connections)
	latency := stats.NewHistogram()
	defer func() {
		for _, c := range clients {
			if c != nil {
				c.conn.Close()
			}
		}
	}()
	var left atomic.Int64 // requests that nobody has taken yet
	left.Store(l.Requests)
	for i := range clients {
		conn, err := dial(l.Address)
		if err != nil {
			return Report{}, fmt.Errorf("connection %d to %q: %w", i, l.Address, err)
		}
		clients[i] = newClient(&l, uint32(i), conn, &left, latency)
	}

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() {
		for _, c := range clients {
			c.conn.SetDeadline(time.Unix(1, 0))
		}
	})
	defer stop()
	start := time.Now()
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Go(func() {
			if err := c.run(ctx, start); err != nil {
				cancel(fmt.Errorf("connection %d, request %d: %w", c.number, c.seq, err))
			}
		})
	}
	wg.Wait()
	r := Report{Sent: make([]uint32, len(clients)), Took: time.Since(start), Latency: latency.Snapshot()}
	for i, c := range clients {
		r.Sent[i] = c.seq
		r.Answered += c.answered
		r.Bytes += c.bytes
	}
	return r, context.Cause(ctx)
}

// A client is one connection of a load.
type client struct {
	load   *Load
	number uint32
	conn   net.Conn
	left   *atomic.Int64

	latency  *stats.Histogram
	seq      uint32 // of the next request
	answered int64
	bytes    int64
	out, in  []byte
	unread   []byte // of in
}

// answerBuffer holds the answers to what goes out together.
const answerBuffer = 16 << 10

func newClient(l *Load, number uint32, conn net.Conn, left *atomic.Int64, latency *stats.Histogram) *client {
	return &client{load: l, number: number, conn: conn, left: left, latency: latency, in: make([]byte, answerBuffer)}
}

func (c *client) run(ctx context.Context, start time.Time) error {
	l := c.load
	for {
		wait := time.Duration(0)
		if l.Rate > 0 {
			wait = time.Until(start.Add(c.due()))
		}
		if !c.pause(ctx, wait) {
			return nil
		}
		n := c.take(l.Traffic.Together(Number{c.number, c.seq}))
		if n == 0 {
			return nil
		}
		if err := c.exchange(n); err != nil {
			return err
		}
	}
}

// exchange sends the next n requests together and reads their answers.
func (c *client) exchange(n int) error {
	c.out = c.out[:0]
	for i := range n {
		c.out = c.load.Traffic.Append(c.out, Number{c.number, c.seq + uint32(i)})
	}
	began := time.Now()
	if _, err := c.conn.Write(c.out); err != nil {
		return err
	}
	c.seq += uint32(n)
	c.bytes += int64(len(c.out))
	for range n {
		if err := c.answer(); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		c.answered++
		c.latency.Record(time.Since(began))
	}
	return nil
}

// due is when the next request should go out: the requests of all connections
// alternate.
func (c *client) due() time.Duration {
	before := float64(c.seq)*float64(c.load.Connections) + float64(c.number)
	return time.Duration(before / c.load.Rate * float64(time.Second))
}

// pause waits, and returns false when the load ends before, or has ended.
func (c *client) pause(ctx context.Context, wait time.Duration) bool {
	if wait <= 0 {
		select {
		case <-ctx.Done():
			return false
		case <-c.load.Stop:
			return false
		default:
			return true
		}
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-c.load.Stop:
		return false
	case <-t.C:
		return true
	}
}

// take takes up to n requests of those that are left to be sent.
func (c *client) take(n int) int {
	if c.load.Requests <= 0 {
		return n
	}
	after := c.left.Add(int64(-n))
	return max(0, n+int(min(0, after)))
}

// answer reads one answer.
func (c *client) answer() error {
	var p http1.Parser
	p.ResetResponse()
	for {
		if len(c.unread) == 0 {
			n, err := c.conn.Read(c.in)
			if err != nil {
				return err
			}
			c.unread = c.in[:n]
		}
		n, done, err := p.Feed(c.unread)
		if err != nil {
			return err
		}
		c.unread = c.unread[n:]
		if done {
			if status := p.Head().Status; status >= 300 {
				return fmt.Errorf("status %d", status)
			}
			return nil
		}
	}
}
