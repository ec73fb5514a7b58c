package http1

import (
	"bytes"
	"testing"
)

// fuzzSeeds are streams of either direction.
var fuzzSeeds = []string{
	"GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.0\r\nContent-Length: 3\r\n\r\nabcPUT",
	"PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3;a=\"b\"\r\nabc\r\n0\r\nT: t\r\n\r\n",
	"PUT / HTTP/1.1\nTransfer-Encoding : chunked\nContent-Length: 4\n\n1\nx\n0\n\n",
	"\r\nCONNECT a:1 HTTP/1.1\r\n\r\n\x16\x03\x01",
	"GET /a b HTTP/1.1 \r\nA: b\r\n c\r\nContent-Length: 1, 1\r\nContent-Length: 2\r\n\r\nx",
	"GET / HTTP/1.1\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\nExpect: 100-continue\r\n\r\n",
	oddRequest,
	"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 304 No\r\n\r\n",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\nHTTP/1.0 200\r\n\r\nrest",
	"HTTP/1.1 101 Switching\r\n\r\n\x81\x01",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nabc",
}

func FuzzRequests(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add([]byte(seed), []byte{1, 5, 0, 30})
	}
	f.Fuzz(func(t *testing.T, stream, cutAt []byte) {
		whole := fuzzFraming(t, false, stream, cutAt, nil)
		for _, m := range whole.complete() {
			if !CompleteRequest(stream[m.start:m.end]) {
				t.Fatalf("not complete alone: %q", stream[m.start:m.end])
			}
		}
	})
}

func FuzzResponses(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add([]byte(seed), []byte{1, 5, 0, 30}, uint8(0))
	}
	f.Fuzz(func(t *testing.T, stream, cutAt []byte, ask uint8) {
		asked := []asks{{head: ask&1 != 0, connect: ask&2 != 0}, {head: ask&4 != 0}}
		whole := fuzzFraming(t, true, stream, cutAt, asked)
		for _, m := range whole.complete() {
			if h := m.head; !h.UntilClose && ask == 0 && !CompleteResponse(stream[m.start:m.end]) {
				t.Fatalf("not complete alone: %q", stream[m.start:m.end])
			}
		}
	})
}

// fuzzFraming frames a stream whole, in single bytes and in pieces of the
// lengths in cutAt, and checks that all give the same and that it makes
// sense.
func fuzzFraming(t *testing.T, response bool, stream, cutAt []byte, asked []asks) outcome {
	was := bytes.Clone(stream)
	whole := frameStream(t, response, [][]byte{stream}, asked, nil)
	var pieces [][]byte
	rest := stream
	for _, n := range cutAt {
		n := min(int(n), len(rest))
		pieces = append(pieces, rest[:n])
		rest = rest[n:]
	}
	pieces = append(pieces, rest)
	for _, pieces := range [][][]byte{pieces, cut(stream, 1)} {
		if got := frameStream(t, response, pieces, asked, nil); !got.equal(whole) {
			t.Fatalf("in pieces %q:\n%swhole:\n%s", pieces, got, whole)
		}
	}
	if !bytes.Equal(stream, was) {
		t.Fatal("the stream was changed")
	}
	end := 0
	for i, m := range whole.msgs {
		if m.start < end || len(bytes.Trim(stream[end:m.start], "\r\n")) > 0 {
			t.Fatalf("message %d starts at %d after %d", i, m.start, end)
		}
		if m.end < 0 {
			break
		}
		body := int64(m.end - m.headEnd)
		switch h := m.head; {
		case body < 0 || m.headEnd <= m.start:
			t.Fatalf("message %d: %+v", i, m)
		case h.Chunked:
			if _, ok := AppendUnchunked(nil, stream[m.headEnd:m.end]); !ok {
				t.Fatalf("message %d: chunks cannot be undone", i)
			}
		case !h.UntilClose && body > 0 && body != h.Length:
			t.Fatalf("message %d has %d bytes of body: %+v", i, body, h)
		}
		end = m.end
	}
	return whole
}

// FuzzHead checks that what the strict matcher accepts is what the Parser and
// Request read, with nothing odd about its lines.
func FuzzHead(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, b []byte, response bool) {
		Sniff(b)
		complete := CompleteHead(b, response)
		if complete && !LooksLikeHead(b, response) {
			t.Fatal("complete, but does not look like a head")
		}
		if !complete {
			return
		}
		p := Parser{response: response}
		_, _, err := p.Feed(b)
		h := p.Head()
		if h == nil || err != nil && !h.Chunked {
			t.Fatalf("%+v, %v", h, err)
		}
		if odd := h.Flags & (BareCR | ObsFold | SpaceBeforeColon | OddSpacing); odd != 0 {
			t.Fatalf("flags %s", odd)
		}
		for i := 0; i < h.HeadLen; i++ {
			if !LooksLikeHead(b[:i], response) {
				t.Fatalf("%q does not look like a head", b[:i])
			}
		}
		if Sniff(b) != PrefaceHTTP1 && h.HeadLen > sniffMethod {
			t.Fatalf("Sniff says %d", Sniff(b))
		}
	})
}

