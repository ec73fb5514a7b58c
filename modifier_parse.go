package main

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/buger/gor/internal/http1"
)

// ruleOrder is the order in which rules act, whatever their order on the
// command line; the two names of one rule share a place. Rules in one place
// act in the order of the command line.
func ruleOrder(flag string) int {
	switch flag {
	case "http-allow-method", "output-http-method":
		return 0
	case "http-allow-url", "output-http-url-regexp":
		return 1
	case "http-disallow-url":
		return 2
	case "http-allow-header", "output-http-header-filter":
		return 3
	case "http-disallow-header":
		return 4
	case "http-basic-auth-filter":
		return 5
	case "http-header-limiter", "output-http-header-hash-filter":
		return 6
	case "http-param-limiter":
		return 7
	case "http-set-header", "output-http-header":
		return 8
	case "http-set-param":
		return 9
	case "http-rewrite-url", "output-http-rewrite-url":
		return 10
	default: // http-rewrite-header
		return 11
	}
}

// buildRules turns the arguments into filters and rewriters in the order in
// which they act. Arguments that do not parse are left out: ruleList.Set has
// refused them.
func buildRules(args []ruleArg) (filters []filter, rewriters []rewriter) {
	sorted := slices.Clone(args)
	slices.SortStableFunc(sorted, func(a, b ruleArg) int {
		return cmp.Compare(ruleOrder(a.Flag), ruleOrder(b.Flag))
	})
	var methods allowMethods
	var urls allowURLs
	var rewriteURLs rewriteURLs
	for _, arg := range sorted {
		rule, err := parseRule(arg)
		if err != nil {
			continue
		}
		switch r := rule.(type) {
		case allowMethods:
			methods = append(methods, r...)
		case allowURLs:
			urls = append(urls, r...)
		case *replacer:
			rewriteURLs = append(rewriteURLs, r)
		case filter:
			filters = append(filters, r)
		case rewriter:
			rewriters = append(rewriters, r)
		}
	}
	if urls != nil {
		filters = append([]filter{urls}, filters...)
	}
	if methods != nil {
		filters = append([]filter{methods}, filters...)
	}
	if rewriteURLs != nil {
		// Its place is before the rewrites of headers, after all others.
		i := slices.IndexFunc(rewriters, func(r rewriter) bool { _, ok := r.(*rewriteHeader); return ok })
		if i < 0 {
			i = len(rewriters)
		}
		rewriters = slices.Insert(rewriters, i, rewriter(rewriteURLs))
	}
	return filters, rewriters
}

