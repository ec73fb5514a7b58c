package link

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// takeCount is how many messages are taken, framed and written together.
	takeCount = 256

	// writeBytes is when a batch goes out: a system call of this size costs
	// little more than its copying.
	writeBytes = 128 << 10

	// writtenAlone is the size from which a message is written from where it
	// is, without a copy.
	writtenAlone = 16 << 10

	// receiverSilence is how long a receiver that acknowledges may say
	// nothing at all. It repeats itself every repeatAck.
	receiverSilence = 4 * repeatAck
)

// senderConn is one connection of a Sender.
type senderConn struct {
	s    *Sender
	conn net.Conn
	raw  net.Conn // below TLS; conn itself without
	in   *bufio.Reader
	out  []byte
	take [takeCount][]byte
	pack *packer // nil: messages go as they are

	counted *countedConn // between TLS and raw; nil without TLS
	hello   int          // bytes of the hello
	token   token        // of the hello; zero: it had none
	state   plainState   // of the plain stream

	dead chan struct{} // closed when the connection is of no more use
	once sync.Once
	err  error         // why; valid when dead is closed
	wake chan struct{} // the window has moved

	// quiet is closed when a plain receiver that said something has closed
	// its end.
	quiet chan struct{}

	limit   int    // bytes of a message that the receiver takes
	cursor  uint64 // number of the next message to write
	pushed  int    // bytes since the last push
	mark    uint64 // highest number that is written; under s.mu
	settled uint64 // highest number that is acknowledged; under s.mu
}

func (s *Sender) serve(conn, raw net.Conn, counted *countedConn, t *trouble) error {
	c := &senderConn{
		s:    s,
		conn: conn,
		raw:  raw,

		counted: counted,

		in:   bufio.NewReaderSize(conn, 4<<10),
		dead: make(chan struct{}),
		wake: make(chan struct{}, 1),

		quiet: make(chan struct{}),
	}
	var reader sync.WaitGroup
	defer reader.Wait()
	defer conn.Close()
	stop := make(chan struct{})
	defer close(stop)
	reader.Go(func() {
		select {
		case <-s.ctx.Done():
			c.fail(s.ctx.Err())
			c.cut()
		case <-stop:
		}
	})

	if s.cfg.Plain == PlainAlways {
		return c.plain(t, &reader)
	}
	greeting, token := s.greeting()
	c.token = token
	hello, err := conn.Write(greeting)
	if err != nil {
		return fmt.Errorf("cannot write: %w", err)
	}
	c.hello = hello
	a, err := c.await()
	switch {
	case err == nil:
		return c.acknowledged(a, t, &reader)
	}
	foreign := c.foreign(err)
	switch {
	case foreign != nil:
		s.mu.Lock()
		s.suspicion++ // when it is late the next time, it is no old receiver for that
		s.mu.Unlock()
		return foreign
	case errors.Is(err, io.EOF) && counted == nil && !s.Acknowledged():
		return errors.New("the receiver closed the connection before it answered; is it the --input-tcp of a Gor, and has it no --input-tcp-secure?")
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return lost(err)
	case s.Acknowledged():
		return errSilent
	case s.cfg.Plain == PlainNever:
		return fmt.Errorf("the receiver does not answer%s", s.cfg.SilentHint)
	}
	return c.plain(t, &reader)
}

// greeting is the hello of the next connection, and its token.
func (s *Sender) greeting() ([]byte, token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secret == (secret{}) {
		return appendHello(nil, s.id, version), token{}
	}
	t, ok := s.secret.next()
	if !ok {
		s.id, s.secret = newIdentity(), newSecret()
		t, _ = s.secret.next()
	}
	return appendProvenHello(nil, s.id, version, t), t
}

func lost(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the receiver closed the connection")
	}
	if told := refusedBy(err); told != nil {
		return told
	}
	return fmt.Errorf("connection lost: %w", err)
}

// fail ends the use of the connection; the first reason counts.
func (c *senderConn) fail(err error) {
	c.once.Do(func() {
		c.err = err
		close(c.dead)
	})
}

// acknowledged sends frames until the connection or the source ends.
func (c *senderConn) acknowledged(a answer, t *trouble, wg *sync.WaitGroup) error {
	s := c.s
	s.concludeHeld(a)
	if err := c.takeResumed(a.received); err != nil {
		return err
	}
	s.mu.Lock()
	if a.received >= s.window.next() {
		s.mu.Unlock()
		return errNumberTaken
	}
	c.cursor = max(s.window.first, a.received+1)
	again := s.window.next() - c.cursor
	c.mark = c.cursor - 1
	c.limit = a.limit
	s.mu.Unlock()
	s.release(a.settled)

	switch lasted, first := t.over(); {
	case lasted > 0:
		s.cfg.Logf("connected again after %s, %d messages sent again", lasted.Round(time.Millisecond), again)
	case first:
		s.cfg.Logf("connected, messages are acknowledged")
	}
	if s.cfg.Compress {
		c.beginPacking(a)
	}
	wg.Go(c.readAcks)
	for {
		err := c.writeFrames()
		if err == nil {
			err = c.refill()
		}
		if err != nil {
			c.fail(err)
			return c.err
		}
	}
}

// takeResumed takes from the source what an earlier sender of this identity has
// sent: it is in no window yet, and is not sent again.
func (c *senderConn) takeResumed(received uint64) error {
	s := c.s
	for {
		s.mu.Lock()
		next := s.window.next()
		all := received < next || next >= s.resumed || !s.open || s.window.count >= s.cfg.WindowCount
		s.mu.Unlock()
		if all {
			return nil
		}
		if err := c.takeMore(); err != nil {
			return err
		}
	}
}

// failed is why a write failed: what the reader found, if it closed the
// connection.
func (c *senderConn) failed(err error) error {
	select {
	case <-c.dead:
		return c.err
	default:
		return lost(err)
	}
}

// refill waits for messages, or for room in the window first. It returns
// errFinished when there will be none and all are acknowledged.
func (c *senderConn) refill() error {
	s := c.s
	for {
		s.mu.Lock()
		full := s.window.bytes >= s.cfg.WindowBytes || s.window.count >= s.cfg.WindowCount
		open, empty := s.open, s.window.count == 0
		s.mu.Unlock()
		if open && !full {
			return c.takeMore()
		}
		if !open && empty {
			return errFinished
		}
		if c.pushed > 0 {
			c.pushed = 0
			c.out = appendHead(c.out[:0], kindPush, c.cursor-1, nil)
			if err := c.flush(); err != nil {
				return err
			}
		}
		select {
		case <-c.wake:
		case <-c.dead:
			return c.err
		}
	}
}

// takeMore takes messages from the source into the window.
func (c *senderConn) takeMore() error {
	s := c.s
	n, more := s.src.Take(c.take[:], c.dead)
	s.mu.Lock()
	for _, msg := range c.take[:n] {
		s.window.push(msg)
	}
	s.open = more
	s.mu.Unlock()
	select {
	case <-c.dead:
		return c.err
	default:
		return nil
	}
}
