package rawsocket

import (
	"errors"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/buger/gor/raw_socket_listener/assemble"
	"github.com/buger/gor/raw_socket_listener/filter"
	"github.com/buger/gor/raw_socket_listener/source"
)

// Config says what to capture and how much it may cost. Zero values are
// replaced by defaults.
type Config struct {
	Address       Address
	TrackResponse bool          // give responses too
	RequestsAlone bool          // are of use too: nobody needs to be told when there are no responses
	RingBytes     int           // bytes of all packet rings together
	Rings         int           // how many share the packets of live capture, each with a thread; one for files and tunnels
	VXLANPort     int           // receive from a VXLAN tunnel at this UDP port, not from interfaces; 0 does not
	VNIs          []int         // of the tunnel: the networks listed, or all but those listed below zero
	Tunnels       bool          // look into tunnels and second VLAN tags on interfaces too; a file's are always looked into
	BlockTimeout  time.Duration // how long the kernel may hold a packet back
	Promisc       bool          // see what is addressed to other hosts, on the named interfaces
	Filter        *Filter       // what packets have to match beside Address; nil for all
	Stdin         io.Reader     // what the address "-" reads; its Close, or the kernel when it is a file, must end a Read

	// Expire is how long, in packet time, a hole in a stream is waited for of
	// which its sender has probably heard, until what lies behind it is used
	// without it, and all holes when it is longer than TCP takes to send again
	// (see package assemble); and how long a response waits for its request
	// to be complete.
	Expire time.Duration

	MaxMessage  int // bytes; longer messages are lost, and the next one is whole
	MaxBuffered int // bytes of all torn messages, early segments and connections; one message is admitted beyond it
	MaxConns    int // connections known at the same time

	// Binary takes what each side sends until it hears from the other for a
	// message, whatever it is, and not HTTP. One that is longer than MaxMessage
	// is given in several.
	Binary bool

	// AllowIncomplete also gives messages with missing bytes, without
	// those bytes, unless their head is not whole.
	AllowIncomplete bool

	VLANTagged bool     // only frames with a VLAN tag
	VLANs      []int    // only frames of these VLANs, by their outermost tag
	Ignore     []string // interfaces, or patterns of their names, whose packets are left out when all are captured, or those of a pattern

	// Exclude is asked once for each connection, when its client sends the first
	// data that is seen, and refuses it with true.
	// src is the client. Nil refuses none.
	Exclude func(src, dst netip.AddrPort) bool

	// Sights is what all captures of this process share that may see the same
	// connections: each is then taken by one of them. Nil: there are no others.
	Sights *Sights

	// Yield is called between two pieces of work, by live capture and by Next when
	// they are not behind: it may let another program have the core, such as the
	// server whose traffic is captured. Nil does not.
	Yield func()

	// Logf takes lines for people, each once. Nil discards them.
	Logf func(format string, args ...any)
}

func (c Config) withDefaults() Config {
	a := c.assembling().WithDefaults()
	c.Expire, c.MaxMessage, c.MaxBuffered, c.MaxConns = a.Expire, a.MaxMessage, a.MaxBuffered, a.MaxConns
	if c.Logf == nil {
		c.Logf = func(string, ...any) {}
	}
	return c
}

// assembling is what the assemblers need of it.
func (c Config) assembling() assemble.Config {
	return assemble.Config{
		Address: c.Address, TrackResponse: c.TrackResponse, Expire: c.Expire,
		MaxMessage: c.MaxMessage, MaxBuffered: c.MaxBuffered, MaxConns: c.MaxConns,
		Binary: c.Binary, AllowIncomplete: c.AllowIncomplete, Exclude: c.Exclude,
	}
}

// A Listener captures HTTP messages.
type Listener struct {
	parts []part
	hand  *assemble.Handover
	notes *notices
	live  bool

	survey *source.Survey // of a capture file, which has one part

	closing  sync.Once
	closed   atomic.Bool
	closeErr error

	mu  sync.Mutex
	err error // of the first source that failed

	reader *assemble.Reader // of the caller of Next
}

// A part is a source and what makes messages of its segments. Live capture
// has one for each ring, which do not know of each other: the kernel gives
// both directions of a connection to the same.
type part struct {
	src source.Source
	asm *assemble.Assembler
}

