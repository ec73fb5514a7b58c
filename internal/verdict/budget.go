package verdict

// CountersMost is what the counters and samples of all versions together may take, in
// bytes, when nothing else is done in the process: 25,000 differences. With the answers that wait, and what
// the collector of garbage needs on top, a comparison stays below 64 MB.
const CountersMost = 20 << 20

// A Budget is memory that the Engines of several versions share. Half of it is
// divided among them beforehand, so that one version that differs everywhere leaves
// room to the others. It serves one goroutine.
type Budget struct {
	common  int // for whoever comes first
	divided int // what is left of the other half
	each    int
}

// NewBudget returns a Budget of that many bytes for so many Engines. More of them may
// come: they have the common half alone.
func NewBudget(bytes, engines int) *Budget {
	half := bytes / 2
	return &Budget{common: bytes - half, divided: half, each: half / max(engines, 1)}
}

// share returns the room of one more Engine.
func (b *Budget) share() *share {
	own := min(b.each, b.divided)
	b.divided -= own
	return &share{budget: b, own: own, kept: own / vitalPart}
}

// vitalPart is which part of its own room an Engine keeps for what may never be
// forgotten: one of so many.
const vitalPart = 8

// A share is the room of one Engine. Its own part may become negative: what is bounded
// elsewhere, and must be had, is taken without asking.
type share struct {
	budget *Budget
	own    int
	kept   int
}

// take reports whether there is room for n bytes, which are then taken. vital is what
// may use the room that is kept.
func (s *share) take(n int, vital bool) bool {
	kept := s.kept
	if vital {
		kept = 0
	}
	switch {
	case s.own-n >= kept:
		s.own -= n
	case s.budget.common >= n:
		s.budget.common -= n
	default:
		return false
	}
	return true
}

// has reports whether there is room for n bytes.
func (s *share) has(n int) bool { return s.own-n >= s.kept || s.budget.common >= n }

// must takes n bytes, whether there is room or not.
func (s *share) must(n int) {
	if !s.take(n, true) {
		s.own -= n
	}
}
