package payload

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
)

const (
	// probe is how many bytes of what may be a member are decoded before it is believed. With the reads of
	// the tape and of the buffer above it, it must fit in the tape's history.
	probe = tapeHistory / 2
	// maxMistaken bounds how many places in a recording may look like a member and turn out to be none, so
	// that a hostile one is not decoded over and over. By chance there is one in 16 GiB of a broken recording.
	maxMistaken = 64
)

// An archive is a compressed recording of one or more members (gzip) or frames (zstd). Whole members follow
// each other as one stream, so that a record may span two. Where a member breaks off, as a crash before an
// append leaves it, the part ends, and the next begins at the next member.
type archive struct {
	dec   *decoder
	name  string
	limit int

	part     Source
	format   string
	out      int64 // bytes decompressed so far
	base     int64 // of these, before the part
	mistaken int   // places that looked like a member and were none
	broken   error // why the part ended before its time
	damage   Damage
	err      error
}

func newArchive(r io.Reader, kind compression, name string, limit int) (*archive, error) {
	t := newTape(r)
	a := &archive{
		dec:   &decoder{kind: kind, tape: t, in: bufio.NewReader(t)},
		name:  name,
		limit: limit,
	}
	if err := a.open(); err != nil {
		return nil, err
	}
	return a, nil
}

// open begins the part at the tape's position.
func (a *archive) open() error {
	a.dec.rewound()
	a.base, a.broken = a.out, nil
	var err error
	a.part, err = openPlain(newWindow((*archivePart)(a), windowFor(a.limit)), a.limit)
	if err != nil {
		return fmt.Errorf("read recording %q: %w", a.name, err)
	}
	if a.format == "" {
		a.format = "gzip " + a.part.Format()
		if a.dec.kind == zstandard {
			a.format = "zstd " + a.part.Format()
		}
	}
	return nil
}

// An archivePart is an archive as the io.Reader of its present part.
type archivePart archive

func (p *archivePart) Read(b []byte) (n int, err error) {
	if p.broken != nil {
		return 0, io.EOF
	}
	n, err = p.dec.Read(b)
	p.out += int64(n)
	if err != nil && err != io.EOF {
		p.broken, err = err, io.EOF
	}
	return n, err
}

// Next returns the next message.
func (a *archive) Next() ([]byte, error) {
	for a.err == nil {
		msg, err := a.part.Next()
		if err == nil {
			return msg, nil
		}
		if err == io.EOF {
			err = a.next()
		}
		a.err = err
	}
	return nil, a.err
}

// next goes to the next part. It returns io.EOF when there is none.
func (a *archive) next() error {
	d := a.part.Damage()
	if a.broken == nil {
		a.damage.add(d, a.base)
		a.part = nil
		return io.EOF
	}
	if a.broken == errWindow && a.out == 0 {
		return fmt.Errorf("decompress recording %q: %w", a.name, errWindow)
	}
	cut := errors.Is(a.broken, io.ErrUnexpectedEOF)
	more := a.search()
	if err := a.dec.tape.err; !more && err != nil && err != io.EOF {
		return fmt.Errorf("read recording %q: %w", a.name, err)
	}
	reason := Damaged
	if cut && !more {
		reason = Torn
	}
	d.end(reason, a.out-a.base)
	a.damage.add(d, a.base)
	a.part = nil
	if !more {
		return io.EOF
	}
	return a.open()
}

// search winds the tape to the first member after the broken one's beginning. A decoder notices late that
// its member has broken off, when it has long run into the next; hence the way back. On that way lie the
// contents of uploads too, and one of them may be a gzip file of forged records, so that a member is
// believed only when other members or nothing follow it. It returns false when there is none.
func (a *archive) search() bool {
	for from := a.dec.member + 1; a.mistaken < maxMistaken && a.dec.tape.find(from, a.dec.kind); a.mistaken++ {
		from = a.dec.tape.offset()
		if a.tries() {
			a.dec.tape.seek(from)
			return true
		}
		from++
	}
	return false
}

// tries reports whether whole members and nothing else follow from the tape's position to the end of the
// recording, as far as a probe shows.
func (a *archive) tries() bool {
	start := a.dec.tape.offset()
	a.dec.rewound()
	b := make([]byte, tapeRead)
	for a.dec.position()-start < probe {
		if _, err := a.dec.Read(b); err != nil {
			return err == io.EOF
		}
	}
	return true
}

// Damage returns what was skipped so far.
func (a *archive) Damage() Damage {
	d := a.damage
	d.Spots = slices.Clone(d.Spots)
	if a.part != nil {
		d.add(a.part.Damage(), a.base)
	}
	return d
}

// Format returns the compression and what is in it.
func (a *archive) Format() string { return a.format }
