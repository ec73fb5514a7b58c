package curl

import (
	"io"
	"strings"
	"testing"

	"github.com/buger/gor/internal/payload"
)

// TestLongQuote: what a body in quotes costs grows with its length, not with that and the
// number of its lines.
func TestLongQuote(t *testing.T) {
	const lines = 100_000
	for _, tt := range []struct{ name, text, body string }{
		{"single quotes", "curl http://h/ -d '" + strings.Repeat("{\"a\": 1,\n", lines) + "'\n", "{\"a\": 1,"},
		{"double quotes", "curl http://h/ -d \"" + strings.Repeat("it's\n", lines) + "\"\n", "it's"},
		{"for Windows", "curl ^\"http://h/^\" ^\n" + strings.Repeat("  -H ^\"A: b^\" ^\n", 1000) + "  -d ^\"x^\"\n", "x"},
	} {
		r := New(strings.NewReader(tt.text), Config{})
		msg, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		_, body, ok := strings.Cut(string(payload.Body(msg)), "\r\n\r\n")
		if !ok || !strings.HasPrefix(body, tt.body) || r.tried > 2*len(tt.text) {
			t.Errorf("%s: %.40q, read %d bytes in vain of %d", tt.name, body, r.tried, len(tt.text))
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// TestManyQuotes: lines that each close the quote and open it again end in an error.
func TestManyQuotes(t *testing.T) {
	r := New(strings.NewReader("curl 'http://h/\n"+strings.Repeat("a''\n", 100)), Config{})
	if _, err := r.next(); err != nil {
		t.Fatal(err)
	}
	r.tried = triedMost
	if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "too many lines") {
		t.Errorf("%v", err)
	}
}
