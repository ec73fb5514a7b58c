package link

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/outbound"
	"github.com/buger/gor/internal/stats"
)

// A Source is where a Sender gets its messages.
type Source interface {
	// Take waits for messages and puts as many as there are into dst. It
	// returns zero when cancel is closed, and more false when no message will
	// ever come again; with an empty dst it only says the latter. A message is
	// the sender's until Release.
	Take(dst [][]byte, cancel <-chan struct{}) (n int, more bool)

	// Release ends the sender's use of the n oldest messages that it took.
	Release(n int)
}

// SenderConfig says where a Sender sends to. Dial is required.
type SenderConfig struct {
	// Dial opens a connection to the receiver.
	Dial func(ctx context.Context) (net.Conn, error)

	// TLS, unless nil, gives the configuration for each new connection, which
	// is the connection's own.
	TLS func() *tls.Config

	// Plain says when the plain stream may be spoken.
	Plain Plain

	// Peer is what is known of the receiver; nil for nothing, and for a
	// sender that is the only one to it.
	Peer *Peer

	// AnswerWait is how long a receiver has for its answer before it is taken
	// for one that knows only the plain stream; zero means a second, and
	// three with TLS. SilenceWait is the same for one that has to answer,
	// before another connection is tried; zero means ten seconds.
	AnswerWait, SilenceWait time.Duration

	// SilentHint is said of a receiver that has never answered.
	SilentHint string

	// ForeignHint says what to do about something else that answers in place of
	// a receiver; nil is nothing.
	ForeignHint func(*ForeignError) string

	// Changed is called when Connected or Tried may say something else than
	// before. It must not wait. nil is nobody.
	Changed func()

	// Trial is how long a plain connection has to last until its receiver
	// counts as alive; zero means ten seconds.
	Trial time.Duration

	// WindowBytes and WindowCount bound the messages that are sent and not
	// yet acknowledged; a message larger than the bytes is sent alone. Zero
	// means 8 MiB and 16384: more than one acknowledgment's delay of traffic.
	WindowBytes, WindowCount int

	// Compress has messages compressed for receivers that can take them so.
	Compress bool

	// Resume, unless zero, is what Stop returned to the sender whose messages,
	// ResumeCount of them, the source gives first.
	Resume      Mark
	ResumeCount int

	// Logf is told of changes of the link's state; nil for nobody.
	Logf func(format string, args ...any)
}

const (
	defaultAnswerWait  = time.Second
	defaultTLSWait     = 3 * time.Second
	defaultWindowBytes = 8 << 20
	defaultWindowCount = 16 << 10

	dialTimeout = 10 * time.Second
)

// A Sender takes messages from a Source and sends them over one connection at
// a time, which it opens again for ever. Its methods are safe for concurrent
// use.
type Sender struct {
	cfg    SenderConfig
	src    Source
	ctx    context.Context
	cancel context.CancelFunc
	ended  chan struct{} // run has returned

	mu        sync.Mutex
	id        Identity
	secret    secret // of id
	resumed   uint64 // number of the first message that no earlier sender can have sent
	connected bool
	window    window
	open      bool // the source may have more
	counts    [fates]uint64
	lived     bool // the receiver of the plain stream has shown life, and nothing else has answered since
	suspicion int  // connections in a row that broke before there was life, or had the answer of a stranger
	held      held

	peer  *Peer
	tried atomic.Bool // an attempt to connect has ended
	met   atomic.Bool // a receiver was connected to
	trial atomic.Bool // a plain connection waits for its receiver to show life
}

// NewSender returns a Sender that is at work.
func NewSender(cfg SenderConfig, src Source) *Sender {
	if cfg.AnswerWait <= 0 {
		cfg.AnswerWait = defaultAnswerWait
		if cfg.TLS != nil {
			cfg.AnswerWait = defaultTLSWait
		}
	}
	if cfg.SilenceWait <= 0 {
		cfg.SilenceWait = defaultSilenceWait
	}
	if cfg.Trial <= 0 {
		cfg.Trial = defaultTrial
	}
	if cfg.Peer == nil {
		cfg.Peer = &Peer{}
	}
	if cfg.WindowBytes <= 0 {
		cfg.WindowBytes = defaultWindowBytes
	}
	if cfg.WindowCount <= 0 {
		cfg.WindowCount = defaultWindowCount
	}
	if cfg.Logf == nil {
		cfg.Logf = func(string, ...any) {}
	}
	if cfg.Changed == nil {
		cfg.Changed = func() {}
	}
	s := &Sender{cfg: cfg, src: src, peer: cfg.Peer, id: cfg.Resume.Identity, open: true, ended: make(chan struct{})}
	if s.window.first = cfg.Resume.Number; s.window.first == 0 {
		s.id, s.secret, s.window.first = newIdentity(), newSecret(), 1
	} else if had, err := parseSecret(cfg.Resume.Secret); err == nil {
		s.secret = had
	}
	s.resumed = s.window.first + uint64(cfg.ResumeCount)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	go s.run()
	return s
}

