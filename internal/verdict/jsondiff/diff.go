package jsondiff

import (
	"hash/maphash"

	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/kind"
)

// Rules say what to be lenient about. A nil function says nothing. They are asked
// only where something differs.
type Rules struct {
	// Tolerance returns how far the numbers at a path may lie apart.
	Tolerance func(path string) Tolerance

	// Unordered reports whether the order of the list at a path (as in
	// "body.items[]") does not matter, and the member that identifies its elements,
	// "" when none does.
	Unordered func(path string) (key string, yes bool)
}

// A Differ compares documents. It serves one goroutine.
type Differ struct {
	Rules Rules

	// OldTime and NewTime are when the answers were given, in ns since 1970; 0
	// unknown. With them a number that is the time then, is recognised as one.
	OldTime, NewTime int64

	seed     maphash.Seed
	old, new Document
	report   func(finding.Finding)
}

// New returns a Differ.
func New() *Differ { return &Differ{seed: maphash.MakeSeed()} }

// Parse reads both texts, which must stay as they are until Diff returns. The
// errors are those of Document.Parse.
func (d *Differ) Parse(old, new []byte) (oldErr, newErr error) {
	return d.old.Parse(old, d.seed), d.new.Parse(new, d.seed)
}

// Diff reports each difference between the parsed texts. Several findings may
// have one path. root is the path of the documents, such as finding.BodyPath.
func (d *Differ) Diff(root string, report func(finding.Finding)) {
	d.report = report
	d.values(&place{name: root, what: atRoot}, d.old.root(), d.new.root())
}

// A place is a path that is not put together before something differs there.
type place struct {
	parent *place
	name   string
	what   placeKind
}

type placeKind uint8

const (
	atRoot placeKind = iota
	atMember
	atElements
)

func (p *place) String() string {
	switch p.what {
	case atElements:
		return finding.Elements(p.parent.String())
	case atMember:
		if kind.NamesOne(p.name) {
			return finding.AnyChild(p.parent.String())
		}
		return finding.Child(p.parent.String(), p.name)
	}
	return p.name
}

func (d *Differ) found(s finding.Severity, p *place, old, new string) {
	d.report(finding.Finding{Severity: s, Path: p.String(), Old: old, New: new})
}

// values compares two values at one place.
func (d *Differ) values(p *place, i, j int32) {
	a, b := &d.old.nodes[i], &d.new.nodes[j]
	switch {
	case a.hash == b.hash && a.typ == b.typ:
	case a.typ != b.typ:
		d.found(finding.Retyped, p, d.old.describe(i), d.new.describe(j))
	case a.typ == object:
		d.objects(p, i, j)
	case a.typ == list:
		d.lists(&place{parent: p, what: atElements}, i, j)
	case a.typ == text:
		s := finding.Value
		old, new := unquote(d.old.literal(i)), unquote(d.new.literal(j))
		if _, same := kind.Same(old, new); same {
			s = finding.SameKind
		}
		d.found(s, p, finding.Cut(old), finding.Cut(new))
	case a.typ == number:
		d.numbers(p, i, j)
	default:
		d.found(finding.Value, p, d.old.describe(i), d.new.describe(j))
	}
}

func (d *Differ) numbers(p *place, i, j int32) {
	old, new := d.old.literal(i), d.new.literal(j)
	if d.Rules.Tolerance != nil {
		if t := d.Rules.Tolerance(p.String()); t != (Tolerance{}) && t.within(old, new) {
			return
		}
	}
	s := finding.Value
	if d.times(old, new) {
		s = finding.SameKind
	}
	d.found(s, p, finding.Cut(old), finding.Cut(new))
}

// sinceThen is how far a number may lie from the time of its answer to be taken for
// one, in ns: clocks are wrong by minutes, and tokens run for a day.
const sinceThen = 25 * 3600 * 1_000_000_000

