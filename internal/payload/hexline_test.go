package payload

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines(t *testing.T) {
	const limit = 100
	h := func(s string) string { return hex.EncodeToString([]byte(s)) }
	ok := "1 abc 5 -1\nGET / HTTP/1.1\r\n\r\n"
	for _, tt := range []struct {
		name, in string
		want     []string
		bad      BadLines
	}{
		{"one", h(ok) + "\n", []string{ok}, BadLines{}},
		{"upper case", strings.ToUpper(h(ok)) + "\n", []string{ok}, BadLines{}},
		{"CR LF", h(ok) + "\r\n" + h(ok) + "\r\n", []string{ok, ok}, BadLines{}},
		{"blank lines and space", "\n  \r\n " + h(ok) + "\t\n\n", []string{ok}, BadLines{}},
		{"three fields", h("1 abc 5\nx") + "\n", []string{"1 abc 5 -1\nx"}, BadLines{}},
		{"five fields with a stale length", h("2 abc 5 7 900\nx") + "\n", []string{"2 abc 5 7\nx"}, BadLines{}},
		{"attributes", h("2 abc 5 7 900 o=har zz=1 \r\nx") + "\n", []string{"2 abc 5 7 1 o=har zz=1\nx"}, BadLines{}},
		{"newer type", h("4 abc 5 7\nx") + "\n" + h(ok) + "\n", []string{ok}, BadLines{Newer: 1}},
		{"empty payload", h("1 abc 5\n") + "\n", []string{"1 abc 5 -1\n"}, BadLines{}},
		{"text", "starting up\n" + h(ok) + "\n", []string{ok}, BadLines{NotHex: 1}},
		{"odd digits", h(ok) + "a\n", nil, BadLines{NotHex: 1}},
		{"no header", h("hello\nworld") + "\n", nil, BadLines{Header: 1}},
		{"no line end in it", h("1 abc 5") + "\n", nil, BadLines{Header: 1}},
		{"just in the limit", h("1 a 5 -1\n"+strings.Repeat("x", limit)) + "\n", []string{"1 a 5 -1\n" + strings.Repeat("x", limit)}, BadLines{}},
		{"over the limit", h("1 a 5 -1\n"+strings.Repeat("x", limit+1)) + "\n" + h(ok) + "\n", []string{ok}, BadLines{TooLarge: 1}},
		{"far over the limit", strings.Repeat("6", 1<<20) + "\n" + h(ok) + "\n", []string{ok}, BadLines{TooLarge: 1}},
		{"torn", h(ok) + "\n" + h(ok), []string{ok}, BadLines{Torn: 1}},
		{"nothing", "", nil, BadLines{}},
	} {
		for _, one := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%v", tt.name, one), func(t *testing.T) {
				var r io.Reader = strings.NewReader(tt.in)
				if one {
					r = iotest.OneByteReader(r)
				}
				l := NewLineReader(r, limit)
				got := readLines(t, l)
				if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
					t.Errorf("read %q, want %q", got, tt.want)
				}
				if l.Bad() != tt.bad {
					t.Errorf("bad lines %+v, want %+v", l.Bad(), tt.bad)
				}
			})
		}
	}
}

func readLines(t *testing.T, l *LineReader) (got []string) {
	t.Helper()
	bad := uint64(0)
	for {
		msg, err := l.Next()
		var le *LineError
		switch {
		case err == nil:
			got = append(got, string(msg))
		case errors.As(err, &le):
			if bad++; len(le.Line) > lineShown || le.Reason == "" {
				t.Fatalf("an error shows %d bytes and says %q", len(le.Line), le.Reason)
			}
		case errors.Is(err, io.EOF):
			if bad != badLines(l) {
				t.Fatalf("%d errors, %d counted", bad, badLines(l))
			}
			return got
		default:
			t.Fatal(err)
		}
	}
}

func TestLineReaderPassesErrorsOn(t *testing.T) {
	l := NewLineReader(iotest.ErrReader(io.ErrClosedPipe), 10)
	if _, err := l.Next(); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatalf("error %v", err)
	}
}

