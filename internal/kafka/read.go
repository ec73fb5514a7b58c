package kafka

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/stats"
)

// A reader is the part of a Consumer that Read's goroutine has. What is fetched goes
// through a window that puts it in order by time, and to the schedule; with Max it goes
// as it comes.
type reader struct {
	window   *pace.Reorder // nil with Max
	schedule *pace.Schedule
	clock    *pace.Sleeper
	slots    []slot // what is in the window, by the number that it has there
	unused   []int  // free places in slots

	msg  []byte // taken, not yet given
	from slot   // its place
	plan pace.Slot
	due  bool // the wait for msg is over
	last slot // of the message that was given and is not done with; part is nil for none
	err  error

	lag      *stats.Histogram
	lagNow   atomic.Int64 // ns behind the plan, of the last message
	age      atomic.Int64 // ns between the time of the last message and its giving; 0 but for what is still to come
	late     atomic.Uint64
	shuffled atomic.Uint64
}

// A slot is where a message stands in the topic.
type slot struct {
	part   *partition
	offset int64
}

func (r *reader) init(cfg ConsumerConfig) {
	r.lag = stats.NewHistogram()
	r.clock = pace.NewSleeper()
	if !cfg.Timing.Max {
		r.window = pace.NewReorder(reorderDepth, reorderBytes)
		r.schedule = pace.NewSchedule(cfg.Timing)
	}
}

// Read gives the next message: header LF payload. It returns io.ErrShortBuffer and keeps the
// message when p is too small, and io.EOF after Close, or at the end with ToEnd. It
// belongs to one goroutine. Beginning the next Read says that the caller has done with the last
// message.
func (c *Consumer) Read(p []byte) (int, error) {
	c.read.Store(true)
	if c.err != nil {
		return 0, c.err
	}
	c.doneWithLast()
	if c.msg == nil {
		c.clock.Yield()
		if err := c.next(); err != nil {
			return 0, c.finish(err)
		}
	}
	if len(p) < len(c.msg) {
		return 0, io.ErrShortBuffer
	}
	if !c.due && !c.wait() {
		return 0, c.finish(io.EOF)
	}
	if c.cfg.Group != "" && !c.own() {
		// It was revoked during the wait: whoever has it now gives it.
		c.msg = nil
		return c.Read(p)
	}
	n := copy(p, c.msg)
	c.msg = nil
	if c.window != nil {
		c.window.Release()
	}
	return n, nil
}

// own notes that the message is given, unless its partition was revoked.
func (c *Consumer) own() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.from.part.revoked {
		return false
	}
	c.last = c.from
	return true
}

// finish keeps the error that ends reading. What was given last is settled and committed first.
func (c *Consumer) finish(err error) error {
	c.msg, c.err = nil, err
	c.end()
	return err
}

// doneWithLast notes that the last message is done with.
func (c *Consumer) doneWithLast() {
	c.mu.Lock()
	if c.last.part != nil {
		c.last.part.doneWith(c.last.offset)
		c.last = slot{}
	}
	waiting := c.idling
	c.idling = nil
	c.mu.Unlock()
	if waiting != nil {
		close(waiting)
	}
}

// idle waits until the message that was given last is done with, or cancel is closed.
func (c *Consumer) idle(cancel <-chan struct{}) {
	c.mu.Lock()
	if c.last.part == nil {
		c.mu.Unlock()
		return
	}
	if c.idling == nil {
		c.idling = make(chan struct{})
	}
	waiting := c.idling
	c.mu.Unlock()
	select {
	case <-waiting:
	case <-cancel:
	}
}

// next takes the next message and plans it.
func (c *Consumer) next() error {
	if c.window == nil {
		msg, from, err := c.await()
		if err != nil {
			return err
		}
		c.msg, c.from, c.due = msg, from, true
		c.noteAge()
		return nil
	}
	for {
		if err := c.fill(); err != nil {
			return err
		}
		c.shuffled.Store(c.window.OutOfOrder())
		c.late.Store(c.window.Late())
		msg, at, ok := c.window.Pop()
		if !ok {
			return io.EOF
		}
		place := c.window.Source()
		from := c.slots[place]
		c.slots[place] = slot{}
		c.unused = append(c.unused, place)
		c.mu.Lock()
		revoked := from.part.revoked
		c.mu.Unlock()
		if revoked {
			continue
		}
		c.msg, c.from = msg, from
		c.plan, c.due = c.schedule.Due(at, c.clock.Now()), false
		if c.plan.Gap > 0 {
			c.cfg.Cluster.Logf("the next message comes in %s", c.plan.Gap.Round(time.Second))
		}
		return nil
	}
}

