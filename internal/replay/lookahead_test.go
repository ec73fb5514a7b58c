package replay

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
	"github.com/buger/gor/internal/testkit"
)

// announced replays a recording and returns, for each request that is announced,
// when it is due and when that was said, in ms after the first.
func announced(t *testing.T, content []byte, limit pace.Limit, timing pace.Timing) (due, said []float64) {
	t.Helper()
	cfg := testConfig()
	cfg.Timing, cfg.Forecast = timing, new(pace.Forecast)
	var r replayed
	cfg.Forecast.Follow(func(at int64) {
		due = append(due, float64(at-1)/1e6)
		if r.clock != nil { // of those before the first Read only the order is known
			said = append(said, float64(r.clock.now-1)/1e6)
		} else {
			due[len(due)-1] = 0
			said = append(said, 0)
		}
	})
	r = newReplay(t, testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.gor"), content), limit, cfg)
	r.read(t, 1000)
	return due, said
}

func TestAnnounces(t *testing.T) {
	tests := []struct {
		name      string
		at        []float64
		limit     pace.Limit
		timing    pace.Timing
		due, said []float64
	}{
		{name: "a burst behind a pause", at: []float64{0, 500, 501, 502}, due: []float64{0, 500, 501, 502}, said: []float64{0, 400, 400, 400}},
		{name: "what comes first", at: []float64{0, 10, 20}, due: []float64{0, 0, 0}, said: []float64{0, 0, 0}},
		{name: "a steady stream", at: []float64{0, 70, 140, 210}, due: []float64{0, 0, 140, 210}, said: []float64{0, 0, 0, 70}},
		{name: "twice as fast", at: []float64{0, 1000, 1002}, limit: pace.Limit{Kind: pace.LimitPercent, N: 200}, due: []float64{0, 500, 501}, said: []float64{0, 400, 400}},
		{name: "at a rate", at: []float64{0, 1, 2, 3}, timing: pace.Timing{Rate: 4}, due: []float64{0, 250, 500, 750}, said: []float64{0, 150, 400, 650}},
		{name: "a shortened pause", at: []float64{0, 60_000, 60_001}, timing: pace.Timing{MaxWait: 1e9}, due: []float64{0, 1000, 1001}, said: []float64{0, 900, 900}},
		{name: "without waiting", at: []float64{0, 10, 20}, limit: pace.Limit{Kind: pace.LimitMax}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			due, said := announced(t, requestsAt(tt.at...), tt.limit, tt.timing)
			if !slices.Equal(due, tt.due) || !slices.Equal(said, tt.said) {
				t.Errorf("due %v, said %v; want %v, %v", due, said, tt.due, tt.said)
			}
		})
	}
}

// TestAnnouncesRequests: responses are sent to nobody.
func TestAnnouncesRequests(t *testing.T) {
	content := append(requestsAt(0), aRecord(payload.Response, "a", 1, "HTTP/1.1 200 OK\r\n\r\n")...)
	if due, _ := announced(t, content, pace.Limit{}, pace.Timing{}); len(due) != 1 {
		t.Errorf("%d are announced, want 1", len(due))
	}
}

// TestAnnouncesWithABrokenClock: a record from a far future holds up the others'
// announcements for as many as are held back, and no longer.
func TestAnnouncesWithABrokenClock(t *testing.T) {
	at := []float64{0, 1e9}
	for i := range 1000 {
		at = append(at, float64(i))
	}
	due, _ := announced(t, requestsAt(at...), pace.Limit{}, pace.Timing{})
	if len(due) < 800 {
		t.Errorf("%d of %d are announced", len(due), len(at))
	}
}

// TestAnnouncesConnections: who asks is told of each request's recorded connection,
// also when many were read ahead.
func TestAnnouncesConnections(t *testing.T) {
	var content []byte
	var want []string
	for i := range 500 {
		id := payload.AppendID(nil, uint64(i%7), uint32(i))
		content = append(content, aRecord(payload.Request, string(id), float64(i)*10, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")...)
		want = append(want, string(payload.ConnPart(id)))
	}
	cfg := testConfig()
	cfg.Forecast = new(pace.Forecast)
	var got []string
	cfg.Forecast.FollowConnections(func(conn []byte) { got = append(got, string(conn)) })
	r := newReplay(t, testkit.WriteFile(t, filepath.Join(t.TempDir(), "x.gor"), content), pace.Limit{}, cfg)
	r.read(t, 500)
	if !slices.Equal(got, want) {
		t.Errorf("%d connections are announced, want %d: %q", len(got), len(want), got)
	}
}
