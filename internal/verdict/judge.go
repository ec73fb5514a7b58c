package verdict

import (
	"fmt"

	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/noise"
)

const (
	// leastRatio and leastShare are the least effect: how many times more often than
	// the old version from itself the new version must differ, and in which part of a
	// route's pairs more. Less is not worth a failure, however certain.
	leastRatio = 1.5
	leastShare = 0.002

	// leastSlower is by how much the median must grow to be called slower: a tenth is
	// what two runs of one version on a quiet machine differ by, and twice that is safe.
	leastSlower = 1.2
	// leastBeyond is by how much it must be longer than the slower one of the old
	// version's two answers: these are a measure of what the machines do.
	leastBeyond = 1.1

	// leastMoments is in how many moments a route must have been asked before its times
	// say anything: a second of a replay.
	leastMoments = 10
)

// evidence is what is known of a row's noise.
type evidence struct {
	control, differs uint64 // comparisons of the old version with itself
	p                float64
	effect           bool // larger than the least
	triples          bool // from the same requests
}

// evidenceOf gathers what is known of a row.
func (e *Engine) evidenceOf(row *rowCount) (v evidence) {
	r := row.key.route
	if r.triples > 0 {
		v.triples = true
		v.control, v.differs = r.triples, row.againOnly+row.both
		v.p = noise.SignTest(row.newOnly, row.againOnly)
		v.effect = enough(row.newOnly+row.both, r.triples, v.differs, r.triples)
		return v
	}
	learnt := e.cfg.Rules.Noise(r.name, row.key.path, row.key.severity)
	v.control, v.differs = r.self+learnt.Compared, row.self+learnt.Differed
	v.p = 1
	if v.differs > 0 || learnt.Compared > 0 {
		v.p = noise.Fisher(row.differs, r.compared, v.differs, v.control)
	}
	v.effect = enough(row.differs, r.compared, v.differs, v.control)
	return v
}

// enough reports whether a of n is more than b of m by the least effect.
func enough(a, n, b, m uint64) bool {
	x, y := float64(a)/float64(max(n, 1)), float64(b)/float64(max(m, 1))
	return x-y >= leastShare && x >= leastRatio*y
}

// judge gives each row its standing.
func (e *Engine) judge() {
	var tested []*rowCount
	var p []float64
	for _, row := range e.byKey {
		row.known = e.evidenceOf(row)
		if v := row.known; v.control > 0 && !row.key.expected {
			tested = append(tested, row)
			p = append(p, v.p)
		}
	}
	slow, slowP := e.slowRoutes()
	p = append(p, slowP...)
	found := noise.Discoveries(p, noise.FalseDiscovery)
	sure := make(map[*rowCount]bool, len(tested))
	for i, row := range tested {
		sure[row] = found[i] && row.known.effect
	}
	for i, r := range slow {
		if found[len(tested)+i] {
			e.addSlow(r, slowP[i])
		}
	}
	pooled := e.pool()
	for _, row := range e.byKey {
		if row.key.severity != finding.Slower {
			row.standing = e.standing(row, row.known, sure[row], pooled[findingKey{row.key.severity, row.key.path}])
		}
	}
}

// standing weighs one row. sure says that the evidence is beyond chance for this row,
// pooled that it is for all routes together.
func (e *Engine) standing(row *rowCount, v evidence, sure, pooled bool) Standing {
	s := row.key.severity
	switch {
	case row.key.expected:
		return Expected
	case s == finding.SameKind:
		// Two ids that differ mean nothing, unless the old version gives the same
		// one twice.
		if sure && v.triples && v.differs == 0 {
			return Suspect
		}
		return Noise
	case sure:
		return Regression
	case v.triples && !s.Learnable():
		// Never noise. In every pair, or in many routes, it is not chance either.
		if v.differs == 0 && (row.differs >= 2 && row.differs == row.key.route.compared || pooled) {
			return Regression
		}
		return Suspect
	case v.triples:
		if v.differs > 0 {
			return Noise
		}
		return Suspect
	case !s.Learnable():
		return Regression
	case v.differs > 0:
		return Noise
	case e.totals.Triples > 0, e.cfg.Rules.Noise(row.key.route.name, row.key.path, s).Compared > 0:
		return Suspect // there is a control, but not of this
	}
	return Regression
}

