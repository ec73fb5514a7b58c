package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/buger/gor/internal/link"
	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/payload"
)

const (
	// Pauses between attempts to connect, as the link has them. Each is
	// shortened at random by up to a half, so that many senders do not come
	// back in step.
	wsFirstPause = 50 * time.Millisecond
	wsLastPause  = 5 * time.Second

	// wsTries is over how many connections a message is sent before it is
	// counted as failed. It is not sent for ever: one that the server closes
	// the connection on, being too long for it, would hold up all others.
	wsTries = 2

	// wsFragment is the longest frame: a longer message is sent in several, so
	// that the answer to a ping has not to wait for all of it.
	wsFragment = 64 << 10

	// wsTake is how many messages a worker takes at a time.
	wsTake = 32

	// wsLeave is how long a server has to answer the close frame at the end.
	wsLeave = time.Second
)

// wsSource is where a worker gets its messages. Expire is Release for what
// made no progress.
type wsSource interface {
	link.Source
	Expire(n int)
}

// A wsWorker sends messages over one connection at a time, which it opens
// again for ever.
type wsWorker struct {
	o       *wsOutput
	src     wsSource
	trouble wsTrouble

	take  [wsTake][]byte
	next  int // index of the message to send
	taken int // messages in take
	tries int // connections that were lost while take[next] was sent
	buf   []byte
	sent  uint64 // messages that were written
}

var errWSFinished = errors.New("all is sent")

func (w *wsWorker) run() {
	defer w.giveUp()
	pause := wsFirstPause
	for w.o.ctx.Err() == nil && !w.nothingLeft() {
		began, before := time.Now(), w.sent
		err := w.attempt()
		if w.o.ctx.Err() != nil || errors.Is(err, errWSFinished) || w.nothingLeft() {
			return
		}
		w.trouble.note(time.Now(), err)
		if w.sent > before || time.Since(began) > wsLastPause {
			pause = wsFirstPause
		}
		select {
		case <-time.After(pause - rand.N(pause/2)):
		case <-w.o.drained: // nothing is left
		case <-w.o.ctx.Done():
		}
		pause = min(2*pause, wsLastPause)
	}
}

// nothingLeft reports whether a new connection would have nothing to do.
func (w *wsWorker) nothingLeft() bool {
	if w.next < w.taken {
		return false
	}
	_, more := w.src.Take(nil, nil)
	return !more
}

// giveUp counts what was taken and will not be sent.
func (w *wsWorker) giveUp() {
	n := w.taken - w.next
	w.o.unsent.Add(uint64(n))
	w.src.Expire(n)
	w.next, w.taken = 0, 0
}

// attempt opens one connection and uses it until it ends.
func (w *wsWorker) attempt() error {
	c, err := w.o.connect(w.o.ctx)
	if err != nil {
		return err
	}
	w.o.connections.Add(1)
	defer context.AfterFunc(w.o.ctx, func() { c.raw.Close() })()
	var reader sync.WaitGroup
	reader.Go(c.drop)
	err = w.serve(c)
	if errors.Is(err, errWSFinished) {
		late := time.AfterFunc(wsLeave, func() { c.raw.Close() })
		_ = c.Close(websocket.StatusNormalClosure, "") // all is written: nothing depends on the answer
		late.Stop()
	}
	c.raw.Close()
	reader.Wait()
	_ = c.CloseNow() // gives back the library's buffers
	return err
}

// serve sends messages until the connection ends, or all are sent.
func (w *wsWorker) serve(c *wsConn) error {
	for {
		if w.next == w.taken {
			clear(w.take[:w.taken])
			n, more := w.src.Take(w.take[:], c.dead)
			w.next, w.taken = 0, n
			switch {
			case n == 0 && !more:
				return errWSFinished
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
			return w.failed(c, err)
		}
		w.sent++
		w.o.delivered.Add(1)
		w.done(true)
		if !w.trouble.since.IsZero() {
			w.trouble.over(time.Now())
		}
	}
}

// send writes one message: the header with its four fields, and the payload.
func (w *wsWorker) send(c *wsConn, msg []byte) error {
	meta, body, _ := payload.Split(msg) // Write has looked
	meta.Length = -1
	w.buf = payload.AppendMeta(w.buf[:0], meta)
	ctx := context.Background() // one that can end would cost garbage; raw.Close ends writes
	if len(w.buf)+len(body) <= wsFragment {
		w.buf = append(w.buf, body...)
		return c.Write(ctx, websocket.MessageBinary, w.buf)
	}
	out, err := c.Writer(ctx, websocket.MessageBinary)
	if err != nil {
		return err
	}
	n := wsFragment - len(w.buf)
	w.buf = append(w.buf, body[:n]...)
	for part, rest := w.buf, body[n:]; ; {
		if _, err := out.Write(part); err != nil {
			return err
		}
		if len(rest) == 0 {
			return out.Close()
		}
		n := min(len(rest), wsFragment)
		part, rest = rest[:n], rest[n:]
	}
}

// failed deals with a message of which not all was written. The server has not
// received it, because WebSocket gives whole messages only, so that it may be
// sent again.
func (w *wsWorker) failed(c *wsConn, err error) error {
	c.raw.Close()
	<-c.dead
	reason := wsLost(err)
	if c.told {
		reason = c.err // tells more than that the connection is closed
	}
	if w.o.ctx.Err() != nil {
		return reason
	}
	if w.tries++; w.tries < wsTries {
		w.o.again.Add(1)
		return reason
	}
	w.o.failures.Add(wsFailLost)
	if w.o.verbose >= verboseLosses {
		w.o.logf("%s: %s: %s", w.o, w.o.failures.Name(wsFailLost), payload.Describe(w.take[w.next]))
	}
	w.done(!outbound.IsTimeout(err))
	return reason
}

// done ends the use of the message that was sent or failed.
func (w *wsWorker) done(progressed bool) {
	w.next++
	w.tries = 0
	if progressed {
		w.src.Release(1)
	} else {
		w.src.Expire(1)
	}
}