// Listen begins to capture. What the interfaces see from now on is not
// missed, as long as Next is called quickly enough.
func Listen(c Config) (*Listener, error) {
	c = c.withDefaults()
	l := newListener(c.Address.Live())
	if !l.live {
		l.survey = source.NewFileSurvey(c.Address, c.Binary)
	}
	flush := func() {} // of the writer, once there is one
	expression, err := c.Filter.Resolve()
	if err != nil {
		return nil, err
	}
	sources, err := source.Open(source.Config{
		Address: c.Address, TrackResponse: c.TrackResponse, RingBytes: c.RingBytes,
		BlockTimeout: c.BlockTimeout, Promisc: c.Promisc, Tunnels: c.Tunnels, Filter: expression, Stdin: c.Stdin, BeforeRead: func() { flush() },
		VXLANPort: c.VXLANPort, VNIs: c.VNIs, Acks: c.Binary,
		VLANs: filter.VLANs{Tagged: c.VLANTagged, IDs: c.VLANs}, IgnoredInterfaces: c.Ignore,
		Survey: l.survey, Yield: c.Yield,
	}, c.Rings)
	if err != nil {
		return nil, err
	}
	l.add(c, sources)
	flush = l.parts[0].asm.Flush
	if c.Address.Live() {
		l.reader.Yield = c.Yield
	}
	l.start()
	return l, nil
}

func newListener(live bool) *Listener {
	l := &Listener{live: live, hand: assemble.NewHandover(assemble.HandoverBytes)}
	l.reader = assemble.NewReader(l.hand)
	return l
}

// add makes a part of each source. Together they keep to the bounds of c.
func (l *Listener) add(c Config, sources []source.Source) {
	c.MaxBuffered /= len(sources)
	c.MaxConns = max(1, c.MaxConns/len(sources))
	l.notes = newNotices(c, l.Stats)
	seen := c.Sights
	if seen == nil || !l.live { // files are not read at the same time
		seen = &assemble.Sights{}
	}
	assembling := c.assembling()
	assembling.Capture = seen.Join()
	for _, src := range sources {
		nearlyFull := src.NearlyFull
		if !l.live {
			nearlyFull = nil
		}
		l.parts = append(l.parts, part{src, assemble.New(assembling, assemble.NewWriter(l.hand, nearlyFull), l.notes, seen)})
	}
}

func (l *Listener) start() {
	for _, p := range l.parts {
		go func() {
			err := p.src.Run(p.asm)
			p.asm.Finish()
			if err == nil {
				err = l.nothing()
			}
			if err != nil {
				l.fail(err)
			}
			l.notes.end()
			p.asm.End()
		}()
	}
}

// fail keeps the first source's error, for when Next has given the rest, and
// ends the other sources: part of the traffic is worse than none.
func (l *Listener) fail(err error) {
	l.mu.Lock()
	if l.err == nil {
		l.err = err
	}
	l.mu.Unlock()
	l.Close()
}

// Next returns the next message, which is valid until the call after it. A
// request comes before its response. At the end of a capture file, and after
// Close when all that was complete has been given, the error is io.EOF; if
// the source failed, it is the source's, at the same place, and a *NothingError
// if a capture file was read to its end and held no message. Next is for one
// goroutine.
func (l *Listener) Next() (*Message, error) {
	if m := l.reader.Next(); m != nil {
		return m, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.err
	}
	return nil, io.EOF
}

// Close stops the capture. Next gives what was complete by then, and then
// io.EOF. Close may be called from any goroutine, and more than once.
func (l *Listener) Close() error {
	l.closing.Do(func() {
		l.closed.Store(true)
		var errs []error
		for _, p := range l.parts {
			errs = append(errs, p.src.Close())
		}
		l.closeErr = errors.Join(errs...)
		l.hand.Hurry()
	})
	return l.closeErr
}

// Stats returns the ledger. While the capture runs it is that of the last
// block of packets, and adds up; after the end it is final. It may be called
// at any time from any goroutine.
func (l *Listener) Stats() Stats {
	var sum Stats
	for _, p := range l.parts {
		s := p.asm.Snapshot()
		sum.Stats.Add(&s)
	}
	sum.Source = l.sourceStats()
	return sum
}

func (l *Listener) sourceStats() source.Stats {
	var sum source.Stats
	for _, p := range l.parts {
		s := p.src.Stats()
		sum.Add(&s)
	}
	return sum
}

// Live reports that messages come from interfaces: whoever reads too slowly
// loses some.
func (l *Listener) Live() bool { return l.live }

// String is the address as it was given.
func (l *Listener) String() string { return l.parts[0].src.String() }
