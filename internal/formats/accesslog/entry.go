package accesslog

import "bytes"

// An entry is what a line says. Its slices refer to the line, or to the reader's
// scratch memory.
type entry struct {
	client, user []byte
	request      []byte // method, target and version, as sent
	method       []byte
	target       []byte // with the query
	path, query  []byte // in place of target; the query without "?"
	proto        []byte
	host         []byte // as the client named it
	server       []byte // the name of the server that answered: a host for want of a better
	scheme       []byte
	headers      []header
	body         []byte
	hasBody      bool

	start, end    int64 // ns since 1970; 0: not logged
	startStep     int64 // ns between two times that the stamp can tell apart
	endStep       int64
	date, clock   []byte // of a stamp in two fields
	duration      int64  // ns; -1: not logged
	contentLength int64  // of the request; -1: not logged
}

type header struct {
	name  string
	value []byte
}

func (e *entry) reset() {
	*e = entry{headers: e.headers[:0], duration: -1, contentLength: -1}
}

// absent reports whether a logged value stands for none.
func absent(v []byte) bool { return len(v) == 0 || len(v) == 1 && v[0] == '-' }

// setHeader keeps a request header that was logged. Those that frame the
// message, or are said elsewhere, are not built again.
func (e *entry) setHeader(name string, value []byte) {
	if absent(value) {
		return
	}
	switch name {
	case "Host", ":authority":
		e.host = value
	case "Content-Length":
		e.contentLength = parseLength(value)
	case ":method":
		e.method = value
	case ":path":
		e.target = value
	case ":scheme":
		e.scheme = value
	case "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection", "Upgrade", "Te", "Trailer", "Expect":
	default:
		for i := range e.headers {
			if e.headers[i].name == name {
				return // logged twice
			}
		}
		e.headers = append(e.headers, header{name, value})
	}
}

// agent is the User-Agent, nil when it was not logged.
func (e *entry) agent() []byte {
	for i := range e.headers {
		if e.headers[i].name == "User-Agent" {
			return e.headers[i].value
		}
	}
	return nil
}

func parseLength(v []byte) int64 {
	n := int64(0)
	if len(v) == 0 || len(v) > 18 {
		return -1
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// splitRequest parts the request line of a log into its three words. The target
// may have blanks, which clients do send.
func (e *entry) splitRequest() bool {
	line := e.request
	method, rest, ok := bytes.Cut(line, []byte{' '})
	if !ok {
		return false
	}
	i := bytes.LastIndexByte(rest, ' ')
	if i <= 0 || !isProto(rest[i+1:]) {
		return false
	}
	e.method, e.target, e.proto = method, rest[:i], rest[i+1:]
	return true
}

func isProto(v []byte) bool {
	return len(v) >= len("HTTP/1") && string(v[:5]) == "HTTP/" && v[5] >= '1' && v[5] <= '3'
}
