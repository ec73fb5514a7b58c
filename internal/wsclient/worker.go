package wsclient

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/payload"
)

const (
	// triesMost is over how many connections a message is sent before it is
	// counted as failed. It is not sent for ever: one that the server closes
	// the connection on, being too long for it, would hold up all others.
	triesMost = 2

	// fragment is the longest frame: a longer message is sent in several, so
	// that the answer to a ping has not to wait for all of it.
	fragment = 64 << 10

	// takeMost is how many messages a worker takes at a time.
	takeMost = 32

	// LeaveTimeout is how long a server has to answer the close frame at the end.
	LeaveTimeout = time.Second
)

// A worker sends messages over one connection at a time, which it opens again
// for ever.
type worker struct {
	cfg     *Config
	counts  *Counts
	src     Source
	trouble trouble

	take  [takeMost][]byte
	next  int // index of the message to send
	taken int // messages in take
	tries int // connections that were lost while take[next] was sent
	buf   []byte
	sent  uint64 // messages that were written
}

var errFinished = errors.New("all is sent")

func (w *worker) run(ctx context.Context) {
	defer w.giveUp()
	var backoff outbound.Backoff
	for ctx.Err() == nil && !w.nothingLeft() {
		began, before := time.Now(), w.sent
		err := w.attempt(ctx)
		if ctx.Err() != nil || errors.Is(err, errFinished) || w.nothingLeft() {
			return
		}
		w.trouble.note(time.Now(), err)
		if w.sent > before || time.Since(began) > outbound.BackoffMost {
			backoff.Reset()
		}
		backoff.Wait(ctx, w.cfg.Drained)
	}
}

// nothingLeft reports whether a new connection would have nothing to do.
func (w *worker) nothingLeft() bool {
	if w.next < w.taken {
		return false
	}
	_, more := w.src.Take(nil, nil)
	return !more
}

// giveUp counts what was taken and will not be sent.
func (w *worker) giveUp() {
	n := w.taken - w.next
	w.counts.Unsent.Add(uint64(n))
	w.src.Expire(n)
	w.next, w.taken = 0, 0
}

// attempt opens one connection and uses it until it ends.
func (w *worker) attempt(ctx context.Context) error {
	c, err := w.cfg.dial(ctx)
	if err != nil {
		return err
	}
	w.counts.Connections.Add(1)
	defer context.AfterFunc(ctx, func() { c.raw.Close() })()
	var reader sync.WaitGroup
	reader.Go(c.drop)
	err = w.serve(ctx, c)
	if errors.Is(err, errFinished) {
		late := time.AfterFunc(LeaveTimeout, func() { c.raw.Close() })
		_ = c.Close(websocket.StatusNormalClosure, "") // all is written: nothing depends on the answer
		late.Stop()
	}
	c.raw.Close()
	reader.Wait()
	_ = c.CloseNow() // gives back the library's buffers
	return err
}

// serve sends messages until the connection ends, or all are sent.
func (w *worker) serve(ctx context.Context, c *conn) error {
	for {
		if w.next == w.taken {
			clear(w.take[:w.taken])
			n, more := w.src.Take(w.take[:], c.dead)
			w.next, w.taken = 0, n
			switch {
			case n == 0 && !more:
				return errFinished
			case n == 0:
				return c.err // dead is closed
			}
		}
		select {
		case <-c.dead: // nothing of the next message is written: it has lost no try
			return c.err
		default:
		}
		if err := w.send(c, w.take[w.next]); err != nil {
			return w.failed(ctx, c, err)
		}
		w.sent++
		w.counts.Delivered.Add(1)
		w.done(true)
		if !w.trouble.since.IsZero() {
			w.trouble.over(time.Now())
		}
	}
}

// send writes one message: the header with its four fields, and the payload.
func (w *worker) send(c *conn, msg []byte) error {
	meta, body, _ := payload.Split(msg) // Write has looked
	meta.Length = -1
	w.buf = payload.AppendMeta(w.buf[:0], meta)
	free := context.Background() // one that can end would cost garbage; raw.Close ends writes
	if len(w.buf)+len(body) <= fragment {
		w.buf = append(w.buf, body...)
		return c.Write(free, websocket.MessageBinary, w.buf)
	}
	out, err := c.Writer(free, websocket.MessageBinary)
	if err != nil {
		return err
	}
	n := fragment - len(w.buf)
	w.buf = append(w.buf, body[:n]...)
	for part, rest := w.buf, body[n:]; ; {
		if _, err := out.Write(part); err != nil {
			return err
		}
		if len(rest) == 0 {
			return out.Close()
		}
		n := min(len(rest), fragment)
		part, rest = rest[:n], rest[n:]
	}
}

// failed deals with a message that was written only in part. The server has not
// received it, because WebSocket gives whole messages only, so that it may be
// sent again.
func (w *worker) failed(ctx context.Context, c *conn, err error) error {
	c.raw.Close()
	<-c.dead
	reason := lost(err)
	if c.told {
		reason = c.err // tells more than that the connection is closed
	}
	if ctx.Err() != nil {
		return reason
	}
	w.tries++
	if w.tries < triesMost {
		w.counts.SentAgain.Add(1)
		return reason
	}
	w.cfg.Lost(w.take[w.next])
	w.done(!outbound.IsTimeout(err))
	return reason
}

// done ends the use of the message that was sent or failed.
func (w *worker) done(progressed bool) {
	w.next++
	w.tries = 0
	if progressed {
		w.src.Release(1)
	} else {
		w.src.Expire(1)
	}
}
