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

// What is shown fits the terminal, and what matters most stays longest.
func TestProgressText(t *testing.T) {
	p := Progress{Done: 250, Messages: 1234, Failed: 5, Lag: 1234567, Lost: 7, Queued: 8}
	for _, tt := range []struct {
		columns int
		all     int64
		want    string
	}{
		{80, 1000, "[10s:30s] 1234 done 99/s lag 1.2ms errors 12  25% |=====               |"},
		{60, 1000, "[10s:30s] 1234 done 99/s lag 1.2ms errors 12  25%"},
		{39, 1000, "1234 done 99/s errors 12  25%"},
		{20, 1000, "errors 12  25%"},
		{5, 1000, " 25%"},
		{2, 1000, " 2"},
		{0, 1000, ""},
		{80, 200, "[10s:0s] 1234 done 99/s lag 1.2ms errors 12 100% |====================|"},
		{80, 0, "[10s] 1234 in 99/s lost 7 queued 8 errors 5"},
		{39, 0, "1234 in 99/s lost 7 queued 8 errors 5"},
		{25, 0, "1234 in 99/s lost 7"},
		{15, 0, "1234 in 99/s"},
		{4, 0, "1234"},
	} {
		if got := p.text(tt.columns, 10*time.Second, tt.all, 99.4); got != tt.want {
			t.Errorf("%d columns: got %q, want %q", tt.columns, got, tt.want)
		}
	}
}

func TestDumbTerminal(t *testing.T) {
	for _, tt := range []struct {
		environ []string
		dumb    bool
	}{
		{nil, true}, {[]string{"TERM="}, true}, {[]string{"TERM=dumb"}, true}, {[]string{"HOME=/", "TERM=xterm-256color"}, false}, {[]string{"TERM=dumb", "TERM=linux"}, false},
	} {
		var c Console
		if c.SetTerminal(tt.environ); c.dumb != tt.dumb {
			t.Errorf("%q: dumb %v", tt.environ, c.dumb)
		}
	}
}
