package payload

import (
	"fmt"
	"strings"
	"testing"
)

func TestAppendRecord(t *testing.T) {
	const id = "1 " + id1 + " 1400000000000000000"
	tests := []struct{ name, msg, want, old string }{
		{"four fields", id + " 7\n" + get, id + " 7 27\n" + get + Separator, id + " 7\n" + get + Separator},
		{"three fields", id + "\n" + get, id + " -1 27\n" + get + Separator, id + " -1\n" + get + Separator},
		{"right length", id + " 7 27\n" + get, id + " 7 27\n" + get + Separator, id + " 7\n" + get + Separator},
		{"stale length", id + " 7 99\n" + get, id + " 7 27\n" + get + Separator, id + " 7\n" + get + Separator},
		{"empty payload", id + " 7\n", id + " 7 0\n" + Separator, id + " 7\n" + Separator},
		{"swapped fields of 0.15", "3 ab 5 1400000000000000000\nx", "3 ab 1400000000000000000 5 1\nx" + Separator, "3 ab 1400000000000000000 5\nx" + Separator},
		{"no header", get, "", ""},
		{"no line end", "1 ab 5", "", ""},
		{"empty", "", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(AppendRecord([]byte("before"), []byte(tt.msg))); got != "before"+tt.want {
				t.Errorf("AppendRecord: got %q, want %q", got, tt.want)
			}
			if got := string(AppendOldRecord(nil, []byte(tt.msg))); got != tt.old {
				t.Errorf("AppendOldRecord: got %q, want %q", got, tt.old)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	m, body, err := Split([]byte(head + get))
	if err != nil || string(body) != get || string(m.ID) != id1 || m.Duration != 1000 || m.Length != -1 {
		t.Fatalf("got %+v, %q, %v", m, body, err)
	}
	if got := Body([]byte(head)); got == nil || len(got) != 0 {
		t.Fatalf("body of a header alone: got %q, want an empty one", got)
	}
	for _, msg := range []string{"", "1 ab 1", "GET / HTTP/1.1\r\n\r\n"} {
		if m, body, err := Split([]byte(msg)); err == nil {
			t.Errorf("Split(%q) = %+v, %q, want an error", msg, m, body)
		}
	}
	if got := Body([]byte("1 ab 1")); got != nil {
		t.Fatalf("body without a line end: got %q, want nil", got)
	}
}

func TestHasSeparator(t *testing.T) {
	tests := []struct {
		name, msg string
		want      bool
	}{
		{"none", head + get, false},
		{"in the body", head + get + "a" + Separator + "b", true},
		{"right after the header", head + Separator[1:], true},
		{"one monkey", head + monkey + "\n" + monkey, false},
		{"without line ends", head + "x" + Separator[1:13], false},
		{"cut", head + get + Separator[:12], false},
		{"whole with the next line end", head + get + Separator[:13], true},
		{"whole with the header's and the next line end", head + Separator[1:13], true},
		{"after other monkeys", head + monkey + monkey + "\n" + monkey + Separator, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := HasSeparator([]byte(tt.msg)); got != tt.want {
				t.Fatalf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestDamageString(t *testing.T) {
	tests := []struct {
		name   string
		damage Damage
		want   string
	}{
		{"none", Damage{Skipped: 14}, ""},
		{"one", Damage{Damaged: 1, Spots: []Spot{{Damaged, 7}}}, "1 damaged record skipped (at byte 7)"},
		{"two and a torn end", Damage{Damaged: 2, Torn: 1, Spots: []Spot{{Damaged, 1034}, {Damaged, 2000}, {Torn, 5000}}},
			"2 damaged records skipped (first at byte 1034), 1 torn at the end"},
		{"all", Damage{Damaged: 1, TooLarge: 2, Stale: 3, Torn: 1, Spots: []Spot{{Stale, 1}, {TooLarge, 2}, {Damaged, 3}}},
			"1 damaged record skipped (at byte 3), 2 records larger than the limit skipped (first at byte 2), " +
				"3 records kept in spite of a wrong length (first at byte 1), 1 torn at the end"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.damage.String(); got != tt.want {
				t.Fatalf("got %q, want %q", got, tt.want)
			}
			if got := tt.damage.Any(); got != (tt.want != "") {
				t.Fatalf("Any: got %v", got)
			}
		})
	}
}

// TestDamageExtent: what was passed over is told with its bytes and its place,
// also in a part of a compressed recording.
func TestDamageExtent(t *testing.T) {
	rest := Damage{Skipped: 12_345, To: 12_345}
	var whole Damage
	whole.add(rest, 1000)
	for _, tt := range []struct {
		damage Damage
		want   string
	}{
		{Damage{}, ""},
		{Damage{Skipped: 7, From: 3, To: 10}, "7 bytes from byte 3"},
		{rest, "12.3 kB from byte 0"},
		{whole, "12.3 kB from byte 1000"},
		{Damage{Skipped: 2_000_000, From: 5, To: 9_000_000}, "2 MB between bytes 5 and 9000000"},
	} {
		if got := tt.damage.Extent(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	record := "1 a 1\nGET / HTTP/1.1\r\n\r\n" + Separator
	noise := strings.Repeat("x", 1234)
	r := textReader(strings.NewReader(record+noise+Separator+record), 1<<20)
	for n := 0; ; n++ {
		if _, err := r.Next(); err != nil {
			if want := fmt.Sprintf("1.25 kB from byte %d", len(record)); n != 2 || r.Damage().Extent() != want {
				t.Errorf("%d records, %q, want 2 and %q", n, r.Damage().Extent(), want)
			}
			break
		}
	}
}
