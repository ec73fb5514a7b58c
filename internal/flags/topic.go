package flags

import (
	"fmt"
	"slices"
	"strings"
)

// current are the flags of the group that do something.
func (g Group) current() []Def {
	return slices.DeleteFunc(slices.Clone(g.Flags), func(d Def) bool { return traitsOf(d.Value).obsolete != "" })
}

// about are the flags of the group that belong to one of its topics: of a group
// with several, those that are not named after another one.
func (g Group) about(topic string) []Def {
	return slices.DeleteFunc(g.current(), func(d Def) bool {
		return !calledAfter(d.Name, topic) && slices.ContainsFunc(g.Topics, func(other string) bool { return other != topic && calledAfter(d.Name, other) })
	})
}

// calledAfter reports whether a flag is called after a topic: input-raw and
// input-raw-engine are after input-raw.
func calledAfter(flag, topic string) bool {
	rest, is := strings.CutPrefix(flag, topic)
	return is && (rest == "" || rest[0] == '-')
}

// writeTopic writes what a topic is about: the plugin of that name and its
// flags, a group, a flag, or else the flags that have the word in their name.
// It reports false when there is none of these.
func (t *Table) writeTopic(b *strings.Builder, topic string) bool {
	before := b.Len()
	for _, group := range t.Groups {
		defs := slices.DeleteFunc(group.current(), func(d Def) bool { return d.Name != topic })
		if slices.Contains(group.Topics, topic) {
			defs = group.about(topic)
		}
		group.write(b, defs)
	}
	if b.Len() == before {
		for _, group := range t.Groups {
			group.write(b, slices.DeleteFunc(group.current(), func(d Def) bool { return !strings.Contains(d.Name, topic) }))
		}
	}
	if b.Len() == before {
		return false
	}
	text := strings.TrimLeft(b.String(), "\n")
	b.Reset()
	b.WriteString(text)
	return true
}

// noTopic says that there is no help on a topic, and on what there is.
func (t *Table) noTopic(topic string) error {
	for _, group := range t.Groups {
		for _, def := range group.Flags {
			if def.Name == topic { // only an obsolete one can be left
				return fmt.Errorf("--%s does nothing any more: %s", topic, traitsOf(def.Value).obsolete)
			}
		}
	}
	if t.Unknown != nil {
		if err := t.Unknown(topic); err != nil {
			return err
		}
	}
	if near := t.nearest(topic); near != "" {
		return fmt.Errorf("-h: nothing is called %q; did you mean gor -h %s? gor -h all shows every flag", topic, near)
	}
	return fmt.Errorf("-h: nothing is called %q; gor -h all shows every flag", topic)
}
