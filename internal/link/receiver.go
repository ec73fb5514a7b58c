package link

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"time"

	"github.com/buger/gor/internal/admission"
	"github.com/buger/gor/internal/stats"
)

// ReceiverConfig says how a Receiver receives.
type ReceiverConfig struct {
	// Limit is the largest message in bytes; required.
	Limit int

	// Settle returns when the messages that Read gave are out of the hands of
	// every output, as far as the Read after them has begun. Nil stands for
	// one that returns at once. It is called by one goroutine.
	Settle func(cancel <-chan struct{}) error

	// TLS, unless nil, gives the configuration for each new connection, which
	// is the connection's own.
	TLS func() *tls.Config

	// Logf is told what happens to connections; nil for nobody.
	Logf func(format string, args ...any)

	// FirstWait is how long a connection may take for its first record; zero
	// means five minutes.
	FirstWait time.Duration

	// HandshakeWait is how long a connection may take for its TLS handshake;
	// zero means ten seconds.
	HandshakeWait time.Duration

	// ContendedTime is how long a record that came in parts may keep memory
	// that others wait for, beside the time that its bytes take at a least
	// rate; zero means two seconds.
	ContendedTime time.Duration

	// MaxConns bounds the connections; zero means 1024.
	MaxConns int

	// IdleLeast is for how long a connection has to have been silent to give
	// way to a new one when there are so many; zero means a minute.
	IdleLeast time.Duration
}

const (
	defaultFirstWait = 5 * time.Minute
	defaultMaxConns  = 1024
	defaultIdleLeast = time.Minute

	// largeMemory is shared by the large buffers of busy connections, and as
	// much again by messages that fit in none.
	largeMemory = 8 << 20

	// closeSettle is how long the end waits for the outputs to settle what
	// was read last: what is not acknowledged then, its senders send again to
	// the next receiver.
	closeSettle = 2 * time.Second
)

// A Receiver accepts connections of senders and gives their messages.
type Receiver struct {
	cfg      ReceiverConfig
	listener net.Listener
	counts   *stats.Reasons
	log      *shortLog
	large    *budget
	big      *budget
	unpacked *budget
	unpacker unpacker

	ready   chan *buffer  // lent to Read; has room for all there can be
	left    chan struct{} // a connection has let go of its buffers
	closing chan struct{}
	once    sync.Once
	readers sync.WaitGroup // accept loop and connections' readers
	writers sync.WaitGroup // connections' writers
	acker   sync.WaitGroup
	finish  sync.Once

	fresh  chan struct{} // Read has done with a message
	urgent chan struct{} // and its sender waits for that
	stop   chan struct{} // ends the acker
	pool   sync.Pool     // of *buffer, large

	table *admission.Table

	mu       sync.Mutex
	sessions sessions
	peers    map[*peer]struct{}
	dirty    []due

	// Of Read's goroutine.
	current *buffer
	last    *session // where the last message came from, if it is numbered
	number  uint64
}

// What a Receiver counts.
const (
	countDamaged = iota
	countTooLarge
	countTorn
	countDuplicate
	countRefused
	countCrowded
	countLate
	countTLS
	countNewer
	countGaveWay
	countForged
)

