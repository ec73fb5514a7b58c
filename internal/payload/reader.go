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

// byteOrderMark is what some editors put in front of a text, U+FEFF in UTF-8. Where such files are put together
// it stands between records too.
const byteOrderMark = "\xEF\xBB\xBF"

// forgiven returns how many bytes of line, where a header should be, and of the line end after it are passed
// over without a word: people edit recordings.
func forgiven(line []byte) int {
	switch {
	case isBlankLine(line):
		return len(line) + 1
	case bytes.HasPrefix(line, []byte(byteOrderMark)):
		return len(byteOrderMark)
	case string(trimBlanks(line)) == Separator[1:len(Separator)-1]:
		// Two separators in a row, as a mended recording may have them, enclose nothing that could be lost;
		// their line ends may coincide.
		return len(line) + 1
	}
	return 0
}

// Forgiven returns how many bytes at the beginning of b, where a record should begin, are a blank line or a
// byte-order mark, which readers pass over.
func Forgiven(b []byte) int {
	line, _, whole := bytes.Cut(b[:min(len(b), maxHeader)], []byte{'\n'})
	if !whole && !bytes.HasPrefix(line, []byte(byteOrderMark)) {
		return 0
	}
	return forgiven(line)
}

// BeginsRecording reports whether head, the beginning of a text, is that of a recording: a header line, perhaps
// after a byte-order mark and blank lines.
func BeginsRecording(head []byte) bool {
	for {
		line, rest, _ := bytes.Cut(head, []byte{'\n'})
		if _, _, err := parseMeta(line); err == nil {
			return true
		}
		n := forgiven(line)
		if n == 0 || len(rest) == 0 {
			return false
		}
		head = head[n:]
	}
}

// isBlankLine reports whether line has nothing but blanks.
func isBlankLine(line []byte) bool { return len(trimBlanks(line)) == 0 }

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

// stale takes or skips a record whose length does not fit: a middleware or an older Gor has copied the
// header over a changed body, or the record is damaged.
func (r *Reader) stale(f frame) ([]byte, error) {
	i, err := r.find(f)
	if err != nil {
		return r.ended(f, err)
	}
	if r.fits(f, i) {
		r.note(Stale)
		return r.take(f, i-f.raw, i+len(Separator)), nil
	}
	r.note(Damaged)
	if i < 0 {
		r.resync = true
	} else {
		r.drop(i + len(Separator))
	}
	return nil, nil
}

// tooLarge skips a record whose length exceeds the limit. The length is believed, since the body may hold
// separators and forged records, unless HTTP framing says that the message ends at the first separator.
func (r *Reader) tooLarge(f frame) ([]byte, error) {
	i, err := r.find(f)
	if err == nil && r.fits(f, i) {
		r.note(Stale)
		return r.take(f, i-f.raw, i+len(Separator)), nil
	}
	if err == nil {
		err = r.win.ensure(f.hold())
	}
	if err != nil {
		return r.ended(f, err)
	}
	r.noteTooLarge(f)
	r.drop(f.raw)
	r.skip = f.length
	r.resync, r.expect = true, true
	return nil, nil
}

// ended is called when the source gives no more; err is its error.
func (r *Reader) ended(f frame, err error) ([]byte, error) {
	if r.win.err == nil {
		return nil, err // a passed deadline
	}
	b := r.win.bytes()
	rest := b[f.raw:]
	length := f.length
	if length >= 0 {
		if length <= int64(min(len(rest), f.most)) && isCutSeparator(rest[length:]) && complete(rest[:length]) {
			return r.take(f, int(length), len(b)), nil
		}
		if i := indexSeparator(b[f.raw-1:]); i >= 0 {
			i += f.raw - 1
			switch {
			case r.fits(f, i):
				r.note(Stale)
				return r.take(f, i-f.raw, i+len(Separator)), nil
			case bytes.HasSuffix(b, []byte(Separator)):
				// Nothing was cut off, so that it is the length which is wrong.
				r.note(Damaged)
				r.drop(i + len(Separator))
				return nil, nil
			}
			// What follows the separator is the cut body, whatever it looks like.
			r.note(Torn)
			r.drop(len(b))
			return nil, nil
		}
	}
	n, whole := len(rest), complete(rest)
	if !whole {
		n -= cutSeparator(rest)
		whole = complete(rest[:n])
	}
	if whole && n <= f.most {
		if length >= 0 {
			r.note(Stale)
		}
		return r.take(f, n, len(b)), nil
	}
	r.note(Torn)
	r.drop(len(b))
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

// passBytes passes over the payload of a record that is too large.
func (r *Reader) passBytes() error {
	for {
		n := int(min(int64(r.win.len()), r.skip))
		r.drop(n)
		r.skip -= int64(n)
		if r.skip == 0 {
			return nil
		}
		if err := r.win.fill(); err != nil {
			return err
		}
	}
}

// passSeparator passes over everything up to the next separator and over that. It keeps nothing of it.
func (r *Reader) passSeparator() error {
	for {
		b := r.win.bytes()
		from := max(0, r.seen-len(Separator)+1)
		i := indexSeparator(b[from:])
		if r.expect && (i >= 0 || len(b) >= len(Separator)) {
			r.expect = false
			if i != 0 {
				r.note(Damaged)
			}
		}
		if i >= 0 {
			r.drop(from + i + len(Separator))
			r.resync = false
			return nil
		}
		r.drop(max(0, len(b)-len(Separator)+1))
		if err := r.win.fill(); err != nil {
			if r.win.err != nil {
				r.drop(r.win.len())
			}
			return err
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

// noteTooLarge counts the record at the beginning of the window as larger than the limit; one that would be
// left out anyway is not lost by that.
func (r *Reader) noteTooLarge(f frame) {
	if f.strange {
		r.damage.Newer++
		return
	}
	r.note(TooLarge)
}

// note counts the record at the beginning of the window.
func (r *Reader) note(reason Reason) { r.damage.note(reason, r.win.off) }

// drop consumes n bytes that belong to no message.
func (r *Reader) drop(n int) {
	r.damage.skip(r.win.off, int64(n))
	r.win.consume(n)
	r.seen = 0
}
