package payload

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseMeta(t *testing.T) {
	tests := []struct {
		name string
		line string
		want Meta
	}{
		{"five fields", "1 ab 1400000000000000000 5 18\n", Meta{Request, []byte("ab"), 1400000000000000000, 5, 18, nil}},
		{"four fields", "2 ab 1400000000000000000 5\n", Meta{Response, []byte("ab"), 1400000000000000000, 5, -1, nil}},
		{"three fields", "1 ab 1400000000000000000\n", Meta{Request, []byte("ab"), 1400000000000000000, -1, -1, nil}},
		{"without line end", "1 ab 1400000000000000000", Meta{Request, []byte("ab"), 1400000000000000000, -1, -1, nil}},
		{"unknown duration", "3 ab 1400000000000000000 -1\n", Meta{ReplayResponse, []byte("ab"), 1400000000000000000, -1, -1, nil}},
		{"negative duration of a stepped clock", "1 ab 1400000000000000000 -77\n", Meta{Request, []byte("ab"), 1400000000000000000, -1, -1, nil}},
		{"0.10 to 0.14 response: duration alone", "2 ab 2532000\n", Meta{Response, []byte("ab"), 0, 2532000, -1, nil}},
		{"0.10 to 0.14 replayed response: duration alone", "3 ab 2532000\n", Meta{ReplayResponse, []byte("ab"), 0, 2532000, -1, nil}},
		{"0.15 replayed response: swapped", "3 ab 2532000 1400000000000000000\n", Meta{ReplayResponse, []byte("ab"), 1400000000000000000, 2532000, -1, nil}},
		{"least time", "3 ab 5 100000000000000000\n", Meta{ReplayResponse, []byte("ab"), 100000000000000000, 5, -1, nil}},
		{"below least time", "3 ab 5 99999999999999999\n", Meta{ReplayResponse, []byte("ab"), 5, 99999999999999999, -1, nil}},
		{"request with a made-up time", "1 1 1\n", Meta{Request, []byte("1"), 1, -1, -1, nil}},
		{"request is never swapped", "1 1 1 1400000000000000000\n", Meta{Request, []byte("1"), 1, 1400000000000000000, -1, nil}},
		{"longest id", "1 " + strings.Repeat("f", 128) + " 1\n", Meta{Request, []byte(strings.Repeat("f", 128)), 1, -1, -1, nil}},
		{"id of other characters", "1 a-b_Ü 1\n", Meta{Request, []byte("a-b_Ü"), 1, -1, -1, nil}},
		{"attribute", "1 ab 1 2 3 o=har\n", Meta{Request, []byte("ab"), 1, 2, 3, []byte("o=har")}},
		{"attributes, in their order", "3 ab 1 2 0 zz=1 e=timeout t=new\n", Meta{ReplayResponse, []byte("ab"), 1, 2, 0, []byte("zz=1 e=timeout t=new")}},
		{"attributes of no form that is known", "1 ab 1 2 3 4 LONG-KEY==x\n", Meta{Request, []byte("ab"), 1, 2, 3, []byte("4 LONG-KEY==x")}},
		{"attribute with bytes that need no escape", "1 ab 1 2 3 t=\x7f\xff\"\n", Meta{Request, []byte("ab"), 1, 2, 3, []byte("t=\x7f\xff\"")}},
		{"swapped, with an attribute", "3 ab 5 1400000000000000000 3 t=x\n", Meta{ReplayResponse, []byte("ab"), 1400000000000000000, 5, 3, []byte("t=x")}},
		{"types of a newer version", "9 ab 1 -1 2\n", Meta{'9', []byte("ab"), 1, -1, 2, nil}},
		{"final space", "1 ab 1 2 3 \n", Meta{Request, []byte("ab"), 1, 2, 3, nil}},
		{"final spaces behind an attribute", "1 ab 1 2 3 o=har  \n", Meta{Request, []byte("ab"), 1, 2, 3, []byte("o=har")}},
		{"final space behind three fields", "1 ab 1 \n", Meta{Request, []byte("ab"), 1, -1, -1, nil}},
		{"blanks and a carriage return", "1 ab 1 2 \t \r\n", Meta{Request, []byte("ab"), 1, 2, -1, nil}},
		{"512 bytes", "1 ab 1 2 3 t=" + strings.Repeat("x", 512-13) + "\n", Meta{Request, []byte("ab"), 1, 2, 3, []byte("t=" + strings.Repeat("x", 512-13))}},
		{"largest numbers", "1 a 9223372036854775807 9223372036854775807 9223372036854775807", Meta{Request, []byte("a"), 1<<63 - 1, 1<<63 - 1, 1<<63 - 1, nil}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseMeta([]byte(tt.line))
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Fatalf("got %+v, %v, want %+v", got, err, tt.want)
			}
			again, err := ParseMeta(AppendMeta(nil, got))
			if err != nil || !reflect.DeepEqual(again, got) {
				t.Fatalf("written and read again: %+v, %v, want %+v", again, err, got)
			}
		})
	}
}

