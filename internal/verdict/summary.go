package verdict

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/noise"
	"github.com/buger/gor/internal/verdict/rules"
)

// mostStatuses bounds Result.Statuses.
const mostStatuses = 20

// Result makes the verdict of all pairs so far. It is called once, at the end.
func (e *Engine) Result() *Result {
	e.merge()
	e.judge()
	res := &Result{Old: cmp.Or(e.cfg.Old, "old"), New: cmp.Or(e.cfg.New, "new"), Totals: e.totals, UnusedRules: e.cfg.Rules.Unused(), kept: e.cfg.Keeper}
	res.Totals.Ignored = e.compare.Ignored()
	for _, row := range e.byKey {
		v := row.known
		if row.differs == 0 {
			continue // only the old version differs there, from itself
		}
		r := Row{
			Route: row.key.route.name, Path: row.key.path, Severity: row.key.severity, Standing: row.standing,
			Compared: row.key.route.compared, Differs: row.differs,
			Control: v.control, ControlDiffers: v.differs, P: v.p, Why: e.why(row, v), Samples: row.samples,
		}
		res.Rows = append(res.Rows, r)
		res.Class = max(res.Class, row.standing)
	}
	slices.SortFunc(res.Rows, worse)
	e.countPairs(res)
	for c, n := range e.changes {
		c.N = n
		res.Statuses = append(res.Statuses, c)
	}
	slices.SortFunc(res.Statuses, func(a, b StatusChange) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Old, b.Old), cmp.Compare(a.New, b.New))
	})
	res.Statuses = res.Statuses[:min(len(res.Statuses), mostStatuses)]
	res.notes()
	res.Sentence = res.sentence()
	return res
}

// worse orders rows, the worst first.
func worse(a, b Row) int {
	return cmp.Or(
		cmp.Compare(b.Standing, a.Standing), cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Share(), a.Share()),
		cmp.Compare(b.Differs, a.Differs), cmp.Compare(a.Route, b.Route), cmp.Compare(a.Path, b.Path),
	)
}

// merge puts together the routes that turned out to be one.
func (e *Engine) merge() {
	became := make(map[*routeCount]*routeCount)
	for name, r := range e.byRoute {
		final := e.routes.Final(name)
		if final == name {
			continue
		}
		to := e.byRoute[final]
		if to == nil {
			to = &routeCount{name: final}
			e.byRoute[final] = to
		}
		became[r] = to
		delete(e.byRoute, name)
		to.compared, to.equal, to.triples, to.self = to.compared+r.compared, to.equal+r.equal, to.triples+r.triples, to.self+r.self
		to.slower, to.faster, to.oldCaptured = to.slower+r.slower, to.faster+r.faster, to.oldCaptured+r.oldCaptured
		for i, n := range r.moments {
			to.moments[i] += n
		}
		to.untimed = to.untimed || r.untimed
		to.old.Merge(&r.old)
		to.new.Merge(&r.new)
		to.ratio.Merge(&r.ratio)
		to.again.Merge(&r.again)
		to.beyond.Merge(&r.beyond)
	}
	if len(became) == 0 {
		return
	}
	rows := make(map[*rowCount]*rowCount)
	for k, row := range e.byKey {
		to := became[k.route]
		if to == nil {
			continue
		}
		delete(e.byKey, k)
		k.route = to
		other := e.byKey[k]
		if other == nil {
			row.key = k
			e.byKey[k] = row
			continue
		}
		rows[row] = other
		other.differs, other.self = other.differs+row.differs, other.self+row.self
		other.newOnly, other.againOnly, other.both = other.newOnly+row.newOnly, other.againOnly+row.againOnly, other.both+row.both
		other.samples = append(other.samples, row.samples...)
		other.samples = other.samples[:min(len(other.samples), MostSamples)]
	}
	for _, m := range e.mixes {
		if to := became[m.route]; to != nil {
			m.route = to
		}
		for i, row := range m.rows {
			if to := rows[row]; to != nil {
				m.rows[i] = to
			}
		}
	}
}

// countPairs says of how many pairs the worst is what, in all and by route.
func (e *Engine) countPairs(res *Result) {
	at := make(map[*routeCount]*Route, len(e.byRoute))
	for _, r := range e.byRoute {
		if r.compared > 0 {
			at[r] = &Route{Name: r.name, Compared: r.compared, Equal: r.equal}
		}
	}
	for _, m := range e.mixes {
		worst := Noise
		for _, row := range m.rows {
			worst = max(worst, row.standing)
		}
		r := at[m.route]
		switch worst {
		case Regression:
			r.Regressed += m.n
			res.Totals.Regressed += m.n
		case Suspect:
			r.Suspect += m.n
			res.Totals.Suspect += m.n
		default:
			r.Harmless += m.n
			res.Totals.Harmless += m.n
		}
	}
	for count, r := range at {
		if count.untimed {
			res.Totals.Untimed++
		}
		r.Latency = e.latency(count)
		res.Routes = append(res.Routes, *r)
	}
	slices.SortFunc(res.Routes, func(a, b Route) int {
		return cmp.Or(cmp.Compare(b.Regressed, a.Regressed), cmp.Compare(b.Suspect, a.Suspect), cmp.Compare(b.Compared, a.Compared), cmp.Compare(a.Name, b.Name))
	})
}

