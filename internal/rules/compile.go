package rules

import (
	"cmp"
	"slices"
)

// Compile makes a Set of rules that Parse has given.
func Compile(list []Rule) *Set {
	sorted := slices.Clone(list)
	slices.SortStableFunc(sorted, func(a, b Rule) int { return cmp.Compare(a.kind.place(), b.kind.place()) })
	var c compiler
	for _, r := range sorted {
		c.add(r)
	}
	return &c.set
}

// A compiler fills a Set. The rules of some kinds act as one, which is where
// the first of them is.
type compiler struct {
	set         Set
	methods     *allowMethods
	urls        *allowURLs
	rewriteURLs *rewriteURLs
}

func (c *compiler) add(r Rule) {
	switch r.kind {
	case AllowMethod:
		if c.methods == nil {
			c.methods = &allowMethods{}
			c.filter(c.methods)
		}
		c.methods.list = append(c.methods.list, []byte(r.value))
	case AllowURL, AllowHostURL:
		if c.urls == nil {
			c.urls = &allowURLs{}
			c.filter(c.urls)
		}
		c.urls.list = append(c.urls.list, allowURL{r.re, r.kind == AllowURL})
	case DisallowURL:
		c.filter(&disallowURL{r.re})
	case AllowHeader:
		c.filter(&allowHeader{r.name, r.re})
	case DisallowHeader:
		c.filter(&disallowHeader{r.name, r.re})
	case AllowBasicAuth:
		c.filter(&allowBasicAuth{re: r.re})
	case SampleHeader, SampleHeaderHash:
		c.filter(&sampleHeader{r.name, r.share})
	case SampleParam:
		c.filter(&sampleParam{r.name, r.share})
	case SetHeader:
		c.rewrite(&setHeader{r.name, r.value})
	case SetParam:
		c.rewrite(&setParam{name: r.name, value: r.value})
	case RewriteURL:
		if c.rewriteURLs == nil {
			c.rewriteURLs = &rewriteURLs{}
			c.rewrite(c.rewriteURLs)
		}
		c.rewriteURLs.list = append(c.rewriteURLs.list, newReplacer(r.re, r.replacement))
	case RewriteHeader:
		c.rewrite(&rewriteHeader{r.name, newCachingReplacer(newReplacer(r.re, r.replacement))})
	}
}

func (c *compiler) filter(f filter)   { c.set.filters = append(c.set.filters, f) }
func (c *compiler) rewrite(r rewrite) { c.set.rewrites = append(c.set.rewrites, r) }
