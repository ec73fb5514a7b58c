package pace

import (
	"strings"
	"testing"
)

func TestParseLimit(t *testing.T) {
	tests := []struct {
		in   string
		want Limit
	}{
		{"", Limit{}},
		{"10", Limit{LimitCount, 10}},
		{" 10 ", Limit{LimitCount, 10}},
		{"1", Limit{LimitCount, 1}},
		{"2147483647", Limit{LimitCount, 2147483647}},
		{"10%", Limit{LimitPercent, 10}},
		{"0%", Limit{LimitPercent, 0}},
		{"100%", Limit{LimitPercent, 100}},
		{"200%", Limit{LimitPercent, 200}},
		{"max", Limit{Kind: LimitMax}},
		{"MAX", Limit{Kind: LimitMax}},
	}
	for _, tt := range tests {
		got, err := ParseLimit(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("ParseLimit(%q) = %v, %v, want %v", tt.in, got, err, tt.want)
		}
		if again, err := ParseLimit(got.String()); err != nil || again != got {
			t.Errorf("ParseLimit(%q), from String, = %v, %v, want %v", got.String(), again, err, got)
		}
	}
}

func TestParseLimitErrors(t *testing.T) {
	for _, in := range []string{
		"0", "-1", "+5", "10.5", "10.5%", "-10%", "+1%", "%", "%%", "ten", "10 %", "1e3", "0x10", "max%", "minimum",
		"2147483648", "99999999999999999999", "99999999999999999999%", "10|20",
	} {
		got, err := ParseLimit(in)
		if err == nil {
			t.Errorf("ParseLimit(%q) = %v, want an error", in, got)
			continue
		}
		if msg := err.Error(); !strings.Contains(msg, `"`+in+`"`) || !strings.Contains(msg, "type a") {
			t.Errorf("ParseLimit(%q): %q does not quote the value and say what to type", in, msg)
		}
	}
}

func TestLimitUse(t *testing.T) {
	tests := []struct {
		in           string
		share, speed bool // allowed as
	}{
		{"", true, true},
		{"10", true, true},
		{"0%", true, false},
		{"1%", true, true},
		{"100%", true, true},
		{"101%", false, true},
		{"max", false, true},
	}
	for _, tt := range tests {
		l, err := ParseLimit(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Share(); (err == nil) != tt.share {
			t.Errorf("%q: Share = %v", tt.in, err)
		}
		if err := l.Speed(); (err == nil) != tt.speed {
			t.Errorf("%q: Speed = %v", tt.in, err)
		}
	}
}

func FuzzParseLimit(f *testing.F) {
	for _, s := range []string{"", "10", "10%", "max", "0", "%", "-1", "+3", "200%", "10.5", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := ParseLimit(s)
		if err != nil {
			if l != (Limit{}) {
				t.Fatalf("%v beside the error %v", l, err)
			}
			return
		}
		if again, err := ParseLimit(l.String()); err != nil || again != l {
			t.Fatalf("%q is %v, and its text %q is %v, %v", s, l, l.String(), again, err)
		}
	})
}

// TestLimitWords: how each limit is understood, and what is close to one.
func TestLimitWords(t *testing.T) {
	for _, tt := range []struct {
		text  string
		speed bool
		want  string
	}{
		{"10%", true, "at 10% of its recorded speed"}, {"10%", false, "10% of the messages, the rest dropped"},
		{"200", true, "at most 200 messages a second, the rest dropped"}, {"max", true, "as fast as it goes"}, {"", true, ""},
	} {
		l, err := ParseLimit(tt.text)
		if got := l.Words(tt.speed); err != nil || got != tt.want {
			t.Errorf("%q: %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
	for text, want := range map[string]string{"2x": "type 200%", "0.5X": "type 50%", "x": "whole number", "1e300x": "whole number"} {
		if _, err := ParseLimit(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q in it", text, err, want)
		}
	}
}
