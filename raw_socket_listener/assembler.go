package rawsocket

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/buger/gor/internal/http1"
)

// Times of the life of a connection.
const (
	// idleTimeout is how long a connection may carry nothing until it is
	// forgotten, and with it a message that has begun: above what servers and
	// proxies keep idle connections for, and what they wait for a stalled
	// upload. Memory that is needed is taken back sooner.
	idleTimeout = 5 * time.Minute
	// lingerTime is how long a connection that is over stays known, so that a
	// late copy of one of its segments is not taken for a new connection.
	lingerTime = 2 * time.Second
	// reorderGrace is how long a hole that the receiver acknowledged may still
	// be closed by a packet that another CPU's queue delayed.
	reorderGrace = 50 * time.Millisecond
	// sweepGrain is how often the timeouts are looked at.
	sweepGrain = 10 * time.Millisecond
	// touchGrain is how exactly the order of idle connections is kept.
	touchGrain = 100 * time.Millisecond
)

// Distances in sequence numbers.
const (
	// staleReach is how far back a late copy may lie: beyond it, the segment
	// belongs to another connection between the same ports whose SYN was not
	// seen. No receive window in use is larger.
	staleReach = 64 << 20
	// reuseReach is how far before the first data, or behind the end, a
	// segment may lie and still belong to the connection.
	reuseReach = 1 << 20
	// resetReach is how far ahead a RST may lie, as far as data can.
	resetReach = 16 << 20
)

// An assembler makes messages of segments. It is a sink: one goroutine calls
// it, and all but published belongs to that goroutine.
type assembler struct {
	cfg Config
	out *writer
	pool

	now   int64 // the highest time seen, ns since 1970
	blind int64 // since then, connections that carry something are known
	sweep int64 // when to look at the timeouts again

	conns                    map[key]*conn
	embryos, active, closing list[conn] // by when they carried something last
	freeConns                []*conn
	pendingBytes             int // of all conn.pending

	waiting, acked list[half] // by when their wait began
	holders        list[half] // by when they took memory last
	largest        *half      // of those that were served while memory was short
	freeHalves     []*half
	freePieces     *piece

	begins mode // of a direction that is seen from its first byte

	stats  Stats
	notice *notices

	mu        sync.Mutex
	published Stats
}

// newAssembler takes a Config whose defaults are filled in.
func newAssembler(cfg Config, out *writer, notice *notices) *assembler {
	a := &assembler{cfg: cfg, out: out, notice: notice, conns: make(map[key]*conn)}
	a.pool.limit = cfg.MaxBuffered
	a.begins = modeFraming
	if cfg.Binary {
		a.begins = modeTurns
	}
	return a
}

// segment implements sink.
func (a *assembler) segment(s *Segment) {
	a.stats.Segments++
	a.advance(s.Time)
	k, fromLow := keyOf(s)
	c := a.conns[k]
	if c != nil && c.reused(fromLow, s) {
		a.stats.Reused++
		a.finish(c, LostClosed)
		a.forget(c)
		c = nil
	}
	if c == nil {
		if c = a.admit(k, fromLow, s); c == nil {
			return
		}
	}
	a.touch(c)
	if c.ignored {
		if s.Flags.Has(FlagFIN | FlagRST) {
			a.move(c, placeClosing)
		}
		return
	}
	f, other := &c.req, &c.rsp
	if fromLow != c.clientLow {
		f, other = other, f
	}
	if s.Flags.Has(FlagACK) {
		a.acknowledge(other, sequence(s.Ack))
	}
	switch {
	case s.Flags.Has(FlagRST):
		a.reset(c, f, s)
	case !f.response || a.cfg.TrackResponse:
		a.receive(c, f, s)
		a.settle(c)
	}
	a.reclaim(c)
}

// tick implements sink.
func (a *assembler) tick(now int64) {
	a.advance(now)
	a.out.flush()
}

// advance moves the clock, which never goes back: a stepped system clock
// delays timeouts and does no other harm.
func (a *assembler) advance(now int64) {
	if now <= a.now {
		return
	}
	a.now = now
	if now < a.sweep {
		return
	}
	if a.sweep == 0 {
		a.blind = now
	}
	a.sweep = now + int64(sweepGrain)
	a.expire()
	a.publish()
	a.notice.look(now)
}

// end resolves what is left when the source has ended.
func (a *assembler) end() {
	for _, l := range []*list[conn]{&a.embryos, &a.active} {
		for c := l.oldest(); c != nil; c = l.oldest() {
			a.finish(c, LostIncomplete)
			a.forget(c)
		}
	}
	a.publish()
	a.out.end()
}

