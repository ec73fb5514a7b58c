package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// ambiguousForms are requests with framing that readers take in different
// ways, most of them in the forms that smuggling was done with.
var ambiguousForms = []struct {
	raw  string
	want Ambiguity
}{
	{"\r\nGET / HTTP/1.1\r\n\r\n", OddLead},
	{"GET  / HTTP/1.1\r\n\r\n", OddRequestLine},
	{"GET / HTTP/1.1 \r\n\r\n", OddRequestLine},
	{"GET /a b HTTP/1.1\r\n\r\n", OddRequestLine},
	{"GET\t/ HTTP/1.1\r\n\r\n", OddRequestLine},
	{"GET /\x00 HTTP/1.1\r\n\r\n", OddControl},
	{"GET / HTTP/1.2\r\n\r\n", OddVersion},
	{"GET / HTTP/1.9\r\n\r\n", OddVersion},
	{"GET / http/1.1\r\n\r\n", OddVersion},
	{"GET /\r\n\r\n", OddRequestLine},
	{"GET / HTTP/1.1\nHost: a\n\n", OddLineEnd},
	{"GET / HTTP/1.1\r\nHost: a\n\r\n", OddLineEnd},
	{"GET / HTTP/1.1\r\nX: a\nContent-Length: 5\r\n\r\nhello", OddLineEnd},
	{"POST / HTTP/1.1\r\nX: a\rContent-Length: 5\r\n\r\n", OddLineEnd},
	{"POST / HTTP/1.1\r\nX: a\r\n\rContent-Length: 5\r\n\r\n", OddLineEnd},
	{"POST / HTTP/1.1\r\nX\r: a\r\n\r\n", OddLineEnd},
	{"POST / HTTP/1.1\r\nX: a\r\n Content-Length: 5\r\n\r\n", FoldedLine},
	{"POST / HTTP/1.1\r\nContent-Length:\r\n 5\r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\n Content-Length: 5\r\n\r\n", FoldedLine},
	{"POST / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nX: a\r\n\tTransfer-Encoding: chunked\r\n\r\n", FoldedLine},
	{"POST / HTTP/1.1\r\nX: a\x00b\r\n\r\n", OddControl},
	{"POST / HTTP/1.1\r\nX: \x7f\r\n\r\n", OddControl},
	{"POST / HTTP/1.1\r\nX\x00: b\r\n\r\n", OddControl},
	{"POST / HTTP/1.1\r\n: b\r\n\r\n", OddFieldName},
	{"POST / HTTP/1.1\r\nno colon\r\n\r\n", OddFieldName},
	{"POST / HTTP/1.1\r\nnocolon\r\n\r\n", OddFieldName},
	{"POST / HTTP/1.1\r\nContent-Length : 5\r\n\r\nhello", OddFieldName},
	{"POST / HTTP/1.1\r\nTransfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n", OddFieldName},
	{"POST / HTTP/1.1\r\nX Y: 5\r\n\r\n", OddFieldName},
	{"POST / HTTP/1.1\r\n\xffX: 5\r\n\r\n", OddFieldName},
	{"POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: 5\r\ncontent-length: 6\r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: -0\r\n\r\n", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: 0x5\r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: 05\r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: 00\r\n\r\n", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: 5 \r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length:\t5\r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: 5;a\r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: \"5\"\r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: 18446744073709551621\r\n\r\nhello", OddLength},
	{"POST / HTTP/1.1\r\nContent_Length: 5\r\n\r\n", OddLength},
	{"POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", LengthAndCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", LengthAndCoding},
	{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CodingIn10},
	{"POST / HTTP/1.1\r\nTransfer_Encoding: chunked\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked,\r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked \r\n\r\n0\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nTransfer-Encoding:\x0bchunked\r\n\r\n", OddControl},
	{"POST / HTTP/1.1\r\nTransfer-Encoding:\r\n\r\n", OddCoding},
	{"POST / HTTP/1.1\r\nConnection: close, Content-Length\r\nContent-Length: 5\r\n\r\nhello", LengthIsHopByHop},
	{"POST / HTTP/1.1\r\nConnection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", LengthIsHopByHop},
	{"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", SeveralHosts},
	{"POST / HTTP/1.1\r\nExpect: 200-ok\r\n\r\n", OddExpect},
	{"POST / HTTP/1.1\r\nExpect: y 100-continue\r\n\r\n", OddExpect},
	{"POST / HTTP/1.1\r\nExpect: 100-continue\r\nExpect: 100-continue\r\n\r\n", OddExpect},
	{"POST / HTTP/1.1\r\nTrailer: X, Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", OddTrailer},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n", OddTrailer},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\n\r\n", OddLineEnd},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n", FoldedLine},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n", OddFieldName},
	{"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", UnexpectedContent},
	{"HEAD / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", UnexpectedContent},
	{"TRACE / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", UnexpectedContent},
	{"DELETE / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", UnexpectedContent},
	{"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", UnexpectedContent},
	{"CONNECT a:1 HTTP/1.1\r\nContent-Length: 5\r\n\r\n", UnexpectedContent},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\n", OddLineEnd},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n05\r\nhello\r\n0\r\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n00\r\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;\nxx\r\n0\r\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;a\rb\r\nhello\r\n0\r\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;\r\nhello\r\n0\r\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("a", 2000) + "\r\nhello\r\n0\r\n\r\n", OddChunk},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + strings.Repeat("a", 3000) + "\r\n\r\n", OddTrailer},
	{"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", NotWhole},
	{"POST / HTTP/1.1\r\n\r\nhello", NotWhole},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG", NotWhole},
	{"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", NotWhole},
	{"POST / HTTP/1.1\r\nHost: a", NotWhole},
	{"", NotWhole},
}

