package mirror

import (
	"errors"
	"io"
	"net"
	"time"

	"github.com/buger/gor/internal/admission"
	"github.com/buger/gor/internal/buffers"
	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

const (
	// headerRoom is more than a record's header line, which is written in front
	// of the request where it lies.
	headerRoom = 128

	// smallBuffer is what a connection has of its own, and holds most
	// requests; what is larger counts against the Server's memory.
	smallBuffer = 8 << 10

	// keepBuffer is how large a buffer stays with a connection that is idle.
	keepBuffer = smallBuffer
)

// A conn is one connection of a proxy.
type conn struct {
	s       *Server
	c       net.Conn
	place   *admission.Conn
	id      uint64
	ordinal uint32
	parser  http1.Parser

	// buf[headerRoom:end] is what came of the current request and was kept;
	// buf[end:got] came after it.
	buf      []byte
	end, got int
	reserved int            // bytes of the Server's memory
	parsing  int            // of these, what the parser holds
	alone    bool           // its buffer is the one beside the Server's memory; see grow
	block    *buffers.Block // what buf is, when it is alone
	dropped  int            // bytes of empty lines before the request that are not in buf
	skipped  int64          // bytes of the request that were not kept
	why      int            // it is not: lostTooLarge or lostMemory
	since    time.Time      // when the last request ended
	began    time.Time
	asked    bool // 100 Continue was sent
	seen     bool // the head was whole, and doubtful is known
	doubtful bool // the head's framing can be read in two ways, or nobody can tell
	out      []byte
}

// serve takes requests until the connection ends.
func (c *conn) serve() {
	defer c.release()
	c.start()
	for {
		if err := c.readRequest(); err != nil {
			c.fail(err)
			return
		}
		if !c.finish() {
			return
		}
	}
}

// start makes way for the next request. What came after the last one is moved
// to the beginning.
func (c *conn) start() {
	rest := c.got - c.end
	if cap(c.buf) > keepBuffer && rest <= smallBuffer-headerRoom || c.buf == nil {
		small := make([]byte, smallBuffer)
		copy(small[headerRoom:], c.buf[min(c.end, len(c.buf)):min(c.got, len(c.buf))])
		c.buf = small
		c.leave()
		c.s.giveBack(c.reserved - c.parsing)
		c.reserved = c.parsing
	} else {
		copy(c.buf[headerRoom:], c.buf[c.end:c.got])
	}
	c.end, c.got = headerRoom, headerRoom+rest
	c.skipped, c.why, c.asked, c.dropped = 0, 0, false, 0
	c.seen, c.doubtful = false, false
	c.began, c.since = time.Time{}, time.Now()
	c.parser.ResetRequest()
	c.s.giveBack(c.parsing)
	c.reserved -= c.parsing
	c.parsing = 0
}

// leave ends the use of the buffer beside the Server's memory.
func (c *conn) leave() {
	if c.alone {
		c.block.Free()
		c.block, c.alone = nil, false
		c.s.turn.Leave()
	}
}

var (
	errIdle = errors.New("idle") // between requests; nobody has lost anything
	errFull = errors.New("no memory")
	errSlow = errors.New("slow")
	errFar  = errors.New("too much to skip")
)

// readRequest reads to the end of one request.
func (c *conn) readRequest() error {
	for {
		for c.end < c.got {
			n, done, err := c.parser.Feed(c.buf[c.end:c.got])
			c.judge(n)
			c.take(n)
			if err != nil {
				return err
			}
			if done {
				return nil
			}
			if !c.hold() {
				return errFull
			}
		}
		if err := c.expected(); err != nil {
			return err
		}
		if err := c.read(); err != nil {
			return err
		}
	}
}

// judge looks at the head once, when it is whole with the next n bytes: of a
// request that is too large nothing else is left at its end.
func (c *conn) judge(n int) {
	h := c.parser.Head()
	if c.seen || h == nil {
		return
	}
	c.seen, c.doubtful = true, true
	from := headerRoom + c.lead()
	if c.why == 0 && from+h.HeadLen <= c.end+n {
		why, _ := http1.HeadAmbiguity(c.buf[from : from+h.HeadLen])
		c.doubtful = why != http1.Plain
	}
}

// isAmbiguous reports whether another reader may see the end of the request
// that was read elsewhere.
func (c *conn) isAmbiguous() bool {
	if c.doubtful || c.why != 0 {
		return c.doubtful || c.parser.Head().Chunked // whose chunk lines are gone
	}
	return http1.RequestAmbiguity(c.buf[headerRoom+c.lead():c.end]) != http1.Plain
}

// take makes n bytes part of the request, or skips them. Empty lines before it
// are dropped as they come.
func (c *conn) take(n int) {
	if !c.parser.Started() {
		c.dropped += n
		copy(c.buf[c.end:], c.buf[c.end+n:c.got])
		c.got -= n
		return
	}
	if c.began.IsZero() {
		c.began = time.Now()
	}
	if c.why == 0 {
		h := c.parser.Head()
		crowded := h != nil && h.Fields > http1.MaxFields
		if !crowded && c.end+n-headerRoom-c.lead() <= c.s.cfg.Limit {
			c.end += n
			return
		}
		c.giveUp(lostTooLarge)
	}
	c.skipped += int64(n)
	copy(c.buf[c.end:], c.buf[c.end+n:c.got])
	c.got -= n
}

// lead is how many bytes of empty lines lie before the request in buf.
func (c *conn) lead() int { return c.parser.Lead() - c.dropped }

// giveUp keeps nothing more of this request, nor what there is.
func (c *conn) giveUp(why int) {
	c.why = why
	c.skipped = int64(c.end - headerRoom)
	copy(c.buf[headerRoom:], c.buf[c.end:c.got])
	c.got -= c.end - headerRoom
	c.end = headerRoom
}

// expected answers Expect: 100-continue once.
func (c *conn) expected() error {
	h := c.parser.Head()
	if h == nil || !h.Expect100 || c.asked {
		return nil
	}
	c.asked = true
	_ = c.c.SetWriteDeadline(time.Now().Add(writeWait))
	_, err := c.c.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n"))
	return err
}

// builtByProxy says of a request that a proxy wrote it anew: it is not byte for
// byte what the client sent.
const builtByProxy = payload.AttrOrigin + "=http"

// give puts the request into the queue, with the header of a record.
func (c *conn) give() {
	from := headerRoom + c.lead()
	var id [24]byte
	header := payload.AppendMeta(make([]byte, 0, headerRoom), payload.Meta{
		Type: payload.Request, ID: payload.AppendID(id[:0], c.id, c.ordinal),
		Time: c.began.UnixNano(), Duration: int64(time.Since(c.began)),
		Length: int64(c.end - from), Attributes: []byte(builtByProxy),
	})
	c.ordinal++
	msg := c.buf[from-len(header) : c.end]
	copy(msg, header)
	err := c.s.q.Put(msg)
	for until := time.Now().Add(c.s.cfg.MemoryWait); errors.Is(err, queue.ErrFull) && c.waits(until); err = c.s.q.Put(msg) {
		c.s.q.Room(c.s.closing, time.Until(until)) // a smaller one may take it
	}
	if err != nil {
		c.s.counts.Add(lostFull)
		return
	}
	c.s.counts.Add(requests)
}

func (c *conn) answer(status string, last, old bool) bool {
	c.out = appendAnswer(c.out[:0], status, last, old)
	_ = c.c.SetWriteDeadline(time.Now().Add(writeWait))
	_, err := c.c.Write(c.out)
	return err == nil
}

// fail ends a connection whose request did not come whole.
func (c *conn) fail(err error) {
	var malformed *http1.Error
	switch {
	case errors.As(err, &malformed):
		// Behind the offending byte there may be more of what it is.
		if c.ordinal == 0 && c.why == 0 && c.s.foreign(c.buf[headerRoom:c.got]) {
			return
		}
		c.s.counts.Add(lostMalformed)
		c.refuse("400 Bad Request")
	case !c.parser.Started():
		return // between requests
	case c.why != 0:
		c.s.counts.Add(c.why)
	case errors.Is(err, errFull):
		c.s.counts.Add(lostMemory)
		c.refuse("503 Service Unavailable")
	case errors.Is(err, errSlow):
		c.s.counts.Add(lostSlow)
		c.refuse("408 Request Timeout")
	default:
		c.s.counts.Add(lostTorn)
	}
}

const (
	// lingerWait and lingerBytes bound what is still read after a last answer:
	// to close with bytes unread would reset the connection, and might take the
	// answer back.
	lingerWait  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// refuse gives a last answer.
func (c *conn) refuse(status string) {
	half, ok := c.c.(interface{ CloseWrite() error })
	if !c.answer(status, true, false) || !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.c.SetReadDeadline(time.Now().Add(lingerWait))
	_, _ = io.CopyN(io.Discard, c.c, lingerBytes)
}
