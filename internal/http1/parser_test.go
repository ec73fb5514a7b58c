package http1

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

const post = "POST /a HTTP/1.1\r\nHost: x\r\n"

func TestRequests(t *testing.T) {
	big := func(n int) string { return strings.Repeat("a", n) }
	for _, test := range []struct {
		name   string
		stream string
		ends   []int // offsets where messages end
		reason string
		flags  Flags // of the last message
	}{
		{name: "get", stream: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", ends: []int{27}},
		{name: "no headers", stream: "GET / HTTP/1.0\r\n\r\n", ends: []int{18}},
		{name: "pipelined", stream: "GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\nGET", ends: []int{18, 37}},
		{name: "body", stream: post + "Content-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n", ends: []int{51, 69}},
		{name: "body on get", stream: "GET / HTTP/1.1\r\nContent-Length: 1\r\n\r\nxGET", ends: []int{38}},
		{name: "zero length", stream: post + "Content-Length: 0\r\n\r\nG", ends: []int{48}},
		{name: "leading zeros", stream: post + "Content-Length: 0000000000000000000000002\r\n\r\nab", ends: []int{74}},
		{name: "other case", stream: post + "cOnTeNt-LeNgTh:2\r\n\r\nab", ends: []int{49}},
		{name: "tabs around length", stream: post + "Content-Length:\t2 \t\r\n\r\nab", ends: []int{52}},
		{name: "unfinished body", stream: post + "Content-Length: 3\r\n\r\nab"},
		{name: "empty lines", stream: "\r\n\n\rGET / HTTP/1.1\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n\r\n", ends: []int{22, 44}},

		{name: "bare LF", stream: "GET / HTTP/1.1\nA: b\n\n", ends: []int{21}, flags: BareLF},
		{name: "mixed line ends", stream: "GET / HTTP/1.1\r\nA: b\n\r\n", ends: []int{23}, flags: BareLF},
		{name: "bare LF as empty line", stream: "GET / HTTP/1.1\r\nA: b\r\n\n", ends: []int{23}, flags: BareLF},
		{name: "bare CR", stream: "GET / HTTP/1.1\r\nA: b\rContent-Length: 1\r\n\r\n", ends: []int{42}, flags: BareCR},
		{name: "bare CR and bare LF", stream: "GET / HTTP/1.1\nA: b\rc\r\n\r\n", ends: []int{25}, flags: BareCR | BareLF},
		{name: "CR alone begins a line", stream: "GET / HTTP/1.1\r\n\rA: b\r\n\r\n", ends: []int{25}, flags: BareCR},
		{name: "two CR before LF", stream: "GET / HTTP/1.1\r\n\r\r\n\r\n", ends: []int{21}, flags: BareCR},
		{name: "folded", stream: "GET / HTTP/1.1\r\nA: b\r\n c\r\n\td\r\n\r\n", ends: []int{32}, flags: ObsFold},
		{name: "folded length", stream: post + "Content-Length:\r\n 2\r\n\r\nab", ends: []int{52}, flags: ObsFold},
		{name: "folded into two numbers", stream: post + "Content-Length: 1\r\n 2\r\n\r\nab", reason: ReasonContentLength, flags: ObsFold},
		{name: "blank line is a fold", stream: "GET / HTTP/1.1\r\nA: b\r\n \r\n\r\n", ends: []int{27}, flags: ObsFold},
		{name: "folded start line", stream: "GET / HTTP/1.1\r\n Content-Length: 2\r\n\r\n", ends: []int{38}, flags: ObsFold},
		{name: "space before colon", stream: post + "Content-Length : 2\r\n\r\nab", ends: []int{51}, flags: SpaceBeforeColon},
		{name: "line without colon", stream: "GET / HTTP/1.1\r\nhello\r\n\r\n", ends: []int{25}},
		{name: "zeros in a value", stream: "GET / HTTP/1.1\r\nA: \x00\r\n\r\n", ends: []int{24}},

		{name: "odd spacing", stream: "GET \t /a  HTTP/1.1 \r\n\r\n", ends: []int{23}, flags: OddSpacing},
		{name: "space in target", stream: "GET /a b HTTP/1.1\r\n\r\n", ends: []int{21}, flags: OddSpacing},
		{name: "high bytes in target", stream: "GET /\xff\xc3\xa9 HTTP/1.1\r\n\r\n", ends: []int{21}},
		{name: "absolute form", stream: "GET http://a/b?c HTTP/1.1\r\n\r\n", ends: []int{29}},
		{name: "asterisk form", stream: "OPTIONS * HTTP/1.1\r\n\r\n", ends: []int{22}},
		{name: "connect", stream: "CONNECT a:443 HTTP/1.1\r\nContent-Length: 4\r\n\r\n\x16\x03", ends: []int{45}, reason: ReasonRequestLine},
		{name: "any method", stream: "x!#$%&'*+-.^_`|~9 / HTTP/1.1\r\n\r\n", ends: []int{32}},
		{name: "later minor version", stream: "GET / HTTP/1.7\r\n\r\n", ends: []int{18}},

		{name: "version 2", stream: "PRI * HTTP/2.0\r\n\r\n", reason: ReasonVersion},
		{name: "version 0.9 in words", stream: "GET / HTTP/0.9\r\n\r\n", reason: ReasonVersion},
		{name: "no version", stream: "GET /\r\n", reason: ReasonRequestLine},
		{name: "no target", stream: "GET HTTP/1.1\r\n", reason: ReasonRequestLine},
		{name: "blanks for a target", stream: "GET   HTTP/1.1\r\n", reason: ReasonRequestLine},
		{name: "version glued on", stream: "GET /HTTP/1.1\r\n", reason: ReasonRequestLine},
		{name: "space first", stream: " GET / HTTP/1.1\r\n", reason: ReasonRequestLine},
		{name: "method alone", stream: "GET\r\n", reason: ReasonRequestLine},
		{name: "TLS", stream: "\x16\x03\x01\x02\x00\x01\x00", reason: ReasonRequestLine},
		{name: "garbage", stream: "\xff\xfe\x00", reason: ReasonRequestLine},
		{name: "version in lower case", stream: "GET / http/1.1\r\n", reason: ReasonRequestLine},

		{name: "negative length", stream: post + "Content-Length: -1\r\n\r\n", reason: ReasonContentLength},
		{name: "signed length", stream: post + "Content-Length: +1\r\n\r\n", reason: ReasonContentLength},
		{name: "hex length", stream: post + "Content-Length: 0x1\r\n\r\n", reason: ReasonContentLength},
		{name: "empty length", stream: post + "Content-Length: \r\n\r\n", reason: ReasonContentLength},
		{name: "spaced length", stream: post + "Content-Length: 1 2\r\n\r\n", reason: ReasonContentLength},
		{name: "largest length", stream: post + "Content-Length: 9223372036854775807\r\n\r\n"},
		{name: "length overflow", stream: post + "Content-Length: 9223372036854775808\r\n\r\n", reason: ReasonLengthOverflow},
		{name: "length overflow by far", stream: post + "Content-Length: " + strings.Repeat("9", 99) + "\r\n\r\n", reason: ReasonLengthOverflow},
		{name: "equal lengths", stream: post + "Content-Length: 1\r\nContent-Length: 01\r\n\r\nx", ends: []int{69}, flags: RepeatedLength},
		{name: "list of lengths", stream: post + "Content-Length: 1, 1\r\n\r\nx", ends: []int{52}, flags: RepeatedLength},
		{name: "list with a gap", stream: post + "Content-Length: 1,\r\n\r\nx", reason: ReasonContentLength},
		{name: "differing lengths", stream: post + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy", ends: []int{68}, flags: ConflictingLength},
		{name: "good and bad length", stream: post + "Content-Length: 1\r\nContent-Length: x\r\n\r\nx", reason: ReasonContentLength},

		{name: "chunked", stream: post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET", ends: []int{70}},
		{name: "chunked, empty", stream: post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET", ends: []int{62}},
		{name: "chunked and length", stream: post + "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ends: []int{81}, flags: BothLengths},
		{name: "chunked and bad length", stream: post + "Content-Length: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ends: []int{81}, flags: BothLengths},
		{name: "chunked in 1.0", stream: "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ends: []int{52}, flags: ChunkedIn10},
		{name: "gzip and chunked", stream: post + "Transfer-Encoding: gzip, Chunked\r\n\r\n0\r\n\r\n", ends: []int{68}},
		{name: "codings over two headers", stream: post + "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ends: []int{87}},
		{name: "folded coding", stream: post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", ends: []int{64}, flags: ObsFold},
		{name: "chunked twice", stream: post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", ends: []int{71}, flags: ChunkedTwice},
		{name: "chunked not last", stream: post + "Transfer-Encoding: chunked, gzip\r\n\r\n", reason: ReasonNotChunked},
		{name: "chunked not last over two", stream: post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", reason: ReasonNotChunked},
		{name: "identity", stream: post + "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\n", reason: ReasonNotChunked, flags: BothLengths},
		{name: "xchunked", stream: post + "Transfer-Encoding: xchunked\r\n\r\n", reason: ReasonNotChunked},
		{name: "chunked with a parameter", stream: post + "Transfer-Encoding: chunked;q=1\r\n\r\n", reason: ReasonNotChunked},
		{name: "vertical tab is no space", stream: post + "Transfer-Encoding: \x0bchunked\r\n\r\n", reason: ReasonNotChunked},
		{name: "empty coding", stream: post + "Transfer-Encoding:\r\n\r\n", reason: ReasonNotChunked},
		{name: "empty element after chunked", stream: post + "Transfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", ends: []int{63}},

		{name: "extension", stream: post + "Transfer-Encoding: chunked\r\n\r\n1;a=b;c\r\nx\r\n0;d\r\n\r\n", ends: []int{76}},
		{name: "quoted extension", stream: post + "Transfer-Encoding: chunked\r\n\r\n1;a=\";\\\"\r\"\r\nx\r\n0\r\n\r\n", ends: []int{77}},
		{name: "LF ends a quoted extension", stream: post + "Transfer-Encoding: chunked\r\n\r\n1;a=\"\nx\r\n0\r\n\r\n", ends: []int{71}, flags: BareLF},
		{name: "blanks after size", stream: post + "Transfer-Encoding: chunked\r\n\r\n1 \t\r\nx\r\n0  ;a\r\n\r\n", ends: []int{74}},
		{name: "bare LF in chunks", stream: post + "Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n", ends: []int{64}, flags: BareLF},
		{name: "upper and lower hex", stream: post + "Transfer-Encoding: chunked\r\n\r\n0a\r\n0123456789\r\n0B\r\n0123456789a\r\n00\r\n\r\n", ends: []int{96}},
		{name: "trailers", stream: post + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\nB: c\r\n d\r\n\r\nGET", ends: []int{78}},
		{name: "trailers with bare LF", stream: post + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\nGET", ends: []int{66}},
		{name: "no size", stream: post + "Transfer-Encoding: chunked\r\n\r\n\r\n", reason: ReasonChunkSize},
		{name: "extension without size", stream: post + "Transfer-Encoding: chunked\r\n\r\n;a\r\n", reason: ReasonChunkSize},
		{name: "negative size", stream: post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n", reason: ReasonChunkSize},
		{name: "space before size", stream: post + "Transfer-Encoding: chunked\r\n\r\n 1\r\nx\r\n", reason: ReasonChunkSize},
		{name: "0x size", stream: post + "Transfer-Encoding: chunked\r\n\r\n0x1\r\n", reason: ReasonChunkSize},
		{name: "two sizes", stream: post + "Transfer-Encoding: chunked\r\n\r\n1 1\r\n", reason: ReasonChunkSize},
		{name: "CR without LF after size", stream: post + "Transfer-Encoding: chunked\r\n\r\n1\rx", reason: ReasonChunkSize},
		{name: "size overflow", stream: post + "Transfer-Encoding: chunked\r\n\r\n8000000000000000\r\n", reason: ReasonChunkOverflow},
		{name: "largest size", stream: post + "Transfer-Encoding: chunked\r\n\r\n7fffffffffffffff\r\nx"},
		{name: "size with many zeros", stream: post + "Transfer-Encoding: chunked\r\n\r\n00000000000000000000001\r\nx\r\n0\r\n\r\n", ends: []int{90}},
		{name: "data too long", stream: post + "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n", reason: ReasonChunkEnd},
		{name: "data ends in CR alone", stream: post + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\ry", reason: ReasonChunkEnd},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := sameForAllCuts(t, false, []byte(test.stream), nil, nil)
			check(t, got, test.ends, test.reason, test.flags)
		})
	}

	// The bounds, each met and passed by one byte. Streams of this size are
	// cut into a few pieces only.
	head := func(n int) string {
		const line = "GET / HTTP/1.1\r\nA: "
		return line + big(n-len(line)-4) + "\r\n\r\n"
	}
	chunked := post + "Transfer-Encoding: chunked\r\n\r\n"
	at := len(chunked)
	for _, test := range []struct {
		name   string
		stream string
		ends   []int
		reason string
		errAt  int
	}{
		{"largest head", head(MaxHead), []int{MaxHead}, "", 0},
		{"head too large", head(MaxHead + 1), nil, ReasonHeadTooLarge, MaxHead},
		{"method too large", big(MaxHead + 1), nil, ReasonHeadTooLarge, MaxHead},
		{"start line before size", "GET /\r\n" + big(MaxHead), nil, ReasonRequestLine, 6},
		{"longest chunk line", chunked + "0;" + big(MaxChunkLine-4) + "\r\n\r\n", []int{at + MaxChunkLine + 2}, "", 0},
		{"chunk line too long", chunked + "0;" + big(MaxChunkLine-3) + "\r\n\r\n", nil, ReasonChunkLine, at + MaxChunkLine},
		{"chunk size too long", chunked + strings.Repeat("0", MaxChunkLine+1), nil, ReasonChunkLine, at + MaxChunkLine},
		{"many chunk lines", chunked + strings.Repeat("1;"+big(99)+"\r\nx\r\n", 200) + "0\r\n\r\n", []int{at + 200*106 + 5}, "", 0},
		{"largest trailer", chunked + "0\r\n" + big(MaxTrailer-4) + "\r\n\r\n", []int{at + 3 + MaxTrailer}, "", 0},
		{"trailer too large", chunked + "0\r\n" + big(MaxTrailer-3) + "\r\n\r\n", nil, ReasonTrailerTooLarge, at + 3 + MaxTrailer},
	} {
		t.Run(test.name, func(t *testing.T) {
			stream := []byte(test.stream)
			pieces := [][][]byte{{stream}, {stream[:5], stream[5:]}, {stream[:len(stream)-2], stream[len(stream)-2:]}, cut(stream, 1), cut(stream, 1460)}
			for _, pieces := range pieces {
				got := frameStream(t, false, pieces, nil, nil)
				check(t, got, test.ends, test.reason, 0)
				if got.errAt != test.errAt {
					t.Errorf("%d pieces: error at %d, want %d", len(pieces), got.errAt, test.errAt)
				}
			}
		})
	}
}

func check(t *testing.T, got outcome, ends []int, reason string, flags Flags) {
	t.Helper()
	var gotEnds []int
	for _, m := range got.complete() {
		gotEnds = append(gotEnds, m.end)
	}
	if fmt.Sprint(gotEnds) != fmt.Sprint(ends) || got.reason != reason {
		t.Errorf("messages end at %v, error %q\nwant %v, error %q", gotEnds, got.reason, ends, reason)
	}
	for i := len(got.msgs) - 1; i >= 0; i-- {
		if m := got.msgs[i]; m.headEnd >= 0 {
			if m.head.Flags != flags {
				t.Errorf("flags are %q, want %q", m.head.Flags, flags)
			}
			break
		}
	}
}

func TestResponses(t *testing.T) {
	ok := "HTTP/1.1 200 OK\r\n"
	for _, test := range []struct {
		name   string
		stream string
		asked  []asks
		ends   []int
		reason string
		flags  Flags
		opaque bool
	}{
		{name: "length", stream: ok + "Content-Length: 2\r\n\r\nabHTTP", ends: []int{40}},
		{name: "zero length", stream: ok + "Content-Length: 0\r\n\r\nHTTP", ends: []int{38}},
		{name: "chunked", stream: ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nHTTP", ends: []int{58}},
		{name: "until close", stream: ok + "\r\nabc", ends: []int{22}},
		{name: "until close, empty", stream: ok + "\r\n", ends: []int{19}},
		{name: "other coding", stream: ok + "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nabc", ends: []int{66}, flags: OtherCoding | BothLengths},
		{name: "continue then final", stream: "HTTP/1.1 100 Continue\r\n\r\n" + ok + "Content-Length: 1\r\n\r\nx", ends: []int{25, 64}},
		{name: "continue then final to HEAD", stream: "HTTP/1.1 103 Early Hints\r\n\r\n" + ok + "Content-Length: 1\r\n\r\n" + ok + "Content-Length: 1\r\n\r\nx",
			asked: []asks{{head: true}, {}}, ends: []int{28, 66, 105}},
		{name: "no content", stream: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nHTTP", ends: []int{46}, flags: LengthWithoutBody},
		{name: "not modified", stream: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nHTTP", ends: []int{48}},
		{name: "to HEAD", stream: ok + "Content-Length: 5\r\n\r\nHTTP", asked: []asks{{head: true}}, ends: []int{38}},
		{name: "to HEAD, chunked", stream: ok + "Transfer-Encoding: chunked\r\n\r\nHTTP", asked: []asks{{head: true}}, ends: []int{47}},
		{name: "to HEAD, bad length", stream: ok + "Content-Length: x\r\n\r\n", asked: []asks{{head: true}}, ends: []int{38}},
		{name: "to CONNECT", stream: ok + "Content-Length: 5\r\n\r\n\x16\x03", asked: []asks{{connect: true}}, ends: []int{38}, opaque: true},
		{name: "to CONNECT, refused", stream: "HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\nxHTTP", asked: []asks{{connect: true}}, ends: []int{39}},
		{name: "switching", stream: "HTTP/1.1 101 Switching Protocols\r\nContent-Length: 5\r\n\r\n\x81\x05", ends: []int{55}, opaque: true, flags: LengthWithoutBody},
		{name: "no reason", stream: "HTTP/1.1 204\r\n\r\n", ends: []int{16}},
		{name: "empty reason", stream: "HTTP/1.1 204 \r\n\r\n", ends: []int{17}},
		{name: "two spaces", stream: "HTTP/1.1  204 x\r\n\r\n", ends: []int{19}, flags: OddSpacing},
		{name: "high bytes in reason", stream: "HTTP/1.1 204 \xe9t\xe9\r\n\r\n", ends: []int{20}},
		{name: "empty lines between", stream: "HTTP/1.1 204 x\r\n\r\n\r\nHTTP/1.1 204 x\r\n\r\n", ends: []int{18, 38}},
		{name: "bad length", stream: ok + "Content-Length: x\r\n\r\n", reason: ReasonContentLength},
		{name: "differing lengths", stream: ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxHTTP", ends: []int{58}, flags: ConflictingLength},
		{name: "two digits", stream: "HTTP/1.1 20 OK\r\n", reason: ReasonStatusLine},
		{name: "four digits", stream: "HTTP/1.1 2000\r\n", reason: ReasonStatusLine},
		{name: "status below 100", stream: "HTTP/1.1 099\r\n", reason: ReasonStatusLine},
		{name: "glued reason", stream: "HTTP/1.1 200OK\r\n", reason: ReasonStatusLine},
		{name: "no status", stream: "HTTP/1.1\r\n", reason: ReasonStatusLine},
		{name: "HTTP/2", stream: "HTTP/2 200\r\n", reason: ReasonStatusLine},
		{name: "request", stream: "GET / HTTP/1.1\r\n", reason: ReasonStatusLine},
		{name: "short line", stream: "HTTP\n", reason: ReasonStatusLine},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := sameForAllCuts(t, true, []byte(test.stream), test.asked, nil)
			// Messages that begin after a whole one here are cut off: they
			// are not until close, since their heads are not whole.
			check(t, got, test.ends, test.reason, test.flags)
			if (got.opaque >= 0) != test.opaque {
				t.Errorf("opaque is %v", got.opaque >= 0)
			}
		})
	}
}

func TestHead(t *testing.T) {
	for _, test := range []struct {
		name     string
		head     string
		response bool
		want     Head
	}{
		{"HEAD", "HEAD / HTTP/1.1", false, Head{IsHead: true, Major: 1, Minor: 1, Length: -1}},
		{"CONNECT", "CONNECT a:1 HTTP/1.1", false, Head{IsConnect: true, Major: 1, Minor: 1, Length: -1}},
		{"1.0 closes", "GET / HTTP/1.0", false, Head{Major: 1, Length: -1, CloseAfter: true}},
		{"1.0 keeps", "GET / HTTP/1.0\r\nConnection: Keep-Alive", false, Head{Major: 1, Length: -1}},
		{"close", "GET / HTTP/1.1\r\nConnection: foo, Close", false, Head{Major: 1, Minor: 1, Length: -1, CloseAfter: true}},
		{"close over two", "GET / HTTP/1.1\r\nConnection: foo\r\nconnection:close", false, Head{Major: 1, Minor: 1, Length: -1, CloseAfter: true}},
		{"upgrade", "GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket", false, Head{Major: 1, Minor: 1, Length: -1, Upgrade: true}},
		{"upgrade not named", "GET / HTTP/1.1\r\nUpgrade: websocket\r\nUpgrade-Insecure-Requests: 1", false, Head{Major: 1, Minor: 1, Length: -1}},
		{"expect", "PUT / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 7", false, Head{Major: 1, Minor: 1, Length: 7, Expect100: true}},
		{"chunked", "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked", false, Head{Major: 1, Minor: 1, Length: -1, Chunked: true}},
		{"status", "HTTP/1.1 503 No\r\nContent-Length: 1", true, Head{Status: 503, Major: 1, Minor: 1, Length: 1}},
		{"until close", "HTTP/1.0 200 No", true, Head{Status: 200, Major: 1, Length: -1, UntilClose: true, CloseAfter: true}},
		{"names that only begin so", "GET / HTTP/1.1\r\nContent-Length-X: 1\r\nContent: 1\r\nTransfer-Encodings: chunked", false, Head{Major: 1, Minor: 1, Length: -1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Parser{response: test.response}
			if p.Head() != nil {
				t.Error("there is a Head before the head")
			}
			msg := []byte(test.head + "\r\n\r\n")
			if _, _, err := p.Feed(msg); err != nil {
				t.Fatal(err)
			}
			test.want.HeadLen = len(msg)
			test.want.Fields = strings.Count(test.head, "\r\n")
			if *p.Head() != test.want {
				t.Errorf("got  %+v\nwant %+v", *p.Head(), test.want)
			}
		})
	}
	if h := (&Head{Status: 101}); h.Interim() {
		t.Error("101 is interim")
	}
	if h := (&Head{Status: 103}); !h.Interim() {
		t.Error("103 is not interim")
	}
}

func TestLeadAndStarted(t *testing.T) {
	var p Parser
	feed := func(s string, wantN int, started bool, lead int) {
		t.Helper()
		n, _, err := p.Feed([]byte(s))
		if n != wantN || err != nil || p.Started() != started || p.Lead() != lead {
			t.Fatalf("Feed(%q) = %d, %v; started %v, lead %d; want %d, started %v, lead %d", s, n, err, p.Started(), p.Lead(), wantN, started, lead)
		}
	}
	feed("", 0, false, 0)
	feed("\r\n", 2, false, 2)
	feed("\r", 1, false, 3)
	feed("\nG", 2, true, 4)
	feed("ET / HTTP/1.1\r\n\r\nrest", 17, true, 4)
	if p.Head().HeadLen != 18 {
		t.Errorf("HeadLen = %d, want 18", p.Head().HeadLen)
	}
	feed("rest", 0, true, 4)
	p.ResetRequest()
	feed("\n\n", 2, false, 2)
}

func TestSkip(t *testing.T) {
	length := "PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\n"
	chunked := "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, test := range []struct {
		name     string
		response bool
		before   string
		n        int64
		ok, done bool
		after    string // completes the message when it was not done
	}{
		{"inside a length", false, length + "ab", 3, true, false, "fghij"},
		{"to the end of a length", false, length + "ab", 8, true, true, ""},
		{"beyond a length", false, length + "ab", 9, false, false, "cdefghij"},
		{"nothing", false, length + "ab", 0, true, false, "cdefghij"},
		{"backwards", false, length + "ab", -1, false, false, "cdefghij"},
		{"in a head", false, length[:20], 1, false, false, length[20:] + "abcdefghij"},
		{"before a head", false, "\r\n", 1, false, false, length + "abcdefghij"},
		{"in chunk data", false, chunked + "a\r\nab", 3, true, false, "fghij\r\n0\r\n\r\n"},
		{"to the end of chunk data", false, chunked + "a\r\nab", 8, true, false, "\r\n0\r\n\r\n"},
		{"beyond chunk data", false, chunked + "a\r\nab", 9, false, false, "cdefghij\r\n0\r\n\r\n"},
		{"in a chunk size", false, chunked + "a", 1, false, false, "\r\nabcdefghij\r\n0\r\n\r\n"},
		{"after the message", false, length + "abcdefghij", 1, false, true, ""},
		{"until close", true, "HTTP/1.1 200 OK\r\n\r\nab", 1 << 40, true, false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Parser{response: test.response}
			if _, _, err := p.Feed([]byte(test.before)); err != nil {
				t.Fatal(err)
			}
			was := p.Remaining()
			if got := p.Skip(test.n); got != test.ok || p.Done() != test.done {
				t.Fatalf("Skip(%d) = %v, done %v; want %v, %v", test.n, got, p.Done(), test.ok, test.done)
			}
			if was > 0 && test.ok && p.Remaining() != was-test.n {
				t.Errorf("Remaining is %d after %d", p.Remaining(), was)
			}
			if test.response {
				if !p.End() || !p.Done() {
					t.Error("the end of the stream does not end the message")
				}
				return
			}
			if p.End() {
				t.Error("the end of the stream ends a request")
			}
			if n, _, err := p.Feed([]byte(test.after)); n != len(test.after) || err != nil || !p.Done() {
				t.Errorf("Feed(%q) = %d, %v, done %v", test.after, n, err, p.Done())
			}
		})
	}
}

func TestRemaining(t *testing.T) {
	p := Parser{}
	p.Feed([]byte("PUT / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"))
	if got := p.Remaining(); got != 7 {
		t.Errorf("got %d, want 7", got)
	}
	p.ResetRequest()
	p.Feed([]byte("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"))
	if got := p.Remaining(); got != 0 {
		t.Errorf("got %d in a chunk, want 0", got)
	}
}

// What a Parser holds is bounded, and given back.
func TestHeld(t *testing.T) {
	var p Parser
	piece := []byte("GET / HTTP/1.1\r\nA: " + strings.Repeat("a", 10_000))
	p.Feed(piece[:1])
	p.Feed(piece[1:])
	p.Release()
	if p.Held() < len(piece) {
		t.Fatalf("Held() = %d with %d bytes of a head", p.Held(), len(piece))
	}
	if _, done, err := p.Feed([]byte("\r\n\r\n")); !done || err != nil {
		t.Fatal("the head is lost", err)
	}
	p.ResetRequest()
	if p.Held() > keepBuffer {
		t.Errorf("Held() = %d after the message", p.Held())
	}
	p.Feed([]byte("G"))
	p.ResetRequest()
	p.Release()
	if p.Held() != 0 {
		t.Errorf("Held() = %d after Release", p.Held())
	}
	p.Feed(bytes.Repeat([]byte("a"), MaxHead-1))
	p.Feed([]byte("aa"))
	p.Release()
	if p.Held() != 0 {
		t.Errorf("Held() = %d after an error and Release", p.Held())
	}
}

func TestFeedKeepsBytes(t *testing.T) {
	stream := []byte(post + "Transfer-Encoding: chunked\r\n\r\n3;a\r\nabc\r\n0\r\nB: c\r\n\r\n")
	was := bytes.Clone(stream)
	sameForAllCuts(t, false, stream, nil, nil)
	if !bytes.Equal(stream, was) {
		t.Error("Feed changed the stream")
	}
}

func TestErrorText(t *testing.T) {
	_, _, err := new(Parser).Feed([]byte(" "))
	if got, want := err.Error(), "http1: malformed request line"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// flagNames is in the order of the constants.
const flagNames = "both lengths,repeated length,conflicting length,chunked twice,chunked in HTTP/1.0," +
	"other coding,bare LF,bare CR,folded header,space before colon,odd spacing,length without body"

// String lists the names of the flags that are set, separated by ", ".
func (f Flags) String() string {
	var set []string
	for i, name := range strings.Split(flagNames, ",") {
		if f&(1<<i) != 0 {
			set = append(set, name)
		}
	}
	return strings.Join(set, ", ")
}
