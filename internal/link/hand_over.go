package link

import "time"

// turn hands on what was found, and makes room for the record that is not
// whole yet.
func (p *peer) turn() error {
	f := p.fill
	if len(f.spans) > 0 {
		if !p.takeBack() {
			p.handToReader(f)
			p.fill = &buffer{}
			p.parsed = 0
			return errClosing
		}
		// Reading goes on in another buffer while Read has this one.
		if g := p.try(min(p.need, f.n-p.parsed+1)); g != nil {
			g.n = copy(g.bytes, f.bytes[p.parsed:f.n])
			if !p.handToReader(f) {
				p.fill, p.parsed = g, 0
				p.release(f)
				return errSuperseded
			}
			p.fill, p.parsed = g, 0
			return nil
		}
		f.kept = true
		if !p.handToReader(f) {
			return errSuperseded
		}
		if !p.takeBack() {
			p.fill, p.parsed = &buffer{}, 0
			return errClosing
		}
		f.kept = false
		f.spans, f.next = f.spans[:0], 0
	}
	if p.parsed > 0 {
		f.n = copy(f.bytes, f.bytes[p.parsed:f.n])
		p.parsed = 0
	}
	// A record gets the memory that it says it needs only when it has filled
	// what it had: who says much and sends little must not take it from others.
	if p.need > len(f.bytes) && f.n == len(f.bytes) {
		need := p.need
		if len(f.bytes) < largeBuffer {
			need = min(need, largeBuffer)
		}
		g := p.obtain(need)
		if g == nil {
			return errClosing
		}
		g.n = copy(g.bytes, f.bytes[:f.n])
		p.fill = g
		p.release(f)
		p.since = time.Now() // waiting for the buffer was not the peer's doing
	}
	return nil
}

// takeBack waits until Read has done with the buffer that was lent to it. It
// returns false when the receiver closes first.
func (p *peer) takeBack() bool {
	if p.away == nil {
		return true
	}
	select {
	case <-p.drained:
		p.away = nil
		return true
	case <-p.r.closing:
		return false
	}
}

// handToReader gives f to Read. It returns false when the sender has opened another
// connection meanwhile: what this one brought comes again there.
func (p *peer) handToReader(f *buffer) bool {
	p.r.mu.Lock()
	defer p.r.mu.Unlock()
	if s := p.session; s != nil {
		if s.peer != p {
			return false
		}
		s.received = max(s.received, p.highest)
		f.session = s
	}
	p.away = f
	p.r.ready <- f // has room for all
	return true
}