func TestParseMetaError(t *testing.T) {
	tests := []struct{ name, line string }{
		{"empty", ""},
		{"line end", "\n"},
		{"type alone", "1\n"},
		{"two fields", "1 ab\n"},
		{"two fields and a space", "1 ab \n"},
		{"empty id", "1  1400000000000000000\n"},
		{"id too long", "1 " + strings.Repeat("f", 129) + " 1\n"},
		{"type 0", "0 ab 1\n"},
		{"type behind 9", ": ab 1\n"},
		{"long type", "11 ab 1\n"},
		{"no number", "1 ab x\n"},
		{"number with a tail", "1 ab 1x\n"},
		{"signed number", "1 ab +1\n"},
		{"minus alone", "1 ab -\n"},
		{"too large", "1 ab 9223372036854775808\n"},
		{"far too large", "1 ab 99999999999999999999999\n"},
		{"two spaces", "1 ab 1  2\n"},
		{"negative length", "1 ab 1 2 -1\n"},
		{"tab", "1\tab 1\n"},
		{"tab in an attribute", "1 ab 1 2 3 t=a\tb\n"},
		{"carriage return in an attribute", "1 ab 1 2 3 t=a\rb\n"},
		{"two fields, blanks and a carriage return", "1 ab  \r\n"},
		{"513 bytes", "1 ab 1 2 3 t=" + strings.Repeat("x", 513-13) + "\n"},
		{"control character in id", "1 a\x00b 1\n"},
		{"HTTP", "GET / HTTP/1.1\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if m, err := ParseMeta([]byte(tt.line)); err != ErrHeader {
				t.Fatalf("got %+v, %v, want ErrHeader", m, err)
			}
		})
	}
}

func FuzzParseMeta(f *testing.F) {
	for _, s := range []string{"1 ab 1400000000000000000 5 18\n", "3 ab 1 2 3 e=timeout zz=%20  4 \r\n", "5 ab 1 2 3\n", "3 ab 2532000 1400000000000000000\n", "2 ab 2532000\n", "1 a -1"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		m, err := ParseMeta(line)
		if err != nil {
			return
		}
		written := AppendMeta(nil, m)
		if len(written) > maxHeader {
			t.Fatalf("%d bytes, the bound is %d", len(written), maxHeader)
		}
		// A response of 0.10 without a time cannot say so in four fields: there time and duration may swap.
		if m.Type != Request && m.Time < leastTime {
			return
		}
		m.Attributes = collapse(m.Attributes)
		again, err := ParseMeta(written)
		again.Attributes = collapse(again.Attributes)
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%q: %+v, written and read again %+v, %v", line, m, again, err)
		}
	})
}

func TestID(t *testing.T) {
	id := AppendID([]byte("x"), 0x0123456789abcdef, 0xfedc)
	if want := "x0123456789abcdef0000fedc"; string(id) != want {
		t.Fatalf("got %q, want %q", id, want)
	}
	tests := []struct{ name, id, want string }{
		{"ours", "0123456789abcdef0000fedc", "0123456789abcdef"},
		{"40 digits", id2, id2},
		{"short", "12", "12"},
		{"empty", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(ConnPart([]byte(tt.id))); got != tt.want {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHotPathsAllocateNothing(t *testing.T) {
	msg := []byte(head + get)
	buf := make([]byte, 0, 4096)
	for name, f := range map[string]func(){
		"ParseMeta":       func() { _, _ = ParseMeta(msg[:len(head)]) },
		"Split":           func() { _, _, _ = Split(msg) },
		"Body":            func() { Body(msg) },
		"AppendID":        func() { AppendID(buf, 1, 2) },
		"AppendRecord":    func() { AppendRecord(buf, msg) },
		"AppendOldRecord": func() { AppendOldRecord(buf, msg) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
