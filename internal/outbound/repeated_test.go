package outbound

import (
	"strconv"
	"testing"
	"time"
)

func TestRepeated(t *testing.T) {
	var r Repeated
	at := time.Unix(1_700_000_000, 0)
	for _, tt := range []struct {
		after time.Duration // since the beginning
		what  string
		want  bool
	}{
		{0, "read 10.0.0.1:50001->10.0.0.2:80: reset", true},
		{time.Second, "read 10.0.0.1:50002->10.0.0.2:80: reset", false},
		{2 * time.Second, "refused", true},
		{3 * time.Second, "read 10.0.0.1:50003->10.0.0.2:80: reset", false},
		{SayAgain, "read 10.0.0.1:50004->10.0.0.2:80: reset", true},
		{SayAgain + time.Second, "refused", false},
		{SayAgain + 2*time.Second, "refused", true},
	} {
		if got := r.Fresh(at.Add(tt.after), tt.what); got != tt.want {
			t.Errorf("after %s, %q: %v, want %v", tt.after, tt.what, got, tt.want)
		}
	}
	for i := range 10 * maxRepeated {
		r.Fresh(at, string(rune('a'+i%26))+string(rune('a'+i/26))+strconv.Itoa(i))
	}
	if len(r.said) > maxRepeated {
		t.Errorf("%d are remembered", len(r.said))
	}
}