// fill takes messages until the window is full, or there are none for now and it is not empty.
func (c *Consumer) fill() error {
	for !c.window.Full() {
		var msg []byte
		var from slot
		var err error
		if c.window.Len() == 0 {
			msg, from, err = c.await()
		} else {
			msg, from, err = c.try()
		}
		switch {
		case err == io.EOF && c.window.Len() > 0 && !c.closed():
			return nil // give what the window has
		case err != nil:
			return err
		case msg == nil:
			return nil
		}
		place := len(c.slots)
		if n := len(c.unused); n > 0 {
			place = c.unused[n-1]
			c.unused = c.unused[:n-1]
			c.slots[place] = from
		} else {
			c.slots = append(c.slots, from)
		}
		meta, _, _ := payload.Split(msg)
		c.window.Push(meta.Time, msg, place)
	}
	return nil
}

func (c *Consumer) closed() bool {
	select {
	case <-c.closing:
		return true
	default:
		return false
	}
}

// await waits for the next message.
func (c *Consumer) await() ([]byte, slot, error) {
	for {
		msg, from, err := c.try()
		if msg != nil || err != nil {
			return msg, from, err
		}
		select {
		case <-c.fresh:
		case <-c.closing:
		}
	}
}

// try returns the oldest message that was fetched: nil when there is none. In order of time it
// waits for a partition that has more, and no longer when that one gives none for a while.
func (c *Consumer) try() ([]byte, slot, error) {
	for {
		if c.closed() {
			return nil, slot{}, io.EOF
		}
		t := c.oldest()
		switch {
		case t.failed != nil:
			return nil, slot{}, t.failed
		case t.record == nil && !t.starving:
			return nil, slot{}, nil
		case t.record == nil:
			timer := time.NewTimer(starveMost / 10)
			select {
			case <-c.fresh:
			case <-timer.C:
			case <-c.closing:
			}
			timer.Stop()
			continue
		}
		c.resume(t.from.part)
		if t.err == nil {
			return t.msg, t.from, nil
		}
		if t.err != errControl {
			c.skip(t.record, t.err)
		}
		c.leaveOut(t.from)
	}
}

// leaveOut marks a record that is not given.
func (c *Consumer) leaveOut(from slot) {
	c.mu.Lock()
	from.part.doneWith(from.offset)
	c.mu.Unlock()
}

// A taking is what oldest took.
type taking struct {
	record *kgo.Record // nil: nothing
	from   slot
	msg    []byte // of record, valid iff err is nil
	err    error  // the record is not to be given

	starving bool  // there are records that were not fetched so far and have to be waited for
	failed   error // reading ends
}

// oldest takes the oldest record that was fetched.
func (c *Consumer) oldest() taking {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed != nil {
		return taking{failed: c.failed}
	}
	starving := false
	var first *partition
	ended := c.known && c.cfg.ToEnd
	for _, p := range c.parts {
		if p.stop >= 0 && p.next >= p.stop {
			continue
		}
		ended = false
		switch {
		case p.starving():
			starving = true
		case len(p.records) > 0:
			if p.peek(c.cfg.Limit); first == nil || p.before(first) {
				first = p
			}
		}
	}
	if ended {
		return taking{failed: io.EOF}
	}
	if starving && c.cfg.Timing.Max {
		starving = false
	}
	if !starving {
		c.starved = time.Time{}
	} else if now := time.Now(); c.starved.IsZero() {
		c.starved = now
	} else if first != nil && now.Sub(c.starved) > starveMost {
		starving = false
	}
	if first == nil || starving {
		signal(c.room) // the fetcher looks who is short
		return taking{starving: starving}
	}
	t := taking{msg: first.head.msg, err: first.head.err}
	t.record = first.take()
	t.from = slot{first, t.record.Offset}
	c.bytes -= len(t.record.Value)
	if c.bytes < bufferBytes {
		signal(c.room)
	}
	return t
}

// wait waits until the message's time and notes how late it is. It reports false when the
// input was closed.
func (c *Consumer) wait() bool {
	if !c.clock.Until(c.plan.Send, c.closing) {
		return false
	}
	c.due = true
	lag := c.clock.Now() - c.plan.Plan
	c.lag.Record(time.Duration(lag))
	c.lagNow.Store(lag)
	c.noteAge()
	return true
}

func (c *Consumer) noteAge() {
	if !c.cfg.Start.Live() {
		return // how old a recording is says nothing
	}
	if meta, _, err := payload.Split(c.msg); err == nil && meta.Time > 0 {
		c.age.Store(time.Now().UnixNano() - meta.Time)
	}
}

// fail ends reading with err.
func (c *Consumer) fail(err error) {
	c.mu.Lock()
	c.failed = fmt.Errorf("%w", err)
	c.mu.Unlock()
	signal(c.fresh)
}

// Late is how far behind its plan the last message was.
func (c *Consumer) Late() time.Duration { return time.Duration(c.lagNow.Load()) }

// Age is how old the last message was when it was given, of a live topic; 0 otherwise.
func (c *Consumer) Age() time.Duration { return time.Duration(c.age.Load()) }

// Lateness is how far behind their plan messages were. Nothing is in it with Max.
func (c *Consumer) Lateness() *stats.Snapshot { return c.lag.Snapshot() }

// OutOfOrder is how many messages came after one with a later time, and how many of these
// could not be put in their place.
func (c *Consumer) OutOfOrder() (n, late uint64) { return c.shuffled.Load(), c.late.Load() }
