package body

import (
	"encoding/binary"
	"fmt"

	"github.com/buger/gor/internal/verdict/finding"
)

const (
	// frameHead is a compressed flag and the length of the message.
	frameHead = 5
	// mostFields bounds the fields of one message that are looked at.
	mostFields = 4096
)

// frames compares gRPC messages (length-prefixed as the gRPC protocol over HTTP/2
// has it) by their number, their lengths and which fields they have. What the fields
// mean only the schema knows.
func (d *Differ) frames(old, new Side) {
	was, ok1 := cutFrames(old.Bytes)
	is, ok2 := cutFrames(new.Bytes)
	if !ok1 || !ok2 {
		if ok1 != ok2 {
			d.found(finding.Retyped, finding.BodyPath, describe(old), describe(new))
		} else {
			d.opaque(old, new)
		}
		return
	}
	path := finding.Elements(finding.BodyPath)
	for i := range min(len(was), len(is)) {
		d.message(path, was[i], is[i])
	}
	if len(was) > len(is) {
		d.found(finding.Removed, path, fmt.Sprintf("%d messages", len(was)), fmt.Sprintf("%d messages", len(is)))
	} else if len(was) < len(is) {
		d.found(finding.Added, path, fmt.Sprintf("%d messages", len(was)), fmt.Sprintf("%d messages", len(is)))
	}
}

// A frame is one message with its flag.
type frame struct {
	flag byte
	body []byte
}

// cutFrames returns the messages of a body. ok is false when it is not made of
// whole ones.
func cutFrames(b []byte) (all []frame, ok bool) {
	for len(b) > 0 {
		if len(b) < frameHead || len(all) == MostLines {
			return nil, false
		}
		n := uint64(binary.BigEndian.Uint32(b[1:]))
		if n > uint64(len(b)-frameHead) {
			return nil, false
		}
		all = append(all, frame{b[0], b[frameHead : frameHead+n]})
		b = b[frameHead+n:]
	}
	return all, true
}

func (d *Differ) message(path string, a, b frame) {
	if a.flag != b.flag {
		d.found(finding.Retyped, path, fmt.Sprintf("flag %d", a.flag), fmt.Sprintf("flag %d", b.flag))
		return
	}
	if string(a.body) == string(b.body) {
		return
	}
	was, ok1 := fields(a.body)
	is, ok2 := fields(b.body)
	if a.flag != 0 || !ok1 || !ok2 {
		d.found(finding.Value, path, fmt.Sprintf("%d bytes", len(a.body)), fmt.Sprintf("%d bytes", len(b.body)))
		return
	}
	found := false
	for _, f := range was.order {
		at := finding.Child(path, fmt.Sprintf("#%d", f))
		x, y := was.sizes[f], is.sizes[f]
		switch {
		case y.n == 0:
			d.found(finding.Removed, at, x.String(), "")
		case x.wire != y.wire:
			d.found(finding.Retyped, at, x.String(), y.String())
		case x.n > y.n:
			d.found(finding.Removed, at, x.String(), y.String())
		case x.n < y.n:
			d.found(finding.Added, at, x.String(), y.String())
		case x.bytes != y.bytes:
			d.found(finding.Value, at, x.String(), y.String())
		default:
			continue
		}
		found = true
	}
	for _, f := range is.order {
		if was.sizes[f].n == 0 {
			d.found(finding.Added, finding.Child(path, fmt.Sprintf("#%d", f)), "", is.sizes[f].String())
			found = true
		}
	}
	if !found { // the same fields with other bytes in them
		d.found(finding.Value, path, fmt.Sprintf("%d bytes", len(a.body)), fmt.Sprintf("%d bytes", len(b.body)))
	}
}

// A fieldSize is what a message has of one field.
type fieldSize struct {
	n     int // how often
	bytes int // of all its values
	wire  uint64
}

func (s fieldSize) String() string { return fmt.Sprintf("%d times, %d bytes", s.n, s.bytes) }

type messageFields struct {
	order []uint64
	sizes map[uint64]fieldSize
}

// fields reads which fields a Protocol Buffers message has. ok is false when it is
// none.
func fields(b []byte) (m messageFields, ok bool) {
	m.sizes = make(map[uint64]fieldSize)
	for count := 0; len(b) > 0; count++ {
		tag, n := binary.Uvarint(b)
		if n <= 0 || tag>>3 == 0 || count == mostFields {
			return m, false
		}
		b = b[n:]
		size := 0
		switch tag & 7 {
		case 0:
			_, size = binary.Uvarint(b)
			if size <= 0 {
				return m, false
			}
		case 1:
			size = 8
		case 2:
			length, n := binary.Uvarint(b)
			if n <= 0 || length > uint64(len(b)-n) {
				return m, false
			}
			size = n + int(length)
		case 5:
			size = 4
		default:
			return m, false
		}
		if size > len(b) {
			return m, false
		}
		b = b[size:]
		f := m.sizes[tag>>3]
		if f.n == 0 {
			m.order = append(m.order, tag>>3)
		}
		m.sizes[tag>>3] = fieldSize{f.n + 1, f.bytes + size, tag & 7}
	}
	return m, true
}
