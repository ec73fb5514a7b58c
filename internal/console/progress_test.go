package console

import (
	"testing"
	"time"
)

func TestTimeLeft(t *testing.T) {
	const all = 1_000_000
	for _, tt := range []struct {
		elapsed   time.Duration
		done, all int64
		want      string
	}{
		{0, 0, all, "?"},
		{time.Second, 0, all, "?"},
		{2 * time.Second, all / 10, all, "18s"},
		{15 * time.Second, all * 3 / 4, all, "5s"},
		{time.Minute, 1, all, "16666h39m0s"},
		{time.Second, all, all, "0s"},
		{time.Second, all + 1, all, "0s"},
	} {
		if got := timeLeft(tt.elapsed, tt.done, tt.all); got != tt.want {
			t.Errorf("%s for %d of %d: %s left, want %s", tt.elapsed, tt.done, tt.all, got, tt.want)
		}
	}
}

func TestProgressText(t *testing.T) {
	p := Progress{Done: 250, Messages: 1234, Failed: 5, Lag: 1234567}
	want := "[10s:30s] 1234 done 99/s lag 1.2ms errors 5"
	if got := p.text(10*time.Second, 1000, 99.4); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
