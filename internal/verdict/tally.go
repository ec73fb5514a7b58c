package verdict

import (
	"github.com/buger/gor/internal/verdict/noise"
)

// What an engine counts of each route.

// A routeCount is what is counted of one route.
type routeCount struct {
	name            string
	compared, equal uint64
	triples         uint64
	self            uint64 // recorded answers to one request that were compared
	old, new        noise.Histogram
	ratio, again    noise.Histogram // new/old and again/old, of replayed answers
	beyond          noise.Histogram // new/the slower one of old and again
	slower, faster  uint64          // replayed pairs
	moments         [moments]int32  // of the pairs sent then, slower ones less faster ones
	oldCaptured     uint64
	untimed         bool // there was no room for all of its times
}

type rowKey struct {
	route    *routeCount
	path     string
	severity Severity
	expected bool
}

// A rowCount is what is counted of one row.
type rowCount struct {
	key     rowKey
	number  uint32 // for mixes
	differs uint64
	// Of the triples: the new version alone differs, the old one from itself alone.
	newOnly, againOnly, both uint64
	self                     uint64 // recorded answers that differ from one another
	samples                  []Sample
	known                    evidence // valid once it is judged, like standing
	standing                 Standing
}

// A mix is a set of rows that pairs have, all of one route.
type mix struct {
	route *routeCount
	rows  []*rowCount
	n     uint64
}

func (e *Engine) route(name string) *routeCount {
	r := e.byRoute[name]
	if r == nil {
		r = &routeCount{name: name} // route.Grouper bounds them
		e.room.must(routeBytes)
		e.byRoute[name] = r
	}
	return r
}

// row returns the counter of a finding. When there are too many, it is one of a few that
// count all that is as severe.
func (e *Engine) row(r *routeCount, f Finding, expected bool) *rowCount {
	k := rowKey{r, f.Path, f.Severity, expected}
	if row := e.byKey[k]; row != nil {
		return row
	}
	most, vital := MostRows, !f.Severity.Learnable()
	if !vital {
		most -= MostRows / vitalPart
	}
	if len(e.byKey) >= most || !e.room.take(rowBytes+firstSample+len(f.Path), vital) {
		k.route, k.path = e.other, OtherDifferences
		if row := e.byKey[k]; row != nil {
			return row
		}
	}
	row := &rowCount{key: k, number: uint32(len(e.byKey))}
	e.byKey[k] = row
	return row
}

// sample keeps a pair as a sample of a row. ref is that of the whole pair, 0 when it
// was not kept yet.
func (e *Engine) sample(row *rowCount, p *Pair, f Finding, ref int64) int64 {
	if n := len(row.samples); n >= MostSamples || n > 0 && !e.room.take(sampleBytes+len(p.ID)+len(f.Old)+len(f.New), false) {
		return ref
	}
	if ref == 0 && e.cfg.Keeper != nil {
		ref = e.cfg.Keeper.Keep(p)
	}
	row.samples = append(row.samples, Sample{ID: p.ID, Old: f.Old, New: f.New, Ref: ref})
	return ref
}

// remember counts the pair by the rows that it has.
func (e *Engine) remember(r *routeCount) {
	if len(e.rows) == 0 {
		r.equal++
		e.totals.Equal++
		return
	}
	key := mixKey(e.rows)
	if e.mixes[key] == nil && len(e.rows) > 1 && (len(e.mixes) >= mostMixes || !e.room.take(mixBytes+len(key)+8*len(e.rows), false)) {
		worst := e.rows[0]
		for _, row := range e.rows {
			if row.key.severity > worst.key.severity {
				worst = row
			}
		}
		e.rows = append(e.rows[:0], worst)
		key = mixKey(e.rows)
	}
	m := e.mixes[key]
	if m == nil {
		m = &mix{route: r, rows: append([]*rowCount(nil), e.rows...)}
		e.mixes[key] = m
	}
	m.n++
}

// mostKey bounds how many rows tell mixes apart.
const mostKey = 50

func mixKey(rows []*rowCount) string {
	var room [4 * mostKey]byte
	b := room[:0]
	for _, row := range rows[:min(len(rows), mostKey)] {
		n := row.number
		b = append(b, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	}
	return string(b)
}

// statuses counts what became of the status.
func (e *Engine) statuses(p *Pair) {
	was, is := e.compare.status(p.Old), e.compare.status(p.New)
	if was == is {
		e.totals.StatusEqual++
		return
	}
	e.totals.StatusDifferent++
	k := StatusChange{Old: was, New: is}
	if _, known := e.changes[k]; known || len(e.changes) < mostChanges {
		e.changes[k]++
	}
}

// timesRoom is how much room must be left for a route's times to be counted, in bytes:
// what its histograms may grow by with one pair.
const timesRoom = 50 << 10

func (r *routeCount) timesBytes() int {
	return r.old.Bytes() + r.new.Bytes() + r.ratio.Bytes() + r.again.Bytes() + r.beyond.Bytes()
}

// times counts how long the answers took.
func (e *Engine) times(r *routeCount, p *Pair) {
	if r.untimed = r.untimed || !e.room.has(timesRoom); r.untimed {
		return
	}
	before := r.timesBytes()
	defer func() { e.room.must(r.timesBytes() - before) }()
	add := func(h *noise.Histogram, a *Answer) bool {
		if a == nil || a.Took < 0 || a.Error != "" {
			return false
		}
		h.Add(float64(a.Took))
		return true
	}
	was, is := add(&r.old, p.Old), add(&r.new, p.New)
	if !p.Old.Replayed {
		r.oldCaptured++
	}
	if !was || !is || !p.Old.Replayed || !p.New.Replayed {
		return
	}
	old, took := max(p.Old.Took, 1), max(p.New.Took, 1)
	r.ratio.Add(float64(took) / float64(old))
	least, most := old, old
	if a := p.Again; a != nil && a.Replayed && a.Took >= 0 && a.Error == "" {
		again := max(a.Took, 1)
		least, most = min(old, again), max(old, again)
		r.again.Add(float64(again) / float64(old))
		r.beyond.Add(float64(took) / float64(most))
	}
	// Of three equally fast answers each is as often the slowest as it is the fastest.
	at := uint64(p.New.Time/moment) % moments
	if took > most {
		r.slower++
		r.moments[at]++
	} else if took < least {
		r.faster++
		r.moments[at]--
	}
}
