package http1

import "bytes"

// methodList is IANA's registry of HTTP methods, without PRI, which begins a
// connection of HTTP/2, and those that are in wide use beside it: NOTIFY, POLL,
// SUBSCRIBE and UNSUBSCRIBE (UPnP, WebDAV of Exchange), PURGE and BAN (caches),
// SOURCE (streaming servers).
const methodList = " ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE " +
	"MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PUT " +
	"QUERY REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL " +
	"NOTIFY POLL SUBSCRIBE UNSUBSCRIBE PURGE BAN SOURCE "

// longestMethod is the length of UPDATEREDIRECTREF.
const longestMethod = 17

// registered reports whether b is a registered method, or with whole unset
// whether it begins one. Methods are case-sensitive (RFC 9110 section 9.1).
func registered(b []byte, whole bool) bool {
	if len(b) > longestMethod {
		return false
	}
	var word [longestMethod + 2]byte
	word[0] = ' '
	n := 1 + copy(word[1:], b)
	if bytes.IndexByte(b, ' ') >= 0 {
		return false
	}
	if whole {
		word[n] = ' '
		n++
	}
	return len(b) > 0 && bytes.Contains([]byte(methodList), word[:n])
}

// MayBegin reports whether b can be the beginning of a message where a stream
// is entered that was joined in the middle or has lost bytes. Only registered
// methods begin a request there, before a target of one of the forms of RFC 9112
// section 3.2, and HTTP/1 a response: any token would do for the rest of a
// method, or for a word of an upload. Of b there may be no more than a byte.
// Empty lines before it are not passed over: behind a hole they may end a head
// whose body begins with what looks like another one.
func MayBegin(b []byte, response bool) bool {
	if len(b) == 0 {
		return false
	}
	if response {
		n := min(len(b), len(versionPrefix))
		return string(b[:n]) == versionPrefix[:n]
	}
	n := bytes.IndexByte(b[:min(len(b), longestMethod+1)], ' ')
	if n < 0 {
		return registered(b, false)
	}
	if !registered(b[:n], true) {
		return false
	}
	target := b[n+1:]
	if len(target) == 0 || target[0] == '/' || target[0] == '*' || string(b[:n]) == "CONNECT" {
		return true
	}
	for _, scheme := range []string{"http://", "https://"} {
		m := min(len(scheme), len(target))
		if equalFold(target[:m], scheme[:m]) {
			return true
		}
	}
	return false
}

// MayBeginLen is how many bytes of a message MayBegin looks at, at most.
const MayBeginLen = longestMethod + 1 + len("https://")

// BeginsRequest is MayBegin for a request whose request line lies whole in b.
func BeginsRequest(b []byte) bool {
	end := bytes.IndexByte(b, '\n')
	if end < 0 || !MayBegin(b, false) {
		return false
	}
	_, err := splitRequestLine(cutCR(b[:end]))
	return err == nil
}

// TailOfMethod reports whether b begins with a registered method that is also
// the end of a longer one: PATCH of PROPPATCH, LOCK of UNLOCK. Where the bytes
// before b are not known, nobody can tell which of the two was sent. A PATCH
// whose head lies whole in b and says nothing of XML is neither PROPPATCH nor
// ORDERPATCH, which carry XML (RFC 4918 section 9.2, RFC 3648 section 7).
func TailOfMethod(b []byte) bool {
	n := max(0, bytes.IndexByte(b[:min(len(b), longestMethod+1)], ' '))
	switch string(b[:n]) {
	case "BIND", "CHECKOUT", "LINK", "LOCK", "SUBSCRIBE":
		return true
	case "PATCH":
		head, _, whole := bytes.Cut(b, []byte("\r\n\r\n"))
		return !whole || bytes.Contains(head, []byte("xml"))
	}
	return false
}

// lineTail ends a request line: a space, the version and the line end.
const lineTail = " HTTP/1."

// A StartCounter counts the request lines in bytes that go by unread, by their
// ends, in whatever pieces the bytes come. The zero value is ready.
type StartCounter struct{ seen uint8 }

// Count looks at b, the next bytes, and returns how many request lines end in
// them. Text that quotes request lines counts like them.
func (c *StartCounter) Count(b []byte) (n uint64) {
	for len(b) > 0 {
		if c.seen == 0 {
			i := bytes.Index(b, []byte(lineTail))
			if i < 0 {
				c.seen = startsAtEnd(b)
				return n
			}
			c.seen = uint8(len(lineTail))
			b = b[i+len(lineTail):]
			continue
		}
		switch at := int(c.seen); {
		case at < len(lineTail) && b[0] == lineTail[at], at == len(lineTail) && isDigit(b[0]):
			c.seen++
		case at == len(lineTail)+1 && isSpace(b[0]):
			n++
			c.seen = 0
		default:
			c.seen = 0
			if b[0] == ' ' {
				c.seen = 1
			}
		}
		b = b[1:]
	}
	return n
}

// startsAtEnd is how many bytes of lineTail b ends with. The tail has one
// space, its first byte, so that the last space decides.
func startsAtEnd(b []byte) uint8 {
	i := bytes.LastIndexByte(b[max(0, len(b)-len(lineTail)):], ' ')
	if i < 0 {
		return 0
	}
	b = b[max(0, len(b)-len(lineTail))+i:]
	if len(b) <= len(lineTail) && string(b) == lineTail[:len(b)] {
		return uint8(len(b))
	}
	return 0
}

// LikelyHead reports whether head, which a Parser has read as one, is text as
// somebody writes it, whatever its lines are, and not other content that has
// lines: there is no control character but tabs and line ends. It is for heads
// that were found where the bytes before them are not known.
func LikelyHead(head []byte) bool {
	for i := controlAt(head, 0); i < len(head); i = controlAt(head, i+1) {
		if c := head[i]; c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}
