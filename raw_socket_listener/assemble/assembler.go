package assemble

import (
	"sync"
	"time"

	"github.com/buger/gor/raw_socket_listener/packet"
)

// Times of the life of a connection.
const (
	// IdleTimeout is how long a connection may carry nothing until it is
	// forgotten, and with it a message that has begun: above what servers and
	// proxies keep idle connections for, and what they wait for a stalled
	// upload. Memory that is needed is taken back sooner.
	IdleTimeout = 5 * time.Minute
	// lingerTime is how long a connection that is over stays known, so that a
	// late copy of one of its segments is not taken for a new connection.
	lingerTime = 2 * time.Second
	// reorderGrace is how long a hole that the receiver acknowledged may still
	// be closed by a packet that another CPU's queue delayed, or that another
	// tap saw, whose clock or buffer is behind: captures that are merged are
	// some tens to hundreds of milliseconds apart.
	reorderGrace = 500 * time.Millisecond
	// backoffTime is how long a hole waits for a retransmission when nothing
	// says that the receiver has the bytes: TCP waits for 0.2, 0.4 ... 6.4 s
	// (RFC 6298 section 5.5), together 12.6 s. A hole that a seventh
	// retransmission would close is given up.
	backoffTime = 13 * time.Second
	// sweepGrain is how often the timeouts are looked at.
	sweepGrain = 10 * time.Millisecond
	// touchGrain is how exactly the order of idle connections is kept.
	touchGrain = 100 * time.Millisecond
)

// An Assembler makes messages of segments. It is a sink: one goroutine calls
// it, and all but published belongs to that goroutine.
type Assembler struct {
	cfg Config
	out *Writer
	pool

	now   int64 // the highest time seen, ns since 1970
	blind int64 // since then, connections that carry something are known
	sweep int64 // when to look at the timeouts again

	conns                    map[key]*conn
	embryos, active, closing list[conn] // by when they carried something last
	freeConns                []*conn
	pendingBytes             int // of all conn.pending

	waits      [waitKinds]list[half] // by when their wait began
	holders    list[half]            // by when they took memory last
	largest    *half                 // of those that were served while memory was short
	freeHalves []*half
	freePieces *piece

	traces traces           // of connections that are forgotten
	tokens map[uint32]*conn // those of MPTCP, by what a subflow calls them

	framer framer  // what is known of the protocol
	traits traits  // of framer
	sights *Sights // of connections that are seen twice; shared by the assemblers of a capture

	stats  Stats
	notice Observer

	mu        sync.Mutex
	published Stats
}

// New takes a Config whose defaults are filled in.
// The assemblers of a capture share what they have seen.
func New(cfg Config, out *Writer, notice Observer, seen *Sights) *Assembler {
	a := &Assembler{cfg: cfg, out: out, notice: notice, conns: make(map[key]*conn), sights: seen}
	a.pool.limit = cfg.MaxBuffered
	a.framer = newFramer(a, cfg)
	a.traits = a.framer.traits()
	return a
}

// Segment takes a segment, and keeps only copies of its bytes. Holes that are due by
// the segment's time are given up after it: a packet that closes a hole must not be
// what gives it up.
func (a *Assembler) Segment(s *packet.Segment) {
	a.stats.Segments++
	a.see(s.Time)
	a.take(s)
	if a.now >= a.sweep {
		a.due()
	}
}

