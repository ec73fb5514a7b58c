package jsondiff

import (
	"fmt"

	"github.com/buger/gor/internal/verdict/align"
	"github.com/buger/gor/internal/verdict/finding"
)

// keys are the members that identify an element, in the order in which they are
// tried.
var keys = [...]string{"id", "uuid", "key", "name"}

// lists compares two lists. p is the place of their elements.
func (d *Differ) lists(p *place, i, j int32) {
	olds, news := d.old.elements(i), d.new.elements(j)
	if d.Rules.Unordered != nil {
		if key, yes := d.Rules.Unordered(p.String()); yes {
			if key == "" || !d.byKey(p, olds, news, key, false) {
				d.leftOver(p, olds, news, false)
			}
			return
		}
	}
	if d.sameElements(olds, news) {
		d.found(finding.Order, p, d.old.describe(i), d.new.describe(j))
		return
	}
	for _, key := range keys {
		if d.byKey(p, olds, news, key, true) {
			return
		}
	}
	gaps, whole := align.Gaps(d.old.hashes(olds), d.new.hashes(news))
	if !whole {
		// Too many for a look at their order.
		g := gaps[0]
		d.leftOver(p, olds[g.OldFrom:g.OldTo], news[g.NewFrom:g.NewTo], false)
		return
	}
	d.gaps(p, olds, news, gaps)
}

// elements gives the children of a list.
func (d *Document) elements(i int32) []int32 {
	all := make([]int32, 0, d.nodes[i].count)
	for c := d.nodes[i].first; c != 0; c = d.nodes[c].next {
		all = append(all, c)
	}
	return all
}

func (d *Document) hashes(nodes []int32) []uint64 {
	h := make([]uint64, len(nodes))
	for k, i := range nodes {
		h[k] = d.nodes[i].hash
	}
	return h
}

// sameElements reports whether both lists have the same elements, in whatever order.
func (d *Differ) sameElements(olds, news []int32) bool {
	if len(olds) != len(news) {
		return false
	}
	n := make(map[uint64]int, len(olds))
	for _, i := range olds {
		n[d.old.nodes[i].hash]++
	}
	for _, j := range news {
		h := d.new.nodes[j].hash
		n[h]--
		if n[h] < 0 {
			return false
		}
	}
	return true
}

// byKey compares the elements that have one value of a member, and reports false,
// and finds nothing, when that member does not identify the elements: when one has
// none, two have the same, or fewer than half of the shorter list are found in the
// other, as it is with ids that are new in every answer.
func (d *Differ) byKey(p *place, olds, news []int32, key string, ordered bool) bool {
	was, ok := d.old.index(olds, key)
	if !ok {
		return false
	}
	is, ok := d.new.index(news, key)
	if !ok {
		return false
	}
	common := 0
	for id := range was {
		if _, ok := is[id]; ok {
			common++
		}
	}
	if 2*common < min(len(olds), len(news)) || common == 0 && len(olds)+len(news) > 0 {
		return false
	}
	last, moved := -1, 0 // places in the new list
	for _, i := range olds {
		id := d.old.member(i, key)
		k, ok := is[id]
		if !ok {
			d.found(finding.Removed, p, d.old.describe(i), "")
			continue
		}
		if k < last {
			moved++
		}
		last = k
		d.values(p, i, news[k])
	}
	for _, j := range news {
		if _, ok := was[d.new.member(j, key)]; !ok {
			d.found(finding.Added, p, "", d.new.describe(j))
		}
	}
	if moved > 0 && ordered {
		d.found(finding.Order, p, d.old.order(olds, key), d.new.order(news, key))
	}
	return true
}

// index gives the places of elements by what identifies them.
func (d *Document) index(nodes []int32, key string) (map[uint64]int, bool) {
	m := make(map[uint64]int, len(nodes))
	for k, i := range nodes {
		if d.nodes[i].typ != object {
			return nil, false
		}
		id := d.member(i, key)
		if _, twice := m[id]; id == 0 || twice {
			return nil, false
		}
		m[id] = k
	}
	return m, true
}

// member is the hash of a member that is a string or a number, 0 when there is none.
func (d *Document) member(i int32, key string) uint64 {
	c := d.find(i, key)
	if c == 0 || d.nodes[c].typ != text && d.nodes[c].typ != number {
		return 0
	}
	return d.nodes[c].hash
}

// find returns the member of that name, which is plain letters, or 0.
func (d *Document) find(i int32, key string) int32 {
	for c := d.nodes[i].first; c != 0; c = d.nodes[c].next {
		if n := d.nodes[c]; string(d.src[n.key+1:n.keyEnd-1]) == key {
			return c
		}
	}
	return 0
}

// order says in which order elements stand.
func (d *Document) order(nodes []int32, key string) string {
	var b []byte
	for _, i := range nodes {
		if len(b) > finding.MostText {
			break
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(b, d.literal(d.find(i, key))...)
	}
	return finding.Cut(fmt.Appendf(nil, "%s: %s", key, b))
}

// gaps compares what stands between equal elements. What is in several gaps has
// moved.
func (d *Differ) gaps(p *place, olds, news []int32, gaps []align.Gap) {
	var was, is []int32
	for _, g := range gaps {
		was = append(was, olds[g.OldFrom:g.OldTo]...)
		is = append(is, news[g.NewFrom:g.NewTo]...)
	}
	at := make(map[uint64]int, len(was))
	for _, i := range was {
		at[d.old.nodes[i].hash]++
	}
	moved := make(map[uint64]int)
	for _, j := range is {
		if h := d.new.nodes[j].hash; at[h] > 0 {
			at[h]--
			moved[h]++
		}
	}
	if len(moved) > 0 {
		d.leftOver(p, was, is, true)
		return
	}
	for _, g := range gaps {
		d.inTurn(p, olds[g.OldFrom:g.OldTo], news[g.NewFrom:g.NewTo])
	}
}

// leftOver compares elements none of which stands where it stood: equal ones first,
// wherever they are, then the others in turn.
func (d *Differ) leftOver(p *place, olds, news []int32, ordered bool) {
	at := make(map[uint64]int, len(olds))
	for _, i := range olds {
		at[d.old.nodes[i].hash]++
	}
	removed := make(map[uint64]int)
	var is []int32
	for _, j := range news {
		if h := d.new.nodes[j].hash; at[h] > 0 {
			at[h]--
			removed[h]++
		} else {
			is = append(is, j)
		}
	}
	moved := len(removed) > 0
	var was []int32
	for _, i := range olds {
		if h := d.old.nodes[i].hash; removed[h] > 0 {
			removed[h]--
		} else {
			was = append(was, i)
		}
	}
	if moved && ordered {
		d.found(finding.Order, p, d.old.first(olds), d.new.first(news))
	}
	d.inTurn(p, was, is)
}

// first describes the beginning of some elements.
func (d *Document) first(nodes []int32) string {
	if len(nodes) == 0 {
		return ""
	}
	return d.describe(nodes[0])
}

// inTurn compares the first with the first and so on.
func (d *Differ) inTurn(p *place, olds, news []int32) {
	n := min(len(olds), len(news))
	for k := range n {
		d.values(p, olds[k], news[k])
	}
	for _, i := range olds[n:] {
		d.found(finding.Removed, p, d.old.describe(i), "")
	}
	for _, j := range news[n:] {
		d.found(finding.Added, p, "", d.new.describe(j))
	}
}
