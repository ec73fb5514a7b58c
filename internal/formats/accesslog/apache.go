package accesslog

import (
	"fmt"
	"strings"
	"time"
)

// compileApache reads the string of a LogFormat
// (httpd.apache.org/docs/2.4/mod/mod_log_config.html).
func compileApache(text string) ([]part, error) {
	var c compiler
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			c.text(text[i])
			continue
		case text[i] == '\\' && i+1 < len(text) && text[i+1] == 't':
			i++
			c.text('\t')
			continue
		case text[i] != '%':
			c.text(text[i])
			continue
		}
		i++
		for i < len(text) && (text[i] == '!' || text[i] == '<' || text[i] == '>' || text[i] == ',' || text[i] >= '0' && text[i] <= '9') {
			i++
		}
		arg := ""
		if i < len(text) && text[i] == '{' {
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return nil, fmt.Errorf("%q has a { without }", text)
			}
			arg, i = text[i+1:i+end], i+end+1
		}
		if i == len(text) {
			return nil, fmt.Errorf("%q ends in a %% without a letter", text)
		}
		if text[i] == '^' { // ^ti and ^to are trailers
			i += min(2, len(text)-1-i)
			c.field(field{})
			continue
		}
		if err := c.apache(text[i], arg); err != nil {
			return nil, err
		}
	}
	return c.parts, nil
}

func (c *compiler) apache(letter byte, arg string) error {
	f := field{}
	switch letter {
	case '%':
		c.text('%')
		return nil
	case 'h', 'a':
		f.role = clientRole
	case 'u':
		f.role = userRole
	case 'r':
		f.role = requestRole
	case 'm':
		f.role = methodRole
	case 'U':
		f.role = pathRole
	case 'q':
		f.role = queryRole
	case 'H':
		f.role = protoRole
	case 'v', 'V':
		f.role = serverRole
	case 'i':
		f = headerNamed(arg)
	case 'D':
		f.role, f.unit = elapsedRole, int64(time.Microsecond)
	case 'T':
		f.role, f.unit = elapsedRole, int64(time.Second)
		switch arg {
		case "ms":
			f.unit = int64(time.Millisecond)
		case "us":
			f.unit = int64(time.Microsecond)
		}
	case 't':
		return c.apacheTime(arg)
	}
	c.field(f)
	return nil
}

// apacheTime reads %t and %{…}t. It is the time when the request came unless
// end: stands before it.
func (c *compiler) apacheTime(arg string) error {
	f := field{role: startRole}
	if rest, ok := strings.CutPrefix(arg, "end:"); ok {
		f.role, arg = endRole, rest
	} else {
		arg = strings.TrimPrefix(arg, "begin:")
	}
	switch arg {
	case "": // [10/Oct/2000:13:55:36 -0700]
		c.text('[')
		c.field(f)
		c.text(']')
		return nil
	case "sec":
		f.stamp = stamp{kind: stampNumber, unit: int64(time.Second)}
	case "msec":
		f.stamp = stamp{kind: stampNumber, unit: int64(time.Millisecond)}
	case "usec":
		f.stamp = stamp{kind: stampNumber, unit: int64(time.Microsecond)}
	case "msec_frac", "usec_frac":
		// The fraction of another stamp. It is read as part of the one before it
		// where they stand together, as in %{%T}t.%{usec_frac}t.
		if c.joinFraction() {
			return nil
		}
		f.role = ignored
	default:
		parts, err := parsePattern(arg)
		if err != nil {
			return err
		}
		f.stamp = stamp{kind: stampPattern, parts: parts}
	}
	c.field(f)
	return nil
}

// joinFraction makes a fraction part of the stamp before it.
func (c *compiler) joinFraction() bool {
	n := len(c.parts)
	if n < 2 || c.parts[n-1].isField || !c.parts[n-2].isField || c.parts[n-1].literal != "." && c.parts[n-1].literal != "," {
		return false
	}
	s := &c.parts[n-2].field.stamp
	if s.kind == stampNumber { // %{sec}t.%{usec_frac}t
		c.parts = c.parts[:n-1]
		return true
	}
	if s.kind != stampPattern {
		return false
	}
	s.parts = append(s.parts, stampPart{literal: c.parts[n-1].literal[0]}, stampPart{conversion: 'f'})
	c.parts = c.parts[:n-1]
	return true
}
