package link

import (
	"bytes"
	"time"

	"github.com/buger/gor/internal/payload"
)

const (
	// supersededWait is how long a connection may say nothing whose sender has
	// opened a newer one. A sender has one connection at a time: what it wrote
	// on the older one is in flight, or lost.
	supersededWait = 2 * time.Second

	// A sender that went on with the plain stream is answered when nothing
	// has come for quietBeforeAnswer, and at the latest after answerWithin.
	quietBeforeAnswer = 20 * time.Millisecond
	answerWithin      = time.Second

	// answerStall is how long a sender may not take the answer to its hello.
	answerStall = 10 * time.Second
)

func (p *peer) parseHello(b []byte) (need int, err error) {
	i := bytes.Index(b[:min(len(b), maxHello)], []byte(payload.Separator)) // however it was split
	if i < 0 && len(b) < maxHello {
		return len(b) + 1, nil
	}
	if i < 0 {
		return 0, refuse(countRefused, "its hello has no end")
	}
	line, body, _ := bytes.Cut(b[:i], []byte{'\n'})
	id, v, err := parseHello(line)
	if err != nil {
		return 0, refuse(countRefused, "its hello is malformed")
	}
	p.parsed += i + len(payload.Separator)
	p.scanned = 0
	var shown proof
	shown.token, shown.shown = parseToken(body)
	if p.tls != nil {
		if certs := p.tls.ConnectionState().PeerCertificates; len(certs) > 0 {
			shown.subject = string(certs[0].RawSubject)
		}
	}
	if err := p.greet(id, v, shown); err != nil {
		return 0, err
	}
	if rest := p.fill.bytes[p.parsed:p.fill.n]; len(rest) > 0 && plainStart(rest) {
		// It has waited for its answer in vain. Should it have closed the
		// connection meanwhile, then an answer would have its system reset
		// the connection, which destroys what is not read yet: that first.
		p.stopAcks()
		p.owes = time.Now().Add(answerWithin)
		p.parse = p.parsePlain
		return p.parsePlain()
	}
	p.parse = p.parseFrames
	if p.answer() {
		p.r.writers.Go(p.writeAcks)
	}
	return p.parseFrames()
}

// greet takes the sender's session over from an older connection. It returns
// when that one gives no more messages: their order would be lost otherwise.
func (p *peer) greet(id Identity, v int, shown proof) error {
	r := p.r
	r.mu.Lock()
	s := r.sessions.get(id)
	if !s.belongs(shown) {
		r.mu.Unlock()
		return refuse(countForged, "it shows the identity of another sender")
	}
	before := s.last
	s.peer, s.last = p, p
	p.session, p.greeted, p.token = s, s, shown.token
	p.version = min(v, version)
	numbered := before != nil && before.framed
	r.mu.Unlock()
	switch {
	case before == nil:
	case numbered:
		before.superseded.Store(true)
		before.raw.Close() // what was not read from it comes again
	default:
		// What was not read from it may be plain records.
		before.superseded.Store(true)
		before.raw.SetReadDeadline(time.Now().Add(supersededWait))
		select {
		case <-before.over:
		case <-r.closing:
			p.stopAcks() // it has none to wait for
			return errClosing
		}
	}
	r.mu.Lock()
	p.highest = s.received
	r.mu.Unlock()
	return nil
}

// answer tells the sender where its session stands. A sender that has opened a
// newer connection is told there. It reports whether the answer was written; if
// not, the read that follows finds the end.
func (p *peer) answer() bool {
	if p.superseded.Load() {
		return false
	}
	p.r.mu.Lock()
	s := p.greeted
	a := answer{
		version:  p.version,
		received: s.received,
		settled:  s.settled,
		limit:    p.r.cfg.Limit + headerRoom,
		plain:    s.plain,
		tells:    true,
	}
	p.r.mu.Unlock()
	p.conn.SetWriteDeadline(time.Now().Add(answerStall))
	_, err := p.conn.Write(a.append(nil))
	return err == nil
}

// owesUntil is when a sender of the plain stream gets its answer, if nothing
// comes from it.
func (p *peer) owesUntil(now time.Time) time.Time {
	return earlier(now.Add(quietBeforeAnswer), p.owes)
}

// payAnswer answers a sender of the plain stream, which then opens another
// connection.
func (p *peer) payAnswer() {
	p.owes = time.Time{}
	p.answer()
}

// stopAcks ends the acknowledgments: a sender of the plain stream may close its
// end at any time, and what we wrote then would have its system reset the
// connection and destroy what we have not read.
func (p *peer) stopAcks() {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	if p.session.peer == p {
		p.session.peer = nil
	}
	p.session = nil
	p.r.signal(p.ack)
}

// concludeGreeted notes what came over a connection that gives no more.
func (p *peer) concludeGreeted() {
	s := p.greeted
	if s == nil {
		return
	}
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	if p.records > 0 {
		s.plain = plainTaken{p.token, p.records}
	}
	if s.last == p {
		s.last = nil
	}
}