// publish makes the ledger visible to Stats.
func (a *assembler) publish() {
	a.stats.Open = a.stats.Starts - a.stats.Emitted() - a.stats.Interim - a.stats.LostSum()
	a.stats.Live = uint64(len(a.conns))
	a.stats.Buffered = uint64(a.pool.used)
	a.mu.Lock()
	a.published = a.stats
	a.mu.Unlock()
}

// snapshot returns the ledger as it was published last.
func (a *assembler) snapshot() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.published
}

// admit makes a connection of the first segment that is seen of it, nil when
// the segment is of no use.
func (a *assembler) admit(k key, fromLow bool, s *Segment) *conn {
	if s.Flags.Has(FlagRST) {
		return nil
	}
	// A single byte on a connection that nothing is known of is a keep-alive
	// probe; what it carries has been received before.
	if !s.Flags.Has(FlagSYN) && len(s.Payload)+s.Missing <= 1 {
		return nil
	}
	fromClient, known := a.direction(s)
	if !known {
		return nil
	}
	if !fromClient && !a.cfg.TrackResponse {
		return nil
	}
	for len(a.conns) >= a.cfg.MaxConns {
		a.evict()
	}
	c := a.newConn()
	c.key, c.clientLow = k, fromClient == fromLow
	c.id, c.seen = rand.Uint64(), a.now
	c.rsp.response = true
	a.conns[k] = c
	a.move(c, placeEmbryo)
	a.stats.Connections++
	if !s.Flags.Has(FlagSYN) {
		a.stats.Joined++
		c.unsure = true
	}
	if a.cfg.Exclude != nil && a.cfg.Exclude(c.ends()) {
		a.stats.Excluded++
		c.ignored = true
	}
	return c
}

// direction says whether s comes from the client. Where the address leaves it
// open, the handshake tells, or what the segment begins with.
func (a *assembler) direction(s *Segment) (fromClient, known bool) {
	toServer, fromServer := a.cfg.Address.Match(s.Src, s.Dst)
	if toServer != fromServer {
		return toServer, true
	}
	switch {
	case !toServer && len(a.cfg.Address.Ports) > 0:
		a.stats.Unmatched++
		return false, false
	case s.Flags.Has(FlagSYN):
		fromClient = !s.Flags.Has(FlagACK)
	case a.cfg.Binary:
		a.stats.Undirected++
		return false, false
	case http1.LooksLikeHead(s.Payload, false):
		fromClient = true
	case http1.LooksLikeHead(s.Payload, true):
	default:
		a.stats.Undirected++
		return false, false
	}
	server := s.Src
	if fromClient {
		server = s.Dst
	}
	if !a.cfg.Address.server(server) {
		a.stats.Unmatched++
		return false, false
	}
	return fromClient, true
}

// reused reports whether s belongs to a later connection between the same
// ports than c.
func (c *conn) reused(fromLow bool, s *Segment) bool {
	if c.ignored && !s.Flags.Has(FlagSYN) {
		return false
	}
	f, other := &c.req, &c.rsp
	if fromLow != c.clientLow {
		f, other = other, f
	}
	seq := sequence(s.Seq)
	if s.Flags.Has(FlagSYN) {
		if s.Flags.Has(FlagACK) && other.mode != modeUnseen {
			if n := sequence(s.Ack).minus(other.first); n < 0 || n > reuseReach {
				return true
			}
		}
		if f.mode == modeUnseen {
			return false
		}
		n := f.first.minus(seq + 1)
		return n != 0 && (f.syn || n < 0 || n > reuseReach)
	}
	if f.mode == modeUnseen || len(s.Payload) == 0 {
		return false
	}
	n := seq.minus(f.next)
	return n < -staleReach || c.place == placeClosing && n > reuseReach
}

// acknowledge notes that the receiver of f has all bytes before ack: a hole
// before it will not be closed by a retransmission.
func (a *assembler) acknowledge(f *flow, ack sequence) {
	if !f.answered || f.acked.before(ack) {
		f.acked, f.answered = ack, true
	}
	h := f.h
	if h == nil || h.early || f.parked || h.store.empty() || !h.wait.listed() || ack.before(h.store.first.seq) {
		return
	}
	a.waiting.remove(&h.wait)
	a.acked.push(&h.wait, h)
	h.early, h.since = true, a.now
}

// reset ends the connection if the RST can be one of it (RFC 9293 section
// 3.10.7.4): a stray one from an earlier connection must not.
func (a *assembler) reset(c *conn, f *flow, s *Segment) {
	if f.mode != modeUnseen {
		if n := sequence(s.Seq).minus(f.next); n < -1 || n > resetReach {
			return
		}
	}
	a.finish(c, LostClosed)
	a.move(c, placeClosing)
}
