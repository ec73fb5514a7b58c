package spill

import (
	"errors"
	"io"
	"sync"
	"time"

	"github.com/buger/gor/internal/disk"
	"github.com/buger/gor/internal/dispatch"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/queue"
)

// A Config says what a Spiller stands between. All of it must be set.
type Config struct {
	// In is what comes, and Out what the link takes from; the Spiller closes
	// In, and its user Out.
	In, Out *queue.Queue

	Store *Store

	// Check returns why nothing more may be written to the disk now.
	Check func() error

	Logf func(format string, args ...any)

	// FullText is what is said when the store holds what it may.
	FullText string
}

// A Spiller stands between the queue that an output's Write fills and the one
// that its link empties. What the link cannot take yet it keeps on disk, in
// order:
//
//	in -> out            while the receiver keeps up
//	in -> store -> out   from when it does not until all of the store is settled
//
// So what is in out and not settled is first messages from in, which are
// nowhere else, and then messages of the store.
type Spiller struct {
	cfg     Config
	in, out *queue.Queue
	store   *Store
	src     *Source
	live    func() bool
	check   func() error
	logf    func(format string, args ...any)

	changed queue.Bell    // rung when what Settle and drains wait for may have come
	urgent  queue.Bell    // rung when what waits for the link may have to go to the disk
	closing chan struct{} // closed when nothing is to be waited for any more
	taking  sync.WaitGroup
	feeding sync.WaitGroup

	mu      sync.Mutex
	directs int    // messages in out that are in no store
	given   uint64 // how many there ever were
	ended   bool
	said    string
	lost    uint64 // messages that could be put nowhere at the end
	kept    uint64 // messages that are on disk at the end
}

const (
	// batchCount is how many messages go to the disk together.
	batchCount = 256

	// roomMost bounds one wait for room in the queue of the link. Whatever ends it
	// sooner is told.
	roomMost = time.Minute

	// retryAfter is how long it waits after the disk took nothing.
	retryAfter = 200 * time.Millisecond
)

// New returns a Spiller, which does nothing until Start.
func New(cfg Config) *Spiller {
	p := &Spiller{cfg: cfg, in: cfg.In, out: cfg.Out, store: cfg.Store, check: cfg.Check, logf: cfg.Logf, closing: make(chan struct{})}
	p.in.OnHalfFull(p.urgent.Ring)
	p.src = &Source{Source: dispatch.NewSource(p.out), p: p}
	return p
}

// Source is where the link takes messages from.
func (p *Spiller) Source() *Source { return p.src }

// Start begins. live reports whether the link has a receiver.
func (p *Spiller) Start(live func() bool) {
	p.live = live
	p.taking.Go(p.intake)
	p.feeding.Go(p.feed)
}

// intake places what comes until the queue is closed and empty.
func (p *Spiller) intake() {
	batch := make([]queue.Item, batchCount)
	msgs := make([][]byte, 0, batchCount)
	for {
		n := p.in.GetBatch(batch, nil, 0)
		if n == 0 {
			return
		}
		p.place(batch[:n], msgs)
	}
}

// place hands messages to the link or to the disk.
func (p *Spiller) place(items []queue.Item, msgs [][]byte) {
	for len(items) > 0 {
		if n := p.direct(items); n > 0 {
			p.in.DoneBatch(items[:n], true)
			items = items[n:]
			continue
		}
		// Taken before anything is looked at, so that no change is missed.
		released, urgent := p.changed.Next(), p.urgent.Next()
		if p.mayWait() {
			if _, held, _ := p.store.Level(); held > 0 {
				select {
				case <-released:
				case <-urgent:
				}
			} else {
				p.out.Room(urgent, roomMost)
			}
			continue
		}
		msgs = msgs[:0]
		for _, it := range items {
			if _, _, err := payload.Split(it.Bytes); err == nil {
				msgs = append(msgs, it.Bytes)
			}
		}
		strange := len(items) - len(msgs) // no link would take them either
		err := p.check()
		if err == nil {
			err = p.store.Append(msgs)
		}
		clear(msgs)
		p.tell(err)
		switch {
		case err == nil:
			p.lose(strange)
			p.in.DoneBatch(items, true)
			return
		case queue.IsClosed(p.closing):
			p.lose(len(items))
			p.in.DoneBatch(items, false)
			return
		}
		queue.Sleep(p.closing, retryAfter)
	}
}

func (p *Spiller) lose(n int) {
	p.mu.Lock()
	p.lost += uint64(n)
	p.mu.Unlock()
}

// direct gives the link as many messages as it has room for, if it is there
// and the store is empty.
func (p *Spiller) direct(items []queue.Item) (n int) {
	p.mu.Lock() // secure must not come between
	defer p.mu.Unlock()
	if waiting, held, _ := p.store.Level(); waiting+held > 0 || !p.live() || queue.IsClosed(p.closing) {
		return 0
	}
	for n < len(items) && p.out.Put(items[n].Bytes) == nil {
		n++
	}
	p.directs += n
	p.given += uint64(n)
	return n
}

// mayWait reports that there is time to wait for the link: there is a receiver
// and more than half of the queue is free.
func (p *Spiller) mayWait() bool {
	if waiting, _, _ := p.store.Level(); waiting > 0 || !p.live() || queue.IsClosed(p.closing) {
		return false
	}
	return !p.in.HalfFull()
}

// tell says why nothing goes to the disk, once for each reason, and that it
// does again.
func (p *Spiller) tell(err error) {
	text := ""
	switch {
	case errors.As(err, new(*disk.LowError)):
		text = "low disk" // what is left there changes all the time
	case err != nil:
		text = err.Error()
	}
	p.mu.Lock()
	before := p.said
	p.said = text
	p.mu.Unlock()
	switch {
	case text == before:
	case errors.Is(err, ErrFull):
		p.logf("%s", p.cfg.FullText)
	case err != nil:
		p.logf("%v; trying again, and nothing more is spilled until that works", err)
	default:
		p.logf("spilling again")
	}
}

// feed gives the link what is on disk.
func (p *Spiller) feed() {
	said := ""
	for {
		msg, err := p.store.Next()
		p.changed.Ring() // it may have passed over what is damaged
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			if text := err.Error(); text != said {
				said = text
				p.logf("read what was spilled: %v; trying again", err)
			}
			if !queue.Sleep(p.closing, retryAfter) {
				return
			}
			continue
		}
		said = ""
		for p.out.Put(msg) != nil {
			if !p.out.Room(p.closing, time.Second) && queue.IsClosed(p.closing) {
				return // it stays on disk
			}
		}
	}
}

// release notes that the link has done with the n oldest messages of out.
func (p *Spiller) release(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return // these were not delivered
	}
	d := min(n, p.directs)
	p.directs -= d
	if n > d {
		p.store.Release(n - d)
	}
	p.changed.Ring()
}

// Changed is to be called when the link found or lost its receiver.
func (p *Spiller) Changed() {
	p.changed.Ring()
	p.urgent.Ring()
}

// Next returns a channel that is closed when the link has taken or delivered
// something, and when Changed was called.
func (p *Spiller) Next() <-chan struct{} { return p.changed.Next() }
