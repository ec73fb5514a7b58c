package http1

import "bytes"

// QueryParam returns the value of the first parameter of that name in the
// query of a request target, as it stands there, still escaped. A parameter
// without "=" has an empty value. Names are compared unescaped. value is
// part of target.
func QueryParam(target []byte, name string) (value []byte, ok bool) {
	target, _ = cutFragment(target)
	at, ok := findParam(target, name)
	return target[at.value:at.end], ok
}

// SetQueryParam appends target to dst with the first parameter of that name
// set to value, or with the parameter added at the end, and returns the
// extended slice. Whatever would end the parameter or the target is escaped;
// "%" and "+" stay, so that a value may be given escaped. A fragment stays at
// the end. Targets without a query stay as they are: "*", and an authority as
// CONNECT has it (RFC 9112 section 3.2). dst must not overlap target.
func SetQueryParam(dst, target []byte, name, value string) []byte {
	if len(target) == 0 || target[0] != '/' && (target[0] == '*' || isAuthority(target)) {
		return append(dst, target...)
	}
	target, fragment := cutFragment(target)
	return append(setQueryParam(dst, target, name, value), fragment...)
}

// isAuthority reports whether a target is host:port.
func isAuthority(target []byte) bool {
	colon := bytes.LastIndexByte(target, ':')
	if colon <= 0 || colon == len(target)-1 || bytes.ContainsAny(target[:colon], "/?#") {
		return false
	}
	for _, c := range target[colon+1:] {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// cutFragment parts a target before its "#". A target should have no fragment
// (RFC 9112 section 3.2), and clients send some all the same.
func cutFragment(target []byte) (before, fragment []byte) {
	if i := bytes.IndexByte(target, '#'); i >= 0 {
		return target[:i:i], target[i:]
	}
	return target, nil
}

func setQueryParam(dst, target []byte, name, value string) []byte {
	at, ok := findParam(target, name)
	if ok {
		dst = append(dst, target[:at.nameEnd]...)
		dst = append(dst, '=')
		dst = appendEscaped(dst, value, false)
		return append(dst, target[at.end:]...)
	}
	dst = append(dst, target...)
	switch q := bytes.IndexByte(target, '?'); {
	case q < 0:
		dst = append(dst, '?')
	case q < len(target)-1 && target[len(target)-1] != '&':
		dst = append(dst, '&')
	}
	dst = appendEscaped(dst, name, true)
	dst = append(dst, '=')
	return appendEscaped(dst, value, false)
}

// param says where a parameter lies in a target. Without "=" value is end.
type param struct{ nameEnd, value, end int }

func findParam(target []byte, name string) (param, bool) {
	pos := bytes.IndexByte(target, '?') + 1
	if pos == 0 {
		return param{}, false
	}
	for {
		end := len(target)
		if i := bytes.IndexByte(target[pos:], '&'); i >= 0 {
			end = pos + i
		}
		at := param{end, end, end}
		if i := bytes.IndexByte(target[pos:end], '='); i >= 0 {
			at.nameEnd, at.value = pos+i, pos+i+1
		}
		if equalUnescaped(target[pos:at.nameEnd], name) {
			return at, true
		}
		if end == len(target) {
			return param{}, false
		}
		pos = end + 1
	}
}

// equalUnescaped reports whether raw is name, as they are or both unescaped.
func equalUnescaped(raw []byte, name string) bool {
	i, n := 0, 0
	for i < len(raw) && n < len(name) {
		c, size := unescape(raw[i:])
		d, width := unescape(name[n:])
		if c != d {
			return false
		}
		i, n = i+size, n+width
	}
	return i == len(raw) && n == len(name) && n > 0
}

// unescape returns the first byte of s, which is not empty, unescaped, and how
// many bytes stand for it.
func unescape[T string | []byte](s T) (c byte, size int) {
	switch {
	case s[0] == '+':
		return ' ', 1
	case s[0] == '%' && len(s) > 2:
		high, ok1 := unhex(s[1])
		low, ok2 := unhex(s[2])
		if ok1 && ok2 {
			return high<<4 | low, 3
		}
	}
	return s[0], 1
}

func unhex(c byte) (byte, bool) {
	switch l := c | 0x20; {
	case isDigit(c):
		return c - '0', true
	case 'a' <= l && l <= 'f':
		return l - 'a' + 10, true
	}
	return 0, false
}

func appendEscaped(dst []byte, s string, name bool) []byte {
	const digits = "0123456789ABCDEF"
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c <= ' ' || c >= 0x7f || c == '&' || c == '#' || name && c == '=' {
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// AppendHostTarget appends host and target to dst as one URL without scheme,
// "www.example.com/path?query", and returns the extended slice. The target of
// a request to a proxy, "http://user@www.example.com/path", names its host
// itself; what is before its "@" is not part of the host.
func AppendHostTarget(dst, host, target []byte) []byte {
	authority, path, absolute := CutAbsolute(target)
	if absolute {
		host = authority[bytes.Index(authority, []byte("://"))+len("://"):]
		host = host[bytes.LastIndexByte(host, '@')+1:]
	}
	dst = append(dst, host...)
	if absolute && (len(path) == 0 || path[0] != '/') {
		dst = append(dst, '/') // RFC 9110 section 4.2.3
	}
	return append(dst, path...)
}

// CutAbsolute parts a target in absolute form, http://host/path, in http://host
// and /path, both part of target. The path is empty when there is none. Of a
// target in another form it gives all as the path.
func CutAbsolute(target []byte) (authority, path []byte, ok bool) {
	if len(target) == 0 || !isTchar(target[0]) {
		return nil, target, false // a path, nearly always
	}
	i := bytes.Index(target, []byte("://"))
	if i <= 0 || !isToken(target[:i]) {
		return nil, target, false
	}
	host := i + len("://")
	end := bytes.IndexAny(target[host:], "/?#")
	if end < 0 {
		return target, nil, true
	}
	return target[:host+end], target[host+end:], true
}
