package turnclient

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/buger/gor/internal/outbound"
)

// A Conn stands for one recorded connection, and is for one goroutine. The
// target may say something at any time: another goroutine reads beside it.
type Conn struct {
	client *Client
	conn   net.Conn      // nil: none
	came   chan struct{} // a token when bytes came
	closed chan struct{} // closed when the target closed
	reader sync.WaitGroup
	sent   time.Time // when the last message was begun to be sent

	attempt outbound.Attempt // at conn
	proven  bool             // something came over conn

	mu      sync.Mutex
	wanted  bool      // what comes is the answer to a message that is not done with
	answer  []byte    // what came of it, as far as it is kept
	cut     bool      // it is longer
	got     bool      // anything came since the last message was sent
	arrived time.Time // when the last of the answer came
}

const (
	// An answer has no end that can be known: it is over when nothing has come
	// for answerQuietLong, or for answerQuietShort when the next message waits
	// to be sent.
	answerQuietLong  = 200 * time.Millisecond
	answerQuietShort = 20 * time.Millisecond

	// keepAnswer bounds the buffer that a connection keeps for the next answer.
	keepAnswer = 16 << 10
)

// Exchange sends a message and waits for the first byte of its answer. A
// message may have been acted upon when it was written: it is never sent twice.
func (c *Conn) Exchange(msg []byte) outbound.Outcome {
	if c.conn != nil && c.hasEnded() {
		c.Close()
	}
	if c.conn == nil {
		if err := c.connect(); err != nil {
			return outbound.ConnectOutcome(err)
		}
	}
	c.listen()
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.client.cfg.Timeout))
	if _, err := c.conn.Write(msg); err != nil {
		c.Close()
		return outbound.ExchangeOutcome(err, false, false)
	}
	c.client.sent.Add(1)
	timer := time.NewTimer(c.client.cfg.Timeout)
	defer timer.Stop()
	for !c.hasAnswer() {
		select {
		case <-c.came:
		case <-c.closed:
			if c.hasAnswer() {
				c.works()
				return outbound.Delivered
			}
			c.lost()
			return outbound.Closed
		case <-timer.C:
			return outbound.Timeout // the next message may still be answered
		case <-c.client.ctx.Done():
			return outbound.Closed
		}
	}
	c.works()
	return outbound.Delivered
}

// hasEnded reports whether the target has closed the connection.
func (c *Conn) hasEnded() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

func (c *Conn) open(deadline time.Time) error {
	ctx, cancel := context.WithDeadline(c.client.ctx, deadline)
	defer cancel()
	conn, err := c.client.cfg.Dial(ctx, "tcp", string(c.client.cfg.Target))
	if err != nil {
		return err
	}
	c.client.connections.Add(1)
	c.client.health.Opened()
	c.conn = conn
	c.came, c.closed = make(chan struct{}, 1), make(chan struct{})
	stop := context.AfterFunc(c.client.ctx, func() { conn.Close() })
	c.reader.Go(func() {
		defer stop()
		c.read(conn)
	})
	return nil
}

// read is the goroutine that takes what the target says.
func (c *Conn) read(conn net.Conn) {
	defer close(c.closed)
	buf := make([]byte, 4<<10)
	for {
		n, err := conn.Read(buf)
		if n > 0 {
			c.take(buf[:n])
			select {
			case c.came <- struct{}{}:
			default:
			}
		}
		if err != nil {
			return
		}
	}
}

func (c *Conn) take(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = true
	if c.client.cfg.Keeper == nil || !c.wanted {
		return
	}
	c.arrived = time.Now()
	if !c.cut {
		var ok bool
		c.answer, ok = c.client.cfg.Keeper.Keep(c.answer, b)
		c.cut = !ok
	}
}

func (c *Conn) hasAnswer() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got
}

// listen makes what comes from now on the answer to the message that is sent
// next.
func (c *Conn) listen() {
	c.sent = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted, c.cut, c.got = true, false, false
}

// Forget gives back the memory of an answer that is done with, which all
// connections share. What comes until the next message is sent is nobody's.
func (c *Conn) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client.cfg.Keeper != nil {
		c.client.cfg.Keeper.GiveBack(c.answer)
	}
	c.wanted, c.answer = false, c.answer[:0]
	if cap(c.answer) > keepAnswer {
		c.answer = nil
	}
}

// Await waits until the answer seems to be over, at most as long as an answer
// may take. more says that another message is to be sent: then it is over
// sooner.
func (c *Conn) Await(more func() bool) {
	end := time.Now().Add(c.client.cfg.Timeout)
	timer := time.NewTimer(answerQuietShort)
	defer timer.Stop()
	for quiet := time.Duration(0); ; {
		select {
		case <-c.came:
			quiet = 0
			timer.Reset(answerQuietShort)
		case <-c.closed:
			return
		case <-c.client.ctx.Done():
			return
		case now := <-timer.C:
			quiet += answerQuietShort
			if quiet >= answerQuietLong || more() || now.After(end) {
				return
			}
			timer.Reset(answerQuietShort)
		}
	}
}

// An Answer is what came back for a message.
type Answer struct {
	Bytes []byte
	Cut   bool      // it is longer than Bytes
	Sent  time.Time // when the message was begun to be sent
	Took  time.Duration
}

// Answer ends the answer to the last message, and returns what was kept of it,
// which is valid until Forget. Its duration ends with its last byte, not with the
// time after which it was taken to be over.
func (c *Conn) Answer() Answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = false
	return Answer{Bytes: c.answer, Cut: c.cut, Sent: c.sent, Took: c.arrived.Sub(c.sent)}
}

// Close ends the connection. The next Exchange opens another.
func (c *Conn) Close() {
	if c.conn == nil {
		return
	}
	c.client.health.Closed()
	c.attempt.End()
	c.conn.Close()
	c.reader.Wait()
	c.conn, c.proven = nil, false
	c.Forget()
}
