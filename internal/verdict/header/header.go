// Package header compares the heads of two answers.
package header

import (
	"bytes"
	"net/url"
	"slices"
	"strings"

	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/kind"
)

// volatile are the headers that say nothing about the answer: when and by which
// machine it was given, how long that took, under which id, and how the connection
// goes on. Content-Length and Transfer-Encoding show in the body.
var volatile = [...]string{
	"age", "cf-ray", "connection", "content-length", "date", "keep-alive", "request-id", "server-timing",
	"traceparent", "tracestate", "trailer", "transfer-encoding", "via",
	"x-amz-cf-id", "x-amz-id-2", "x-amz-request-id", "x-amzn-requestid", "x-amzn-trace-id",
	"x-cloud-trace-context", "x-correlation-id", "x-envoy-upstream-service-time",
	"x-request-id", "x-response-time", "x-runtime", "x-served-by", "x-timer", "x-trace-id", "x-varnish",
}

// volatilePrefixes are those of whole families.
var volatilePrefixes = [...]string{"x-b3-", "x-datadog-"}

// Volatile reports whether a header, in lower case, is not compared.
func Volatile(name string) bool {
	if _, found := slices.BinarySearch(volatile[:], name); found {
		return true
	}
	return slices.ContainsFunc(volatilePrefixes[:], func(p string) bool { return strings.HasPrefix(name, p) })
}

// lists are the headers whose values are sets of words in any order and in any case.
var lists = [...]string{
	"accept-encoding", "accept-ranges", "access-control-allow-headers", "access-control-allow-methods",
	"access-control-expose-headers", "allow", "cache-control", "vary",
}

// A Fields is what a head says, by name in lower case.
type Fields struct {
	names  []string
	values map[string][]string
}

// Add takes one header.
func (f *Fields) Add(name, value []byte) {
	if f.values == nil {
		f.values = make(map[string][]string)
	}
	lower := strings.ToLower(string(name))
	if _, seen := f.values[lower]; !seen {
		f.names = append(f.names, lower)
	}
	f.values[lower] = append(f.values[lower], string(bytes.TrimSpace(value)))
}

// Get returns the last value of a header, by its name in lower case.
func (f *Fields) Get(name string) string {
	if all := f.values[name]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// Reset forgets all.
func (f *Fields) Reset() {
	f.names = f.names[:0]
	clear(f.values)
}

// Diff reports each difference between two heads.
func Diff(old, new *Fields, report func(finding.Finding)) {
	for _, name := range old.names {
		if Volatile(name) {
			continue
		}
		path := finding.Child(finding.HeaderPath, name)
		was, is := old.values[name], new.values[name]
		switch {
		case name == "set-cookie":
			cookies(was, is, report)
		case len(is) == 0:
			report(finding.Finding{Severity: finding.Removed, Path: path, Old: finding.Cut(joined(was))})
		case slices.Equal(was, is):
		default:
			if s := values(name, joined(was), joined(is)); s != 0 {
				report(finding.Finding{Severity: s, Path: path, Old: finding.Cut(joined(was)), New: finding.Cut(joined(is))})
			}
		}
	}
	for _, name := range new.names {
		if _, there := old.values[name]; there || Volatile(name) {
			continue
		}
		if name == "set-cookie" {
			cookies(nil, new.values[name], report)
			continue
		}
		report(finding.Finding{Severity: finding.Added, Path: finding.Child(finding.HeaderPath, name), New: finding.Cut(joined(new.values[name]))})
	}
}

// joined is what several headers of one name mean (RFC 9110 section 5.3).
func joined(values []string) string { return strings.Join(values, ", ") }

// values compares two values of one header; 0 when they mean the same.
func values(name, old, new string) finding.Severity {
	switch {
	case old == new:
		return 0
	case name == "location" || name == "content-location":
		if withoutHost(old) == withoutHost(new) {
			return 0
		}
		if samePath(withoutHost(old), withoutHost(new)) {
			return finding.SameKind
		}
		return finding.Value
	case slices.Contains(lists[:], name):
		return words(old, new)
	case name == "content-type" || name == "content-disposition":
		if strings.EqualFold(strings.ReplaceAll(old, " ", ""), strings.ReplaceAll(new, " ", "")) {
			return 0
		}
	}
	if _, same := kind.Same(old, new); same {
		return finding.SameKind
	}
	return finding.Value
}

// words compares two lists whose order and case do not matter.
func words(old, new string) finding.Severity {
	was, is := wordsOf(old), wordsOf(new)
	for _, w := range was {
		if !slices.Contains(is, w) {
			return finding.Value
		}
	}
	for _, w := range is {
		if !slices.Contains(was, w) {
			return finding.Value
		}
	}
	return 0
}

func wordsOf(list string) []string {
	var all []string
	for w := range strings.SplitSeq(strings.ToLower(list), ",") {
		w = strings.TrimSpace(w)
		if w != "" {
			all = append(all, w)
		}
	}
	return all
}

// withoutHost is a reference without the scheme and host of its server: the old
// version and the new one have different ones.
func withoutHost(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	if u.Host != "" && u.Path == "" {
		u.Path = "/"
	}
	u.Scheme, u.Host, u.User = "", "", nil
	return u.String()
}

// samePath reports whether two references differ in parts that name one thing, such
// as the id of what was created.
func samePath(a, b string) bool {
	x, y := strings.FieldsFunc(a, separates), strings.FieldsFunc(b, separates)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] == y[i] {
			continue
		}
		if _, same := kind.Same(x[i], y[i]); !same {
			return false
		}
	}
	return true
}

func separates(r rune) bool { return strings.ContainsRune("/?&=#", r) }