func TestAmbiguousRequests(t *testing.T) {
	for _, form := range ambiguousForms {
		got := RequestAmbiguity([]byte(form.raw))
		if got == Plain || got != form.want && !(form.want == OddLength || form.want == OddCoding) {
			t.Errorf("%q: %v, want %v", form.raw, got, form.want)
		}
	}
}

// plainForms are odd enough, but have one reading.
var plainForms = []string{
	get, string(postOf(3000)), string(chunkedOf(3, 17)),
	"GET / HTTP/1.0\r\n\r\n",
	"GET http://a/b HTTP/1.1\r\nHost: c\r\n\r\n",
	"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
	"GET /?a=%zz#\xc3\xa4\" HTTP/1.1\r\nHost:a\r\nX:\r\nY:  b\t c \r\nZ: \xff\r\n\r\n",
	"GET / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
	"post / HTTP/1.1\r\ncontent-length:1\r\n\r\nx",
	"POST / HTTP/1.0\r\nContent-Length: 3\r\nConnection: Keep-Alive\r\n\r\nabc",
	"PUT / HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\nabc",
	"PUT / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nTrailer: X-Sum\r\nTE: trailers\r\n\r\n3;a=b;c\r\na\nb\r\nFf\r\n" +
		strings.Repeat("y", 255) + "\r\n0;last\r\nX-Sum: 1\r\n\r\n",
	"GET /chat HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
	"OPTIONS / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi",
	"PURGE / HTTP/1.1\r\n_X: 1\r\n!#$%&'*+-.^_`|~: 1\r\n\r\n",
}

func TestPlainRequests(t *testing.T) {
	for _, raw := range plainForms {
		if got := RequestAmbiguity([]byte(raw)); got != Plain {
			t.Errorf("%.200q: %v", raw, got)
		}
		head := raw[:strings.Index(raw, "\r\n\r\n")+4]
		if got, chunked := HeadAmbiguity([]byte(head)); got != Plain || chunked != strings.Contains(strings.ToLower(raw), ": chunked") {
			t.Errorf("%.200q: %v, chunked %v", head, got, chunked)
		}
	}
	for a := Plain; a <= NotWhole; a++ {
		if a.String() == "" || a.String() == "unknown" {
			t.Errorf("%d has no name", a)
		}
	}
}

// TestControlAt: it finds each control character at each place, and nothing
// else.
func TestControlAt(t *testing.T) {
	b := bytes.Repeat([]byte{0x80}, 19)
	for at := range b {
		for c := range 256 {
			b[at] = byte(c)
			want := len(b)
			if c < ' ' || c == 0x7f {
				want = at
			}
			if got := controlAt(b, 0); got != want {
				t.Fatalf("%#x at %d: found at %d", c, at, got)
			}
			if at+1 < len(b) && want == at {
				b[at+1] = 0 // one behind it does not hide it
				if got := controlAt(b, 0); got != want {
					t.Fatalf("%#x at %d before another: found at %d", c, at, got)
				}
				b[at+1] = 0x80
			}
		}
		b[at] = " ~\xff!"[at%4]
	}
}

