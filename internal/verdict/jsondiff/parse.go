// Package jsondiff compares JSON documents by their structure (RFC 8259): members by
// name, elements by what identifies them, numbers as exact decimals.
package jsondiff

import (
	"encoding/json"
	"errors"
	"hash/maphash"
	"slices"
	"unicode/utf8"
)

const (
	// MostNodes bounds a document's values. A node takes 48 bytes, so that two
	// documents take at most 14 MB; a list of 10,000 objects of ten members has
	// 110,000.
	MostNodes = 150_000
	// MostDepth bounds how deep values nest, as parsers of servers do.
	MostDepth = 500
)

// The errors of Parse.
var (
	ErrSyntax   = errors.New("not JSON")
	ErrTooLarge = errors.New("too many values for a comparison by structure")
)

// type of a value.
type nodeType uint8

const (
	null nodeType = iota
	boolean
	number
	text
	list
	object
)

// String is the type's name in JSON.
func (t nodeType) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[t]
}

// A node is one value. Children of a list or an object follow each other by next.
type node struct {
	hash         uint64 // of what it means: equal values have equal ones
	start, end   int32  // where it stands in the text
	key, keyEnd  int32  // the member's name with its quotes; valid iff its parent is an object
	first, next  int32  // index of a node; 0 none, because 0 is the root
	count        int32  // children
	typ          nodeType
	repeatedKeys bool // an object that has a name twice
}

// A Document is a parsed text. The zero value is ready for Parse, which may be
// called again and again. It serves one goroutine.
type Document struct {
	src   []byte
	nodes []node
	seed  maphash.Seed
	names []uint64 // scratch: hashes of an object's names
	pos   int
	whole bool // the text is one value
}

// Parse reads src, which must stay as it is while the document is used. A text of
// several values, as JSON lines are, is taken for a list of them. It returns
// ErrSyntax or ErrTooLarge.
func (d *Document) Parse(src []byte, seed maphash.Seed) error {
	if cap(d.nodes) > keepNodes {
		d.nodes = nil
	}
	*d = Document{src: src, nodes: append(d.nodes[:0], node{typ: list}), seed: seed, names: d.names[:0]}
	if len(src) > 1<<31-1 {
		return ErrTooLarge
	}
	d.space()
	if d.pos == len(src) {
		return ErrSyntax
	}
	last := int32(0)
	for d.pos < len(src) {
		i, err := d.value(0)
		if err != nil {
			return err
		}
		d.link(0, &last, i)
		d.space()
	}
	d.whole = d.nodes[0].count == 1
	if !d.whole {
		d.nodes[0].hash = d.hashList(0)
	}
	return nil
}

// keepNodes is how many nodes a Document keeps for the next text.
const keepNodes = 16 << 10

// root is the index of the text's value.
func (d *Document) root() int32 {
	if d.whole {
		return d.nodes[0].first
	}
	return 0
}

func (d *Document) space() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\t', '\r', '\n':
			d.pos++
		default:
			return
		}
	}
}

// link makes i the last child of parent.
func (d *Document) link(parent int32, last *int32, i int32) {
	if *last == 0 {
		d.nodes[parent].first = i
	} else {
		d.nodes[*last].next = i
	}
	*last = i
	d.nodes[parent].count++
}

// value reads the value at pos, and returns its index.
func (d *Document) value(depth int) (int32, error) {
	if depth > MostDepth || len(d.nodes) > MostNodes {
		return 0, ErrTooLarge
	}
	if d.pos >= len(d.src) {
		return 0, ErrSyntax
	}
	i := int32(len(d.nodes))
	d.nodes = append(d.nodes, node{start: int32(d.pos)})
	var err error
	switch c := d.src[d.pos]; {
	case c == '{':
		err = d.object(i, depth)
	case c == '[':
		err = d.list(i, depth)
	case c == '"':
		err = d.stringEnd()
		d.nodes[i].typ = text
		if err == nil {
			d.nodes[i].hash = d.hashText(d.nodes[i].start, int32(d.pos))
		}
	case c == '-' || c-'0' <= 9:
		err = d.number(i)
	default:
		err = d.word(i)
	}
	n := &d.nodes[i]
	n.end = int32(d.pos)
	n.hash = mix(n.hash, uint64(n.typ)) // true is not "true"
	return i, err
}

