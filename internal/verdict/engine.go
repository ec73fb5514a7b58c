package verdict

import (
	"bytes"
	"slices"
	"time"

	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/kind"
	"github.com/buger/gor/internal/verdict/noise"
	"github.com/buger/gor/internal/verdict/route"
	"github.com/buger/gor/internal/verdict/rules"
)

const (
	// MostRows bounds the counters, one for each route, path and severity; the Budget
	// does, too.
	MostRows = 50_000
	// mostMixes bounds the combinations of rows that pairs are remembered by; further
	// pairs are known by their worst difference alone.
	mostMixes = 20_000

	// These are what things take beside their text, in bytes, as measured: a counter
	// with the places for it in a table and in the Result, its first sample, which is
	// kept in any case, further samples, a combination of rows, and a route without its
	// times.
	rowBytes    = 500
	firstSample = 200
	sampleBytes = 150
	mixBytes    = 200
	routeBytes  = 700

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

	// Budget and Routes are shared by the Engines of all versions. Nil: the Engine
	// has its own.
	Budget *Budget
	Routes *route.Grouper
}

// An Engine takes pairs and makes a verdict of them. It serves one goroutine.
type Engine struct {
	cfg     Config
	compare *Comparer
	routes  *route.Grouper
	room    *share
	other   *routeCount // of rows that found no room

	byRoute map[string]*routeCount
	byKey   map[rowKey]*rowCount
	mixes   map[string]*mix
	changes map[StatusChange]uint64 // N is zero
	totals  Totals

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

// New returns an Engine without a pair.
func New(cfg Config) *Engine {
	e := &Engine{
		cfg: cfg, compare: NewComparer(cfg.Rules, cfg.BodyMost),
		byRoute: make(map[string]*routeCount), byKey: make(map[rowKey]*rowCount), mixes: make(map[string]*mix),
		changes: make(map[StatusChange]uint64), routes: cfg.Routes, other: &routeCount{name: AllRoutes},
	}
	if e.routes == nil {
		e.routes = NewRoutes(cfg.Rules)
	}
	if cfg.Budget == nil {
		cfg.Budget = NewBudget(CountersMost, 1)
	}
	e.room = cfg.Budget.share()
	return e
}

// NewRoutes returns a Grouper that begins with the patterns of rules, which may be nil.
func NewRoutes(set *rules.Set) *route.Grouper {
	if set == nil {
		return route.New(nil)
	}
	return route.New(set.Routes)
}

// Add compares a pair, which it does not keep. It returns false when an answer is
// missing.
func (e *Engine) Add(p *Pair) bool {
	if e.totals.Miss(p) {
		return false
	}
	e.totals.Compared++
	e.other.compared++
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
		asked(&f, p.Request)
		row := e.row(r, f, e.cfg.Rules.Expected(r.name, f))
		if row.key.route == e.other {
			e.totals.Uncounted++
		}
		if slices.Contains(e.rows, row) {
			continue // it counts pairs
		}
		e.rows = append(e.rows, row)
		row.differs++
		if p.Again != nil {
			if again[row] {
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

// control compares what shows noise: the old version's second answer, or what was
// recorded before of the same request. It returns where the second answer differs,
// counted as againOnly.
func (e *Engine) control(r *routeCount, p *Pair) map[*rowCount]bool {
	switch {
	case p.Again != nil:
		e.totals.Triples++
		r.triples++
		e.other.triples++
		differs := make(map[*rowCount]bool)
		for _, row := range e.differing(r, p, p.Old, p.Again) {
			row.againOnly++
			differs[row] = true
		}
		return differs
	case p.Before != nil:
		r.self++
		e.other.self++
		for _, row := range e.differing(r, p, p.Before, p.Old) {
			row.self++
		}
	}
	return nil
}

// differing returns the rows of what two answers of the old version to p's request differ
// in, each once. They are valid until the next call.
func (e *Engine) differing(r *routeCount, p *Pair, a, b *Answer) []*rowCount {
	rows := e.rows[:0]
	for _, f := range e.compare.Compare(r.name, a, b) {
		asked(&f, p.Request)
		if row := e.row(r, f, e.cfg.Rules.Expected(r.name, f)); !slices.Contains(rows, row) {
			rows = append(rows, row)
		}
	}
	e.rows = rows[:0]
	return rows
}

// asked makes a finding of one kind one of a value when the request named the old value:
// what was asked for is not new in every answer. Headers do not count: proxies and
// sessions put ids into them.
func asked(f *Finding, request []byte) {
	if f.Severity != finding.SameKind || f.Old == "" || len(f.Old) >= finding.MostText {
		return
	}
	line, rest, _ := bytes.Cut(request, []byte{'\n'})
	_, content, _ := bytes.Cut(rest, []byte("\r\n\r\n"))
	if old := []byte(kind.Bare(f.Old)); bytes.Contains(line, old) || bytes.Contains(content, old) {
		f.Severity = finding.Value
	}
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

// AllRoutes and OtherDifferences are the route and the path of a row that counts what
// found no room: as severe as it was, but without its place.
const (
	AllRoutes        = "(all routes)"
	OtherDifferences = "(other differences)"
)

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

// learnable keeps the finding package's name out of the files that only weigh.
func learnable(s Severity) bool { return s.Learnable() && s != finding.SameKind }
