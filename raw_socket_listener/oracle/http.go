package oracle

import (
	"bytes"
	"strings"
)

// Bounds beyond which a message need not be found whole.
const (
	maxHead    = 256 << 10
	maxLine    = 8 << 10  // of a chunk's size
	maxTrailer = 64 << 10 // of a chunked body
)

// methods are those of IANA's registry of HTTP methods, which has WebDAV's.
const methods = " ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY" +
	" MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PUT" +
	" QUERY REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL "

func registered(method string) bool {
	return method != "" && strings.Contains(methods, " "+method+" ")
}

// requestLine reads a line without its LF. method is empty when it is none.
func requestLine(line string) (method string) {
	line = strings.TrimSuffix(line, "\r")
	i := strings.IndexAny(line, " \t")
	if i <= 0 || !token(line[:i]) {
		return ""
	}
	rest := strings.Trim(line[i:], " \t")
	j := strings.LastIndexAny(rest, " \t")
	if j <= 0 {
		return ""
	}
	version := rest[j+1:]
	if len(version) != 8 || version[:7] != "HTTP/1." || version[7] < '0' || version[7] > '9' {
		return ""
	}
	return line[:i]
}

func token(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7F || strings.IndexByte("\"(),/:;<=>?@[\\]{}", c) >= 0 {
			return false
		}
	}
	return s != ""
}

// A head is what the begin of some bytes says as the head of a request.
type head struct {
	method  string // empty: the first line is none of a request
	line    int    // bytes of the first line with its LF, 0: it has no end
	size    int    // bytes of the head with its empty line, 0: it has no end
	bad     bool   // it cannot be framed
	length  int64  // of the body, unless chunked
	chunked bool
	upgrade bool // to another protocol, CONNECT included
	expect  bool // Expect: 100-continue
}

func readHead(b []byte) (h head) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return h
	}
	h.line = i + 1
	h.method = requestLine(string(b[:i]))
	if h.method == "" {
		return h
	}
	var fields []string // with what is folded
	for at := h.line; ; {
		n := bytes.IndexByte(b[at:], '\n')
		if n < 0 {
			return h
		}
		line := string(b[at : at+n])
		at += n + 1
		if line == "" || line == "\r" {
			h.size = at
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if len(fields) > 0 {
				fields[len(fields)-1] += line
			}
			continue
		}
		fields = append(fields, line)
	}
	h.fields(fields)
	if h.size >= maxHead {
		h.bad = true
	}
	return h
}

// fields applies RFC 9112 section 6.3 with the readings of internal/http1:
// Transfer-Encoding wins over Content-Length, the first length over others,
// and CONNECT has no body.
func (h *head) fields(fields []string) {
	var coded, chunked, badLength, wantsUpgrade, hasUpgrade bool
	length := int64(-1)
	for _, f := range fields {
		name, value, colon := strings.Cut(f, ":")
		if !colon {
			continue
		}
		switch strings.ToLower(strings.TrimRight(name, " \t")) {
		case "content-length":
			for _, s := range strings.Split(value, ",") {
				n, ok := decimal(strings.Trim(s, " \t\r\n"))
				switch {
				case !ok:
					badLength = true
				case length < 0:
					length = n
				}
			}
		case "transfer-encoding":
			coded, chunked = true, false
			for _, s := range list(value) {
				chunked = s == "chunked"
			}
		case "connection":
			for _, s := range list(value) {
				wantsUpgrade = wantsUpgrade || s == "upgrade"
			}
		case "upgrade":
			hasUpgrade = strings.Trim(value, " \t\r\n") != ""
		case "expect":
			h.expect = strings.EqualFold(strings.Trim(value, " \t\r\n"), "100-continue")
		}
	}
	h.upgrade = wantsUpgrade && hasUpgrade
	switch {
	case h.method == "CONNECT":
		h.upgrade = true
	case coded:
		h.chunked, h.bad = chunked, !chunked
	case badLength:
		h.bad = true
	default:
		h.length = max(0, length)
	}
}

func list(value string) (out []string) {
	for _, s := range strings.Split(value, ",") {
		s = strings.Trim(s, " \t\r\n")
		if s != "" {
			out = append(out, strings.ToLower(s))
		}
	}
	return out
}

func decimal(s string) (n int64, ok bool) {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' || n > (1<<63-1-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, s != ""
}
