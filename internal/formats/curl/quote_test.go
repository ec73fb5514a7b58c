package curl

import (
	"bytes"
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

// TestManyQuotes: neither do lines that each close the quote and open it again.
func TestManyQuotes(t *testing.T) {
	const lines = 100_000
	for _, text := range []string{
		"curl 'http://h/" + strings.Repeat("a''\n", lines) + "'\n",
		"curl \"http://h/" + strings.Repeat("\"'a\n'\"", lines) + "\"\n",
		"curl http://h/ -d $'" + strings.Repeat("a\\'\n'$'", lines) + "'\n",
		"curl ^\"http://h/" + strings.Repeat("a^\"^\"\n", lines) + "^\"\n",
	} {
		r := New(strings.NewReader(text), Config{})
		if _, err := r.Next(); err != nil || r.tried > 0 {
			t.Errorf("%.40q: %v, read %d bytes in vain", text, err, r.tried)
		}
	}
}

// TestStrangeQuotes: a command whose quoting is not followed is given up when it goes
// on for too long.
func TestStrangeQuotes(t *testing.T) {
	r := New(strings.NewReader("curl http://h/ $(\n"+strings.Repeat("a\n", 100_000)), Config{})
	if _, err := r.Next(); err == nil || !strings.Contains(err.Error(), "too many lines") {
		t.Errorf("%v", err)
	}
}

// FuzzQuotes: what is said of a quote that is open at the end of a line is what the
// parsers of whole commands say, and never that one is which they do not find.
func FuzzQuotes(f *testing.F) {
	for _, text := range []string{
		"curl 'a\nb'\n", "curl \"it's\n\\\"\n\"\n", "curl $'a\\'\n'\n", "curl # '\nx", "curl a#'\n'", "a\\\n#'\n", "curl \"$(echo '\n')\"\n", "curl <<x\n'\nx\n",
		"curl ^\"a\\^\"\n^\"", "curl ^\"^\n\n^\"", "curl ^\"\\\\^\"", "curl 'a'$\"b\n\"", "curl >'x\n'", "curl ;'\n", "curl $[ '\n'",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, windows := range []bool{false, true} {
			q := quotes{windows: windows}
			for at := 0; at < len(text) && at < 200; {
				end := bytes.IndexByte(text[at:], '\n') + at + 1
				if end == at {
					break
				}
				q.add(text[at:end])
				at = end
				if !q.open() {
					continue
				}
				var open bool
				var err error
				if windows {
					_, open = splitCmd(text[:end])
				} else {
					_, open, err = split(text[:end])
				}
				if !open && err == nil {
					t.Fatalf("windows %v: a quote is said to be open behind %q", windows, text[:end])
				}
			}
		}
	})
}
