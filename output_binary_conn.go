package main

import (
	"context"
	"net"
	"sync"
	"time"

	"github.com/buger/gor/internal/answers"
	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/outbound"
)

// A binaryConn is the connection of one session. The target may say something
// at any time: a goroutine reads beside the session's.
type binaryConn struct {
	o        *binaryOutput
	conn     net.Conn      // nil: none
	came     chan struct{} // a token when bytes came
	closed   chan struct{} // closed when the target closed
	reader   sync.WaitGroup
	recorder *answers.Recorder // nil: nobody wants the answers
	sent     time.Time         // when the last message was begun to be sent

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

	// keepTurn bounds the buffer that a connection keeps for the next answer.
	keepTurn = 16 << 10
)

// exchange sends a message and waits for the first byte of its answer. A
// message may have been acted upon when it was written: it is never sent twice.
func (c *binaryConn) exchange(msg []byte) outbound.Outcome {
	if c.conn != nil && halted(c.closed) {
		c.close()
	}
	if c.conn == nil {
		if err := c.connect(); err != nil {
			return outbound.ConnectOutcome(err)
		}
	}
	c.listen()
	_ = c.conn.SetWriteDeadline(time.Now().Add(c.o.s.BinaryTimeout))
	if _, err := c.conn.Write(msg); err != nil {
		c.close()
		return outbound.ExchangeOutcome(err, false, false)
	}
	c.o.sent.Add(1)
	timer := time.NewTimer(c.o.s.BinaryTimeout)
	defer timer.Stop()
	for !c.hasAnswer() {
		select {
		case <-c.came:
		case <-c.closed:
			if c.hasAnswer() {
				return outbound.Delivered
			}
			c.close()
			return outbound.Closed
		case <-timer.C:
			return outbound.Timeout // the next message may still be answered
		case <-c.o.ctx.Done():
			return outbound.Closed
		}
	}
	return outbound.Delivered
}

// connect opens a connection, as soon as the target's health lets it.
func (c *binaryConn) connect() error {
	deadline := time.Now().Add(c.o.s.BinaryTimeout)
	open := func() error { return c.open(deadline) }
	return c.o.health.Connect(c.o.ctx, deadline, open, c.o.tellHealth)
}

func (c *binaryConn) open(deadline time.Time) error {
	ctx, cancel := context.WithDeadline(c.o.ctx, deadline)
	defer cancel()
	conn, err := c.o.dial(ctx, "tcp", c.o.addr)
	if err != nil {
		return err
	}
	c.o.connections.Add(1)
	c.conn = conn
	c.came, c.closed = make(chan struct{}, 1), make(chan struct{})
	stop := context.AfterFunc(c.o.ctx, func() { conn.Close() })
	c.reader.Go(func() {
		defer stop()
		c.read(conn)
	})
	return nil
}

// read is the goroutine that takes what the target says.
func (c *binaryConn) read(conn net.Conn) {
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

func (c *binaryConn) take(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = true
	if c.o.responses == nil || !c.wanted {
		return
	}
	c.arrived = time.Now()
	if !c.cut {
		var ok bool
		c.answer, ok = c.o.responses.Keep(c.answer, b)
		c.cut = !ok
	}
}

func (c *binaryConn) hasAnswer() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got
}

// listen makes what comes from now on the answer to the message that is sent
// next.
func (c *binaryConn) listen() {
	c.sent = time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted, c.cut, c.got = true, false, false
}

// forget gives back the memory of an answer that is done with, which all
// connections share. What comes until the next message is sent is nobody's.
func (c *binaryConn) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.o.responses != nil {
		c.o.responses.GiveBack(c.answer)
	}
	c.wanted, c.answer = false, c.answer[:0]
	if cap(c.answer) > keepTurn {
		c.answer = nil
	}
}

// await waits until the answer seems to be over, at most as long as an answer
// may take.
func (c *binaryConn) await(ss *dispatch.Session) {
	end := time.Now().Add(c.o.s.BinaryTimeout)
	timer := time.NewTimer(answerQuietShort)
	defer timer.Stop()
	for quiet := time.Duration(0); ; {
		select {
		case <-c.came:
			quiet = 0
			timer.Reset(answerQuietShort)
		case <-c.closed:
			return
		case <-c.o.ctx.Done():
			return
		case now := <-timer.C:
			quiet += answerQuietShort
			if quiet >= answerQuietLong || ss.More() || now.After(end) {
				return
			}
			timer.Reset(answerQuietShort)
		}
	}
}

// give hands on the answer to msg. Its duration ends with its last byte, not
// with the time after which it was taken to be over.
func (c *binaryConn) give(msg []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.recorder.Add(msg, answers.Answer{Bytes: c.answer, Cut: c.cut, Sent: c.sent, Took: c.arrived.Sub(c.sent)})
}

func (c *binaryConn) close() {
	if c.conn == nil {
		return
	}
	c.conn.Close()
	c.reader.Wait()
	c.conn = nil
	c.forget()
}
