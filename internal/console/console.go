// Package console is the one way to stderr: log lines, statistics, the progress
// bar and the summary. Whoever writes never waits for who reads: a terminal that
// was stopped, a pipe that is full and a log collector that hangs cost lines,
// which are counted, and nothing else.
package console

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"
)

const (
	// maxPending bounds the bytes that wait for the reader: some thousand
	// lines, which is more than Gor says in an hour that goes badly.
	maxPending = 256 << 10

	// writeGrain bounds the bytes of one write, so that Close sees a slow
	// reader's progress. A pipe takes as much as a whole (PIPE_BUF), so that
	// the lines of several processes do not mix.
	writeGrain = 4 << 10

	// agains is how often a stderr that does not block (O_NONBLOCK, set by
	// who shares it) is tried again, and againPause the time between.
	agains     = 500
	againPause = 10 * time.Millisecond

	// ClosePatience is how long Close waits for a reader that takes nothing,
	// and CloseMost how long for one that is slow.
	ClosePatience = 2 * time.Second
	CloseMost     = 10 * time.Second
)

// A Console writes to stderr. All methods are safe for concurrent use, and none
// but Close waits for the reader.
type Console struct {
	w     io.Writer
	wake  chan struct{} // a token when there is something to write, or it is closed
	ended chan struct{} // closed when the writer has ended

	mu       sync.Mutex
	pending  []byte
	missing  uint64 // lines that were dropped after what is pending
	dropped  uint64 // lines that were dropped in all
	closed   bool
	progress time.Time // when the reader last took something
	bar      Clearer   // drawn below the last line; nil: none
	timed    bool      // each line begins with the time
	json     bool      // each line is an object
	dumb     bool      // the terminal takes no control sequences
	half     []byte    // in JSON: a line of a middleware that has not ended yet
}

// A Clearer is something on the last line of a terminal that makes way.
type Clearer interface{ Clear() error }

// New returns a Console that writes to w until it is closed.
func New(w io.Writer) *Console {
	c := &Console{w: w, wake: make(chan struct{}, 1), ended: make(chan struct{}), progress: time.Now()}
	go c.write()
	return c
}

// Write writes p as it is, in one piece: the statistics have a form of their
// own. In JSON each line becomes an object. It never fails.
func (c *Console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearBar()
	if b := c.others(p); len(b) > 0 {
		c.add(b, maxPending)
	}
	return len(p), nil
}

// Printf writes one line to people. Whatever would end the line or move the
// cursor is escaped: it may have come from a stranger.
func (c *Console) Printf(format string, args ...any) {
	line := mark + Clean(fmt.Sprintf(format, args...)) + "\n"
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearBar()
	c.add(c.own(line), maxPending)
}

// Last writes the last words of a run, which f writes, whatever waits before
// them. f is told how many lines were dropped so far.
func (c *Console) Last(f func(w io.Writer, dropped uint64)) {
	var b bytes.Buffer
	f(&b, c.Dropped())
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clearBar()
	c.sayMissing()
	last := append(c.endHalf(), c.own(b.String())...)
	c.add(last, len(c.pending)+len(last))
}

// Dropped is how many lines nobody read, and were given up.
func (c *Console) Dropped() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dropped
}

// add appends p unless more than limit would be pending. Once something is
// missing, so is all that follows, until the writer has come to the gap. Call
// with the lock held.
func (c *Console) add(p []byte, limit int) {
	if c.closed || c.missing > 0 || len(c.pending)+len(p) > limit {
		c.drop(p, !c.closed)
		return
	}
	c.pending = append(c.pending, p...)
	c.signal()
}

// drop counts the lines of p. Call with the lock held.
func (c *Console) drop(p []byte, say bool) {
	n := uint64(max(1, bytes.Count(p, []byte("\n"))))
	c.dropped += n
	if say {
		c.missing += n
	}
}

// sayMissing puts a line where others are missing. Call with the lock held.
func (c *Console) sayMissing() {
	if c.missing == 0 {
		return
	}
	c.pending = append(c.pending, c.own(fmt.Sprintf(mark+"%d lines are missing here: nothing read stderr\n", c.missing))...)
	c.missing = 0
}

func (c *Console) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// write is the goroutine that waits for the reader.
func (c *Console) write() {
	defer close(c.ended)
	var buf []byte
	for range c.wake {
		for {
			c.mu.Lock()
			c.sayMissing()
			buf, c.pending = c.pending, buf[:0]
			over := c.closed && len(buf) == 0
			c.mu.Unlock()
			if over {
				return
			}
			if len(buf) == 0 {
				break
			}
			c.writeAll(buf)
		}
	}
}

// writeAll writes lines, or drops those that the reader will never take.
func (c *Console) writeAll(p []byte) {
	for len(p) > 0 {
		n, err := c.writeSome(p[:grain(p)])
		p = p[n:]
		c.mu.Lock()
		if err == nil {
			c.progress = time.Now()
		} else {
			c.drop(p, false) // there is nobody to tell
		}
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// grain is how much of p is written at once: whole lines where that can be.
func grain(p []byte) int {
	if len(p) <= writeGrain {
		return len(p)
	}
	if i := bytes.LastIndexByte(p[:writeGrain], '\n'); i >= 0 {
		return i + 1
	}
	return writeGrain
}

// writeSome writes p, again where the reader may take it later.
func (c *Console) writeSome(p []byte) (n int, err error) {
	for range agains {
		var m int
		m, err = c.w.Write(p[n:])
		n += m
		if !errors.Is(err, syscall.EAGAIN) {
			break
		}
		if m == 0 {
			time.Sleep(againPause) // no poller knows this file
		}
	}
	return n, err
}

// Close writes what is pending, as long as somebody reads it, and takes no more.
func (c *Console) Close() { c.close(ClosePatience, CloseMost) }

func (c *Console) close(patience, most time.Duration) {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.signal()
	began := time.Now()
	look := time.NewTicker(patience / 20)
	defer look.Stop()
	for {
		select {
		case <-c.ended:
			return
		case now := <-look.C:
			c.mu.Lock()
			last := c.progress
			c.mu.Unlock()
			if last.Before(began) {
				last = began
			}
			if now.Sub(last) > patience || now.Sub(began) > most {
				return
			}
		}
	}
}

// IsTerminal reports whether a person looks at it, and lines are for people.
func (c *Console) IsTerminal() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.json && IsTerminal(c.w)
}

// IsTerminal reports whether w is a terminal.
func IsTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
