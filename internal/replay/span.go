package replay

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/plugin"
	"github.com/buger/gor/internal/stats"
)

// A replaySpan is how long a replay took and how long its recording was. One
// goroutine writes it, any may report it.
type replaySpan struct {
	began, ended atomic.Int64 // ns on the replay's clock, 0: not yet
	recorded     atomic.Int64 // ns of all passes, the present one too
	shortened    atomic.Int64 // pauses
	saved        atomic.Int64 // ns of those

	earlier     int64 // ns recorded in the passes that are over
	first, last int64 // ns since 1970, of this pass
	inPass      bool
}

// note takes the time of the next record.
func (s *replaySpan) note(at int64) {
	if !s.inPass {
		s.inPass, s.first, s.last = true, at, at
	}
	if at > s.last {
		s.last = at
		s.recorded.Store(s.earlier + s.last - s.first)
	}
}

// pass ends a pass.
func (s *replaySpan) pass() {
	s.earlier = s.recorded.Load()
	s.inPass = false
}

func (s *replaySpan) end(now int64, plan *pace.Schedule) {
	n, saved := plan.Shortened()
	s.shortened.Store(int64(n))
	s.saved.Store(int64(saved))
	s.ended.Store(now)
}

func (s *replaySpan) report(r *plugin.Report, records uint64, lag *stats.Histogram) {
	if records == 0 {
		return
	}
	took := time.Duration(max(s.ended.Load()-s.began.Load(), 0))
	recorded := time.Duration(s.recorded.Load())
	line := fmt.Sprintf("replay: %d records in %s (recorded over %s)", records, plugin.RoundSpan(took), plugin.RoundSpan(recorded))
	r.Value("records", records)
	r.Value("seconds", took.Seconds())
	r.Value("recorded_seconds", recorded.Seconds())
	if lag := lag.Snapshot(); lag.Count() > 0 {
		line += fmt.Sprintf(", lag p50 %s p99 %s max %s", lag.Quantile(0.5), lag.Quantile(0.99), lag.Max())
		r.Value("lag_seconds", plugin.DurationsOf(lag))
	}
	r.Line("%s", line)
	if n := s.shortened.Load(); n > 0 {
		r.Line("%d pauses shortened by %s in all", n, plugin.RoundSpan(time.Duration(s.saved.Load())))
		r.Value("pauses_shortened", n)
	}
}

// Counts gives what was damaged, and what was not in order.
func (f *Replay) Counts() []stats.Count {
	return append(f.files.counts(),
		stats.Count{Name: "records out of order", Kind: stats.Note, N: f.shuffled.Load()},
		stats.Count{Name: "records too late for their place", Kind: stats.Note, N: f.late.Load()})
}

// Report says how the replay kept its time.
func (f *Replay) Report(r *plugin.Report) {
	f.span.report(r, f.given.Load(), f.lag)
}
