package payload

import (
	"errors"
	"strconv"
)

// Types of a message, the first field of its header.
const (
	Request        byte = '1' // a captured request
	Response       byte = '2' // the original server's response
	ReplayResponse byte = '3' // the replay target's response
)

const (
	// maxID bounds an id in bytes: over three times the 40 digits of the longest ids that Gor wrote.
	maxID = 128
	// maxNumber is the digits of the largest int64.
	maxNumber = 19
	// maxHeader bounds a header line with its LF, in bytes: type, id and three numbers, a space after each.
	maxHeader = 1 + 1 + maxID + 3*(1+1+maxNumber) + 1
	// maxGrowth is how many bytes a header gains at most when it is put in the form with four fields.
	maxGrowth = maxNumber + 1 + maxNumber + 1
	// leastTime tells a time from a duration: 10^17 ns is March 1973 as the one, three years as the other.
	leastTime = 1e17
)

// ErrHeader says that a line is no header of a record.
var ErrHeader = errors.New("malformed record header")

// Meta is the header of a message.
type Meta struct {
	Type     byte   // Request, Response or ReplayResponse
	ID       []byte // shared by a request and its responses
	Time     int64  // ns since 1970; 0 where an old recording has none
	Duration int64  // ns; -1 unknown
	Length   int64  // bytes of the payload; -1 not given
}

// AppendMeta appends m as a header line with its LF: four fields, five when m.Length is not negative. An
// unknown duration is written as -1.
func AppendMeta(dst []byte, m Meta) []byte {
	dst = append(dst, m.Type, ' ')
	dst = append(dst, m.ID...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, m.Time, 10)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, max(m.Duration, -1), 10)
	if m.Length >= 0 {
		dst = append(dst, ' ')
		dst = strconv.AppendInt(dst, m.Length, 10)
	}
	return append(dst, '\n')
}

// ParseMeta reads a header line of three, four or five fields; a final LF is allowed. It returns ErrHeader
// when the line is anything else. The ID refers to line.
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
	if len(line) < 5 || len(line) >= maxHeader || line[1] != ' ' {
		return m, -1, ErrHeader
	}
	m.Type = line[0]
	if m.Type != Request && m.Type != Response && m.Type != ReplayResponse {
		return m, -1, ErrHeader
	}
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
			return m, -1, ErrHeader
		}
		var ok bool
		if v[n], i, ok = number(line, i+1); !ok || i < len(line) && line[i] != ' ' {
			return m, -1, ErrHeader
		}
		if n++; n == 2 {
			four = i
		}
	}
	if n == 3 {
		if m.Length = v[2]; m.Length < 0 {
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