// What is written has four fields whatever the message had, and bytes that are
// no message add nothing.
func TestAppendLine(t *testing.T) {
	long := AppendMeta(nil, Meta{Type: Response, ID: []byte("abc"), Time: 5, Duration: 6, Length: 1})
	for _, tt := range []struct{ msg, want string }{
		{string(long) + "\x00\xff", "2 abc 5 6\n\x00\xff"},
		{"1 abc 5\nx", "1 abc 5 -1\nx"},
	} {
		want := hex.EncodeToString([]byte(tt.want)) + "\n"
		if got := string(AppendLine([]byte("+"), []byte(tt.msg))); got != "+"+want {
			t.Errorf("%q gives %q, want %q", tt.msg, got, want)
		}
	}
	if got := AppendLine([]byte("+"), []byte("no message")); string(got) != "+" {
		t.Errorf("no message gives %q", got)
	}
}

func TestLinesAllocateNothing(t *testing.T) {
	msg := append(AppendMeta(nil, Meta{Type: Request, ID: AppendID(nil, 1, 2), Time: 5, Duration: -1, Length: -1}), "GET / HTTP/1.1\r\nHost: a\r\n\r\n"...)
	line := AppendLine(nil, msg)
	buf := make([]byte, 0, len(line))
	if n := testing.AllocsPerRun(100, func() { buf = AppendLine(buf[:0], msg) }); n > 0 {
		t.Errorf("writing allocates %v times", n)
	}
	l := NewLineReader(&sameLine{line: line}, 1000)
	if n := testing.AllocsPerRun(1000, func() {
		if got, err := l.Next(); err != nil || len(got) != len(msg) {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("reading allocates %v times", n)
	}
}

// sameLine gives a line again and again.
type sameLine struct {
	line []byte
	at   int
}

func (r *sameLine) Read(p []byte) (n int, err error) {
	for n < len(p) {
		m := copy(p[n:], r.line[r.at:])
		n += m
		r.at = (r.at + m) % len(r.line)
	}
	return n, nil
}

// FuzzLines: every line gives one message or one counted error, whatever comes
// before it, and what was read is written and read again unchanged.
func FuzzLines(f *testing.F) {
	f.Add([]byte("31206120350a78\n"))
	f.Add([]byte("log line\r\n\r\n3120612035202d310a\r\n31"))
	f.Add(append(bytes.Repeat([]byte("6"), 3*lineBuffer), "\n31206120350a78\n"...))
	f.Fuzz(func(t *testing.T, in []byte) {
		const limit = 1 << 10
		l := NewLineReader(bytes.NewReader(in), limit)
		var again []byte
		var got []string
		for {
			msg, err := l.Next()
			var le *LineError
			if errors.As(err, &le) {
				continue
			}
			if err != nil {
				break
			}
			if _, body, err := Split(msg); err != nil || len(body) > limit {
				t.Fatalf("read %q", msg)
			}
			got = append(got, string(msg))
			again = AppendLine(again, msg)
		}
		lines := uint64(0)
		for _, line := range bytes.Split(in, []byte("\n")) {
			if len(bytes.TrimSpace(line)) > 0 {
				lines++
			}
		}
		// A line of nothing but space that is longer than any message is too large.
		if n := uint64(len(got)) + badLines(l) + l.Bad().Newer; n < lines || n > lines && len(in) < lineBuffer {
			t.Fatalf("%d lines gave %d messages and %d errors", lines, len(got), badLines(l))
		}
		for i, msg := range readLines(t, NewLineReader(bytes.NewReader(again), limit)) {
			if msg != got[i] {
				t.Fatalf("%q came back as %q", got[i], msg)
			}
		}
	})
}

// badLines is how many lines a *LineError told of.
func badLines(l *LineReader) uint64 {
	b := l.Bad()
	return b.NotHex + b.Header + b.TooLarge + b.Torn
}