func newIdentity() (id Identity) {
	rand.Read(id[:]) // never fails
	return id
}

// Done is closed when the source has ended and all of it is delivered, or
// after Close.
func (s *Sender) Done() <-chan struct{} { return s.ended }

// Connected reports whether there is a connection to the receiver.
func (s *Sender) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.connected
}

// Tried reports whether an attempt to connect has ended, so that there being no
// connection means that there is no receiver.
func (s *Sender) Tried() bool { return s.tried.Load() }

// Reached reports whether there was ever a connection to the receiver.
func (s *Sender) Reached() bool { return s.met.Load() }

// Acknowledged reports whether the receiver has shown that it acknowledges
// messages.
func (s *Sender) Acknowledged() bool { return s.peer.acknowledges.Load() }

// OnTrial reports whether a plain connection waits for its receiver to show
// life: nothing more is sent meanwhile, which is not a reason to give it up.
func (s *Sender) OnTrial() bool { return s.trial.Load() }

// Counts gives the fate of the messages that were released before Close:
// delivered means settled by the receiver, or on the plain stream taken by its
// system.
func (s *Sender) Counts() []stats.Count {
	s.mu.Lock()
	defer s.mu.Unlock()
	return []stats.Count{
		{Name: "delivered", Kind: stats.Delivered, N: s.counts[delivered]},
		{Name: "failed: larger than the receiver's limit", Kind: stats.Unfit, N: s.counts[tooLarge]},
		{Name: "failed: malformed", Kind: stats.Unfit, N: s.counts[malformed]},
		{Name: "failed: holds the record separator, which the plain link cannot carry", Kind: stats.Unfit, N: s.counts[separated]},
		{Name: "failed: a plain connection broke that held it", Kind: stats.Failed, N: s.counts[broken]},
	}
}

// Errors that end a connection and need no words, or other ones.
var (
	errFinished    = errors.New("all is delivered")
	errLateAnswer  = errors.New("its answer came late")
	errUncertain   = errors.New("the connection broke before the receiver had shown life")
	errSilent      = errors.New("it does not answer any more")
	errForeign     = errors.New("it acknowledges messages that were never sent")
	errNumberTaken = errors.New("it knows later messages of this sender")
)

// run connects again and again.
func (s *Sender) run() {
	defer close(s.ended)
	var backoff outbound.Backoff
	var trouble trouble
	for s.ctx.Err() == nil {
		progressed, err := s.attempt(&trouble)
		if s.tried.CompareAndSwap(false, true) {
			s.cfg.Changed()
		}
		if errors.Is(err, errFinished) || s.ctx.Err() != nil {
			return
		}
		if s.nothingLeft() {
			if s.broke() { // nobody tries again
				s.cfg.Logf("%v", s.hinted(err))
			}
			return
		}
		trouble.note(s.cfg.Logf, s.hinted(err))
		if errors.Is(err, errNumberTaken) { // what was held is released by then
			s.mu.Lock()
			s.id, s.secret = newIdentity(), newSecret()
			s.mu.Unlock()
		}
		if progressed || errors.Is(err, errLateAnswer) {
			backoff.Reset()
		}
		if !backoff.Wait(s.ctx, nil) {
			return
		}
	}
}

// broke reports whether messages were lost with a plain connection.
func (s *Sender) broke() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[broken] > 0
}

// nothingLeft reports whether a new connection would have nothing to do.
func (s *Sender) nothingLeft() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.window.count > 0 {
		return false
	}
	_, more := s.src.Take(nil, nil)
	return !more
}

// attempt opens one connection and uses it until it ends. It reports whether
// a message was delivered.
func (s *Sender) attempt(t *trouble) (progressed bool, err error) {
	ctx, cancel := context.WithTimeout(s.ctx, dialTimeout)
	defer cancel()
	conn, err := s.cfg.Dial(ctx)
	if err != nil {
		return false, fmt.Errorf("cannot connect: %w", err)
	}
	raw := conn
	var counted *countedConn
	if s.cfg.TLS != nil {
		counted = &countedConn{Conn: raw}
		if conn, err = startTLS(ctx, counted, s.cfg.TLS()); err != nil {
			return false, err
		}
	}
	before := s.progress()
	s.setConnected(true)
	err = s.serve(conn, raw, counted, t)
	s.setConnected(false)
	return s.progress() > before, err
}

func (s *Sender) setConnected(yes bool) {
	s.mu.Lock()
	s.connected = yes
	if yes {
		s.met.Store(true)
	}
	s.mu.Unlock()
	s.cfg.Changed()
}

// progress is a number that grows with every message that leaves the window.
func (s *Sender) progress() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.window.first
}

// release takes the messages up to number off the window. Call it without the
// lock.
func (s *Sender) release(number uint64) {
	s.mu.Lock()
	n := 0
	for s.window.count > 0 && s.window.first <= number {
		s.counts[s.window.pop().fate]++
		n++
	}
	s.mu.Unlock()
	if n > 0 {
		s.src.Release(n)
	}
}