// latency sums up a route's times.
func (e *Engine) latency(r *routeCount) (l Latency) {
	l.Old, l.New = durations(&r.old), durations(&r.new)
	l.Pairs = r.ratio.N()
	if l.Pairs > 0 {
		l.Ratio, l.Low, l.High = r.ratio.Median()
	} else if r.oldCaptured > 0 && l.Old.N > 0 {
		l.Note = "the old times were captured, the new ones replayed: they were measured at different places, so that only their distributions are shown"
	}
	if row := e.byKey[rowKey{route: r, path: finding.LatencyPath, severity: finding.Slower}]; row != nil {
		l.Standing = row.standing
	}
	return l
}

func durations(h *noise.Histogram) (d Durations) {
	d.N = h.N()
	d.P50, d.P95, d.P99 = time.Duration(h.Quantile(0.5)), time.Duration(h.Quantile(0.95)), time.Duration(h.Quantile(0.99))
	h.Buckets(MostBuckets, func(upTo float64, n uint64) { d.Buckets = append(d.Buckets, Bucket{time.Duration(upTo), n}) })
	return d
}

// notes says what was not compared.
func (res *Result) notes() {
	note := func(n uint64, format string) {
		if n > 0 {
			res.Notes = append(res.Notes, fmt.Sprintf(format, n))
		}
	}
	t := &res.Totals
	note(t.WithoutNew, "%d requests have no answer of the new version recorded, and were not compared")
	note(t.WithoutOld, "%d requests have no answer of the old version recorded, and were not compared")
	note(t.WithoutAnswers, "%d requests have no answer recorded at all")
	note(t.WithoutRequest, "%d pairs have no request recorded: their route is not known")
	note(t.Uncounted, "%d differences were counted without their places, as "+AllRoutes+": there are too many different ones")
	note(t.Untimed, "of %d routes not all times were counted: there was no room for more of them")
}

// sentence says the verdict.
func (res *Result) sentence() string {
	t := &res.Totals
	if t.Compared == 0 {
		return "nothing was compared: no request has answers of both versions"
	}
	if len(res.Rows) == 0 {
		return fmt.Sprintf("equal: %s, no difference", pairsOf(t.Compared)) + t.rest()
	}
	worst, more := &res.Rows[0], 0
	for i := range res.Rows {
		if res.Rows[i].Standing == worst.Standing {
			more = i
		}
	}
	text := fmt.Sprintf("%s: %s: %s in %d of %s", worst.Standing, worst.Route, worst.What(), worst.Differs, pairsOf(worst.Compared))
	switch {
	case worst.Standing <= Noise:
		return fmt.Sprintf("equal but for noise: %s, %d of them with differences that happen without any change or are wanted", pairsOf(t.Compared), t.Harmless) + t.rest()
	case more == 1:
		text += ", and one more difference"
	case more > 1:
		text += fmt.Sprintf(", and %d more differences", more)
	}
	return text
}

// rest says how much was not compared when it is more than what was: nobody should take
// the one for the other.
func (t *Totals) rest() string {
	if n := t.WithoutNew + t.WithoutOld + t.WithoutAnswers; n > t.Compared {
		return fmt.Sprintf("; %d more requests could not be compared", n)
	}
	return ""
}

func pairsOf(n uint64) string {
	if n == 1 {
		return "1 pair"
	}
	return fmt.Sprintf("%d pairs", n)
}

// What says in a few words what differs: "status 200 -> 500". It may hold anything
// that an answer has.
func (r *Row) What() string {
	switch r.Severity {
	case finding.Status, finding.StatusClass:
		if len(r.Samples) > 0 {
			return fmt.Sprintf("status %s -> %s", r.Samples[0].Old, r.Samples[0].New)
		}
	case finding.Unanswered:
		return "no answer"
	case finding.Slower:
		return "slower"
	case finding.Value:
		return r.Path + " has another value"
	case finding.Order:
		return r.Path + " in another order"
	}
	return r.Path + " " + r.Severity.String()
}

// Learnt returns what differs between two runs of one version, as rules for later
// comparisons. Statuses, removals and changes of type are left out: they are never
// noise.
func (res *Result) Learnt() (all []rules.Learnt) {
	for _, r := range res.Rows {
		if learnable(r.Severity) && r.Severity != finding.Slower && r.Standing != Expected {
			all = append(all, rules.Learnt{Route: r.Route, Path: r.Path, Severity: r.Severity, Noise: rules.Noise{Compared: r.Compared, Differed: r.Differs}})
		}
	}
	return all
}
