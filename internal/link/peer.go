package link

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/admission"
)

// peer is one connection of a Receiver. What is not said to be shared belongs
// to the goroutine that reads from it.
type peer struct {
	r     *Receiver
	conn  net.Conn  // carries the link; it is tls, if that is there
	raw   net.Conn  // below TLS; conn itself without
	tls   *tls.Conn // nil without TLS
	below *belowTLS // between tls and raw

	session *session      // of an acknowledged link; guarded by r.mu
	ack     chan struct{} // the session has something to acknowledge
	ended   chan struct{} // closed when the connection has ended
	place   *admission.Conn
	leaving chan struct{} // closed when the receiver ends
	over    chan struct{} // closed when nothing more will be lent to Read

	greeted    *session      // that of its hello; nil without one
	framed     bool          // a frame with a message has come; guarded by r.mu
	superseded atomic.Bool   // its sender has opened a newer connection
	token      token         // of its hello
	owes       time.Time     // until when it has to be answered; zero: it need not
	records    uint64        // of the plain stream
	drained    chan struct{} // Read has done with a buffer that was lent

	fill   *buffer // read into
	parsed int     // bytes of fill that are in spans, or skipped
	need   int     // bytes that the record at parsed has at least
	again  bool    // the record at parsed is whole and waits for the ones before it
	full   bool    // the last read filled its buffer
	away   *buffer // lent to Read
	smalls [2]*buffer

	started time.Time // when the connection was accepted
	since   time.Time // when the record at parsed began
	strange bool      // it began unlike a sender
	version int       // of the link that was agreed on

	parse   func() (need int, err error)
	scanned int    // bytes behind parsed without a separator
	highest uint64 // number that was received from this sender
	expect  uint64 // next number on this connection; 0: none came yet
}

// errClosing ends a reader when the receiver closes.
var errClosing = errors.New("closing")

// errSuperseded ends the reader of a connection whose sender has opened a new
// one.
var errSuperseded = errors.New("superseded by a new connection")

func newPeer(r *Receiver, conn net.Conn) *peer {
	p := &peer{
		r:       r,
		conn:    conn,
		raw:     conn,
		ack:     make(chan struct{}, 1),
		ended:   make(chan struct{}),
		leaving: make(chan struct{}),
		over:    make(chan struct{}),
		drained: make(chan struct{}, 2),
		started: time.Now(),
	}
	p.parse = p.parseFirst
	p.scanned = -1 // see isFirst
	if r.cfg.TLS != nil {
		p.secure(r.cfg.TLS())
	}
	return p
}

// run is the goroutine that reads from the connection.
func (p *peer) run() {
	p.fill = p.small()
	err := p.handshake()
	failed := err != nil
	if !failed {
		err = p.receive()
	}
	if what, _ := stranger(p.fill.bytes[p.parsed:p.fill.n]); p.strange && what == httpWords && !errors.Is(err, errClosing) {
		p.sayRefused(httpRefusal())
		failed = true // lastWords: what it still sends would reset the connection before it has read that
	}
	p.concludeGreeted()
	close(p.over)
	p.release(p.fill)
	p.fill = nil
	if errors.Is(err, errClosing) {
		return // the connection stays, for the last acknowledgment
	}
	p.r.report(p, err)
	close(p.ended)
	if failed {
		p.lastWords()
	}
	p.conn.Close()
	p.r.mu.Lock()
	if p.session != nil && p.session.peer == p {
		p.session.peer = nil
	}
	p.r.mu.Unlock()
	p.takeBack() // its place is taken while Read holds a buffer of it
	p.place.Leave()
	p.r.mu.Lock()
	delete(p.r.peers, p)
	p.r.mu.Unlock()
	p.r.signal(p.r.left)
}

// stopReading makes the reader end. It may be called by any goroutine, after
// closing is closed.
func (p *peer) stopReading() {
	p.raw.SetReadDeadline(time.Unix(1, 0))
	if p.tls != nil {
		// Its reader may be writing: an answer that TLS itself demands.
		p.raw.SetWriteDeadline(time.Now().Add(leaveTime))
	}
}

// receive reads until the connection ends, and says why it did.
func (p *peer) receive() error {
	for {
		err := error(nil)
		if !p.again {
			err = p.readSome()
		}
		p.again = false
		switch {
		case errors.Is(err, io.EOF) && p.fill.n > p.parsed:
			return p.unfinished()
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		before := p.parsed
		need, perr := p.parse()
		if p.parsed > before {
			p.since = time.Now()
		}
		p.need = need
		if err := p.turn(); perr == nil {
			perr = err
		}
		if perr != nil {
			return perr
		}
	}
}

// unfinished is what is wrong with a connection that ends, or stalls, inside a
// record.
func (p *peer) unfinished() error {
	if p.strange {
		what, _ := stranger(p.fill.bytes[p.parsed:p.fill.n])
		return refuse(countRefused, "it sends %s", what)
	}
	if p.session != nil {
		return nil // its sender sends it again
	}
	return io.ErrUnexpectedEOF
}

// readSome reads once. It returns io.EOF at the end, and errClosing when the
// receiver closes.
func (p *peer) readSome() error {
	f := p.fill
	for {
		deadline := p.deadline()
		p.conn.SetReadDeadline(deadline)
		select {
		case <-p.r.closing:
			return errClosing
		default:
		}
		if p.superseded.Load() {
			p.conn.SetReadDeadline(time.Now().Add(supersededWait))
		} else if !p.owes.IsZero() {
			p.conn.SetReadDeadline(p.owesUntil(time.Now()))
		}
		room := f.bytes[f.n:]
		if f.cost > 0 && p.need > 0 && p.r.large.contended() && p.parsed+p.need > f.n {
			// Others wait: end with this record, and hand the buffer on.
			room = f.bytes[f.n:min(p.parsed+p.need, len(f.bytes))]
		}
		n, err := p.conn.Read(room)
		f.n += n
		p.full = n == len(room) || p.tls != nil && n >= smallBuffer // a record of TLS has 16 KiB at most
		switch {
		case n > 0:
			now := time.Now()
			p.place.Active(now)
			if f.n-n == p.parsed {
				p.since = now
			}
			return nil
		case err == nil:
			continue
		case errors.Is(err, io.EOF):
			return io.EOF
		case p.tls != nil && !isEnd(err) && !errors.Is(err, os.ErrDeadlineExceeded):
			return refuse(countTLS, "TLS: %v", err)
		case !errors.Is(err, os.ErrDeadlineExceeded):
			// Reset by a peer that is gone: as good as its end.
			return io.EOF
		}
		select {
		case <-p.r.closing:
			return errClosing
		default:
		}
		if p.superseded.Load() {
			return io.EOF // what its sender wrote would be here by now
		}
		if !p.owes.IsZero() {
			p.payAnswer()
			continue
		}
		if err := p.expired(time.Now()); err != nil {
			return err
		}
		f = p.fill
	}
}
