package payload

import (
	"bytes"
	"slices"
)

// A Reader takes records from a text recording or a link.
type Reader struct {
	win     *window
	limit   int
	damage  Damage
	scratch []byte // a header that had to be made anew

	seen     int   // bytes of the window in which no separator begins
	skip     int64 // bytes of a too large record that are still to be passed over
	resync   bool  // pass over everything up to the next separator
	expect   bool  // which should be the next bytes
	lastTime int64 // ns since 1970; of the record before
}

func newReader(w *window, limit int) *Reader {
	return &Reader{win: w, limit: limit, scratch: make([]byte, 0, maxHeader+maxGrowth)}
}

func clampLimit(limit int) int {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return min(limit, maxLimit)
}

// windowFor is how many bytes must be seen at once to judge a record of limit bytes.
func windowFor(limit int) int { return maxHeader + limit + len(Separator) }

// Next returns the next message, "header LF payload" with four fields in its header, or with a length and the
// attributes behind them when there are any. Records of a type that is not known here are left out. It waits for no byte
// beyond the record's separator. The message belongs to the Reader and is valid until the next call; the
// caller may change it in place.
//
// At the end it returns io.EOF, or the error of the source. Both stay; a passed read deadline does not: the
// call can be repeated and goes on where it was.
func (r *Reader) Next() ([]byte, error) {
	for {
		msg, err := r.step()
		if msg != nil || err != nil {
			return msg, err
		}
	}
}

// Damage returns what was skipped so far.
func (r *Reader) Damage() Damage {
	d := r.damage
	d.Spots = slices.Clone(d.Spots)
	return d
}

// Format returns "text".
func (r *Reader) Format() string { return "text" }

// A frame is the record at the beginning of the window, as far as its header tells.
type frame struct {
	time    int64 // ns since 1970
	length  int64 // bytes of the payload; -1 not given
	newer   bool  // it has a type or an attribute that is not known here
	strange bool  // the type is not known
	raw     int   // bytes of the header line as it stands in the window, with its LF
	keep    int   // bytes of it that make the message's header, without a LF; -1 when that is in scratch
	most    int   // largest payload, in bytes, that the limit allows; may be negative
}

// step advances by one record or by one piece of damage. It returns neither a message nor an error when the
// latter is passed.
func (r *Reader) step() ([]byte, error) {
	if r.skip > 0 {
		if err := r.passBytes(); err != nil {
			return nil, err
		}
	}
	if r.resync {
		return nil, r.passSeparator()
	}
	f, ok, err := r.head()
	if !ok {
		return nil, err
	}
	if f.length >= 0 {
		return r.withLength(f)
	}
	return r.withoutLength(f)
}

// head parses the header at the beginning of the window. It returns false when there is none.
func (r *Reader) head() (f frame, ok bool, err error) {
	w := r.win
	i := bytes.IndexByte(w.bytes()[:min(w.len(), maxHeader)], '\n')
	for i < 0 && w.len() < maxHeader {
		if err := w.fill(); err != nil {
			if w.err != nil && w.len() > 0 {
				if !isBlankLine(bytes.TrimPrefix(w.bytes(), []byte(byteOrderMark))) {
					r.note(Torn)
				}
				r.drop(w.len())
			}
			return f, false, err
		}
		i = bytes.IndexByte(w.bytes()[:min(w.len(), maxHeader)], '\n')
	}
	if i < 0 {
		r.note(Damaged)
		r.resync = true
		return f, false, nil
	}
	line := w.bytes()[:i]
	m, four, err := parseMeta(line)
	if err != nil {
		if n := forgiven(line); n > 0 {
			r.drop(n)
			return f, false, nil
		}
		r.note(Damaged)
		r.resync = true
		return f, false, nil
	}
	f.raw, f.keep = i+1, four
	if len(m.Attributes) > 0 || m.newerType() {
		f.newer, f.strange = m.Newer(), m.newerType()
		if four >= 0 && len(m.Attributes) > 0 {
			f.keep = len(trimBlanks(line))
		}
	}
	header := f.keep
	if f.keep < 0 {
		if m.Time == 0 && m.Type != Request {
			// Only the order in the recording says when a response of 0.10 to 0.14 was seen.
			m.Time = r.lastTime
		}
		written := m
		if len(m.Attributes) == 0 {
			written.Length = -1
		}
		r.scratch = AppendMeta(r.scratch[:0], written)
		header = len(r.scratch) - 1
	}
	f.time, f.length = m.Time, m.Length
	f.most = r.limit - header - 1
	return f, true, nil
}

