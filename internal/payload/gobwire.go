package payload

import "bytes"

const (
	// gobName is how the definition of RawRequest names it: a struct's common part, its name, ten bytes.
	gobName = "\x03\x01\x01\x0ARawRequest"
	// gobMaxUint is the longest uint, in bytes: the count and eight.
	gobMaxUint = 1 + 8
	// gobMaxPrefix bounds what stands before the bytes of a request: size, id, and two fields' distances
	// and values.
	gobMaxPrefix = 6 * gobMaxUint
	// gobSync occurs in each value whose time lies after 1971: the distance to the first field, and the
	// count of a time's eight bytes.
	gobSync = "\x01\xF8"
	// gobMinHead and gobMaxHead bound size and id before gobSync where one is searched, in bytes: one for a
	// size below 128, five for one of 4 GiB, and two for the id.
	gobMinHead = 1 + 2
	gobMaxHead = 5 + 2
	// gobMaxSize bounds a message, in bytes: what encoding/gob calls too big.
	gobMaxSize = 1 << 30
	// gobMaxDefinition bounds the definition of a type, in bytes; that of RawRequest takes 52.
	gobMaxDefinition = 4 << 10
)

type gobKind uint8

const (
	gobBad        gobKind = iota // no message of such a stream
	gobCut                       // perhaps one, but too few bytes to tell
	gobDefinition                // the definition of a type
	gobValue                     // a RawRequest
)

// A gobMessage is one message as its first bytes describe it.
type gobMessage struct {
	size    int   // bytes, all included
	content int   // offset of a definition's content, or of the request's bytes
	time    int64 // ns since 1970
	request int   // bytes of the request
}

// isGob reports whether b, the beginning of a recording, is a gob stream. Text has a space as its second
// byte. Since Go 1.22 the type gets the id 64, which makes it 7F; in older recordings it is 65 or more, which
// takes two bytes, and the name is what tells.
func isGob(b []byte) bool {
	b = b[:min(len(b), 2*gobMaxUint+len(gobName))]
	return len(b) >= 2 && (b[1] == 0x7F || bytes.Contains(b, []byte(gobName)))
}

// parseGob reads the first bytes of a message. Every count in a value must agree with its size.
func parseGob(b []byte) (m gobMessage, kind gobKind) {
	u, n := gobUint(b)
	if n <= 0 || u > gobMaxSize {
		return m, gobFailed(n)
	}
	at := n
	m.size = n + int(u)
	id, n := gobInt(b[at:])
	if n <= 0 || id == 0 {
		return m, gobFailed(n)
	}
	at += n
	if id < 0 {
		m.content = at
		if m.size > gobMaxDefinition || m.size < at {
			return m, gobBad
		}
		return m, gobDefinition
	}
	for field := uint64(0); ; { // the next field's number, from 1
		distance, n := gobUint(b[at:])
		if n <= 0 || distance > 2-field {
			return m, gobFailed(n)
		}
		at += n
		field += distance
		switch {
		case distance == 0:
			m.content = at - 1
			if at != m.size {
				return m, gobBad
			}
			return m, gobValue
		case field == 1:
			m.time, n = gobInt(b[at:])
			if n <= 0 {
				return m, gobFailed(n)
			}
			at += n
		default:
			u, n := gobUint(b[at:])
			if n <= 0 {
				return m, gobFailed(n)
			}
			at += n
			m.content = at
			if u > gobMaxSize || at+int(u)+1 != m.size {
				return m, gobBad
			}
			m.request = int(u)
			return m, gobValue
		}
	}
}

// gobFailed is the kind of a message whose parsing ended at a number that took n bytes.
func gobFailed(n int) gobKind {
	if n == 0 {
		return gobCut
	}
	return gobBad
}

// gobUint reads the uint at the beginning of b and returns how many bytes it takes: 0 when b ends before it
// does, -1 when it is none.
func gobUint(b []byte) (u uint64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	if b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	n = 0x100 - int(b[0])
	if n >= gobMaxUint {
		return 0, -1
	}
	if len(b) <= n {
		return 0, 0
	}
	for _, c := range b[1 : 1+n] {
		u = u<<8 | uint64(c)
	}
	return u, 1 + n
}

// gobInt reads an int as gobUint does a uint.
func gobInt(b []byte) (v int64, n int) {
	u, n := gobUint(b)
	v = int64(u >> 1)
	if u&1 != 0 {
		v = ^v
	}
	return v, n
}

// findGob returns where in b, at from or later, the first value begins that cannot be anything else, -1 when
// there is none: it has a time, and its counts agree.
func findGob(b []byte, from int) int {
	for at := from; at < len(b); {
		i := bytes.Index(b[at:], []byte(gobSync))
		if i < 0 {
			break
		}
		at += i
		for head := gobMinHead; head <= min(at-from, gobMaxHead); head++ {
			m, kind := parseGob(b[at-head:])
			if kind == gobValue && m.time >= leastTime && m.size > head+len(gobSync) {
				return at - head
			}
		}
		at += len(gobSync)
	}
	return -1
}
