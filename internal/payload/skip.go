package payload

import (
	"bytes"
)

// How a reader goes on behind what is not a record.

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
