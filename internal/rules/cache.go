package rules

import (
	"bytes"
	"hash/maphash"
)

const (
	// cacheSlots is how many values a cachingReplacer remembers: more than most
	// sites have names.
	cacheSlots = 16

	// cacheLongest is the length in bytes of the longest value that is remembered,
	// before and after it is edited. A host name has 253 at most, and all slots
	// together take 8 kB.
	cacheLongest = 256
)

// A cachingReplacer is a replacer that remembers what became of the values it saw
// last. Most headers that are rewritten, such as Host, have few values, and to
// match an expression takes a hundred times as long as to compare two of them.
type cachingReplacer struct {
	*replacer
	seed  maphash.Seed
	slots [cacheSlots]cachedValue
}

// A cachedValue is a value and what replace returned for it.
type cachedValue struct {
	src, out []byte
	matched  bool
	valid    bool
}

func newCachingReplacer(r *replacer) *cachingReplacer {
	return &cachingReplacer{replacer: r, seed: maphash.MakeSeed()}
}

// replace is replacer.replace. The result is valid until the next call.
func (c *cachingReplacer) replace(src []byte) ([]byte, bool) {
	if len(src) > cacheLongest {
		return c.replacer.replace(src)
	}
	slot := &c.slots[maphash.Bytes(c.seed, src)%cacheSlots]
	if slot.valid && bytes.Equal(slot.src, src) {
		return slot.out, slot.matched
	}
	out, matched := c.replacer.replace(src)
	if len(out) <= cacheLongest {
		slot.src, slot.out = append(slot.src[:0], src...), append(slot.out[:0], out...)
		slot.matched, slot.valid = matched, true
	}
	return out, matched
}
