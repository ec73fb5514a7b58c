package rules

import (
	"errors"
	"fmt"
	"math/bits"
	"regexp"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/http1"
)

// A Kind is what a rule does, and how its text is read. Where Gor 0.9 and
// GoReplay 1.x disagree, each has a kind of its own.
type Kind uint8

// The kinds, in the order in which rules of a Set act. Of the two that Gor 0.9
// has in another form each shares the place of the one before it. Rules in one
// place act in the order in which they were given.
const (
	_ Kind = iota

	AllowMethod      // METHOD: pass requests of any of these methods
	AllowURL         // REGEXP: pass requests where any of these matches the target, or Host and target together
	AllowHostURL     // REGEXP: the same for Host and target together only (0.9)
	DisallowURL      // REGEXP: drop requests where it matches either
	AllowHeader      // NAME:REGEXP: pass requests with such a header
	DisallowHeader   // NAME:REGEXP: drop requests with such a header
	AllowBasicAuth   // REGEXP: drop requests whose Basic credentials, "user:password", do not match
	SampleHeader     // NAME:N/D or NAME:P%: pass a share of the header's values, in whole percent; without the header too
	SampleHeaderHash // the same with N/D of the values' hashes, and never without the header (0.9)
	SampleParam      // NAME:N/D or NAME:P%: SampleHeader for a parameter of the query

	SetHeader     // NAME: VALUE
	SetParam      // NAME=VALUE, in the query
	RewriteURL    // REGEXP:REPLACEMENT, by the first that matches
	RewriteHeader // NAME: REGEXP,REPLACEMENT
)

// place is the kind whose place in the order k has.
func (k Kind) place() Kind {
	switch k {
	case AllowHostURL:
		return AllowURL
	case SampleHeaderHash:
		return SampleHeader
	}
	return k
}

// A Rule is one filter or rewrite, as Parse gives it. It may be part of any
// number of Sets.
type Rule struct {
	kind        Kind
	name        string         // of a header or parameter, valid iff the kind's text has a NAME
	value       string         // valid iff kind is AllowMethod, SetHeader or SetParam
	re          *regexp.Regexp // valid iff the kind's text has a REGEXP
	replacement []templatePart // valid iff kind is RewriteURL or RewriteHeader
	share       share          // valid iff kind is one of the Sample kinds
}

// Parse reads a rule. An error says what the text should look like.
func Parse(kind Kind, text string) (Rule, error) {
	r := Rule{kind: kind}
	var err error
	switch kind {
	case AllowMethod:
		if !http1.ValidHeaderName(text) {
			return Rule{}, errors.New("want a method such as GET")
		}
		r.value = strings.ToUpper(text)
	case AllowURL, AllowHostURL, DisallowURL, AllowBasicAuth:
		r.re, err = compile(text)
	case AllowHeader, DisallowHeader:
		var pattern string
		if r.name, pattern, err = cutHeader(text, "want NAME:REGEXP, such as api-version:^v1"); err == nil {
			r.re, err = compile(pattern)
		}
	case SampleHeader, SampleHeaderHash, SampleParam:
		r.name, r.share, err = parseShare(kind, text)
	case SetHeader:
		r.name, r.value, err = cutHeader(text, `want NAME: VALUE, such as "User-Agent: Gor"`)
		if err == nil && !http1.ValidHeaderValue(r.value) {
			err = errors.New("the value has a character that no header may have")
		}
	case SetParam:
		var ok bool
		r.name, r.value, ok = strings.Cut(text, "=")
		if !ok || r.name == "" {
			err = errors.New("want NAME=VALUE, such as api_key=1")
		}
	case RewriteURL:
		r.re, r.replacement, err = parseRewriteURL(text)
	case RewriteHeader:
		r.name, r.re, r.replacement, err = parseRewriteHeader(text)
	default:
		err = fmt.Errorf("no such rule")
	}
	if err != nil {
		return Rule{}, err
	}
	return r, nil
}

