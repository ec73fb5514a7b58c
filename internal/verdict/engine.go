package verdict

import (
	"time"

	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/noise"
	"github.com/buger/gor/internal/verdict/route"
	"github.com/buger/gor/internal/verdict/rules"
)

const (
	// MostRows bounds the counters, one for each route, path and severity, which take
	// about 200 bytes: 10 MB.
	MostRows = 50_000
	// mostMixes bounds the combinations of rows that pairs are remembered by; further
	// pairs are known by their worst difference alone.
	mostMixes = 20_000
	// sampleBytes bounds the ids and values of all samples. The first sample of a row
	// is kept in any case.
	sampleBytes = 8 << 20
	// moments is how many moments of a replay tell whether a route is slower. Pairs that
	// were sent within one are not independent evidence: what made one of them slow, a
	// burst or a pause of the machine, made the others slow as well.
	moments = 64
	moment  = int64(100 * time.Millisecond)

	// mostChanges bounds the different changes of status that are counted.
	mostChanges = 1000
)

// A Config is what an Engine is told.
type Config struct {
	// Rules may be nil.
	Rules *rules.Set

	// BodyMost is up to how many bytes a body is decoded.
	BodyMost int

	// Keeper holds whole pairs for the report; nil keeps none.
	Keeper Keeper

	// Old and New name the two sides for people; empty for "old" and "new".
	Old, New string
}

// An Engine takes pairs and makes a verdict of them. It serves one goroutine.
type Engine struct {
	cfg     Config
	compare *Comparer
	routes  *route.Grouper
	self    selfNoise

	byRoute map[string]*routeCount
	byKey   map[rowKey]*rowCount
	mixes   map[string]*mix
	changes map[StatusChange]uint64 // N is zero
	totals  Totals
	sampled int // bytes of samples

	rows []*rowCount // scratch of one pair
}

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
	standing                 Standing
}

// A mix is a set of rows that pairs have, all of one route.
type mix struct {
	route *routeCount
	rows  []*rowCount
	n     uint64
}

// New returns an Engine without a pair.
func New(cfg Config) *Engine {
	e := &Engine{
		cfg: cfg, compare: NewComparer(cfg.Rules, cfg.BodyMost),
		byRoute: make(map[string]*routeCount), byKey: make(map[rowKey]*rowCount), mixes: make(map[string]*mix),
		changes: make(map[StatusChange]uint64), self: newSelfNoise(),
	}
	var patterns []*route.Pattern
	if cfg.Rules != nil {
		patterns = cfg.Rules.Routes
	}
	e.routes = route.New(patterns)
	return e
}

// Add compares a pair, which it does not keep. It returns false when an answer is
// missing.
func (e *Engine) Add(p *Pair) bool {
	if e.totals.Miss(p) {
		return false
	}
	e.totals.Compared++
	if len(p.Request) == 0 {
		e.totals.WithoutRequest++
	}
	r := e.route(e.routes.Of(p.Request))
	r.compared++
	e.times(r, p)
	e.statuses(p)
	e.rows = e.rows[:0]
	again := e.control(r, p)
	ref := int64(0)
	for _, f := range e.compare.Compare(r.name, p.Old, p.New) {
		row := e.row(r, f, e.cfg.Rules.Expected(r.name, f))
		if row == nil {
			e.totals.Uncounted++
			continue
		}
		e.rows = append(e.rows, row)
		row.differs++
		if p.Again != nil {
			if again[findingKey{f.Severity, f.Path}] {
				row.both++
				row.againOnly--
			} else {
				row.newOnly++
			}
		}
		ref = e.sample(row, p, f, ref)
	}
	e.remember(r)
	return true
}

// Missed counts pairs that others found to lack an answer.
func (e *Engine) Missed(t Totals) {
	e.totals.WithoutNew += t.WithoutNew
	e.totals.WithoutOld += t.WithoutOld
	e.totals.WithoutAnswers += t.WithoutAnswers
}

// control compares what shows noise: the old version's second answer, or the recorded
// answers to one request. It returns what the second answer differs in, counted as
// againOnly.
func (e *Engine) control(r *routeCount, p *Pair) map[findingKey]bool {
	if p.Again == nil {
		e.self.add(e, r, p)
		return nil
	}
	e.totals.Triples++
	r.triples++
	differs := make(map[findingKey]bool)
	for _, f := range e.compare.Compare(r.name, p.Old, p.Again) {
		expected := e.cfg.Rules.Expected(r.name, f)
		if row := e.row(r, f, expected); row != nil {
			row.againOnly++
			differs[findingKey{f.Severity, f.Path}] = true
		}
	}
	return differs
}

func (e *Engine) route(name string) *routeCount {
	r := e.byRoute[name]
	if r == nil {
		r = &routeCount{name: name} // route.Grouper bounds them
		e.byRoute[name] = r
	}
	return r
}

// row returns the counter of a finding, nil when there are too many. What may never
// be forgotten has a tenth of the room for itself.
func (e *Engine) row(r *routeCount, f Finding, expected bool) *rowCount {
	k := rowKey{r, f.Path, f.Severity, expected}
	row := e.byKey[k]
	if row != nil {
		return row
	}
	room := MostRows
	if f.Severity.Learnable() {
		room -= MostRows / 10
	}
	if len(e.byKey) >= room {
		return nil
	}
	row = &rowCount{key: k, number: uint32(len(e.byKey))}
	e.byKey[k] = row
	return row
}

// sample keeps a pair as a sample of a row. ref is that of the whole pair, 0 when it
// was not kept yet.
func (e *Engine) sample(row *rowCount, p *Pair, f Finding, ref int64) int64 {
	size := len(p.ID) + len(f.Old) + len(f.New) + 64
	if len(row.samples) >= MostSamples || len(row.samples) > 0 && e.sampled+size > sampleBytes {
		return ref
	}
	if ref == 0 && e.cfg.Keeper != nil {
		ref = e.cfg.Keeper.Keep(p)
	}
	e.sampled += size
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
	if m := e.mixes[mixKey(e.rows)]; m == nil && len(e.mixes) >= mostMixes {
		worst := e.rows[0]
		for _, row := range e.rows {
			if row.key.severity > worst.key.severity {
				worst = row
			}
		}
		e.rows = append(e.rows[:0], worst)
	}
	key := mixKey(e.rows)
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

// times counts how long the answers took.
func (e *Engine) times(r *routeCount, p *Pair) {
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

// learnable keeps the finding package's name out of the files that only weigh.
func learnable(s Severity) bool { return s.Learnable() && s != finding.SameKind }
