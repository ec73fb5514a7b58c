package link

import (
	"bytes"

	"github.com/buger/gor/internal/payload"
)

// headerRoom is more than the longest header line of a message, in bytes: 512
// and its end. The limit on messages is meant for what follows it.
const headerRoom = 520

// The parsers find records in what is read, from p.parsed on, and append them
// to the buffer's spans. They return how many bytes the record that is not
// whole yet has at least.

// isFirst reports whether no record has come.
func (p *peer) isFirst() bool { return p.scanned < 0 }

// parseFirst finds out what the peer speaks.
func (p *peer) parseFirst() (need int, err error) {
	b := p.fill.bytes[p.parsed:p.fill.n]
	switch {
	case len(b) == 0:
		return 1, nil
	case helloLike(b):
		return p.parseHello(b)
	case plainStart(b):
		line, _, whole := bytes.Cut(b[:min(len(b), headerRoom)], []byte{'\n'})
		if !whole && len(line) < headerRoom {
			return len(b) + 1, nil
		}
		if _, err := payload.ParseMeta(line); err == nil {
			p.scanned = 0
			p.parse = p.parsePlain
			return p.parsePlain()
		}
	}
	what, sure := stranger(b)
	if sure {
		return 0, refuse(countRefused, "it sends %s", what)
	}
	p.strange = true
	return len(b) + 1, nil
}

// parseFrames finds the frames of an acknowledged link.
func (p *peer) parseFrames() (need int, err error) {
	f := p.fill
	for {
		b := f.bytes[p.parsed:f.n]
		if len(b) > 0 && p.expect == 0 && b[0] >= '1' && b[0] <= '9' {
			// The answer came too late: it sends the plain stream.
			p.stopAcks()
			p.parse = p.parsePlain
			return p.parsePlain()
		}
		if len(b) < frameHead {
			return frameHead, nil
		}
		h := parseHead(b)
		most := maxControl
		switch h.kind {
		case kindMessage:
			most = p.r.cfg.Limit + headerRoom
		case kindPacked: // is shorter than what it holds
			most = max(p.r.cfg.Limit+headerRoom, unpackBuffer)
		}
		switch {
		case !p.knows(h.kind) || h.number == 0:
			return 0, refuse(countDamaged, "damaged frame")
		case h.length > most:
			return 0, refuse(countTooLarge, "a message of %d bytes is larger than the limit of %d", h.length, p.r.cfg.Limit)
		case len(b) < frameHead+h.length:
			return frameHead + h.length, nil
		case !h.intact(b):
			return 0, refuse(countDamaged, "damaged frame")
		}
		if f.crowded() {
			p.again = true
			return len(b), nil
		}
		switch h.kind {
		case kindPush:
			f.add(span{push: true})
		case kindPacked:
			if len(f.spans) > 0 {
				// Those go first: they are handed on in another buffer.
				p.again = true
				return len(b), nil
			}
			if err := p.unpackRun(h, b[frameHead:frameHead+h.length]); err != nil {
				return 0, err
			}
		default:
			if err := p.message(f, h, p.parsed+frameHead); err != nil {
				return 0, err
			}
		}
		p.parsed += frameHead + h.length
	}
}

// knows reports whether kind is one of a sender's that the link has.
func (p *peer) knows(kind byte) bool {
	switch kind {
	case kindMessage, kindSkip, kindPush:
		return true
	case kindPacked:
		return p.version >= packedVersion
	}
	return false
}

// message takes a message, or the mark of one that was left out, whose body is
// at from in f.
func (p *peer) message(f *buffer, h frame, from int) error {
	if p.expect != 0 && h.number != p.expect {
		return refuse(countDamaged, "message %d came after %d", h.number, p.expect-1)
	}
	if p.expect == 0 {
		p.r.mu.Lock()
		p.framed = true
		p.r.mu.Unlock()
	}
	p.expect = h.number + 1
	if h.number <= p.highest {
		if h.kind == kindMessage {
			p.r.counts.Add(countDuplicate)
		}
		return nil
	}
	p.highest = h.number
	sp := span{number: h.number}
	if h.kind == kindMessage {
		m, _, err := payload.Split(f.bytes[from : from+h.length])
		if err != nil {
			p.r.counts.Add(countDamaged)
		} else if p.known(&m) {
			sp.from, sp.to = uint32(from), uint32(from+h.length)
		}
	}
	f.add(sp)
	return nil
}

// known counts what a newer sender wrote. It reports whether the type is one
// that can be handed on.
func (p *peer) known(m *payload.Meta) bool {
	if m.Newer() {
		p.r.counts.Add(countNewer)
	}
	return m.Type <= payload.ReplayResponse
}

// parsePlain finds the records of a plain stream.
func (p *peer) parsePlain() (need int, err error) {
	f := p.fill
	most := p.r.cfg.Limit + headerRoom
	for {
		b := f.bytes[p.parsed:f.n]
		i := bytes.Index(b[p.scanned:], []byte(payload.Separator))
		if i < 0 {
			p.scanned = max(0, len(b)-len(payload.Separator)+1)
			if len(b) > most+len(payload.Separator) {
				return 0, refuse(countTooLarge, "a record is larger than the limit of %d bytes", p.r.cfg.Limit)
			}
			need = len(b) + 1
			if need > largeBuffer {
				// Its length is unknown: room for the longest.
				need = most + len(payload.Separator) + 1
			}
			return need, nil
		}
		i += p.scanned
		if f.crowded() {
			p.again, p.scanned = true, i
			return len(b), nil
		}
		m, body, err := payload.Split(b[:i])
		if err == nil && m.Length > int64(len(body)) && m.Length <= int64(p.r.cfg.Limit) {
			// The length says that this separator is a part of the payload.
			// It is right when there is another where the length ends.
			end := i - len(body) + int(m.Length)
			if len(b) < end+len(payload.Separator) {
				p.scanned = i
				return end + len(payload.Separator), nil
			}
			if string(b[end:end+len(payload.Separator)]) == payload.Separator {
				i = end
			}
		}
		if n := payload.Forgiven(b[:i]); err != nil && n > 0 && n < i {
			p.parsed += n // blank lines, as in a recording that was edited and is sent with nc
			p.scanned = 0
			continue
		}
		switch {
		case i > most:
			return 0, refuse(countTooLarge, "a record is larger than the limit of %d bytes", p.r.cfg.Limit)
		case err != nil:
			p.r.counts.Add(countDamaged)
		case p.known(&m):
			f.add(span{
				from: uint32(p.parsed), to: uint32(p.parsed + i),
				// Blanks at the end of its line too.
				rewrite: m.Duration < 0 || m.Type == payload.ReplayResponse || b[i-len(body)-2] <= ' ',
			})
		}
		p.parsed += i + len(payload.Separator)
		p.scanned = 0
		p.records++
	}
}
