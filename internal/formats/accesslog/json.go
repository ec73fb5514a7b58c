package accesslog

import (
	"bytes"
	"strings"
	"time"
)

// jsonKeys are the fields of lines that are JSON objects: keys named as nginx's
// variables, with or without what people often call them instead, and Caddy's.
// Keys of objects within objects are joined by points.
type jsonKeys struct {
	known map[string]field
	path  []byte
}

// maxDepth bounds objects within objects. Caddy's have two.
const maxDepth = 8

func newJSONKeys() *jsonKeys {
	second := int64(time.Second)
	k := &jsonKeys{known: map[string]field{}}
	for name, variable := range map[string]string{
		"time": "time_iso8601", "timestamp": "time_iso8601", "@timestamp": "time_iso8601", "datetime": "time_iso8601",
		"client": "remote_addr", "client_ip": "remote_addr", "ip": "remote_addr", "remote_ip": "remote_addr", "remote_address": "remote_addr",
		"method": "request_method", "url": "request_uri", "path": "request_uri", "query": "args",
		"protocol": "server_protocol", "proto": "server_protocol", "vhost": "host", "domain": "host",
		"user_agent": "http_user_agent", "agent": "http_user_agent", "referer": "http_referer", "referrer": "http_referer",
		"duration": "request_time", "body": "request_body",
	} {
		k.known[name] = nginxField(variable, escapeNone)
	}
	caddy := func(name string, f field) { f.escape = escapeNone; k.known[name] = f }
	caddy("ts", field{role: endRole, stamp: stamp{kind: stampNumber, unit: second}})
	caddy("request.remote_ip", field{role: clientRole})
	caddy("request.remote_addr", field{role: clientRole})
	caddy("request.client_ip", field{role: clientRole})
	caddy("request.remote_port", field{role: portRole})
	caddy("request.proto", field{role: protoRole})
	caddy("request.method", field{role: methodRole})
	caddy("request.host", field{role: hostRole})
	caddy("request.uri", field{role: targetRole})
	caddy("user_id", field{role: userRole})
	caddy("bytes_read", field{role: lengthRole})
	return k
}

// find returns what a key means.
func (k *jsonKeys) find(path []byte) (field, bool) {
	if f, ok := k.known[string(path)]; ok {
		return f, true
	}
	f := field{}
	name := string(path)
	if header, ok := strings.CutPrefix(name, "request.headers."); ok {
		f = headerNamed(header)
	} else {
		f = nginxField(name, escapeNone)
	}
	f.escape = escapeNone
	if len(k.known) < maxKeys {
		k.known[name] = f
	}
	return f, true
}

// maxKeys bounds the keys that are remembered: headers have any name.
const maxKeys = 1000

// parse reads a line that is an object.
func (k *jsonKeys) parse(line []byte, e *entry, r *reading) *parseError {
	s := jsonScan{b: line, keys: k, e: e, r: r}
	s.blank()
	k.path = k.path[:0]
	if !s.value(0) {
		return &parseError{s.pos + 1, "this is no JSON object"}
	}
	if s.blank(); s.pos != len(line) {
		return &parseError{s.pos + 1, "want the end of the object"}
	}
	if e.end == 0 && e.start == 0 {
		return &parseError{1, "the object has no time that is known, such as ts, msec or time_iso8601"}
	}
	return nil
}

// A jsonScan reads an object and hands on what stands in it.
type jsonScan struct {
	b    []byte
	pos  int
	keys *jsonKeys
	e    *entry
	r    *reading
}

func (s *jsonScan) blank() {
	for s.pos < len(s.b) && (s.b[s.pos] == ' ' || s.b[s.pos] == '\t' || s.b[s.pos] == '\n' || s.b[s.pos] == '\r') {
		s.pos++
	}
}

func (s *jsonScan) take(c byte) bool {
	s.blank()
	if s.pos < len(s.b) && s.b[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// value reads a value of the present path.
func (s *jsonScan) value(depth int) bool {
	s.blank()
	if s.pos == len(s.b) || depth > maxDepth {
		return false
	}
	switch s.b[s.pos] {
	case '{':
		s.pos++
		return s.members(depth)
	case '[':
		s.pos++
		return s.elements(depth)
	case '"':
		v, ok := s.string()
		if ok && len(s.keys.path) > 0 {
			s.set(v)
		}
		return ok && depth > 0
	}
	from := s.pos
	for s.pos < len(s.b) && strings.IndexByte("+-.eE", s.b[s.pos]) >= 0 || s.pos < len(s.b) && (isLetter(s.b[s.pos]) || s.b[s.pos] >= '0' && s.b[s.pos] <= '9') {
		s.pos++
	}
	v := s.b[from:s.pos]
	if len(v) == 0 || depth == 0 {
		return false
	}
	if v[0] == '-' || v[0] >= '0' && v[0] <= '9' {
		s.set(v)
		return true
	}
	word := string(v)
	return word == "null" || word == "true" || word == "false"
}

// members reads an object behind its brace.
func (s *jsonScan) members(depth int) bool {
	length := len(s.keys.path)
	if s.take('}') {
		return true
	}
	for {
		s.blank()
		key, ok := s.string()
		if !ok || !s.take(':') {
			return false
		}
		if length > 0 {
			s.keys.path = append(s.keys.path, '.')
		}
		s.keys.path = append(s.keys.path, key...)
		if !s.value(depth + 1) {
			return false
		}
		s.keys.path = s.keys.path[:length]
		if s.take('}') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// elements reads a list behind its bracket. Of a header with several values the
// first counts.
func (s *jsonScan) elements(depth int) bool {
	if s.take(']') {
		return true
	}
	for {
		if !s.value(depth + 1) {
			return false
		}
		if s.take(']') {
			return true
		}
		if !s.take(',') {
			return false
		}
	}
}

// string reads a string. It refers to the line, or to the scratch memory when
// something in it is escaped.
func (s *jsonScan) string() ([]byte, bool) {
	if s.pos == len(s.b) || s.b[s.pos] != '"' {
		return nil, false
	}
	from := s.pos + 1
	n := quotedEnd(s.b[from:], `"`)
	if n < 0 {
		s.pos = len(s.b)
		return nil, false
	}
	s.pos = from + n + 1
	var v []byte
	v, s.r.scratch = unescape(s.r.scratch, s.b[from:from+n], escapeBackslash)
	return v, true
}

// set gives the entry the value at the present path.
func (s *jsonScan) set(v []byte) {
	f, ok := s.keys.find(s.keys.path)
	if !ok || f.role == ignored {
		return
	}
	if f.role != startRole && f.role != endRole {
		f.set(s.e, v, s.r)
		return
	}
	// Whoever names the keys also chooses how the time is written.
	if f.set(s.e, v, s.r) {
		return
	}
	for _, kind := range []stamp{{kind: stampISO}, {kind: stampCommon}, {kind: stampNumber, unit: int64(time.Second)}} {
		f.stamp = kind
		if f.set(s.e, v, s.r) {
			return
		}
	}
}

// looksJSON reports whether a line may be an object.
func looksJSON(line []byte) bool {
	line = bytes.TrimLeft(line, " \t")
	return len(line) > 0 && line[0] == '{'
}
