package body

import (
	"bytes"
	"hash/maphash"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/buger/gor/internal/verdict/align"
	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/kind"
)

// A token is what a page has at one place: a tag with its attributes, or a text.
type token struct {
	hash uint64
	path string // "body.h1" for the text in it, and for the tag
	text string
	typ  html.TokenType   // start tags that close themselves are start tags
	attr []html.Attribute // of a start tag, by name
}

// html compares two pages token by token. Comments, white space and nonces do not
// matter.
func (d *Differ) html(old, new []byte) {
	seed := maphash.MakeSeed()
	was, ok1 := tokens(seed, old)
	is, ok2 := tokens(seed, new)
	if !ok1 || !ok2 {
		d.opaque(Side{Content: Content{Bytes: old}}, Side{Content: Content{Bytes: new}})
		return
	}
	gaps, _ := align.Gaps(tokenHashes(was), tokenHashes(is))
	for _, g := range gaps {
		d.tokens(was[g.OldFrom:g.OldTo], is[g.NewFrom:g.NewTo])
	}
}

func tokenHashes(all []token) []uint64 {
	h := make([]uint64, len(all))
	for i := range all {
		h[i] = all[i].hash
	}
	return h
}

// tokens reads a page. ok is false when it has more than MostLines.
func tokens(seed maphash.Seed, page []byte) (all []token, ok bool) {
	z := html.NewTokenizer(bytes.NewReader(page))
	inside := finding.BodyPath // the tag that was opened last
	for {
		typ := z.Next()
		if typ == html.ErrorToken {
			return all, true
		}
		if len(all) >= MostLines {
			return nil, false
		}
		t := z.Token()
		tok := token{typ: typ}
		switch typ {
		case html.TextToken:
			tok.text = strings.Join(strings.Fields(t.Data), " ")
			tok.path = inside
			if tok.text == "" {
				continue
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			inside = finding.Child(finding.BodyPath, t.Data)
			tok.path, tok.typ = inside, html.StartTagToken
			tok.attr = attributes(t)
			tok.text = (&html.Token{Type: html.StartTagToken, Data: t.Data, Attr: tok.attr}).String()
		case html.EndTagToken:
			tok.path = finding.Child(finding.BodyPath, t.Data)
			inside = finding.BodyPath
			tok.text = "</" + t.Data + ">"
		case html.DoctypeToken:
			tok.path, tok.text = finding.BodyPath, "<!DOCTYPE "+strings.ToLower(t.Data)+">"
		default:
			continue
		}
		tok.hash = maphash.String(seed, tok.text)
		all = append(all, tok)
	}
}

// attributes are those of a tag that matter, by name: classes in any order, and no
// nonce, be it an attribute or the content of a meta tag or a hidden field.
func attributes(t html.Token) []html.Attribute {
	secret := slices.ContainsFunc(t.Attr, func(a html.Attribute) bool {
		return (a.Key == "name" || a.Key == "property") && nonceName(a.Val)
	})
	kept := t.Attr[:0]
	for _, a := range t.Attr {
		switch {
		case a.Key == "nonce" || a.Key == "integrity" || nonceName(a.Key):
			continue
		case secret && (a.Key == "content" || a.Key == "value"):
			continue
		case a.Key == "class":
			classes := strings.Fields(a.Val)
			slices.Sort(classes)
			a.Val = strings.Join(classes, " ")
		}
		kept = append(kept, a)
	}
	slices.SortStableFunc(kept, func(a, b html.Attribute) int { return strings.Compare(a.Key, b.Key) })
	return kept
}

// nonceName reports whether a name is that of a token against forged requests.
func nonceName(s string) bool {
	s = strings.ToLower(s)
	return strings.Contains(s, "nonce") || strings.Contains(s, "csrf") || strings.Contains(s, "xsrf") ||
		s == "authenticity_token" || s == "__requestverificationtoken" || s == "__viewstate"
}

// tokens compares two runs that stand at one place.
func (d *Differ) tokens(was, is []token) {
	for len(was) > 0 && len(is) > 0 {
		d.twoTokens(was[0], is[0])
		was, is = was[1:], is[1:]
	}
	for _, t := range was {
		if t.typ != html.EndTagToken { // its start tag says it
			d.found(finding.Removed, t.path, finding.Cut(t.text), "")
		}
	}
	for _, t := range is {
		if t.typ != html.EndTagToken {
			d.found(finding.Added, t.path, "", finding.Cut(t.text))
		}
	}
}

func (d *Differ) twoTokens(a, b token) {
	if a.hash == b.hash {
		return
	}
	if a.path != b.path || a.typ != b.typ {
		d.found(finding.Value, a.path, finding.Cut(a.text), finding.Cut(b.text))
		return
	}
	if a.typ != html.StartTagToken {
		d.htmlText(a.path, a.text, b.text)
		return
	}
	for _, x := range a.attr {
		y, there := attribute(b.attr, x.Key)
		switch path := finding.Child(a.path, x.Key); {
		case !there:
			d.found(finding.Removed, path, finding.Cut(x.Val), "")
		case x.Val != y && sameAsset(x.Val, y):
			d.found(finding.SameKind, path, finding.Cut(x.Val), finding.Cut(y))
		case x.Val != y:
			d.htmlText(path, x.Val, y)
		}
	}
	for _, y := range b.attr {
		if _, there := attribute(a.attr, y.Key); !there {
			d.found(finding.Added, finding.Child(a.path, y.Key), "", finding.Cut(y.Val))
		}
	}
}

// sameAsset reports whether two URLs name one file of two builds: what tells builds
// apart is a digest in the file's name, or a query behind it.
func sameAsset(a, b string) bool {
	a, _, _ = strings.Cut(a, "?")
	b, _, _ = strings.Cut(b, "?")
	x, y := strings.LastIndexByte(a, '/')+1, strings.LastIndexByte(b, '/')+1
	dot := strings.LastIndexByte(a, '.')
	if a[:x] != b[:y] || dot < x || !assetType(a[dot+1:]) {
		return false
	}
	between := func(r rune) bool { return r == '.' || r == '-' || r == '_' }
	was, is := strings.FieldsFunc(a[x:], between), strings.FieldsFunc(b[y:], between)
	if len(was) != len(is) {
		return false
	}
	for i := range was {
		if was[i] != is[i] && !(digestOfBuild(was[i]) && digestOfBuild(is[i])) {
			return false
		}
	}
	return true
}

// assetType reports whether a file's suffix is that of what a build makes for pages.
func assetType(suffix string) bool {
	switch strings.ToLower(suffix) {
	case "js", "mjs", "css", "map", "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "woff", "woff2", "ttf", "wasm":
		return true
	}
	return false
}

// digestOfBuild reports whether a part of a file's name may be a digest: at least as
// many letters and digits as Vite takes, some of both or letters of both cases.
func digestOfBuild(s string) bool {
	const least = 8
	var digit, lower, upper bool
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digit = true
		case c >= 'a' && c <= 'z':
			lower = true
		case c >= 'A' && c <= 'Z':
			upper = true
		default:
			return false
		}
	}
	return len(s) >= least && (digit && (lower || upper) || lower && upper)
}

func attribute(all []html.Attribute, name string) (string, bool) {
	for _, a := range all {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// htmlText compares two texts. Numbers matter in them: prices are numbers.
func (d *Differ) htmlText(path, old, new string) {
	s := finding.Value
	if sameWords(old, new) {
		s = finding.SameKind
	}
	d.found(s, path, finding.Cut(old), finding.Cut(new))
}

// sameWords reports whether two texts differ in words of one kind alone.
func sameWords(a, b string) bool {
	if _, same := kind.Same(a, b); same {
		return true
	}
	x, y := strings.FieldsFunc(a, notWord), strings.FieldsFunc(b, notWord)
	if len(x) != len(y) || strings.Join(strings.FieldsFunc(a, isWord), "\x00") != strings.Join(strings.FieldsFunc(b, isWord), "\x00") {
		return false
	}
	for i := range x {
		if _, same := kind.Same(x[i], y[i]); x[i] != y[i] && !same {
			return false
		}
	}
	return true
}

func isWord(r rune) bool  { return r > 0x7F || wordByte(byte(r)) }
func notWord(r rune) bool { return !isWord(r) }