// pool tests all routes together for what is never noise: a failure that comes once on
// each of many routes.
func (e *Engine) pool() map[findingKey]bool {
	type sum struct{ newOnly, againOnly uint64 }
	sums := make(map[findingKey]sum)
	for _, row := range e.byKey {
		if row.key.expected || row.key.severity.Learnable() {
			continue
		}
		k := findingKey{row.key.severity, row.key.path}
		s := sums[k]
		sums[k] = sum{s.newOnly + row.newOnly, s.againOnly + row.againOnly}
	}
	sure := make(map[findingKey]bool)
	var keys []findingKey
	var p []float64
	for k, s := range sums {
		keys = append(keys, k)
		p = append(p, noise.SignTest(s.newOnly, s.againOnly))
	}
	for i, found := range noise.Discoveries(p, noise.FalseDiscovery/10) {
		// Nearly all of them must be the new version's, since each is called one.
		sure[keys[i]] = found && sums[keys[i]].newOnly >= 10*sums[keys[i]].againOnly
	}
	return sure
}

// slowRoutes returns the routes whose new answers take longer by the least effect, and
// how probable that is by chance.
func (e *Engine) slowRoutes() (slow []*routeCount, p []float64) {
	for _, r := range e.byRoute {
		_, low, _ := r.ratio.Median()
		if r.ratio.N() == 0 || low < leastSlower {
			continue
		}
		// What the old version's second answer takes longer is the order's doing.
		if _, _, high := r.again.Median(); r.again.N() > 0 && low < high*leastSlower {
			continue
		}
		if _, least, _ := r.beyond.Median(); r.beyond.N() > 0 && least < leastBeyond {
			continue
		}
		slow = append(slow, r)
		p = append(p, r.slowByChance())
	}
	return slow, p
}

// slowByChance is how probable it is that a route that did not change looks so much
// slower: over its pairs, and over the moments in which they were sent.
func (r *routeCount) slowByChance() float64 {
	var slower, faster uint64
	for _, n := range r.moments {
		if n > 0 {
			slower++
		} else if n < 0 {
			faster++
		}
	}
	if slower+faster < leastMoments {
		return 1
	}
	return max(noise.SignTest(r.slower, r.faster), noise.SignTest(slower, faster))
}

func (e *Engine) addSlow(r *routeCount, p float64) {
	f := Finding{Severity: finding.Slower, Path: finding.LatencyPath}
	if e.cfg.Rules.Ignore(r.name, f.Path) {
		return
	}
	row := e.row(r, f, e.cfg.Rules.Expected(r.name, f))
	if row.key.route == e.other {
		e.totals.Uncounted++
	}
	// Two targets are not equally fast because they run the same: only the old
	// version's second answer tells what is the machines' doing.
	row.differs, row.standing = row.differs+r.slower, Suspect
	switch {
	case row.key.expected:
		row.standing = Expected
	case r.again.N() > 0:
		row.standing = Regression
	}
	row.known = evidence{control: r.ratio.N(), p: p, effect: true}
}

// why says on what a row's standing rests.
func (e *Engine) why(row *rowCount, v evidence) string {
	r := row.key.route
	share := fmt.Sprintf("differs in %d of %d pairs", row.differs, r.compared)
	switch {
	case row.key.severity == finding.Slower:
		m, low, high := r.ratio.Median()
		text := fmt.Sprintf("the median of new/old is %.2f (95 %% confidence: %.2f to %.2f) over %d pairs", m, low, high, r.ratio.N())
		if r.again.N() == 0 {
			text += "; without a target #secondary nobody can tell it from what the machines do"
		}
		return text
	case row.key.expected:
		return share + "; a rule expects it"
	case row.key.severity == finding.SameKind && row.standing == Noise:
		return share + "; values of one kind on both sides"
	case v.control == 0:
		return share + "; the old version was not compared with itself there"
	case v.triples:
		return fmt.Sprintf("%s; the old version differs from itself in %d of %d (p = %.2g)", share, v.differs, v.control, v.p)
	}
	return fmt.Sprintf("%s; the old version's own answers in %d of %d (p = %.2g)", share, v.differs, v.control, v.p)
}
