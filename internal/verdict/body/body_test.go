package body

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"

	"github.com/buger/gor/internal/http1"
	"github.com/buger/gor/internal/verdict/finding"
)

// coded returns text in a coding.
func coded(t testing.TB, coding, text string) string {
	var b bytes.Buffer
	var err error
	switch coding {
	case "gzip":
		w := gzip.NewWriter(&b)
		_, err = w.Write([]byte(text))
		err = errors.Join(err, w.Close())
	case "deflate":
		w := zlib.NewWriter(&b)
		_, err = w.Write([]byte(text))
		err = errors.Join(err, w.Close())
	case "raw":
		w, werr := flate.NewWriter(&b, 1)
		_, err = w.Write([]byte(text))
		err = errors.Join(err, werr, w.Close())
	case "zstd":
		w, werr := zstd.NewWriter(&b)
		_, err = w.Write([]byte(text))
		err = errors.Join(err, werr, w.Close())
	case "br":
		w := brotli.NewWriter(&b)
		_, err = w.Write([]byte(text))
		err = errors.Join(err, w.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func read(t testing.TB, r *Reader, headers, body string) Content {
	var m http1.Response
	if err := m.Parse([]byte("HTTP/1.1 200 OK\r\n" + headers + "\r\n" + body)); err != nil {
		t.Fatal(err)
	}
	return r.Read(&m)
}

func TestCodings(t *testing.T) {
	r := NewReader(1 << 20)
	const text = "some text, some text, some text"
	for range 2 { // decoders are used again
		for coding, name := range map[string]string{"gzip": "gzip", "deflate": "deflate", "raw": "deflate", "zstd": "zstd", "br": "br"} {
			b := coded(t, coding, text)
			if c := read(t, r, "Content-Encoding: "+name+"\r\n", b); string(c.Bytes) != text || c.Err != nil {
				t.Errorf("%s: %q, %v", coding, c.Bytes, c.Err)
			}
			chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\ngrpc-status: 0\r\n\r\n", len(b), b)
			if c := read(t, r, "Transfer-Encoding: chunked\r\nContent-Encoding: "+name+"\r\n", chunked); string(c.Bytes) != text || c.Err != nil || string(c.Trailer) != "grpc-status: 0" {
				t.Errorf("%s: %q, %v, trailer %q", coding, c.Bytes, c.Err, c.Trailer)
			}
			if c := read(t, r, "Content-Encoding: "+name+"\r\n", "plain text that is not coded"); !errors.Is(c.Err, ErrCoding) {
				t.Errorf("%s that is none: %v", name, c.Err)
			}
		}
	}
	twice := coded(t, "gzip", coded(t, "br", text))
	if c := read(t, r, "Content-Encoding: br, gzip\r\n", twice); string(c.Bytes) != text || c.Err != nil {
		t.Errorf("br in gzip: %q, %v", c.Bytes, c.Err)
	}
	if c := read(t, r, "Content-Encoding: unknown\r\n", "x"); !errors.Is(c.Err, ErrCoding) {
		t.Errorf("unknown coding: %v", c.Err)
	}
}

// A body that becomes far larger is decoded as far as the limit.
func TestBombs(t *testing.T) {
	bomb := strings.Repeat("\x00", 8<<20)
	for _, coding := range []string{"gzip", "deflate", "zstd", "br"} {
		r := NewReader(64 << 10)
		c := read(t, r, "Content-Encoding: "+coding+"\r\n", coded(t, coding, bomb))
		if !errors.Is(c.Err, ErrTooLarge) || len(c.Bytes) != 64<<10 || cap(r.bodies[0])+cap(r.bodies[1]) > 1<<20 {
			t.Errorf("%s: %v after %d bytes", coding, c.Err, len(c.Bytes))
		}
	}
}

func findings(d *Differ, typ, old, new string) string {
	var all []string
	d.Diff(Side{Content{Bytes: []byte(old)}, typ}, Side{Content{Bytes: []byte(new)}, typ}, func(f finding.Finding) {
		all = append(all, f.Severity.String()+" "+f.Path)
	})
	return strings.Join(all, "; ")
}

func TestBodies(t *testing.T) {
	grpc := func(message string) string { return string([]byte{0, 0, 0, 0, byte(len(message))}) + message }
	d := New()
	for _, c := range []struct{ name, typ, old, new, want string }{
		{"JSON", "application/json", `{"a":1}`, `{"a":2}`, "value body.a"},
		{"JSON under a name of its own", "application/vnd.x+json; charset=utf-8", `{"a":1}`, `{"a":2}`, "value body.a"},
		{"JSON as text", "text/plain", `{"a":1}`, `{ "a":1 }`, ""},
		{"JSON becomes a page", "application/json", `{"a":1}`, `<html>`, "retyped body"},
		{"emptied", "application/json", `{"a":1}`, ``, "removed body"},
		{"filled", "application/json", ``, `{}`, "added body"},
		{"form", "application/x-www-form-urlencoded", "a=1&b=2&b=3", "b=3&b=2&c=1", "removed body.a; order body.b[]; added body.c"},
		{"form value", "application/x-www-form-urlencoded", "a=1&b=2", "b=2&a=2", "value body.a"},
		{"page without comments and nonces", "text/html", "<p class='b a'>Hello  <b>you</b></p><!-- 1 --><script nonce=a>x</script>", "<P class='a b'>\nHello <b>you</b></p><script nonce='b'>x</script>", ""},
		{"token of a form", "text/html", `<input type=hidden name=csrf_token value=a>`, `<input type=hidden name=csrf_token value=b>`, ""},
		{"price in a page", "text/html", "<p>1</p><b>19.99</b>", "<p>1</p><b>20.19</b>", "value body.b"},
		{"attribute in a page", "text/html", "<a href=/a rel=x>t</a>", "<a href=/b>t</a>", "value body.a.href; removed body.a.rel"},
		{"element lost", "text/html", "<p>1</p><p>2</p><i>x</i>", "<p>1</p><i>x</i>", "removed body.p; removed body.p"},
		{"text", "text/plain", "a\nb\nc\n", "a\r\nx\r\nc\r\n", "value body"},
		{"numbers in text", "text/plain", "took 17 ms\nid 123e4567-e89b-12d3-a456-426614174000\n", "took 5 ms\nid 223e4567-e89b-12d3-a456-426614174000\n", "same kind body"},
		{"line lost", "text/plain", "a\nb\nc\n", "a\nc\n", "removed body"},
		{"XML", "application/xml", "<a><b>1</b><c/></a>", "<a>\n <b>x</b>\n <c/>\n</a>", "value body.a.b"},
		{"gRPC", "application/grpc", grpc("\x08\x01"), grpc("\x08\x01\x10\x01"), "added body[].#2"},
		{"gRPC value", "application/grpc", grpc("\x08\x01"), grpc("\x08\x02"), "value body[]"},
		{"gRPC message lost", "application/grpc", grpc("\x08\x01") + grpc(""), grpc("\x08\x01"), "removed body[]"},
		{"bytes", "image/png", "\x89PNG\x00", "\x89PNG\x01", "value body"},
	} {
		if got := findings(d, c.typ, c.old, c.new); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

// A body differs from itself in nothing, whatever its type.
func FuzzBody(f *testing.F) {
	for _, typ := range []string{"application/json", "text/html", "text/xml", "text/plain", "application/x-www-form-urlencoded", "application/grpc", "image/png"} {
		f.Add(typ, []byte("<a b=c>[1]&x=2\n"), []byte("\x00\x00\x00\x00\x01a"))
	}
	f.Fuzz(func(t *testing.T, typ string, a, b []byte) {
		d := New()
		if got := findings(d, typ, string(a), string(slices.Clone(a))); got != "" {
			t.Fatalf("%q differs from itself: %s", a, got)
		}
		findings(d, typ, string(a), string(b))
	})
}

// No coding makes a Reader panic or hold more than it may.
func FuzzRead(f *testing.F) {
	for _, coding := range []string{"gzip", "deflate", "zstd", "br"} {
		f.Add(coding, []byte(coded(f, coding, "text")), true)
		f.Add(coding, []byte(coded(f, coding, "text")), false)
	}
	f.Fuzz(func(t *testing.T, coding string, b []byte, chunked bool) {
		head := "HTTP/1.1 200 OK\r\nContent-Encoding: " + coding + "\r\n"
		if chunked {
			head += "Transfer-Encoding: chunked\r\n"
		}
		var m http1.Response
		if m.Parse(append([]byte(head+"\r\n"), b...)) != nil {
			return
		}
		const limit = 4 << 10
		if c := NewReader(limit).Read(&m); len(c.Bytes) > max(limit, len(b)) {
			t.Fatalf("%d bytes", len(c.Bytes))
		}
	})
}