// FuzzRequestEdits checks that edits change what they name and nothing else.
func FuzzRequestEdits(f *testing.F) {
	for _, seed := range fuzzSeeds {
		f.Add([]byte(seed), "host", "b", []byte("/x"))
		f.Add([]byte(seed), "Folded", "", []byte("/x y"))
	}
	f.Fuzz(func(t *testing.T, msg []byte, name, value string, target []byte) {
		var r, again Request
		err := r.Parse(msg)
		var p Parser
		p.Feed(msg)
		if (err == nil) != (p.Head() != nil) {
			t.Fatalf("Parse says %v, Parser %+v", err, p.Head())
		}
		if err != nil {
			return
		}
		if got, want := len(msg)-len(r.Body()), p.Lead()+p.Head().HeadLen; got != want {
			t.Fatalf("the body begins at %d, with Parser at %d", got, want)
		}
		if !bytes.Equal(r.AppendTo(nil), msg) {
			t.Fatal("changed without an edit")
		}
		body := bytes.Clone(r.Body())
		others := func(r *Request) []string {
			var all []string
			for n, v := range r.Headers {
				if !equalFold(n, name) {
					all = append(all, string(n), string(v))
				}
			}
			return all
		}
		before := others(&r)

		reparse := func(what string) {
			out := r.AppendTo(nil)
			if err := again.Parse(out); err != nil {
				t.Fatalf("%s: %v: %q", what, err, out)
			}
			if !bytes.Equal(again.Body(), body) || !bytes.Equal(r.Body(), body) {
				t.Fatalf("%s: the body changed: %q", what, out)
			}
			after := others(&again)
			if len(after) != len(before) {
				t.Fatalf("%s: other headers are %q, were %q", what, after, before)
			}
			for i := range after {
				if after[i] != before[i] {
					t.Fatalf("%s: other headers are %q, were %q", what, after, before)
				}
			}
		}
		if r.SetTarget(target) == nil {
			reparse("target")
			if !bytes.Equal(again.Target(), target) || !bytes.Equal(r.Target(), target) {
				t.Fatalf("target is %q, was set to %q", again.Target(), target)
			}
		}
		if r.SetHeader(name, value) == nil {
			reparse("set")
			for _, r := range []*Request{&r, &again} {
				if got, ok := r.Header(name); !ok || string(trim(got)) != string(trim([]byte(value))) {
					t.Fatalf("%s is %q, was set to %q", name, got, value)
				}
			}
		}
		if r.EditHeaders(name, func([]byte) ([]byte, HeaderEdit) { return []byte(value), ReplaceHeader }) == nil {
			reparse("edit")
			for _, r := range []*Request{&r, &again} {
				r.EachHeader(name, func(got []byte) bool {
					if string(trim(got)) != string(trim([]byte(value))) {
						t.Fatalf("%s is %q, was set to %q", name, got, value)
					}
					return true
				})
			}
		}
		r.DelHeader(name)
		reparse("delete")
		if got, ok := again.Header(name); ok {
			t.Fatalf("%s is %q, was deleted", name, got)
		}
	})
}

func FuzzQuery(f *testing.F) {
	f.Add([]byte("/a?b=c&d"), "b", "x y")
	f.Add([]byte("/a?%62=c&&=1"), "d[]", "")
	f.Add([]byte("*"), "a", "1")
	f.Add([]byte("a:443"), "a", "1")
	f.Add([]byte("/a#b?c"), "a", "1")
	f.Fuzz(func(t *testing.T, target []byte, name, value string) {
		if name == "" {
			return
		}
		out := SetQueryParam(nil, target, name, value)
		if len(target) == 0 || target[0] == '*' || isAuthority(target) {
			if !bytes.Equal(out, target) {
				t.Fatalf("%q became %q", target, out)
			}
			return
		}
		got, ok := QueryParam(out, name)
		if !ok {
			t.Fatalf("%q is not in %q", name, out)
		}
		if want := string(appendEscaped(nil, value, false)); string(got) != want {
			t.Fatalf("%q has %q = %q, want %q", out, name, got, want)
		}
		if ValidTarget(target) && !ValidTarget(out) {
			t.Fatalf("%q is not a target", out)
		}
	})
}