// FuzzAmbiguity: a request that is called plain is one whole request for the
// Parser and for net/http, and what follows it is the next request for both.
// Only targets may be refused by net/http: that ends the connection, and does
// not move the end of the request.
func FuzzAmbiguity(f *testing.F) {
	for _, form := range ambiguousForms {
		f.Add([]byte(form.raw))
	}
	for _, raw := range append(plainForms, fuzzSeeds...) {
		f.Add([]byte(raw))
	}
	const next = "GET /next HTTP/1.1\r\nHost: next\r\n\r\n"
	f.Fuzz(func(t *testing.T, msg []byte) {
		why := RequestAmbiguity(msg)
		checkIndex(t, msg, why)
		if n := len(msg); why == Plain {
			var p Parser
			got, done, err := p.Feed(append(msg[:n:n], next...))
			if err != nil || !done || got != n {
				t.Fatalf("plain, but for Parser %d bytes of %d, %v, %v", got, n, done, err)
			}
			if flags := p.Head().Flags; flags != 0 {
				t.Fatalf("plain, but %s", flags)
			}
			if why, chunked := HeadAmbiguity(msg[:p.Head().HeadLen]); why != Plain && why != UnexpectedContent || chunked != p.Head().Chunked {
				t.Fatalf("plain, but its head is not: %v, chunked %v", why, chunked)
			}
		} else {
			return
		}
		r := bufio.NewReader(io.MultiReader(bytes.NewReader(msg), strings.NewReader(next)))
		req, err := http.ReadRequest(r)
		var badURL *url.Error
		if errors.As(err, &badURL) {
			return
		}
		if err != nil {
			t.Fatalf("plain, but net/http says %v", err)
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			t.Fatalf("plain, but net/http says of its body: %v", err)
		}
		rest, _ := io.ReadAll(r)
		if string(rest) != next {
			t.Fatalf("plain, but net/http leaves %q", rest)
		}
	})
}

// checkIndex checks that Request.Parse finds in msg what it finds without the
// short way for plain heads, and says the same of its ambiguity.
func checkIndex(t *testing.T, msg []byte, why Ambiguity) {
	t.Helper()
	var short, long Request
	serr := short.Parse(msg)
	line, pos, lerr := long.startLine(msg)
	if lerr == nil {
		long.line, lerr = splitRequestLine(line)
	}
	if lerr == nil {
		lerr = long.index(pos)
	}
	if (serr == nil) != (lerr == nil) {
		t.Fatalf("%q: %v the short way, %v the long way", msg, serr, lerr)
	}
	if serr != nil {
		return
	}
	if got := short.Ambiguity(); got != why {
		t.Fatalf("%q: indexed, it is ambiguous for %v, and else for %v", msg, got, why)
	}
	if short.line != long.line || short.lead != long.lead || short.blank != long.blank || short.body != long.body ||
		short.bareLF != long.bareLF || !slices.Equal(short.fields, long.fields) {
		t.Fatalf("%q: %+v %+v the short way, %+v %+v the long way", msg, short.line, short.fields, long.line, long.fields)
	}
}

// TestIndexOfManyFields: the short way ends where the long way does.
func TestIndexOfManyFields(t *testing.T) {
	for _, n := range []int{MaxFields - 1, MaxFields, MaxFields + 1, 2 * MaxFields} {
		msg := []byte("GET / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", n) + "\r\n")
		checkIndex(t, msg, Plain)
		var r Request
		if err := r.Parse(msg); (err == nil) != (n <= MaxFields) {
			t.Errorf("%d fields: %v", n, err)
		}
	}
	for _, n := range []int{MaxHead - 24, MaxHead - 23, MaxHead - 22, MaxHead - 21, MaxHead} {
		checkIndex(t, []byte("GET / HTTP/1.1\r\na: "+strings.Repeat("b", n)+"\r\n\r\n"), Plain)
	}
}

func TestAmbiguityAllocates(t *testing.T) {
	msgs := [][]byte{[]byte(get), postOf(100), chunkedOf(3, 10)}
	if n := testing.AllocsPerRun(100, func() {
		for _, msg := range msgs {
			if RequestAmbiguity(msg) != Plain {
				t.Fatal("not plain")
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func benchAmbiguity(b *testing.B, msg []byte) {
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		if RequestAmbiguity(msg) != Plain {
			b.Fatal("not plain")
		}
	}
}

func BenchmarkAmbiguityGet(b *testing.B)        { benchAmbiguity(b, []byte(get)) }
func BenchmarkAmbiguityPost1K(b *testing.B)     { benchAmbiguity(b, postOf(1024)) }
func BenchmarkAmbiguityChunked64K(b *testing.B) { benchAmbiguity(b, chunkedOf(16, 4096)) }

var ambiguityNames = [...]string{
	"none", "leading empty line", "request line", "version", "line end", "control character", "folded line", "header name",
	"Content-Length", "Transfer-Encoding", "both lengths", "Transfer-Encoding in HTTP/1.0", "length named in Connection",
	"several Host headers", "Expect", "Trailer", "content not expected", "chunk line", "not one request",
}

// String names what is ambiguous, "none" for Plain.
func (a Ambiguity) String() string {
	if int(a) < len(ambiguityNames) {
		return ambiguityNames[a]
	}
	return "unknown"
}
