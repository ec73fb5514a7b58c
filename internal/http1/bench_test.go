package http1

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// get is a request as a browser sends it, of about 400 bytes.
const get = "GET /articles/2024/05/some-page.html?utm_source=feed HTTP/1.1\r\n" +
	"Host: www.example.com\r\n" +
	"Connection: keep-alive\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36\r\n" +
	"Accept: text/html,application/xhtml+xml\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Accept-Language: en-GB,en;q=0.9\r\n" +
	"Cookie: session=0123456789abcdef0123456789abcdef\r\n" +
	"\r\n"

func postOf(n int) []byte {
	return fmt.Appendf(nil, "POST /api/items HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: client/1.0\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", n, strings.Repeat("x", n))
}

func chunkedOf(chunks, size int) []byte {
	b := []byte("POST /upload HTTP/1.1\r\nHost: www.example.com\r\nTransfer-Encoding: chunked\r\n\r\n")
	for range chunks {
		b = fmt.Appendf(b, "%x\r\n%s\r\n", size, strings.Repeat("x", size))
	}
	return append(b, "0\r\n\r\n"...)
}

func benchFeed(b *testing.B, msg []byte, segment int) {
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	pieces := cut(msg, segment)
	var p Parser
	for b.Loop() {
		p.ResetRequest()
		done := false
		for _, piece := range pieces {
			_, done, _ = p.Feed(piece)
		}
		if !done {
			b.Fatal("the message is not done")
		}
	}
}

func BenchmarkFeedGet(b *testing.B)            { benchFeed(b, []byte(get), 1460) }
func BenchmarkFeedGetInTwo(b *testing.B)       { benchFeed(b, []byte(get), 300) }
func BenchmarkFeedGetInBytes(b *testing.B)     { benchFeed(b, []byte(get), 1) }
func BenchmarkFeedPost1K(b *testing.B)         { benchFeed(b, postOf(1024), 2000) }
func BenchmarkFeedChunked64K(b *testing.B)     { benchFeed(b, chunkedOf(16, 4096), 1<<20) }
func BenchmarkFeedChunked64KSegs(b *testing.B) { benchFeed(b, chunkedOf(16, 4096), 1460) }
func BenchmarkFeedTinyChunks(b *testing.B)     { benchFeed(b, chunkedOf(4096, 16), 1<<20) }

func BenchmarkCompleteHead(b *testing.B) {
	msg := []byte(get)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	for b.Loop() {
		if !CompleteHead(msg, false) {
			b.Fatal("no head")
		}
	}
}

func BenchmarkRequestParse(b *testing.B) {
	msg := []byte(get)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	var r Request
	for b.Loop() {
		if err := r.Parse(msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRequestEdit(b *testing.B) {
	msg := []byte(get)
	b.SetBytes(int64(len(msg)))
	b.ReportAllocs()
	var r Request
	var out []byte
	for b.Loop() {
		out = editOnce(&r, msg, out)
	}
}

// editOnce does what a replay with a rewrite rule does to a request.
func editOnce(r *Request, msg, out []byte) []byte {
	if r.Parse(msg) != nil {
		return nil
	}
	r.Header("Accept-Language")
	r.SetHeader("Host", "staging.example.com")
	r.SetHeader("X-Replayed", "1")
	r.DelHeader("Connection")
	r.SetTarget([]byte("/other"))
	return r.AppendTo(out[:0])
}

func TestNoAllocations(t *testing.T) {
	var p Parser
	var r Request
	var out []byte
	feed := func(pieces [][]byte) func() {
		return func() {
			p.ResetRequest()
			for _, piece := range pieces {
				p.Feed(piece)
			}
			if !p.Done() {
				t.Error("the message is not done")
			}
		}
	}
	folded := []byte(oddRequest)
	whole := []byte(get)
	for _, test := range []struct {
		name string
		run  func()
	}{
		{"head in one piece", feed(cut(whole, 1460))},
		{"head in pieces", feed(cut(whole, 100))},
		{"chunked in pieces", feed(cut(chunkedOf(16, 4096), 1460))},
		{"error", func() { p.ResetRequest(); p.Feed([]byte("\x16\x03")) }},
		{"CompleteHead", func() { CompleteHead(whole, false) }},
		{"Complete", func() { Complete(whole) }},
		{"Sniff", func() { Sniff(whole) }},
		{"edits", func() { out = editOnce(&r, whole, out) }},
		{"folded header", func() { r.Parse(folded); r.Header("folded"); r.Header("Folded") }},
		{"Headers", func() {
			r.Parse(whole)
			for name := range r.Headers {
				_ = name
			}
		}},
		{"query", func() {
			r.Parse(whole)
			out = SetQueryParam(out[:0], r.Target(), "utm_source", "x")
			QueryParam(out, "utm_source")
		}},
		{"unchunk", func() { out, _ = AppendUnchunked(out[:0], []byte("1\r\na\r\n0\r\n\r\n")) }},
	} {
		if n := testing.AllocsPerRun(100, test.run); n != 0 {
			t.Errorf("%s: %v allocations", test.name, n)
		}
	}
	if !bytes.Contains(out, []byte("a")) {
		t.Errorf("out is %q", out)
	}
}
