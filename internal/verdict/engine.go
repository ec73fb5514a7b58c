package verdict

import (
	"bytes"
	"slices"
	"time"

	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/kind"
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

// AllRoutes and OtherDifferences are the route and the path of a row that counts what
// found no room: as severe as it was, but without its place.
const (
	AllRoutes        = "(all routes)"
	OtherDifferences = "(other differences)"
)

// learnable keeps the finding package's name out of the files that only weigh.
func learnable(s Severity) bool { return s.Learnable() && s != finding.SameKind }