// withLength takes the record at the beginning of the window by its length.
func (r *Reader) withLength(f frame) ([]byte, error) {
	w := r.win
	if f.length > int64(f.most) {
		return r.tooLarge(f)
	}
	n := int(f.length)
	end := f.raw + n
	if err := w.ensure(end + len(Separator)); err != nil {
		return r.ended(f, err)
	}
	if isSeparator(w.bytes()[end:]) {
		return r.take(f, n, end+len(Separator)), nil
	}
	// A separator that a crash cut off and the next start made good: "\n🐵🙈" "\n🐵🙈🙉\n".
	cut := 1
	for isCutSeparator(w.bytes()[end : end+cut]) {
		cut++
	}
	cut--
	if cut > 0 && w.bytes()[end+cut] == '\n' {
		if err := w.ensure(end + cut + len(Separator)); err != nil {
			return r.ended(f, err)
		}
		if isSeparator(w.bytes()[end+cut:]) {
			return r.take(f, n, end+cut+len(Separator)), nil
		}
	}
	return r.stale(f)
}

// withoutLength takes the record at the beginning of the window by its separator.
func (r *Reader) withoutLength(f frame) ([]byte, error) {
	i, err := r.find(f)
	if err != nil {
		return r.ended(f, err)
	}
	switch {
	case i < 0:
		r.noteTooLarge(f)
		r.resync = true
	case i < f.raw: // the header's line end is the separator's
		r.note(Damaged)
		r.drop(i + len(Separator))
	case i-f.raw > f.most:
		r.noteTooLarge(f)
		r.drop(i + len(Separator))
	default:
		return r.take(f, i-f.raw, i+len(Separator)), nil
	}
	return nil, nil
}

// hold is how many bytes of the window can belong to a record within the limit.
func (f *frame) hold() int { return f.raw + max(f.most, 0) + len(Separator) }

// fits reports whether the payload up to a separator at i, which is -1 when there is none, is within the
// limit and one whole message by its own framing.
func (r *Reader) fits(f frame, i int) bool {
	return i >= f.raw && i-f.raw <= f.most && complete(r.win.bytes()[f.raw:i])
}

// find returns where in the window the first separator begins, -1 when there is none within the limit. It
// starts at the header's line end.
func (r *Reader) find(f frame) (int, error) {
	w := r.win
	for {
		b := w.bytes()
		b = b[:min(len(b), f.hold())]
		from := max(f.raw-1, r.seen-len(Separator)+1)
		if i := indexSeparator(b[from:]); i >= 0 {
			return from + i, nil
		}
		r.seen = len(b)
		if len(b) == f.hold() {
			return -1, nil
		}
		if err := w.fill(); err != nil {
			return -1, err
		}
	}
}

// take returns the message with the header of f and the n bytes of payload after it, and consumes size
// bytes of the window. It returns nil for a type that is not known here.
func (r *Reader) take(f frame, n, size int) []byte {
	w := r.win
	if f.newer {
		r.damage.Newer++
	}
	if f.strange {
		w.used(size)
		r.drop(size)
		return nil
	}
	header := r.scratch
	if f.keep >= 0 {
		header = w.buf[w.r : w.r+f.keep]
	} else {
		header = header[:len(header)-1]
	}
	// The header goes in front of the payload, over bytes that are used up, the headroom at worst.
	p := w.r + f.raw
	start := p - 1 - len(header)
	copy(w.buf[start:], header)
	w.buf[p-1] = '\n'
	r.lastTime = f.time
	w.used(size)
	w.consume(size)
	r.seen = 0
	return w.buf[start : p+n : p+n]
}
