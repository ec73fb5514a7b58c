package accesslog

import (
	"bytes"
	"strings"
	"time"
)

// columns are the fields of a W3C extended log, as its #Fields line names them
// (www.w3.org/TR/WD-logfile): CloudFront's, IIS's and others'.
type columns struct {
	fields []field
	byTabs bool
	plus   bool // IIS writes a blank as "+"
}

// isDirective reports whether a line says something about the lines after it.
func isDirective(line []byte) bool { return len(line) > 0 && line[0] == '#' }

// directive reads a line that begins with "#".
func (c *columns) directive(line []byte) {
	if rest, ok := bytes.CutPrefix(line, []byte("#Software:")); ok {
		c.plus = bytes.Contains(rest, []byte("Internet Information"))
	}
	rest, ok := bytes.CutPrefix(line, []byte("#Fields:"))
	if !ok {
		return
	}
	c.fields = c.fields[:0]
	for _, name := range bytes.Fields(rest) {
		c.fields = append(c.fields, w3cField(string(name), c.plus))
	}
}

func w3cField(name string, iis bool) field {
	f := field{escape: escapePercent}
	if iis {
		f.escape = escapeNone
	}
	switch name {
	case "date":
		f.role = dateRole
	case "time":
		f.role = clockRole
	case "c-ip":
		f.role = clientRole
	case "c-port":
		f.role = portRole
	case "cs-username":
		f.role = userRole
	case "cs-method":
		f.role = methodRole
	case "cs-uri":
		f.role, f.escape = targetRole, escapeNone
	case "cs-uri-stem":
		f.role, f.escape = pathRole, escapeNone
	case "cs-uri-query":
		f.role, f.escape = queryRole, escapeNone
	case "cs-protocol-version", "cs-version":
		f.role = protoRole
	case "cs-protocol":
		f.role = schemeRole
	case "x-host-header", "cs-host":
		f.role = hostRole
	case "s-computername", "cs(Host)":
		f.role = serverRole // for CloudFront the distribution; x-host-header is what the client named
		if iis && name == "cs(Host)" {
			f.role = hostRole
		}
	case "time-taken":
		f.role, f.unit = elapsedRole, int64(time.Second)
		if iis {
			f.unit = int64(time.Millisecond)
		}
	default:
		if header, ok := strings.CutPrefix(name, "cs("); ok {
			escape := f.escape
			f = headerNamed(strings.TrimSuffix(header, ")"))
			f.escape = escape
		}
	}
	return f
}

// parse reads a line of values.
func (c *columns) parse(line []byte, e *entry, r *reading) *parseError {
	if len(c.fields) == 0 {
		return &parseError{1, "want a line #Fields: before the first values"}
	}
	c.byTabs = bytes.IndexByte(line, '\t') >= 0
	pos := 0
	for i := range c.fields {
		if pos > len(line) {
			if i < 2 {
				return &parseError{len(line) + 1, "want another value"}
			}
			break // a line that was cut: what is missing is not known
		}
		end := len(line)
		separator := byte(' ')
		if c.byTabs {
			separator = '\t'
		}
		if n := bytes.IndexByte(line[pos:], separator); n >= 0 {
			end = pos + n
		}
		value := line[pos:end]
		if c.plus && c.fields[i].role == headerRole {
			value = bytes.ReplaceAll(value, []byte{'+'}, []byte{' '})
		}
		c.fields[i].set(e, value, r)
		pos = end + 1
	}
	return e.joinStamp(r)
}

// joinStamp makes a time of the day and the time of day, which are those of the
// answer, in UTC.
func (e *entry) joinStamp(r *reading) *parseError {
	from := len(r.scratch)
	r.scratch = append(append(append(r.scratch, e.date...), 'T'), e.clock...)
	r.scratch = append(r.scratch, 'Z')
	f := stamp{kind: stampISO}
	at, _, step, ok := r.stamps.read(&f, r.scratch[from:])
	if !ok {
		return &parseError{1, "want a date and a time"}
	}
	e.end, e.endStep = at, step
	return nil
}
