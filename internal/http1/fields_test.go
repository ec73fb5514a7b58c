package http1

import (
	"errors"
	"strings"
	"testing"
	"unsafe"
)

func crowdedHead(fields int) []byte {
	return []byte("GET / HTTP/1.1\r\n" + strings.Repeat("a:\n", fields) + "\r\n")
}

// A head of one-letter lines: framing goes on and counts them, indexing stops
// at the bound, and nothing of it is kept for the next head.
func TestManyFields(t *testing.T) {
	var r Request
	if err := r.Parse(crowdedHead(MaxFields)); err != nil {
		t.Errorf("%d fields: %v", MaxFields, err)
	}
	for _, fields := range []int{MaxFields + 1, 80_000} {
		msg := crowdedHead(fields)
		err := r.Parse(msg)
		if want := new(Error); !errors.As(err, &want) || want.Reason != ReasonManyFields {
			t.Errorf("%d fields: error %v, want %q", fields, err, ReasonManyFields)
		}
		var p Parser
		if n, done, err := p.Feed(msg); n != len(msg) || !done || err != nil || p.Head().Fields != fields {
			t.Errorf("framing of %d fields: %d bytes of %d, %v, %v", fields, n, len(msg), done, err)
		}
	}
	var rsp Response
	if err := rsp.Parse([]byte(strings.Replace(string(crowdedHead(MaxFields+1)), "GET / HTTP/1.1", "HTTP/1.1 200 OK", 1))); !errors.Is(err, errManyFields) {
		t.Errorf("response: error %v", err)
	}
	if cap(r.fields) > keepFields || cap(r.text) > keepText {
		t.Errorf("%d fields and %d bytes of text are kept", cap(r.fields), cap(r.text))
	}
}

// The index of the largest head that is taken is smaller than the head may be.
func TestIndexSize(t *testing.T) {
	if size := int(unsafe.Sizeof(field{})) * MaxFields; size > MaxHead {
		t.Errorf("an index of %d fields takes %d bytes", MaxFields, size)
	}
	msg := crowdedHead(80_000)
	var r Request
	result := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = r.Parse(msg)
		}
	})
	// What append leaves behind on its way to the bound counts as well.
	if n := result.AllocedBytesPerOp(); n > 3*MaxHead {
		t.Errorf("a head of %d bytes takes %d", len(msg), n)
	}
}
