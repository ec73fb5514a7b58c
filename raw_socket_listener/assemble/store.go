package assemble

import "bytes"

// pieceBytes is what a piece takes of memory beside its bytes.
const pieceBytes = 128

// A piece is a part of a segment that waits for its predecessors.
type piece struct {
	next    *piece
	seq     sequence
	from    arrival
	data    buffer
	skip    int // bytes at the begin of data that are done with
	missing int // bytes behind data that the capture did not keep
}

func (p *piece) end() sequence { return p.seq.plus(p.data.size - p.skip) }

// A store keeps pieces in order. They do not overlap: of bytes that came
// twice, the first are kept.
type store struct {
	first, last *piece
	pieces      int
	bytes       int
}

func (s *store) empty() bool { return s.first == nil }
func (s *store) full() bool  { return s.bytes > maxEarlyBytes || s.pieces > maxEarlyPieces }

// keep puts the parts of b, which begins at seq, that are not yet there into
// the store of h, and reports whether bytes that were there differ.
func (a *Assembler) keep(h *half, seq sequence, b []byte, missing int, from arrival) (conflict bool) {
	s := &h.store
	if s.last != nil && !seq.before(s.last.end()) {
		s.link(s.last, a.newPiece(seq, b, missing, from))
		return false
	}
	var prev *piece
	for p := s.first; p != nil && (len(b) > 0 || missing > 0); prev, p = p, p.next {
		if n := p.seq.minus(seq); n > 0 {
			if n >= len(b) {
				s.link(prev, a.newPiece(seq, b, min(missing, n-len(b)), from))
				return conflict
			}
			s.link(prev, a.newPiece(seq, b[:n], 0, from))
			b, seq = b[n:], p.seq
			from.start = false
		}
		over := p.end().minus(seq)
		if over <= 0 {
			continue
		}
		n := min(over, len(b))
		conflict = conflict || !p.data.equal(p.skip+seq.minus(p.seq), b[:n])
		b = b[n:]
		missing = max(0, missing-(over-n))
		seq = seq.plus(over)
		from.start = false
	}
	if len(b) > 0 || missing > 0 {
		s.link(s.last, a.newPiece(seq, b, missing, from))
	}
	return conflict
}

// link puts p behind prev, at the front when that is nil.
func (s *store) link(prev, p *piece) {
	if prev == nil {
		p.next, s.first = s.first, p
	} else {
		p.next, prev.next = prev.next, p
	}
	if p.next == nil {
		s.last = p
	}
	s.pieces++
	s.bytes += p.data.size
}

// unlink takes the first piece out.
func (s *store) unlink() *piece {
	p := s.first
	s.first, p.next = p.next, nil
	if s.first == nil {
		s.last = nil
	}
	s.pieces--
	s.bytes -= p.data.size
	return p
}

func (a *Assembler) newPiece(seq sequence, b []byte, missing int, from arrival) *piece {
	p := a.freePieces
	if p == nil {
		p = &piece{}
	} else {
		a.freePieces = p.next
	}
	*p = piece{seq: seq, from: from, missing: missing}
	a.pool.add(&p.data, b)
	a.pool.used += pieceBytes
	return p
}

// freePiece frees p, which is in no store.
func (a *Assembler) freePiece(p *piece) {
	a.pool.drop(&p.data)
	a.pool.used -= pieceBytes
	*p = piece{next: a.freePieces}
	a.freePieces = p
}

// equal reports whether the buffer holds b from offset on.
func (b *buffer) equal(offset int, want []byte) bool {
	for c := b.head; c != nil && len(want) > 0; c = c.next {
		if offset >= len(c.data) {
			offset -= len(c.data)
			continue
		}
		n := min(len(want), len(c.data)-offset)
		if !bytes.Equal(c.data[offset:offset+n], want[:n]) {
			return false
		}
		offset, want = 0, want[n:]
	}
	return len(want) == 0
}
