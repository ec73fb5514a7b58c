package replay

import (
	"sync"
	"time"

	"github.com/buger/gor/internal/formats"
	"github.com/buger/gor/internal/plugin"
)

// Progress is in ns of recorded time, so that what is left is as long as it
// takes. It is in bytes of the recordings where nothing is waited for, and where
// nobody can tell when a recording ends without reading all of it. One that
// loops has no end.
func (f *Replay) Progress() plugin.Progress {
	p := plugin.Progress{Lag: time.Duration(f.lagNow.Load())}
	if f.cfg.Loop {
		return p
	}
	if !f.cfg.Timing.Max {
		if all := f.ends.span(f.files); all > 0 {
			p.Done, p.All = min(f.position.at(f.clock.Now()), all), all
			return p
		}
	}
	p.Done, p.All = f.files.progress()
	return p
}

// A position is where in the recorded time a replay is: on its way from one
// record to the next. One goroutine moves it, any may ask.
type position struct {
	mu       sync.Mutex
	from, to int64 // ns recorded up to the last record and the next one
	left     int64 // on the replay's clock: when the last one was due
	due      int64 // and the next one
}

// move notes which record is waited for.
func (p *position) move(from, to, due int64) {
	p.mu.Lock()
	p.from, p.to, p.left, p.due = from, to, p.due, due
	p.mu.Unlock()
}

// at returns the recorded time that is over at a time of the replay's clock, in
// ns.
func (p *position) at(now int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case now >= p.due:
		return p.to
	case now <= p.left:
		return p.from
	}
	return p.from + int64(float64(p.to-p.from)*float64(now-p.left)/float64(p.due-p.left))
}

// ends finds out when the recordings end, once somebody wants to know. The
// replay goes on meanwhile.
type ends struct {
	once sync.Once
	all  int64 // ns from the first record to the last, 0 when unknown
}

// span returns the recorded time of all files, in ns, or 0 when it cannot be
// told.
func (e *ends) span(m *mergedFiles) int64 {
	e.once.Do(func() {
		var first, last int64
		any := false
		for _, r := range m.files {
			if r.empty {
				continue
			}
			end, ok := int64(0), false
			if kind, path, _ := formats.Split(r.name); kind == formats.Recording && r.regular.Load() {
				end, ok = lastTime(path, m.cfg.MessageLimit)
			}
			if !ok {
				return
			}
			end = max(end, r.first)
			if !any {
				first, last, any = r.first, end, true
			}
			first, last = min(first, r.first), max(last, end)
		}
		e.all = last - first
	})
	return e.all
}
