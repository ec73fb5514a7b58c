package http1

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzCrowdedHead frames heads of many fields, whole and in pieces, and compares
// with a reader that keeps no index and only counts: the head ends at the same
// byte, it has as many fields, the index takes none beyond MaxFields, and no
// more memory is held than a head may have.
func FuzzCrowdedHead(f *testing.F) {
	f.Add("a:\r\n", uint16(MaxFields), uint16(1))
	f.Add("a:\n", uint16(MaxFields+1), uint16(7))
	f.Add("A: b\r\n c\r\n", uint16(3000), uint16(1000))
	f.Add("a\n", uint16(60000), uint16(4096))
	f.Add("Content-Length: 0\r\n", uint16(2), uint16(3))
	f.Add("x: y\r\nz:\n", uint16(2100), uint16(64))
	f.Fuzz(func(t *testing.T, line string, times, piece uint16) {
		if len(line) == 0 || len(line) > 64 || strings.HasPrefix(line, "\r") || strings.HasPrefix(line, "\n") || !strings.HasSuffix(line, "\n") ||
			strings.Contains(line, "\n\n") || strings.Contains(line, "\n\r") {
			return // it would end the head
		}
		head := []byte("GET / HTTP/1.1\r\n" + strings.Repeat(line, int(times)) + "\r\n")
		var whole, pieces Parser
		whole.ResetRequest()
		pieces.ResetRequest()
		_, _, wholeErr := whole.Feed(head)
		var pieceErr error
		for rest := head; len(rest) > 0 && pieceErr == nil && pieces.Head() == nil; {
			part := rest[:min(len(rest), int(piece)+1)]
			var n int
			n, _, pieceErr = pieces.Feed(part)
			rest = rest[n:]
			if n == 0 {
				break
			}
			if held := pieces.Held(); held > MaxHead+MaxHead/2 {
				t.Fatalf("%d bytes are held", held)
			}
		}
		if len(head) >= MaxHead-1 {
			return // refused in pieces, and its index is bounded by the caller
		}
		if (wholeErr == nil) != (pieceErr == nil) {
			t.Fatalf("whole: %v, in pieces: %v", wholeErr, pieceErr)
		}
		a, b := whole.Head(), pieces.Head()
		if wholeErr != nil || a == nil || b == nil {
			return
		}
		fields := 0
		for l := range bytes.Lines(head[len("GET / HTTP/1.1\r\n"):]) {
			if l = bytes.TrimRight(l, "\r\n"); len(l) > 0 && (fields == 0 || l[0] != ' ' && l[0] != '\t') { // the first continues nothing
				fields++
			}
		}
		if a.HeadLen != len(head) || b.HeadLen != len(head) || a.Fields != b.Fields || a.Fields != fields {
			t.Fatalf("a head of %d bytes and %d fields: %d and %d whole, %d and %d in pieces", len(head), fields, a.HeadLen, a.Fields, b.HeadLen, b.Fields)
		}
		var r Request
		if err := r.Parse(head); err == nil && fields > MaxFields || len(r.fields) > MaxFields {
			t.Fatalf("%d fields are indexed, %v", len(r.fields), err)
		}
	})
}
