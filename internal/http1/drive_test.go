package http1

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// framed is one message as a Parser found it in a stream, in offsets.
type framed struct {
	start, headEnd, end int // headEnd and end -1 when not reached
	head                Head
}

// outcome is what framing a stream gave.
type outcome struct {
	msgs   []framed // the last one may be unfinished
	reason string   // of the error, or ""
	errAt  int
	opaque int // where the stream stopped being HTTP, or -1
}

func (o outcome) String() string {
	var b strings.Builder
	for _, m := range o.msgs {
		fmt.Fprintf(&b, "[%d %d %d", m.start, m.headEnd, m.end)
		if m.headEnd >= 0 {
			fmt.Fprintf(&b, " %+v", m.head)
		}
		b.WriteString("]\n")
	}
	if o.reason != "" {
		fmt.Fprintf(&b, "%s at %d\n", o.reason, o.errAt)
	}
	if o.opaque >= 0 {
		fmt.Fprintf(&b, "opaque at %d\n", o.opaque)
	}
	return b.String()
}

func (o outcome) equal(p outcome) bool {
	return slices.Equal(o.msgs, p.msgs) && o.reason == p.reason && o.errAt == p.errAt && o.opaque == p.opaque
}

// complete returns the messages that ended.
func (o outcome) complete() []framed {
	msgs := o.msgs
	if n := len(msgs); n > 0 && msgs[n-1].end < 0 {
		msgs = msgs[:n-1]
	}
	return msgs
}

// asks says what the responses of a stream answer, in order.
type asks struct{ head, connect bool }

// frameStream feeds the pieces of one stream to a Parser, message by message,
// and checks what Feed promises on the way. stop, when not nil, ends the
// stream after a message.
func frameStream(t testing.TB, response bool, pieces [][]byte, asked []asks, stop func(*Head) bool) outcome {
	t.Helper()
	var p Parser
	o := outcome{opaque: -1}
	offset := 0
	reset := func() {
		if !response {
			p.ResetRequest()
			return
		}
		p.ResetResponse()
		if len(asked) > 0 {
			p.SetRequest(asked[0].head, asked[0].connect)
		}
	}
	reset()
	note := func() {
		if !p.Started() {
			return
		}
		m := &o.msgs[len(o.msgs)-1]
		if h := p.Head(); h != nil {
			m.head = *h
			m.headEnd = m.start + h.HeadLen
		}
	}
	base := 0 // where the current message's lead began
	for _, piece := range pieces {
		for len(piece) > 0 {
			began := p.Started()
			n, done, err := p.Feed(piece)
			if n < 0 || n > len(piece) || n < len(piece) && !done && err == nil {
				t.Fatalf("Feed(%d bytes) = %d, %v, %v", len(piece), n, done, err)
			}
			if p.Started() && !began {
				o.msgs = append(o.msgs, framed{start: base + p.Lead(), headEnd: -1, end: -1})
			}
			offset += n
			piece = piece[n:]
			note()
			if err != nil {
				var e *Error
				if !errors.As(err, &e) {
					t.Fatalf("error %v is no *Error", err)
				}
				if n2, done, err2 := p.Feed([]byte("GET / HTTP/1.1\r\n\r\n")); n2 != 0 || done || err2 != err {
					t.Fatalf("error does not stick: %d, %v, %v", n2, done, err2)
				}
				o.reason, o.errAt = e.Reason, offset
				return o
			}
			if !done {
				continue
			}
			m := &o.msgs[len(o.msgs)-1]
			m.end = offset
			if p.Opaque() || stop != nil && stop(&m.head) {
				o.opaque = offset
				return o
			}
			if response && len(asked) > 0 && !m.head.Interim() {
				asked = asked[1:]
			}
			base = offset
			reset()
		}
	}
	if p.End() {
		o.msgs[len(o.msgs)-1].end = offset
	}
	return o
}

// cuts gives the ways in which tests cut a stream: at each byte into two, and
// into pieces of 1, 2, 3 and 7 bytes.
func cuts(stream []byte, try func(pieces [][]byte)) {
	for i := 1; i < len(stream); i++ {
		try([][]byte{stream[:i], stream[i:]})
	}
	for _, size := range []int{1, 2, 3, 7} {
		try(cut(stream, size))
	}
}

func cut(stream []byte, size int) [][]byte {
	var pieces [][]byte
	for len(stream) > size {
		pieces = append(pieces, stream[:size])
		stream = stream[size:]
	}
	return append(pieces, stream)
}

// sameForAllCuts frames the stream whole, checks that every cut gives the
// same, and returns it.
func sameForAllCuts(t testing.TB, response bool, stream []byte, asked []asks, stop func(*Head) bool) outcome {
	t.Helper()
	whole := frameStream(t, response, [][]byte{stream}, asked, stop)
	cuts(stream, func(pieces [][]byte) {
		if got := frameStream(t, response, pieces, asked, stop); !got.equal(whole) {
			t.Fatalf("%d pieces, first %q\ngot:\n%swant, as in one piece:\n%s", len(pieces), pieces[0], got, whole)
		}
	})
	return whole
}
