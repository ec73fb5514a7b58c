package body

import (
	"bytes"
	"encoding/xml"
	"errors"
	"hash/maphash"
	"io"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/buger/gor/internal/verdict/align"
	"github.com/buger/gor/internal/verdict/finding"
)

// mostDepth bounds the names in a path of XML; what lies deeper is called by the path of
// what it lies in.
const mostDepth = 32

// xml compares two documents token by token. Comments, processing instructions, white
// space around text, prefixes of names and the order of attributes do not matter. It returns false,
// and reports nothing, when one of them is not well-formed or has more than MostLines
// tokens.
func (d *Differ) xml(old, new []byte) bool {
	seed := maphash.MakeSeed()
	was, ok1 := elements(seed, old)
	is, ok2 := elements(seed, new)
	if !ok1 || !ok2 {
		return false
	}
	gaps, _ := align.Gaps(tokenHashes(was), tokenHashes(is))
	for _, g := range gaps {
		d.tokens(was[g.OldFrom:g.OldTo], is[g.NewFrom:g.NewTo])
	}
	return true
}

// elements reads a document, as tokens does a page.
func elements(seed maphash.Seed, doc []byte) (all []token, ok bool) {
	dec := xml.NewDecoder(bytes.NewReader(doc))
	dec.Strict = false // entities of a DTD are unknown, and are kept
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	paths := []string{finding.BodyPath}
	add := func(t token) {
		t.hash = maphash.String(seed, t.path+"\x00"+t.text)
		all = append(all, t)
	}
	for {
		t, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return all, len(all) > 0 && len(paths) == 1
		}
		if err != nil || len(all) >= MostLines {
			return nil, false
		}
		inside := paths[len(paths)-1]
		switch t := t.(type) {
		case xml.StartElement:
			path := inside
			if len(paths) <= mostDepth {
				path = finding.Child(inside, t.Name.Local)
			}
			paths = append(paths, path)
			tok := token{typ: html.StartTagToken, path: path}
			for _, a := range t.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" { // names of prefixes, not content
					tok.attr = append(tok.attr, html.Attribute{Key: a.Name.Local, Val: a.Value})
				}
			}
			slices.SortStableFunc(tok.attr, func(a, b html.Attribute) int { return strings.Compare(a.Key, b.Key) })
			tok.text = (&html.Token{Type: html.StartTagToken, Data: t.Name.Local, Attr: tok.attr}).String()
			add(tok)
		case xml.EndElement:
			paths = paths[:max(1, len(paths)-1)]
			add(token{typ: html.EndTagToken, path: inside, text: "</" + t.Name.Local + ">"})
		case xml.CharData:
			if text := strings.Join(strings.Fields(string(t)), " "); text != "" {
				add(token{typ: html.TextToken, path: inside, text: text})
			}
		}
	}
}