// times reports whether both numbers are about the times of their answers, in
// seconds, milliseconds, microseconds or nanoseconds since 1970.
func (d *Differ) times(old, new []byte) bool {
	if d.OldTime == 0 || d.NewTime == 0 {
		return false
	}
	for unit := int64(1); unit <= 1_000_000_000; unit *= 1000 {
		if isTime(old, unit, d.OldTime) && isTime(new, unit, d.NewTime) {
			return true
		}
	}
	return false
}

func isTime(lit []byte, unit, then int64) bool {
	whole := lit
	for i, c := range lit {
		if c == '.' { // Python has seconds with six decimals
			whole = lit[:i]
			break
		}
	}
	v, ok := wholeNumber(whole)
	if !ok || v <= 0 || v > (1<<63-1)/unit {
		return false
	}
	apart := v*unit - then
	return apart > -sinceThen && apart < sinceThen
}

// objects compares members by name, those of the old object in their order, then
// what is new.
func (d *Differ) objects(p *place, i, j int32) {
	if d.old.nodes[i].repeatedKeys || d.new.nodes[j].repeatedKeys {
		d.repeated(p, i, j)
		return
	}
	others := d.new.members(j)
	ids := newNames{d: d, others: others, i: i, next: d.new.nodes[j].first}
	for c := d.old.nodes[i].first; c != 0; c = d.old.nodes[c].next {
		name := d.old.name(c)
		at := &place{parent: p, name: name, what: atMember}
		other, ok := others[name]
		if !ok {
			if other, ok = ids.like(name); ok {
				d.found(finding.SameKind, at, finding.Cut(name), finding.Cut(d.new.name(other)))
				name = d.new.name(other)
			}
		}
		if !ok {
			d.found(finding.Removed, at, d.old.describe(c), "")
			continue
		}
		delete(others, name)
		d.values(at, c, other)
	}
	for c := d.new.nodes[j].first; c != 0; c = d.new.nodes[c].next {
		name := d.new.name(c)
		if _, only := others[name]; only {
			d.found(finding.Added, &place{parent: p, name: name, what: atMember}, "", d.new.describe(c))
		}
	}
}

// newNames finds, for a member whose name is new in every answer, one of the other object
// that has such a name as well: these are compared in their order.
type newNames struct {
	d      *Differ
	others map[string]int32 // members of the new object that were not compared
	i      int32            // the old object
	next   int32            // of the new object, the first member that may be it
	olds   map[string]int32 // of the old object, once it is needed
}

func (n *newNames) like(name string) (member int32, ok bool) {
	if k := kind.Of(name); k == 0 || k == kind.Date || !kind.NamesOne(name) {
		return 0, false // days are what a table is about
	}
	if n.olds == nil {
		n.olds = n.d.old.members(n.i)
	}
	for ; n.next != 0; n.next = n.d.new.nodes[n.next].next {
		other := n.d.new.name(n.next)
		if _, inBoth := n.olds[other]; inBoth {
			continue
		}
		if _, same := kind.Same(name, other); same && n.others[other] == n.next {
			member = n.next
			n.next = n.d.new.nodes[member].next
			return member, true
		}
	}
	return 0, false
}

// name is a member's name.
func (d *Document) name(c int32) string {
	return unquote(d.src[d.nodes[c].key:d.nodes[c].keyEnd])
}

// members gives the members of an object by name.
func (d *Document) members(i int32) map[string]int32 {
	m := make(map[string]int32, d.nodes[i].count)
	for c := d.nodes[i].first; c != 0; c = d.nodes[c].next {
		m[d.name(c)] = c
	}
	return m
}

func (d *Document) literal(i int32) []byte { return d.src[d.nodes[i].start:d.nodes[i].end] }

// describe is a value for people: as it is written, cut.
func (d *Document) describe(i int32) string {
	if d.nodes[i].typ == text {
		return finding.Cut(string(d.literal(i)))
	}
	return finding.Cut(d.literal(i))
}
