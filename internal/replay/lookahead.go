package replay

import (
	"github.com/buger/gor/internal/pace"
	"github.com/buger/gor/internal/payload"
)

// A lookahead holds the times of requests that were read and not yet announced, in
// the order in which they were read. A nil lookahead takes none.
type lookahead struct {
	forecast *pace.Forecast
	requests []foreseen
	head     int
	most     int
	coming   int  // were announced and not given
	conns    bool // somebody wants to know of the requests' connections
}

// foreseen is a request that was read.
type foreseen struct {
	time int64  // ns since 1970
	conn []byte // the recorded connection; used again, and empty if nobody wants it
}

// newLookahead returns a lookahead over so many requests, or nil when nobody
// wants to know.
func newLookahead(cfg *Config) *lookahead {
	if cfg.Forecast == nil || cfg.Timing.Max {
		return nil
	}
	return &lookahead{forecast: cfg.Forecast, most: max(cfg.Depth, 1), conns: cfg.Forecast.NamesConnections()}
}

// add notes a request that was read. When there are more than are held back, the
// oldest is never announced: its time was far ahead of the others'.
func (l *lookahead) add(t int64, msg []byte) {
	if l == nil {
		return
	}
	if len(l.requests)-l.head >= l.most {
		l.head++
	}
	if l.head > len(l.requests)/2 {
		l.compact()
	}
	n := len(l.requests)
	if n == cap(l.requests) {
		l.requests = append(l.requests, foreseen{})
	}
	l.requests = l.requests[:n+1]
	r := &l.requests[n]
	r.time, r.conn = t, r.conn[:0]
	if l.conns {
		r.conn = append(r.conn, payload.ConnPart(payload.ID(msg))...)
	}
}

// compact puts the requests to the front. Those that were there change places with
// them, for their buffers.
func (l *lookahead) compact() {
	n := len(l.requests) - l.head
	for i := range n {
		l.requests[i], l.requests[l.head+i] = l.requests[l.head+i], l.requests[i]
	}
	l.requests, l.head = l.requests[:n], 0
}

// announce tells of the requests that are due until ForecastLead after plan, when
// the message is due that was planned last: not until that after now, or a burst
// behind a pause would be announced with its first message alone.
func (l *lookahead) announce(s *pace.Schedule, plan int64) {
	for l.head < len(l.requests) {
		r := &l.requests[l.head]
		due := s.Ahead(r.time, l.coming)
		if due > plan+pace.ForecastLead {
			return
		}
		l.head++
		l.coming++
		l.forecast.Announce(due, r.conn)
	}
}

// gave notes that a request was given.
func (l *lookahead) gave() {
	if l != nil {
		l.coming = max(l.coming-1, 0)
		l.forecast.Gave()
	}
}

// begin announces what comes first, before the schedule begins.
func (f *Replay) begin() {
	if f.ahead == nil || len(f.files.pipes) > 0 { // a pipe may give nothing for long
		return
	}
	_ = f.fill() // Read will say
	if t, ok := f.window.Peek(); ok {
		schedule := pace.NewSchedule(f.cfg.Timing)
		f.ahead.announce(schedule, schedule.Due(t, f.clock.Now()).Plan)
	}
}

// foresee waits until the message that was planned last is near, and announces it
// and what comes soon behind it. It reports false when the input was closed.
func (f *Replay) foresee() bool {
	if f.ahead == nil {
		return true
	}
	if near := f.slot.Plan - pace.ForecastLead; near > f.planned && !f.clock.Until(near, f.cancel) {
		return false
	}
	f.ahead.announce(f.schedule, f.slot.Plan)
	return true
}