// take gives s to its connection.
func (a *Assembler) take(s *packet.Segment) {
	k, fromLow := keyOf(s)
	c := a.conns[k]
	begun := false
	if c != nil {
		f, other := c.flows(fromLow)
		switch a.fit(c, f, other, s) {
		case fitsNot:
			a.countStarts(f, s.Payload)
			return
		case fitsBegun:
			begun = true
			fallthrough
		case fitsNext:
			first := f.begun.at
			answer, named := other.begun.at, other.begunBy(s)
			a.stats.Reused++
			a.finish(c, LostClosed)
			a.forget(c)
			if c = a.admit(k, fromLow, s, begun); c == nil {
				return
			}
			if begun {
				f, other = c.flows(fromLow)
				f.begin(first, modeFraming)
				f.syn = true
				if named && !other.silent {
					other.begin(answer, modeFraming)
					other.syn = true
				}
			}
		}
	} else if c = a.admit(k, fromLow, s, false); c == nil {
		return
	}
	a.touch(c)
	f, other := c.flows(fromLow)
	if !c.known && !f.response && len(s.Payload) > 0 {
		a.exclude(c)
	}
	if len(s.Options) > 0 && (s.Flags.Has(packet.FlagSYN) || c.place == placeEmbryo) {
		a.multipath(c, s)
	}
	if c.sights > 0 && !f.response && len(s.Payload) > 0 && !c.ignored && a.rewritten(c, s) {
		a.ignore(c)
	}
	if c.ignored {
		a.overhear(c, f, other, s)
		return
	}
	if s.Flags.Has(packet.FlagRST) {
		a.reset(c, f, other, s)
		a.reclaim(c)
		return
	}
	if c.cut && f.revives(s) {
		c.cut = false
		a.move(c, placeActive)
	}
	if s.Flags.Has(packet.FlagACK) {
		a.acknowledge(c, other, sequence(s.Ack))
	}
	if !f.silent {
		a.receive(c, f, s)
		if !c.req.runs() || !c.rsp.runs() {
			a.settle(c)
		}
	}
	a.reclaim(c)
}

// Tick says that packet time has reached now, and hands over what is complete.
func (a *Assembler) Tick(now int64) {
	a.see(now)
	if a.now >= a.sweep {
		a.due()
	}
	a.out.flush()
}

// see moves the clock, which never goes back: a stepped system clock delays
// timeouts and does no other harm.
func (a *Assembler) see(now int64) {
	if now <= a.now {
		return
	}
	a.now = now
	if a.sweep == 0 {
		a.blind = now
	}
	if now >= a.sweep {
		a.expire()
	}
}

// due gives up the holes that are due by the clock, and makes the ledger visible.
func (a *Assembler) due() {
	a.sweep = a.now + int64(sweepGrain)
	for w := waitHole; w < waitKinds; w++ {
		a.expireWaits(w)
	}
	a.publish()
	a.notice.Look(a.now)
}

// Finish resolves what is left when the source has ended. The ledger is complete
// then, and the reader not yet told of the end.
func (a *Assembler) Finish() {
	for _, l := range []*list[conn]{&a.embryos, &a.active} {
		for c := l.oldest(); c != nil; c = l.oldest() {
			a.finish(c, LostIncomplete)
			a.forget(c)
		}
	}
	for c := a.closing.oldest(); c != nil; c = a.closing.oldest() {
		a.forget(c)
	}
	a.publish()
}

// End finishes, and tells the reader that there is no more.
func (a *Assembler) End() {
	a.Finish()
	a.out.end()
}

// Flush hands over the messages that are complete.
func (a *Assembler) Flush() { a.out.flush() }

// publish makes the ledger visible to Stats.
func (a *Assembler) publish() {
	a.stats.Open = a.stats.Starts - a.stats.Emitted() - a.stats.Interim - a.stats.LostSum()
	a.stats.Live = uint64(len(a.conns))
	a.stats.Buffered = uint64(a.pool.used)
	a.mu.Lock()
	a.published = a.stats
	a.mu.Unlock()
}

// Snapshot returns the ledger as it was published last.
func (a *Assembler) Snapshot() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.published
}

// acknowledge notes that the receiver of f has all bytes before ack: a hole
// before it will not be closed by a retransmission.
func (a *Assembler) acknowledge(c *conn, f *flow, ack sequence) {
	if f.begun.set {
		a.follow(f, ack)
	}
	if f.answered {
		if n := ack.minus(f.acked); n <= 0 || n > maxAhead {
			return
		}
	}
	if f.mode != modeUnseen && !f.silent {
		if n := ack.minus(f.next); n > maxAhead || n < -maxAhead {
			return
		}
	}
	f.acked, f.answered = ack, true
	if f.h != nil || a.short(f) > 0 {
		a.updateLists(c, f)
	}
}