func (d *Document) word(i int32) error {
	for _, w := range [...]struct {
		word string
		typ  nodeType
	}{{"null", null}, {"true", boolean}, {"false", boolean}} {
		if end := d.pos + len(w.word); end <= len(d.src) && string(d.src[d.pos:end]) == w.word {
			d.pos = end
			d.nodes[i].typ = w.typ
			d.nodes[i].hash = maphash.String(d.seed, w.word)
			return nil
		}
	}
	return ErrSyntax
}

// stringEnd passes over the string at pos.
func (d *Document) stringEnd() error {
	escaped := false
	start := d.pos
	for d.pos++; d.pos < len(d.src); d.pos++ {
		switch c := d.src[d.pos]; {
		case c == '"':
			d.pos++
			if escaped && !json.Valid(d.src[start:d.pos]) {
				return ErrSyntax
			}
			return nil
		case c == '\\':
			escaped = true
			d.pos++
		case c < ' ':
			return ErrSyntax
		}
	}
	d.pos = len(d.src)
	return ErrSyntax
}

func (d *Document) list(i int32, depth int) error {
	d.nodes[i].typ = list
	d.pos++
	last := int32(0)
	for d.space(); ; d.space() {
		if d.at(']') && last == 0 {
			break
		}
		child, err := d.value(depth + 1)
		if err != nil {
			return err
		}
		d.link(i, &last, child)
		if d.space(); d.at(']') {
			break
		}
		if !d.take(',') {
			return ErrSyntax
		}
	}
	d.pos++
	d.nodes[i].hash = d.hashList(i)
	return nil
}

func (d *Document) object(i int32, depth int) error {
	d.nodes[i].typ = object
	d.pos++
	last := int32(0)
	from := len(d.names)
	var sum uint64
	for d.space(); ; d.space() {
		if d.at('}') && last == 0 {
			break
		}
		key := int32(d.pos)
		if !d.at('"') {
			return ErrSyntax
		}
		if err := d.stringEnd(); err != nil {
			return err
		}
		keyEnd := int32(d.pos)
		if d.space(); !d.take(':') {
			return ErrSyntax
		}
		d.space()
		child, err := d.value(depth + 1)
		if err != nil {
			return err
		}
		d.nodes[child].key, d.nodes[child].keyEnd = key, keyEnd
		name := d.hashText(key, keyEnd)
		d.names = append(d.names, name)
		sum += mix(name, d.nodes[child].hash) // members have no order
		d.link(i, &last, child)
		if d.space(); d.at('}') {
			break
		}
		if !d.take(',') {
			return ErrSyntax
		}
	}
	d.pos++
	names := d.names[from:]
	slices.Sort(names)
	if len(slices.Compact(names)) < int(d.nodes[i].count) {
		// Which of them counts, depends on who reads it: their order matters.
		d.nodes[i].repeatedKeys = true
		sum = d.hashList(i)
		for c := d.nodes[i].first; c != 0; c = d.nodes[c].next {
			sum = mix(sum, d.hashText(d.nodes[c].key, d.nodes[c].keyEnd))
		}
	}
	d.names = d.names[:from]
	d.nodes[i].hash = mix(uint64(object), sum)
	return nil
}

func (d *Document) at(c byte) bool { return d.pos < len(d.src) && d.src[d.pos] == c }

func (d *Document) take(c byte) bool {
	if !d.at(c) {
		return false
	}
	d.pos++
	return true
}

func (d *Document) hashList(i int32) uint64 {
	sum := uint64(list)
	for c := d.nodes[i].first; c != 0; c = d.nodes[c].next {
		sum = mix(sum, d.nodes[c].hash)
	}
	return mix(sum, uint64(d.nodes[i].count))
}

// mix joins two hashes, in this order, with the finalizer of MurmurHash3.
func mix(a, b uint64) uint64 {
	h := a*0x9E3779B97F4A7C15 + b
	h ^= h >> 33
	h *= 0xFF51AFD7ED558CCD
	h ^= h >> 33
	h *= 0xC4CEB9FE1A85EC53
	return h ^ h>>33
}

// hashText hashes what a string means, which stands between start and end with its
// quotes.
func (d *Document) hashText(start, end int32) uint64 {
	raw := d.src[start+1 : end-1]
	if slices.Contains(raw, '\\') || !utf8.Valid(raw) {
		return maphash.String(d.seed, unquote(d.src[start:end]))
	}
	return maphash.Bytes(d.seed, raw)
}

// unquote returns what a string literal means. Bytes that are no UTF-8 stay as they are.
func unquote(quoted []byte) string {
	raw := quoted[1 : len(quoted)-1]
	if !slices.Contains(raw, '\\') {
		return string(raw)
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil {
		return string(raw)
	}
	return s
}