// parseRule reads one rule: a filter or a rewriter. An error says what the
// value should look like.
func parseRule(arg ruleArg) (any, error) {
	switch arg.Flag {
	case "http-allow-method", "output-http-method":
		if !http1.ValidHeaderName(arg.Value) {
			return nil, errors.New("want a method such as GET")
		}
		return allowMethods{[]byte(strings.ToUpper(arg.Value))}, nil
	case "http-allow-url", "http-disallow-url", "output-http-url-regexp":
		re, err := compile(arg.Value)
		if err != nil {
			return nil, err
		}
		if arg.Flag == "http-disallow-url" {
			return &disallowURL{re}, nil
		}
		return allowURLs{{re, arg.Flag == "http-allow-url"}}, nil
	case "http-allow-header", "output-http-header-filter", "http-disallow-header":
		name, text, err := cutHeader(arg.Value, "want NAME:REGEXP, such as api-version:^v1")
		if err != nil {
			return nil, err
		}
		re, err := compile(text)
		if err != nil {
			return nil, err
		}
		if arg.Flag == "http-disallow-header" {
			return &disallowHeader{name, re}, nil
		}
		return &allowHeader{name, re}, nil
	case "http-basic-auth-filter":
		re, err := compile(arg.Value)
		if err != nil {
			return nil, err
		}
		return &basicAuth{re: re}, nil
	case "http-header-limiter", "output-http-header-hash-filter", "http-param-limiter":
		return parseHashRule(arg)
	case "http-set-header", "output-http-header":
		name, value, err := cutHeader(arg.Value, `want NAME: VALUE, such as "User-Agent: Gor"`)
		if err != nil {
			return nil, err
		}
		if !http1.ValidHeaderValue(value) {
			return nil, errors.New("the value has a character that no header may have")
		}
		return &setHeader{name, value}, nil
	case "http-set-param":
		name, value, ok := strings.Cut(arg.Value, "=")
		if !ok || name == "" {
			return nil, errors.New("want NAME=VALUE, such as api_key=1")
		}
		return &setParam{name: name, value: value}, nil
	case "http-rewrite-url", "output-http-rewrite-url":
		return parseRewriteURL(arg.Value)
	case "http-rewrite-header":
		name, text, err := cutHeader(arg.Value, `want NAME: REGEXP,REPLACEMENT, such as "Host: (.*).example.com,$1.beta.example.com"`)
		if err != nil {
			return nil, err
		}
		pattern, replacement, ok := strings.Cut(text, ",")
		if !ok {
			return nil, errors.New(`want NAME: REGEXP,REPLACEMENT; there is no comma`)
		}
		re, err := compile(pattern)
		if err != nil {
			return nil, err
		}
		r, err := newReplacer(re, replacement)
		if err != nil {
			return nil, err
		}
		return &rewriteHeader{name, r}, nil
	}
	return nil, fmt.Errorf("no such rule")
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

// parseHashRule reads NAME:N/D and NAME:P%.
func parseHashRule(arg ruleArg) (any, error) {
	const want = "want NAME:N/D with D a power of two, such as user-id:1/4, or NAME:10%"
	name, text, ok := strings.Cut(arg.Value, ":")
	name, text = strings.TrimSpace(name), strings.TrimSpace(text)
	if !ok || name == "" {
		return nil, errors.New(want)
	}
	old := arg.Flag == "output-http-header-hash-filter"
	r := hashRule{name: name, keepMissing: !old}
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		p, err := strconv.ParseUint(percent, 10, 32)
		if err != nil || p > 100 {
			return nil, errors.New(want)
		}
		r.percent = uint32(p)
	} else {
		n, d, err := parseFraction(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", want, err)
		}
		if old {
			r.num, r.den = n, d
		} else {
			r.percent = uint32(100 * n / d)
		}
	}
	if arg.Flag == "http-param-limiter" {
		return &hashParam{r}, nil
	}
	if !http1.ValidHeaderName(name) {
		return nil, errors.New(want)
	}
	return &hashHeader{r}, nil
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
		return 0, 0, errors.New("the fraction is no two numbers")
	case bits.OnesCount64(d) != 1:
		return 0, 0, fmt.Errorf("%d is no power of two", d)
	case n > d:
		return 0, 0, fmt.Errorf("%d/%d is more than all", n, d)
	}
	return n, d, nil
}

// parseRewriteURL parts REGEXP:REPLACEMENT at the last colon that leaves a
// valid expression on its left, because both sides may hold colons.
func parseRewriteURL(value string) (any, error) {
	var last error
	for end := len(value); ; {
		i := strings.LastIndexByte(value[:end], ':')
		if i < 0 {
			if last == nil {
				last = errors.New("there is no colon")
			}
			return nil, fmt.Errorf(`want REGEXP:REPLACEMENT, such as /v1/(.*):/v2/$1: %w`, last)
		}
		re, err := compile(value[:i])
		if err == nil && i > 0 {
			return newReplacer(re, value[i+1:])
		}
		last, end = err, i
	}
}

// setsHost reports whether the rule decides what the Host header is; the
// output then keeps its hands off it.
func setsHost(arg ruleArg) bool {
	switch arg.Flag {
	case "http-set-header", "output-http-header", "http-rewrite-header":
		name, _, err := cutHeader(arg.Value, "")
		return err == nil && strings.EqualFold(name, "Host")
	}
	return false
}
