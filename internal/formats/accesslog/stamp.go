package accesslog

import (
	"bytes"
	"time"
)

// A stampReader reads times. It remembers the last one, which most lines share.
type stampReader struct {
	zone *time.Location // of stamps that name none
	last [40]byte
	n    int
	at   int64
	ok   bool
}

// A stamp says how a time is written.
type stamp struct {
	kind  stampKind
	parts []stampPart // valid iff kind is stampPattern
	unit  int64       // ns; valid iff kind is stampNumber
}

type stampKind uint8

const (
	stampCommon  stampKind = iota // 10/Oct/2000:13:55:36 -0700
	stampISO                      // 2000-10-10T13:55:36.123Z, also with a blank, also +07:00 or +0700
	stampNumber                   // 971211336.123 since 1970
	stampPattern                  // as strftime writes it
)

const commonLen = len("10/Oct/2000:13:55:36 -0700")

// read reads a stamp at the beginning of b. n is its length, and step the
// smallest difference that such a stamp shows, in ns.
func (s *stampReader) read(f *stamp, b []byte) (at int64, n int, step int64, ok bool) {
	switch f.kind {
	case stampCommon:
		if len(b) < commonLen {
			return 0, 0, 0, false
		}
		at, ok = s.common(b[:commonLen])
		if !ok {
			return 0, 0, 0, false
		}
		return at, commonLen, int64(time.Second), true
	case stampISO:
		return s.iso(b)
	case stampNumber:
		return readNumber(b, f.unit)
	}
	return s.pattern(f.parts, b)
}

func (s *stampReader) common(b []byte) (int64, bool) {
	if s.n == len(b) && string(s.last[:s.n]) == string(b) {
		return s.at, s.ok
	}
	s.n = copy(s.last[:], b)
	s.at, s.ok = 0, false
	month := monthOf(b[3:6])
	day, ok1 := digits(b[0:2])
	year, ok2 := digits(b[7:11])
	hour, ok3 := digits(b[12:14])
	minute, ok4 := digits(b[15:17])
	second, ok5 := digits(b[18:20])
	zone, _, ok6 := offset(b[21:])
	if month == 0 || !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || b[2] != '/' || b[6] != '/' || b[11] != ':' || b[14] != ':' || b[17] != ':' || b[20] != ' ' {
		return 0, false
	}
	s.at, s.ok = dateOf(year, month, day, hour, minute, second, 0, zone)
	return s.at, s.ok
}

// iso reads RFC 3339 and its relatives.
func (s *stampReader) iso(b []byte) (at int64, n int, step int64, ok bool) {
	const shortest = len("2000-10-10T13:55:36")
	if len(b) < shortest || b[4] != '-' || b[7] != '-' || b[10] != 'T' && b[10] != ' ' || b[13] != ':' || b[16] != ':' {
		return 0, 0, 0, false
	}
	year, ok1 := digits(b[0:4])
	month, ok2 := digits(b[5:7])
	day, ok3 := digits(b[8:10])
	hour, ok4 := digits(b[11:13])
	minute, ok5 := digits(b[14:16])
	second, ok6 := digits(b[17:19])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 {
		return 0, 0, 0, false
	}
	n = shortest
	nanos, step := 0, int64(time.Second)
	if n < len(b) && (b[n] == '.' || b[n] == ',') {
		var width int
		nanos, width, step = fraction(b[n+1:])
		if width > 0 {
			n += 1 + width
		}
	}
	zone := s.zone
	if n < len(b) && (b[n] == 'Z' || b[n] == '+' || b[n] == '-') {
		if z, width, ok := offset(b[n:]); ok {
			zone, n = z, n+width
		}
	}
	at, ok = dateOf(year, month, day, hour, minute, second, nanos, zone)
	return at, n, step, ok
}

// dateOf returns the time in ns since 1970, when there is such a time after it.
// A leap second counts as the second after it.
func dateOf(year, month, day, hour, minute, second, nanos int, zone *time.Location) (int64, bool) {
	if month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60 || year < 1970 || year > 2200 {
		return 0, false
	}
	at := time.Date(year, time.Month(month), day, hour, minute, second, nanos, zone).UnixNano()
	return at, at > 0
}

// offset reads Z, +0700, -07:00.
func offset(b []byte) (zone *time.Location, n int, ok bool) {
	if len(b) > 0 && b[0] == 'Z' {
		return time.UTC, 1, true
	}
	if len(b) < 5 || b[0] != '+' && b[0] != '-' {
		return nil, 0, false
	}
	n = 5
	from := 3
	if b[3] == ':' {
		n, from = 6, 4
	}
	if len(b) < n {
		return nil, 0, false
	}
	hour, ok1 := digits(b[1:3])
	minute, ok2 := digits(b[from : from+2])
	if !ok1 || !ok2 || hour > 15 || minute > 59 {
		return nil, 0, false
	}
	seconds := hour*3600 + minute*60
	if seconds == 0 {
		return time.UTC, n, true
	}
	if b[0] == '-' {
		seconds = -seconds
	}
	return time.FixedZone("", seconds), n, true
}

// fraction reads the digits behind a point. step is the unit of the last one.
func fraction(b []byte) (nanos, n int, step int64) {
	step = int64(time.Second)
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		if step > 1 {
			step /= 10
			nanos += int(b[n]-'0') * int(step)
		}
		n++
	}
	return nanos, n, step
}

// readNumber reads a number of units since 1970, with a fraction perhaps.
func readNumber(b []byte, unit int64) (at int64, n int, step int64, ok bool) {
	const most = 19 // digits of an int64
	whole := int64(0)
	for n < len(b) && n < most && b[n] >= '0' && b[n] <= '9' {
		whole = whole*10 + int64(b[n]-'0')
		n++
	}
	if n == 0 || whole > (1<<63-1)/unit-1 {
		return 0, 0, 0, false
	}
	at, step = whole*unit, unit
	if n+1 < len(b) && b[n] == '.' && b[n+1] >= '0' && b[n+1] <= '9' {
		nanos, width, fine := fraction(b[n+1:])
		n += 1 + width
		at += int64(nanos) * unit / int64(time.Second)
		step = max(fine*unit/int64(time.Second), 1)
	}
	return at, n, step, true
}

func monthOf(b []byte) int {
	const names = "JanFebMarAprMayJunJulAugSepOctNovDec"
	if len(b) != 3 {
		return 0
	}
	i := bytes.Index([]byte(names), b)
	if i < 0 || i%3 != 0 {
		return 0
	}
	return i/3 + 1
}

func digits(b []byte) (n int, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, len(b) > 0
}
