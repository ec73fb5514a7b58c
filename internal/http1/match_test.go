package http1

import (
	"strings"
	"testing"
)

func TestMatchHead(t *testing.T) {
	for _, test := range []struct {
		name     string
		b        string
		response bool
		complete bool
		looks    bool
	}{
		{"request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", false, true, true},
		{"request and more", "GET / HTTP/1.1\r\nHost: a\r\n\r\nanything", false, true, true},
		{"no headers", "GET / HTTP/1.0\r\n\r\n", false, true, true},
		{"any method", "M-SEARCH * HTTP/1.1\r\n\r\n", false, true, true},
		{"connect", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", false, true, true},
		{"to a proxy by https", "GET https://a HTTP/1.1\r\n\r\n", false, true, true},
		{"scheme alone", "GET http:// HTTP/1.1\r\n\r\n", false, false, false},
		{"other scheme", "GET ftp://a HTTP/1.1\r\n\r\n", false, false, false},
		{"to a proxy", "GET http://a/ HTTP/1.1\r\n\r\n", false, true, true},
		{"high bytes", "GET /\xc3\xa9 HTTP/1.1\r\nA: \xff\r\n\r\n", false, true, true},
		{"empty value", "GET / HTTP/1.1\r\nA:\r\n\r\n", false, true, true},

		{"empty", "", false, false, true},
		{"part of a method", "GE", false, false, true},
		{"method", "GET ", false, false, true},
		{"part of a target", "GET /a", false, false, true},
		{"part of a scheme", "GET HTT", false, false, true},
		{"part of an authority", "GET https://a", false, false, true},
		{"part of a version", "GET /a HT", false, false, true},
		{"version", "GET /a HTTP/1.1", false, false, true},
		{"half a line end", "GET /a HTTP/1.1\r", false, false, true},
		{"line", "GET /a HTTP/1.1\r\n", false, false, true},
		{"part of a name", "GET /a HTTP/1.1\r\nHos", false, false, true},
		{"part of a value", "GET /a HTTP/1.1\r\nHost: a", false, false, true},
		{"almost", "GET /a HTTP/1.1\r\nHost: a\r\n\r", false, false, true},

		{"line of text", "It is / was HTTP/1.1, said he.\r\n", false, false, false},
		{"words", "hello world", false, false, false},
		{"long word", strings.Repeat("a", 40), false, false, false},
		{"two spaces", "GET  / HTTP/1.1\r\n", false, false, false},
		{"wrong version", "GET / HTTP/2.0\r\n", false, false, false},
		{"wrong version begins", "GET / HTTP/2", false, false, false},
		{"no version", "GET /\r\n", false, false, false},
		{"target without slash", "GET a HTTP/1.1\r\n\r\n", false, false, false},
		{"control in target", "GET /\x01 HTTP/1.1\r\n\r\n", false, false, false},
		{"control in an unfinished target", "GET /\x01", false, false, false},
		{"empty line first", "\r\nGET / HTTP/1.1\r\n\r\n", false, false, false},
		{"space first", " GET / HTTP/1.1\r\n\r\n", false, false, false},
		{"bare LF", "GET / HTTP/1.1\nHost: a\n\n", false, false, false},
		{"bare LF later", "GET / HTTP/1.1\r\nHost: a\n\r\n", false, false, false},
		{"bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", false, false, false},
		{"no colon", "GET / HTTP/1.1\r\nHost\r\n\r\n", false, false, false},
		{"space in name", "GET / HTTP/1.1\r\nHo st: a\r\n\r\n", false, false, false},
		{"space before colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", false, false, false},
		{"folded", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", false, false, false},
		{"no name", "GET / HTTP/1.1\r\n: a\r\n\r\n", false, false, false},
		{"zero in value", "GET / HTTP/1.1\r\nA: \x00\r\n\r\n", false, false, false},
		{"bad name begins", "GET / HTTP/1.1\r\nHo st", false, false, false},
		{"bad value begins", "GET / HTTP/1.1\r\nHost: \x00", false, false, false},
		{"bad length", "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", false, false, false},
		{"no end", "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", false, false, false},
		{"too large", "GET / HTTP/1.1\r\nA: " + strings.Repeat("a", MaxHead) + "\r\n\r\n", false, false, false},
		{"response for request", "HTTP/1.1 200 OK\r\n\r\n", false, false, false},

		{"response", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n", true, true, true},
		{"response without reason", "HTTP/1.1 200\r\n\r\n", true, true, true},
		{"response begins", "HTTP/1.", true, false, true},
		{"response line", "HTTP/1.1 200 OK", true, false, true},
		{"response of version 2", "HTTP/2 200\r\n\r\n", true, false, false},
		{"response of version 2 begins", "HTTP/2", true, false, false},
		{"short status", "HTTP/1.1 20\r\n\r\n", true, false, false},
		{"control in reason", "HTTP/1.1 200 \x01\r\n\r\n", true, false, false},
		{"control in reason begins", "HTTP/1.1 200 \x01", true, false, false},
		{"two spaces in response", "HTTP/1.1  200 OK\r\n\r\n", true, false, false},
		{"request for response", "GET / HTTP/1.1\r\n\r\n", true, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := CompleteHead([]byte(test.b), test.response); got != test.complete {
				t.Errorf("CompleteHead is %v", got)
			}
			if got := LooksLikeHead([]byte(test.b), test.response); got != test.looks {
				t.Errorf("LooksLikeHead is %v", got)
			}
			if !test.complete {
				return
			}
			for i := range test.b {
				if !LooksLikeHead([]byte(test.b[:i]), test.response) {
					t.Errorf("LooksLikeHead(%q) is false", test.b[:i])
				}
			}
		})
	}
}

func TestSniff(t *testing.T) {
	for _, test := range []struct {
		b    string
		want Preface
	}{
		{"", PrefaceNeedMore},
		{"\r\n", PrefaceNeedMore},
		{"G", PrefaceNeedMore},
		{"GET", PrefaceNeedMore},
		{"GET ", PrefaceNeedMore},
		{"GET /", PrefaceHTTP1},
		{"\r\nGET /", PrefaceHTTP1},
		{"GET / HTTP/1.1\r\n", PrefaceHTTP1},
		{"BASELINE-CONTROL /a", PrefaceHTTP1},
		{"HTTP", PrefaceNeedMore},
		{"HTTP/1.1 200 OK", PrefaceHTTP1},
		{"P", PrefaceNeedMore},
		{"PRI * HTTP/2.0", PrefaceNeedMore},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", PrefaceHTTP2},
		{"PRI * HTTP/1.1\r\n", PrefaceHTTP1},
		{"SS", PrefaceNeedMore},
		{"SSH-2.0-OpenSSH_9.6\r\n", PrefaceSSH},
		{"SEARCH /", PrefaceHTTP1},
		{"\x16", PrefaceNeedMore},
		{"\x16\x03\x01\x02", PrefaceNeedMore},
		{"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", PrefaceTLS}, // handshake, ClientHello
		{"\x17\x03\x03\x00\x20", PrefaceTLS},                         // application data
		{"\x15\x03\x03\x00\x02\x01\x00", PrefaceTLS},                 // alert
		{"\x16\x02", PrefaceUnknown},
		{"\x16\x03\x05", PrefaceUnknown},
		{"\x16\x03\x01\x00\x00", PrefaceUnknown},
		{"\x16\x03\x01\xff\xff", PrefaceUnknown},
		{"\x00\x00\x00\x12", PrefaceUnknown},
		{"*3\r\n$3\r\nSET", PrefaceUnknown},
		{"EHLO mail\r\n", PrefaceUnknown},
		{"PROXY TCP4 1.2.3.4 5.6.7.8 1 80\r\n", PrefaceUnknown},
		{" GET / HTTP/1.1", PrefaceUnknown},
		{strings.Repeat("a", 33), PrefaceUnknown},
	} {
		if got := Sniff([]byte(test.b)); got != test.want {
			t.Errorf("Sniff(%q) = %d, want %d", test.b, got, test.want)
		}
	}
}

func TestComplete(t *testing.T) {
	for _, test := range []struct {
		name string
		msg  string
		want bool
	}{
		{"get", "GET / HTTP/1.1\r\n\r\n", true},
		{"after empty lines", "\r\nGET / HTTP/1.1\r\n\r\n", true},
		{"body", "PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", true},
		{"chunked", "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", true},
		{"response", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", true},
		{"not modified", "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", true},
		{"empty", "", false},
		{"torn head", "GET / HTTP/1.1\r\n\r", false},
		{"torn body", "PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\na", false},
		{"torn chunks", "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", false},
		{"more", "GET / HTTP/1.1\r\n\r\nx", false},
		{"two", "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", false},
		{"error", "GET\r\n\r\n", false},
		{"response to HEAD, or torn", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", false},
		{"response until close", "HTTP/1.1 200 OK\r\n\r\nab", false},
	} {
		if got := Complete([]byte(test.msg)); got != test.want {
			t.Errorf("%s: got %v", test.name, got)
		}
	}
}

func TestAppendUnchunked(t *testing.T) {
	for _, test := range []struct {
		body, want string
		ok         bool
	}{
		{"3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nA: b\r\n\r\n", "abcde", true},
		{"0\r\n\r\n", "", true},
		{"3\r\nabc\r\n0\r\n", "", false},
		{"3\r\nabc\r\n0\r\n\r\nx", "", false},
		{"3\r\nabcd\r\n0\r\n\r\n", "", false},
		{"", "", false},
	} {
		got, ok := AppendUnchunked([]byte("<"), []byte(test.body))
		if string(got) != "<"+test.want || ok != test.ok {
			t.Errorf("AppendUnchunked(%q) = %q, %v", test.body, got, ok)
		}
	}
}
