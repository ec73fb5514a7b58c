package accesslog

import (
	"bytes"
	"strings"
)

// A role is what a logged value means for the request.
type role uint8

const (
	ignored     role = iota
	clientRole       // address, with or without a port
	portRole         // of the client
	userRole         // of Basic authentication, not used but to tell clients apart
	requestRole      // method, target and version
	methodRole
	targetRole // with the query
	pathRole   // without it
	queryRole  // with or without "?"
	protoRole  // HTTP/1.1
	hostRole   // as the client named it
	serverRole // the server's own name
	schemeRole
	headerRole      // of the request; name says which
	bodyRole        // of the request
	lengthRole      // of the request's body
	startRole       // when the request came
	endRole         // when it was answered
	dateRole        // the day alone, in UTC; W3C
	clockRole       // the time of that day
	elapsedRole     // how long it took; unit says in what
	capturedHeaders // of HAProxy, in braces: up to the quoted request
	envoyCounts     // numbers, flags and details up to the quoted values; the third number is the time that it took
)

// A field is a value in a line.
type field struct {
	role   role
	name   string   // of a header, as it is built
	stamp  stamp    // valid iff role is startRole or endRole
	unit   int64    // ns; valid iff role is elapsedRole
	escape escaping // how the value is written
	list   bool     // may be "a, b : c", as nginx logs several upstreams
}

// set gives the entry a value that was read.
func (f *field) set(e *entry, v []byte, r *reading) bool {
	if f.role == ignored {
		return true
	}
	var value []byte
	value, r.scratch = unescape(r.scratch, v, f.escape)
	if f.escape == escapePercent { // CloudFront escapes what it escaped: %2520 was %20
		value, r.scratch = unescape(r.scratch, value, escapePercent)
	}
	if f.role == startRole || f.role == endRole {
		return f.setTime(e, value, r)
	}
	if absent(value) && f.role != requestRole {
		return true
	}
	switch f.role {
	case clientRole:
		e.client = value
	case portRole, userRole:
		e.user = value
	case requestRole:
		e.request = value
	case methodRole:
		e.method = value
	case targetRole:
		e.target = value
	case pathRole:
		e.path = value
	case queryRole:
		e.query = bytes.TrimPrefix(value, []byte{'?'})
	case protoRole:
		e.proto = value
	case hostRole:
		e.host = value
	case serverRole:
		e.server = value
	case schemeRole:
		e.scheme = value
	case headerRole:
		e.setHeader(f.name, value)
	case bodyRole:
		e.body, e.hasBody = value, true
	case lengthRole:
		e.contentLength = parseLength(value)
	case dateRole:
		e.date = value
	case clockRole:
		e.clock = value
	case envoyCounts:
		e.duration = envoyDuration(value)
	case elapsedRole:
		if n, _, _, ok := readNumber(value, f.unit); ok {
			e.duration = n
		}
	}
	return true
}

func (f *field) setTime(e *entry, v []byte, r *reading) bool {
	at, n, step, ok := r.stamps.read(&f.stamp, v)
	if !ok || n != len(v) {
		return false
	}
	if f.role == startRole {
		if e.start == 0 || step < e.startStep {
			e.start, e.startStep = at, step
		}
	} else if e.end == 0 || step < e.endStep {
		e.end, e.endStep = at, step
	}
	return true
}

// A reading is the scratch memory of a line that is being read.
type reading struct {
	scratch []byte
	stamps  stampReader
}

// headerNamed is the field of a request header. Headers that say the same as
// another role has that role.
func headerNamed(name string) field {
	name = canonical(name)
	switch name {
	case "Host", ":authority":
		return field{role: hostRole}
	case "Content-Length":
		return field{role: lengthRole}
	}
	return field{role: headerRole, name: name}
}

// canonical spells a header's name as clients mostly do: User-Agent.
func canonical(name string) string {
	b := []byte(strings.ToLower(name))
	upper := true
	for i, c := range b {
		if upper && c >= 'a' && c <= 'z' {
			b[i] = c - 'a' + 'A'
		}
		upper = c == '-'
	}
	if len(b) > 0 && b[0] == ':' {
		return strings.ToLower(name)
	}
	return string(b)
}
