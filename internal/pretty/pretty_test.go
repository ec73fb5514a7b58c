package pretty

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/buger/gor/internal/http1"
)

func zip(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(s))
	w.Close()
	return b.String()
}

func chunked(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		n := min(len(s), 7)
		fmt.Fprintf(&b, "%x;a=b\r\n%s\r\n", n, s[:n])
		s = s[n:]
	}
	return b.String() + "0\r\nX-Trailer: 1\r\n\r\n"
}

func withLength(head, body string) string {
	return fmt.Sprintf(head, len(body)) + body
}

func TestDecode(t *testing.T) {
	const limit = 1000
	const text = "hello, pretty world"
	bomb := zip(strings.Repeat("0", limit+1))
	for _, tt := range []struct {
		name, in, want string // want "": unchanged
	}{
		{"plain", "POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", ""},
		{"no body", "GET / HTTP/1.1\r\nAccept-Encoding: gzip\r\n\r\n", ""},
		{"chunked", "POST / HTTP/1.1\r\nhost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Trailer\r\nB: c\r\n\r\n" + chunked(text),
			"POST / HTTP/1.1\r\nhost: a\r\nB: c\r\nContent-Length: 19\r\n\r\n" + text},
		{"gzip", withLength("HTTP/1.1 200 OK\r\ncontent-length: %d\r\nContent-Encoding: gzip\r\nB: c\r\n\r\n", zip(text)),
			"HTTP/1.1 200 OK\r\ncontent-length: 19\r\nB: c\r\n\r\n" + text},
		{"both", "HTTP/1.1 200 OK\r\nContent-Encoding: GZIP\r\nTransfer-Encoding: Chunked\r\n\r\n" + chunked(zip(text)),
			"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n" + text},
		{"x-gzip to the end of the connection", "HTTP/1.0 200 OK\r\nContent-Encoding: x-gzip\r\n\r\n" + zip(text),
			"HTTP/1.0 200 OK\r\nContent-Length: 19\r\n\r\n" + text},
		{"two members", "HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + zip("one ") + zip("two"),
			"HTTP/1.0 200 OK\r\nContent-Length: 7\r\n\r\none two"},
		{"twice", "HTTP/1.0 200 OK\r\nContent-Encoding: gzip, gzip\r\n\r\n" + zip(zip(text)),
			"HTTP/1.0 200 OK\r\nContent-Length: 19\r\n\r\n" + text},
		{"gzip of another coding", withLength("HTTP/1.0 200 OK\r\nContent-Encoding: br , gzip\r\nContent-Length: %d\r\n\r\n", zip("BR")),
			"HTTP/1.0 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nBR"},
		{"another coding", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nBR", ""},
		{"another coding in chunks", "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("BR"),
			"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\nBR"},
		{"answer to HEAD", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 50\r\n\r\n", ""},
		{"304", "HTTP/1.1 304 Not Modified\r\nContent-Encoding: gzip\r\n\r\n", ""},
		{"not gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd", ""},
		{"torn gzip", withLength("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", zip(text)[:25]), ""},
		{"gzip and more", withLength("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", zip(text)+"more"), ""},
		{"not gzip in chunks", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("abcd"),
			"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"},
		{"torn chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", ""},
		{"other transfer coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n" + chunked(zip(text)), ""},
		{"two transfer codings", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(text), ""},
		{"bomb", withLength("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", bomb), ""},
		{"as large as may be", withLength("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n", zip(strings.Repeat("0", limit))),
			"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + strings.Repeat("0", limit)},
		{"no HTTP", "hello", ""},
	} {
		d := New(limit)
		for range 2 { // its memory is used again
			got, ok := d.Decode([]byte("head\n"), []byte(tt.in), http1.IsResponse([]byte(tt.in)))
			if ok != (tt.want != "") || ok && string(got) != "head\n"+tt.want {
				t.Errorf("%s: %v, %q, want %q", tt.name, ok, got, tt.want)
			}
		}
	}
}

func TestDecodeAllocatesLittle(t *testing.T) {
	msg := []byte("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(zip(strings.Repeat("hello ", 100))))
	d := New(1 << 20)
	if n := testing.AllocsPerRun(100, func() {
		if _, ok := d.Decode(nil, msg, true); !ok {
			t.Fatal("not decoded")
		}
	}); n > 10 { // small ones, whatever the body
		t.Errorf("%v allocations", n)
	}
}

// FuzzDecode: what is decoded is within the limit, has its length, and what was
// one whole message is one after.
func FuzzDecode(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"+chunked(zip("abc"))), true)
	f.Add([]byte("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"+chunked("abc")), false)
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\n"+zip("abc")), true)
	f.Fuzz(func(t *testing.T, msg []byte, response bool) {
		const limit = 1 << 12
		d := New(limit)
		before := bytes.Clone(msg)
		got, ok := d.Decode(nil, msg, response)
		if !bytes.Equal(msg, before) {
			t.Fatal("the message was changed")
		}
		if !ok {
			return
		}
		var m message = &http1.Request{}
		whole := http1.CompleteRequest
		if response {
			m, whole = &http1.Response{}, http1.CompleteResponse
		}
		if err := m.Parse(got); err != nil || len(m.Body()) > limit {
			t.Fatalf("%q became %q: %v", msg, got, err)
		}
		if length, ok := only(m, "Content-Length"); !ok || string(length) != fmt.Sprint(len(m.Body())) {
			t.Fatalf("%q became %q", msg, got)
		}
		if whole(msg) && !whole(got) {
			t.Fatalf("%q was whole, %q is not", msg, got)
		}
	})
}
