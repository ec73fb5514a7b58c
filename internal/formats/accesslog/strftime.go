package accesslog

import (
	"fmt"
	"time"
)

// A stampPart is a character of a pattern: a conversion of strftime, or itself.
type stampPart struct {
	conversion byte // 0: literal
	literal    byte
	width      int // digits of %3f
}

// parsePattern reads a pattern of strftime. Conversions that stand for several
// are taken apart.
func parsePattern(text string) ([]stampPart, error) {
	var parts []stampPart
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			parts = append(parts, stampPart{literal: text[i]})
			continue
		}
		i++
		width := 0
		for i < len(text) && (text[i] >= '0' && text[i] <= '9' || text[i] == '-' || text[i] == '_') {
			if text[i] >= '0' && text[i] <= '9' {
				width = min(width*10+int(text[i]-'0'), 9)
			}
			i++
		}
		if i == len(text) {
			return nil, fmt.Errorf("%q ends in %%", text)
		}
		long := ""
		switch c := text[i]; c {
		case 'T':
			long = "%H:%M:%S"
		case 'R':
			long = "%H:%M"
		case 'F':
			long = "%Y-%m-%d"
		case 'D':
			long = "%m/%d/%y"
		case 'c':
			long = "%a %b %e %H:%M:%S %Y"
		case '%':
			parts = append(parts, stampPart{literal: '%'})
		case 'Y', 'y', 'm', 'd', 'e', 'H', 'k', 'M', 'S', 'b', 'h', 'B', 'a', 'A', 'z', 'Z', 's', 'f', 'L', 'j':
			parts = append(parts, stampPart{conversion: c, width: width})
		default:
			return nil, fmt.Errorf("%%%c in the time %q is not understood: %%Y %%m %%d %%b %%H %%M %%S %%z %%s %%f and their like are", c, text)
		}
		if long != "" {
			more, err := parsePattern(long)
			if err != nil {
				return nil, err
			}
			parts = append(parts, more...)
		}
	}
	return parts, nil
}

// pattern reads a stamp as parts say.
func (s *stampReader) pattern(parts []stampPart, b []byte) (at int64, n int, step int64, ok bool) {
	year, month, day, hour, minute, second, nanos := 1970, 1, 1, 0, 0, 0, 0
	zone := s.zone
	epoch := int64(-1)
	step = int64(time.Second)
	for _, p := range parts {
		if n > len(b) {
			return 0, 0, 0, false
		}
		rest := b[n:]
		var width int
		ok := true
		switch p.conversion {
		case 0:
			ok = len(rest) > 0 && rest[0] == p.literal
			if ok {
				width = 1
			}
		case 'Y':
			year, width, ok = number(rest, 4, 4)
		case 'y':
			year, width, ok = number(rest, 2, 2)
			year += 2000
		case 'm':
			month, width, ok = number(rest, 1, 2)
		case 'd', 'e':
			day, width, ok = padded(rest)
		case 'H', 'k':
			hour, width, ok = padded(rest)
		case 'M':
			minute, width, ok = number(rest, 1, 2)
		case 'S':
			second, width, ok = number(rest, 1, 2)
		case 'b', 'h':
			width = 3
			ok = len(rest) >= 3
			if ok {
				month = monthOf(rest[:3])
			}
		case 'B':
			month, width, ok = longMonth(rest)
		case 'j':
			month = 1
			day, width, ok = number(rest, 1, 3)
		case 'a', 'A', 'Z':
			for width < len(rest) && rest[width]|0x20 >= 'a' && rest[width]|0x20 <= 'z' {
				width++
			}
			if p.conversion == 'Z' && (string(rest[:width]) == "UTC" || string(rest[:width]) == "GMT") {
				zone = time.UTC
			}
			ok = width > 0
		case 'z':
			zone, width, ok = offset(rest)
		case 's':
			epoch, width, _, ok = readNumber(wholePart(rest), int64(time.Second))
		case 'f', 'L':
			digits := rest
			if p.width > 0 && p.width < len(rest) {
				digits = rest[:p.width]
			}
			nanos, width, step = fraction(digits)
			ok = width > 0
		}
		if !ok {
			return 0, 0, 0, false
		}
		n += width
	}
	if epoch >= 0 {
		return epoch + int64(nanos), n, step, epoch > 0
	}
	if month == 1 && day > 31 { // a day of the year
		length := time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
		for month < 12 && day > length {
			day -= length
			month++
			length = time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
		}
	}
	at, ok = dateOf(year, month, day, hour, minute, second, nanos, zone)
	return at, n, step, ok
}

// wholePart is the digits that b begins with.
func wholePart(b []byte) []byte {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return b[:n]
}

func number(b []byte, least, most int) (v, n int, ok bool) {
	for n < len(b) && n < most && b[n] >= '0' && b[n] <= '9' {
		v = v*10 + int(b[n]-'0')
		n++
	}
	return v, n, n >= least
}

// padded reads a number of two digits whose first may be a blank.
func padded(b []byte) (v, n int, ok bool) {
	if len(b) > 0 && b[0] == ' ' {
		v, n, ok = number(b[1:], 1, 1)
		return v, n + 1, ok
	}
	return number(b, 1, 2)
}

func longMonth(b []byte) (month, n int, ok bool) {
	for m := time.January; m <= time.December; m++ {
		if name := m.String(); len(b) >= len(name) && string(b[:len(name)]) == name {
			return int(m), len(name), true
		}
	}
	return 0, 0, false
}