// SetsHost reports whether the rule decides what the Host header is.
func (r Rule) SetsHost() bool {
	return (r.kind == SetHeader || r.kind == RewriteHeader) && strings.EqualFold(r.name, "Host")
}

func compile(pattern string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("want a regular expression (RE2 syntax): %w", err)
	}
	return re, nil
}

// cutHeader parts "Name: rest" and trims both.
func cutHeader(value, want string) (name, rest string, err error) {
	name, rest, ok := strings.Cut(value, ":")
	name, rest = strings.TrimSpace(name), strings.TrimSpace(rest)
	if !ok || !http1.ValidHeaderName(name) {
		return "", "", errors.New(want)
	}
	return name, rest, nil
}

// parseShare reads NAME:N/D and NAME:P%.
func parseShare(kind Kind, text string) (name string, s share, err error) {
	const want = "want NAME:N/D with D a power of two, such as user-id:1/4, or NAME:10%"
	name, text, ok := strings.Cut(text, ":")
	name, text = strings.TrimSpace(name), strings.TrimSpace(text)
	if !ok || name == "" || kind != SampleParam && !http1.ValidHeaderName(name) {
		return "", share{}, errors.New(want)
	}
	s.passMissing = kind != SampleHeaderHash
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		p, err := strconv.ParseUint(percent, 10, 32)
		if err != nil || p > 100 {
			return "", share{}, errors.New(want)
		}
		s.percent = uint32(p)
		return name, s, nil
	}
	n, d, err := parseFraction(text)
	switch {
	case err != nil:
		return "", share{}, fmt.Errorf("%s: %w", want, err)
	case kind == SampleHeaderHash:
		s.num, s.den = n, d
	default:
		s.percent = uint32(100 * n / d)
	}
	return name, s, nil
}

func parseFraction(text string) (n, d uint64, err error) {
	num, den, ok := strings.Cut(text, "/")
	if !ok {
		return 0, 0, errors.New("there is no fraction")
	}
	n, errN := strconv.ParseUint(strings.TrimSpace(num), 10, 32)
	d, errD := strconv.ParseUint(strings.TrimSpace(den), 10, 32)
	switch {
	case errN != nil || errD != nil:
		return 0, 0, errors.New("the fraction is not two numbers")
	case bits.OnesCount64(d) != 1:
		return 0, 0, fmt.Errorf("%d is not a power of two", d)
	case n > d:
		return 0, 0, fmt.Errorf("%d/%d is more than all", n, d)
	}
	return n, d, nil
}

// parseRewriteURL parts REGEXP:REPLACEMENT at the last colon that leaves a
// valid expression on its left, because both sides may hold colons.
func parseRewriteURL(text string) (*regexp.Regexp, []templatePart, error) {
	var last error
	for end := len(text); ; {
		i := strings.LastIndexByte(text[:end], ':')
		if i < 0 {
			if last == nil {
				last = errors.New("there is no colon")
			}
			return nil, nil, fmt.Errorf(`want REGEXP:REPLACEMENT, such as /v1/(.*):/v2/$1: %w`, last)
		}
		re, err := compile(text[:i])
		if err == nil && i > 0 {
			parts, err := parseTemplate(re, text[i+1:])
			return re, parts, err
		}
		last, end = err, i
	}
}

func parseRewriteHeader(text string) (name string, re *regexp.Regexp, parts []templatePart, err error) {
	name, text, err = cutHeader(text, `want NAME: REGEXP,REPLACEMENT, such as "Host: (.*).example.com,$1.beta.example.com"`)
	if err != nil {
		return "", nil, nil, err
	}
	pattern, replacement, ok := strings.Cut(text, ",")
	if !ok {
		return "", nil, nil, errors.New(`want NAME: REGEXP,REPLACEMENT; there is no comma`)
	}
	if re, err = compile(pattern); err == nil {
		parts, err = parseTemplate(re, replacement)
	}
	return name, re, parts, err
}
