package payload

import (
	"bytes"
	"math/rand/v2"
	"slices"
)

// A gobReader takes the requests from a recording of Gor 0.8 to 0.9.8, an encoding/gob stream of
//
//	struct RawRequest { Timestamp int64; Request []byte }
//
// The stream is decoded here rather than by encoding/gob, which gives up at the first damaged byte, and at
// each seam of concatenated recordings. On the wire each gob message is
//
//	uint(size) int(type id) content       ; size counts what follows it
//
// where a negative id comes before the definition of a type, once per recording, and a positive one before
// a value of it: for each field that is not zero, uint(distance from the field before) and its content; then
// a zero byte. A uint below 128 is one byte; any other is the negated count of its bytes, then these in big
// endian. An int is a uint with its sign in the lowest bit. Bytes are uint(count) and the bytes.
type gobReader struct {
	win     *window
	limit   int
	damage  Damage
	scratch []byte // a header
	id      [idDigits]byte
	conn    uint64 // all requests of a recording share one: which connections there were is not known
	ordinal uint32
	skip    int64 // bytes of a too large record that are still to be passed over
	resync  bool  // search for the next value
	from    int   // bytes of the window in which the search has no business
}

func newGobReader(w *window, limit int) *gobReader {
	return &gobReader{win: w, limit: limit, scratch: make([]byte, 0, maxHeader), conn: rand.Uint64()}
}

// Next returns the next request as a message. It belongs to the reader and is valid until the next call.
func (g *gobReader) Next() ([]byte, error) {
	for {
		msg, err := g.step()
		if msg != nil || err != nil {
			return msg, err
		}
	}
}

// Damage returns what was skipped so far.
func (g *gobReader) Damage() Damage {
	d := g.damage
	d.Spots = slices.Clone(d.Spots)
	return d
}

// Format returns "gob".
func (g *gobReader) Format() string { return "gob" }

// step advances by one gob message or by one piece of damage.
func (g *gobReader) step() ([]byte, error) {
	w := g.win
	for g.skip > 0 {
		n := int(min(int64(w.len()), g.skip))
		g.drop(n)
		g.skip -= int64(n)
		if g.skip > 0 {
			if err := w.fill(); err != nil {
				return nil, err
			}
		}
	}
	if g.resync {
		return nil, g.search()
	}
	if err := w.ensure(gobMaxPrefix); err != nil && (w.err == nil || w.len() == 0) {
		return nil, err
	}
	m, kind := parseGob(w.bytes())
	switch kind {
	case gobDefinition:
		return nil, g.define(m)
	case gobValue:
		return g.value(m)
	case gobCut:
		g.note(Torn)
		g.drop(w.len())
		return nil, nil
	}
	g.note(Damaged)
	g.resync, g.from = true, 1
	return nil, nil
}

// define passes over the definition of a type.
func (g *gobReader) define(m gobMessage) error {
	w := g.win
	if err := w.ensure(m.size); err != nil {
		if w.err != nil {
			g.note(Torn)
			g.drop(w.len())
		}
		return err
	}
	if !bytes.HasPrefix(w.bytes()[m.content:], []byte(gobName)) {
		g.note(Damaged)
		g.resync, g.from = true, 1
		return nil
	}
	w.consume(m.size)
	return nil
}

// value takes the value at the beginning of the window.
func (g *gobReader) value(v gobMessage) ([]byte, error) {
	w := g.win
	m := Meta{Type: Request, Time: v.time, Duration: -1, Length: -1}
	m.ID = AppendID(g.id[:0], g.conn, g.ordinal)
	header := AppendMeta(g.scratch[:0], m)
	if v.request > g.limit-len(header) {
		g.note(TooLarge)
		g.skip = int64(v.size)
		return nil, nil
	}
	if err := w.ensure(v.size); err != nil {
		if w.err == nil {
			return nil, err
		}
		g.note(Torn)
		g.drop(w.len())
		return nil, nil
	}
	if w.bytes()[v.size-1] != 0 {
		g.note(Damaged)
		g.resync, g.from = true, 1
		return nil, nil
	}
	g.ordinal++
	if g.ordinal == 0 {
		g.conn = rand.Uint64()
	}
	// The header goes in front of the request, over the value's beginning and the headroom.
	p := w.r + v.content
	start := p - len(header)
	copy(w.buf[start:], header)
	w.used(v.size)
	w.consume(v.size)
	return w.buf[start : p+v.request : p+v.request], nil
}

// search passes over everything up to something that is surely a value.
func (g *gobReader) search() error {
	const keep = gobMaxHead + gobMaxPrefix // what may be the beginning of a value that is not seen whole
	w := g.win
	for {
		err := w.ensure(keep + 1)
		if err != nil && w.err == nil {
			return err
		}
		if i := findGob(w.bytes(), g.from); i >= 0 {
			g.drop(i)
			g.resync = false
			return nil
		}
		if err != nil {
			g.drop(w.len())
			return err
		}
		g.drop(w.len() - keep)
		g.from = 0
	}
}

func (g *gobReader) note(reason Reason) { g.damage.note(reason, g.win.off) }

// drop consumes n bytes that belong to no message.
func (g *gobReader) drop(n int) {
	g.damage.skip(g.win.off, int64(n))
	g.win.consume(n)
}
