package body

import (
	"bytes"
	"hash/maphash"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/buger/gor/internal/verdict/align"
	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/kind"
)

// MostLines bounds the lines, or tokens of HTML, that are compared one by one. A
// page has a few thousand; beyond that a body is compared as a whole.
const MostLines = 100_000

// text compares by lines, whose UUIDs and times do not matter, and in prose their
// numbers: lines that differ in these alone are of one kind.
func (d *Differ) text(old, new []byte, prose bool) {
	was, is := lines(old), lines(new)
	if len(was) > MostLines || len(is) > MostLines {
		d.opaque(Side{Content: Content{Bytes: old}}, Side{Content: Content{Bytes: new}})
		return
	}
	seed := maphash.MakeSeed()
	gaps, _ := align.Gaps(maskedHashes(seed, was, prose), maskedHashes(seed, is, prose))
	for _, g := range gaps {
		d.pieces(finding.BodyPath, was[g.OldFrom:g.OldTo], is[g.NewFrom:g.NewTo])
	}
	if len(gaps) == 0 {
		// They differ in what is masked, or in line ends.
		for i := range was {
			if !bytes.Equal(was[i], is[i]) {
				d.found(finding.SameKind, finding.BodyPath, finding.Cut(was[i]), finding.Cut(is[i]))
				return
			}
		}
	}
}

// lines splits at line ends: LF and CR LF mean the same.
func lines(b []byte) [][]byte {
	var all [][]byte
	for line := range bytes.Lines(b) {
		if len(all) > MostLines {
			break
		}
		all = append(all, bytes.TrimRight(line, "\r\n"))
	}
	return all
}

// pieces compares two runs of lines or texts in turn; what one has more was removed
// or added.
func (d *Differ) pieces(path string, was, is [][]byte) {
	n := min(len(was), len(is))
	for i := range n {
		d.found(finding.Value, path, finding.Cut(was[i]), finding.Cut(is[i]))
	}
	for _, line := range was[n:] {
		d.found(finding.Removed, path, finding.Cut(line), "")
	}
	for _, line := range is[n:] {
		d.found(finding.Added, path, "", finding.Cut(line))
	}
}

func maskedHashes(seed maphash.Seed, lines [][]byte, prose bool) []uint64 {
	all := make([]uint64, len(lines))
	var scratch []byte
	for i, line := range lines {
		scratch = mask(scratch[:0], line, prose && bytes.ContainsFunc(line, unicode.IsLetter))
		all[i] = maphash.Bytes(seed, scratch)
	}
	return all
}

// mask appends line with # for each word that is of a kind and, with numbers, for each
// run of digits. A line that is a number alone says nothing else.
func mask(dst, line []byte, numbers bool) []byte {
	for len(line) > 0 {
		n := 0
		for n < len(line) && wordByte(line[n]) {
			n++
		}
		if n > 0 && kind.Of(string(line[:n])) != 0 {
			dst = append(dst, '#')
			line = line[n:]
			continue
		}
		for _, c := range line[:n] {
			if !numbers || c-'0' > 9 {
				dst = append(dst, c)
			} else if len(dst) == 0 || dst[len(dst)-1] != '#' {
				dst = append(dst, '#')
			}
		}
		line = line[n:]
		if len(line) > 0 {
			dst = append(dst, line[0])
			line = line[1:]
		}
	}
	return dst
}

// wordByte says what UUIDs, digests, tokens and times are made of.
func wordByte(c byte) bool {
	return c-'0' <= 9 || (c|0x20)-'a' <= 'z'-'a' || c == '-' || c == '_' || c == '.' || c == ':' || c == '+'
}

// forms compares two forms as multimaps: each name with the list of its values.
func (d *Differ) forms(old, new []byte) {
	was, err1 := url.ParseQuery(string(bytes.TrimSpace(old)))
	is, err2 := url.ParseQuery(string(bytes.TrimSpace(new)))
	if (err1 == nil) != (err2 == nil) || err1 != nil || len(was)+len(is) > MostLines {
		d.opaque(Side{Content: Content{Bytes: old}}, Side{Content: Content{Bytes: new}})
		return
	}
	for _, name := range sortedKeys(was) {
		path := finding.Child(finding.BodyPath, name)
		a := was[name]
		b, there := is[name]
		switch {
		case !there:
			d.found(finding.Removed, path, finding.Cut(strings.Join(a, ", ")), "")
		case slices.Equal(a, b):
		case len(a) > len(b):
			d.found(finding.Removed, finding.Elements(path), finding.Cut(strings.Join(a, ", ")), finding.Cut(strings.Join(b, ", ")))
		case len(a) < len(b):
			d.found(finding.Added, finding.Elements(path), finding.Cut(strings.Join(a, ", ")), finding.Cut(strings.Join(b, ", ")))
		default:
			d.formValues(path, a, b)
		}
	}
	for _, name := range sortedKeys(is) {
		if _, there := was[name]; !there {
			d.found(finding.Added, finding.Child(finding.BodyPath, name), "", finding.Cut(strings.Join(is[name], ", ")))
		}
	}
}

// formValues compares equally many values of one name.
func (d *Differ) formValues(path string, a, b []string) {
	x, y := slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	if slices.Equal(x, y) {
		d.found(finding.Order, finding.Elements(path), finding.Cut(strings.Join(a, ", ")), finding.Cut(strings.Join(b, ", ")))
		return
	}
	for i := range a {
		if a[i] == b[i] {
			continue
		}
		s := finding.Value
		if _, same := kind.Same(a[i], b[i]); same {
			s = finding.SameKind
		}
		d.found(s, path, finding.Cut(a[i]), finding.Cut(b[i]))
	}
}

func sortedKeys(m map[string][]string) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
