package jsondiff

import (
	"fmt"

	"github.com/buger/gor/internal/verdict/finding"
)

// repeated compares objects at least one of which has a name twice. Most readers
// take the last of them, which is compared as usual; that there are more, and what
// they hold, counts as a value.
func (d *Differ) repeated(p *place, i, j int32) {
	olds, news := d.old.groups(i), d.new.groups(j)
	for _, name := range d.old.eachName(i) {
		at := &place{parent: p, name: name, what: atMember}
		a, b := olds[name], news[name]
		if len(b) == 0 {
			d.found(finding.Removed, at, d.old.describe(a[len(a)-1]), "")
			continue
		}
		d.values(at, a[len(a)-1], b[len(b)-1])
		if len(a) != len(b) {
			d.found(finding.Value, at, times(len(a)), times(len(b)))
			continue
		}
		for k := range len(a) - 1 {
			if d.old.nodes[a[k]].hash != d.new.nodes[b[k]].hash {
				d.found(finding.Value, at, d.old.describe(a[k]), d.new.describe(b[k]))
			}
		}
	}
	for _, name := range d.new.eachName(j) {
		if b := news[name]; len(olds[name]) == 0 {
			d.found(finding.Added, &place{parent: p, name: name, what: atMember}, "", d.new.describe(b[len(b)-1]))
		}
	}
}

// times says how often a name is there.
func times(n int) string {
	if n == 1 {
		return "the name once"
	}
	return fmt.Sprintf("the name %d times", n)
}

// groups gives the members of an object by name, all of each name.
func (d *Document) groups(i int32) map[string][]int32 {
	m := make(map[string][]int32, d.nodes[i].count)
	for c := d.nodes[i].first; c != 0; c = d.nodes[c].next {
		name := d.name(c)
		m[name] = append(m[name], c)
	}
	return m
}

// eachName gives each name of an object once, in the order of their first members.
func (d *Document) eachName(i int32) []string {
	seen := make(map[string]bool, d.nodes[i].count)
	var names []string
	for c := d.nodes[i].first; c != 0; c = d.nodes[c].next {
		if name := d.name(c); !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}