// NewReceiver returns a Receiver that accepts from listener, which is its own
// from now on.
func NewReceiver(listener net.Listener, cfg ReceiverConfig) *Receiver {
	if cfg.Settle == nil {
		cfg.Settle = func(<-chan struct{}) error { return nil }
	}
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	if cfg.FirstWait <= 0 {
		cfg.FirstWait = defaultFirstWait
	}
	if cfg.HandshakeWait <= 0 {
		cfg.HandshakeWait = handshakeTime
	}
	if cfg.ContendedTime <= 0 {
		cfg.ContendedTime = contendedTime
	}
	if cfg.MaxConns <= 0 {
		cfg.MaxConns = defaultMaxConns
	}
	if cfg.IdleLeast <= 0 {
		cfg.IdleLeast = defaultIdleLeast
	}
	r := &Receiver{
		cfg:      cfg,
		listener: listener,
		counts: stats.NewReasons(stats.List(stats.Note,
			"damaged record",
			"record larger than the limit",
			"record torn by the end of its connection",
			"duplicate, sent again after a reconnect",
			"connection refused: not the link's protocol",
			"connection refused: too many",
			"connection closed: no record in time",
			"connection refused: TLS",
			"record of a newer Gor",
			"connection closed to make room",
			"connection refused: the identity of another sender",
		)),
		log:      &shortLog{logf: cfg.Logf},
		large:    newBudget(largeMemory),
		big:      newBudget(largeMemory),
		unpacked: newBudget(unpackMemory),
		ready:    make(chan *buffer, 2*(cfg.MaxConns+yielding)),
		left:     make(chan struct{}, 1),
		closing:  make(chan struct{}),
		fresh:    make(chan struct{}, 1),
		urgent:   make(chan struct{}, 1),
		stop:     make(chan struct{}),
		sessions: newSessions(),
		peers:    make(map[*peer]struct{}),
		table:    admission.New(cfg.MaxConns, cfg.IdleLeast),
	}
	r.readers.Go(r.accept)
	r.acker.Go(r.acknowledge)
	return r
}

// Counts gives what was lost or passed over before it became a message, and
// the connections that were turned away.
func (r *Receiver) Counts() []stats.Count { return r.counts.Rows() }

// Read gives the next message: header LF payload. It returns io.ErrShortBuffer
// and keeps the message when p is too small, and io.EOF after Close and all
// that was held then. It belongs to one goroutine. Beginning the next Read
// says that the caller has done with the last message.
func (r *Receiver) Read(p []byte) (int, error) {
	r.doneWithLast()
	for {
		b := r.current
		if b == nil {
			var ok bool
			b, ok = <-r.ready
			if !ok {
				r.finish.Do(r.end)
				return 0, io.EOF
			}
			r.current = b
		}
		for b.next < len(b.spans) {
			sp := b.spans[b.next]
			n, err := 0, error(nil)
			if !sp.empty() {
				if n, err = sp.copyTo(p, b.bytes); err != nil {
					return 0, err
				}
			}
			b.next++
			if sp.push {
				r.signal(r.urgent)
			}
			if sp.number > 0 {
				r.last, r.number = b.session, sp.number
			}
			if sp.empty() {
				r.doneWithLast()
				continue
			}
			if b.next == len(b.spans) {
				r.giveBack(b)
			}
			return n, nil
		}
		r.giveBack(b)
	}
}

// giveBack ends Read's use of b. What is large goes back at once, for others:
// its connection may not have more to read for a long time.
func (r *Receiver) giveBack(b *buffer) {
	r.current = nil
	p := b.peer
	if !b.kept {
		p.release(b)
	}
	p.drained <- struct{}{} // has room: one buffer of a peer is lent at a time, two at the end
}

// doneWithLast notes that the last message is done with.
func (r *Receiver) doneWithLast() {
	if r.last == nil {
		return
	}
	r.mu.Lock()
	r.last.done = max(r.last.done, r.number)
	r.markDirty(r.last)
	r.mu.Unlock()
	r.last = nil
	r.signal(r.fresh)
}

func (r *Receiver) signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Close stops receiving. Read then gives what is held and acknowledges it,
// and connections are closed when it has returned io.EOF.
func (r *Receiver) Close() error {
	var err error
	r.once.Do(func() {
		close(r.closing)
		err = r.listener.Close()
		r.mu.Lock()
		for p := range r.peers {
			p.stopReading()
		}
		r.mu.Unlock()
		r.readers.Wait()
		close(r.ready)
	})
	return err
}

// end acknowledges what was read and closes all connections.
func (r *Receiver) end() {
	close(r.stop)
	r.acker.Wait()
	r.mu.Lock()
	for p := range r.peers {
		if p.session != nil {
			close(p.leaving) // its writer closes the connection
		} else {
			p.raw.Close()
		}
	}
	r.mu.Unlock()
	r.writers.Wait()
	r.unpacker.close()
}
