package header

import (
	"slices"
	"strings"

	"github.com/buger/gor/internal/verdict/finding"
)

// A cookie is what one Set-Cookie says (RFC 6265 section 4.1).
type cookie struct {
	name       string
	empty      bool // its value is
	attributes []attribute
}

type attribute struct{ name, value string } // the name in lower case

// valueMatters says of which attributes the value is compared. A Domain is the
// host's, and an Expires is a time.
func valueMatters(name string) bool { return name != "domain" && name != "expires" }

func parseCookie(s string) cookie {
	pair, rest, _ := strings.Cut(s, ";")
	name, value, _ := strings.Cut(pair, "=")
	c := cookie{name: strings.TrimSpace(name), empty: strings.Trim(value, ` "`) == ""}
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(part, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if name != "" {
			c.attributes = append(c.attributes, attribute{name, strings.TrimSpace(value)})
		}
	}
	slices.SortStableFunc(c.attributes, func(a, b attribute) int { return strings.Compare(a.name, b.name) })
	return c
}

func (c *cookie) find(name string) (string, bool) {
	for _, a := range c.attributes {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

// byName gives the cookies of an answer, of several with one name the last, as
// browsers do.
func byName(values []string) (names []string, all map[string]cookie) {
	all = make(map[string]cookie, len(values))
	for _, v := range values {
		c := parseCookie(v)
		if _, seen := all[c.name]; !seen {
			names = append(names, c.name)
		}
		all[c.name] = c
	}
	return names, all
}

// cookies compares which cookies are set and how. Their values are tokens that are
// new in every answer; only that one becomes empty says something.
func cookies(old, new []string, report func(finding.Finding)) {
	wasNames, was := byName(old)
	isNames, is := byName(new)
	for _, name := range wasNames {
		path := finding.Child(finding.CookiePath, name)
		a := was[name]
		b, there := is[name]
		if !there {
			report(finding.Finding{Severity: finding.Removed, Path: path, Old: "set"})
			continue
		}
		if a.empty != b.empty {
			report(finding.Finding{Severity: finding.Value, Path: path, Old: fullness(a), New: fullness(b)})
		}
		attributes(path, a, b, report)
	}
	for _, name := range isNames {
		if _, there := was[name]; !there {
			report(finding.Finding{Severity: finding.Added, Path: finding.Child(finding.CookiePath, name), New: "set"})
		}
	}
}

func fullness(c cookie) string {
	if c.empty {
		return "empty"
	}
	return "with a value"
}

func attributes(path string, a, b cookie, report func(finding.Finding)) {
	for _, x := range a.attributes {
		at := finding.Child(path, x.name)
		y, there := b.find(x.name)
		switch {
		case !there:
			report(finding.Finding{Severity: finding.Removed, Path: at, Old: finding.Cut(x.name + "=" + x.value)})
		case valueMatters(x.name) && !strings.EqualFold(x.value, y) || x.name == "path" && x.value != y:
			report(finding.Finding{Severity: finding.Value, Path: at, Old: finding.Cut(x.value), New: finding.Cut(y)})
		}
	}
	for _, y := range b.attributes {
		if _, there := a.find(y.name); !there {
			report(finding.Finding{Severity: finding.Added, Path: finding.Child(path, y.name), New: finding.Cut(y.name + "=" + y.value)})
		}
	}
}
