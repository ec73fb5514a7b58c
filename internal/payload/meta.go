package payload

import (
	"errors"
	"strconv"
)

// Types of a message, the first field of its header. The format has types up to '9': 4 is a request as it was
// really sent, 5 the times of a message's parts, 9 what a recording begins with, the others are free.
const (
	Request        byte = '1' // a captured request
	Response       byte = '2' // the original server's response
	ReplayResponse byte = '3' // the replay target's response

	lastType byte = '9'
)

const (
	// maxID bounds an id in bytes: over three times the 40 digits of the longest ids that Gor wrote.
	maxID = 128
	// maxNumber is the digits of the largest int64.
	maxNumber = 19
	// maxLine bounds a header line without its LF, in bytes. The format says so.
	maxLine = 512
	// maxHeader bounds it with its LF.
	maxHeader = maxLine + 1
	// maxGrowth is how many bytes a header gains at most when it is put in the form with four fields.
	maxGrowth = maxNumber + 1 + maxNumber + 1
	// leastTime tells a time from a duration: 10^17 ns is March 1973 as the one, three years as the other.
	leastTime = 1e17
)

// ErrHeader says that a line is not a header of a record.
var ErrHeader = errors.New("malformed record header")

// Meta is the header of a message.
type Meta struct {
	Type     byte   // Request, Response or ReplayResponse; '4' to '9' of a newer version
	ID       []byte // shared by a request and its responses
	Time     int64  // ns since 1970; 0 where an old recording has none
	Duration int64  // ns; -1 unknown
	Length   int64  // bytes of the payload; -1 not given

	// Attributes are what is behind the length, "key=value" with a space between two; empty when there are
	// none. They stand in a header only when Length is given.
	Attributes []byte
}

// AppendMeta appends m as a header line with its LF: four fields, or the length and the attributes too when
// m.Length is not negative. An unknown duration is written as -1. Attributes for which the line has no room are
// left out.
func AppendMeta(dst []byte, m Meta) []byte {
	start := len(dst)
	dst = appendFields(dst, m, m.Length)
	if m.Length >= 0 && len(m.Attributes) > 0 {
		dst = appendAttributes(dst, start, m.Attributes)
	}
	return append(dst, '\n')
}

// appendFields appends the first four fields of m, and length as the fifth when it is not negative.
func appendFields(dst []byte, m Meta, length int64) []byte {
	dst = append(dst, m.Type, ' ')
	dst = append(dst, m.ID...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, m.Time, 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, max(m.Duration, -1), 10)
	if length >= 0 {
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, length, 10)
	}
	return dst
}

// ParseMeta reads a header line of three, four or five fields, with attributes behind the fifth. A final LF and
// blanks at the end are allowed: people edit recordings. It returns ErrHeader when the line is anything else.
// The ID and the attributes refer to line.
func ParseMeta(line []byte) (Meta, error) {
	if n := len(line); n > 0 && line[n-1] == '\n' {
		line = line[:n-1]
	}
	m, _, err := parseMeta(line)
	return m, err
}

// parseMeta reads a header line without its LF. four is the length of its first four fields when they stand
// in the order time, duration, and need no change to make a header with four fields; otherwise it is -1.
func parseMeta(line []byte) (m Meta, four int, err error) {
	m = Meta{Duration: -1, Length: -1}
	// The shortest header is "1 a 0".
	if len(line) < 5 || len(line) > maxLine || line[1] != ' ' {
		return m, -1, ErrHeader
	}
	m.Type = line[0]
	if m.Type < Request || m.Type > lastType {
		return m, -1, ErrHeader
	}
	line = trimBlanks(line)
	i := 2
	for i < len(line) && line[i] > ' ' && line[i] != 0x7F {
		i++
	}
	if i == 2 || i-2 > maxID || i == len(line) || line[i] != ' ' {
		return m, -1, ErrHeader
	}
	m.ID = line[2:i:i]

	var v [3]int64
	n := 0
	four = -1
	for i < len(line) { // line[i] is the space before a number
		if n == len(v) {
			m.Attributes = line[i+1 : len(line) : len(line)]
			if hasControl(m.Attributes) {
				m.Attributes = nil
				return m, -1, ErrHeader
			}
			break
		}
		var ok bool
		v[n], i, ok = number(line, i+1)
		if !ok || i < len(line) && line[i] != ' ' {
			return m, -1, ErrHeader
		}
		n++
		if n == 2 {
			four = i
		}
	}
	if n == 3 {
		m.Length = v[2]
		if m.Length < 0 {
			return m, -1, ErrHeader
		}
	}
	m.Time = v[0]
	if n >= 2 {
		m.Duration = max(v[1], -1)
	}
	if m.Type == Request || m.Time >= leastTime {
		return m, four, nil
	}
	switch {
	case n == 1: // 0.10 to 0.14: "2 id duration"
		m.Time, m.Duration = 0, max(v[0], -1)
		four = -1
	case v[1] >= leastTime: // 0.15: "3 id duration time"
		m.Time, m.Duration = v[1], max(v[0], -1)
		four = -1
	}
	return m, four, nil
}

// trimBlanks takes off the blanks, and the CR, that an editor has left at the end of a line.
func trimBlanks(line []byte) []byte {
	for len(line) > 0 && isBlank(line[len(line)-1]) {
		line = line[:len(line)-1]
	}
	return line
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// hasControl reports whether b has a byte below a space.
func hasControl(b []byte) bool {
	for _, c := range b {
		if c < ' ' {
			return true
		}
	}
	return false
}

// number reads a decimal number, possibly negative, that begins at b[i]. end is the index after it.
func number(b []byte, i int) (v int64, end int, ok bool) {
	neg := i < len(b) && b[i] == '-'
	if neg {
		i++
	}
	start := i
	var u uint64
	for ; i < len(b) && b[i]-'0' <= 9; i++ {
		if i-start == maxNumber {
			return 0, i, false
		}
		u = u*10 + uint64(b[i]-'0')
	}
	// 19 digits do not overflow a uint64.
	if i == start || u > 1<<63-1 {
		return 0, i, false
	}
	if neg {
		return -int64(u), i, true
	}
	return int64(u), i, true
}
