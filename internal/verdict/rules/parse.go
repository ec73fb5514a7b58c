package rules

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/buger/gor/internal/verdict/finding"
	"github.com/buger/gor/internal/verdict/jsondiff"
	"github.com/buger/gor/internal/verdict/route"
)

// file is what a file of rules holds.
type file struct {
	Ignore    []entry      `toml:"ignore"`
	Tolerance []entry      `toml:"tolerance"`
	Unordered []entry      `toml:"unordered"`
	Expect    []entry      `toml:"expect"`
	Route     []routeEntry `toml:"route"`
	Noise     []noiseEntry `toml:"noise"`
}

// entry is one rule of any kind. Which members it may have depends on the kind.
type entry struct {
	Path     any    `toml:"path"` // a path, or a list of them
	Route    string `toml:"route"`
	Absolute any    `toml:"absolute"`
	Relative any    `toml:"relative"`
	Key      string `toml:"key"`
	From     any    `toml:"from"`
	To       any    `toml:"to"`
	Why      string `toml:"why"` // for those who read the file
}

type routeEntry struct {
	Pattern string `toml:"pattern"`
	Name    string `toml:"name"`
}

type noiseEntry struct {
	Route    string `toml:"route"`
	Path     string `toml:"path"`
	Severity string `toml:"severity"`
	Compared uint64 `toml:"compared"`
	Differed uint64 `toml:"differed"`
}

const (
	// Most bounds the rules of one kind: each is asked at each difference.
	Most = 1000
	// MostText bounds a file of rules, in bytes: as much noise as there may be rows.
	MostText = 16 << 20
)

// Parse adds the rules of a file to the set. name is for errors, which name the rule
// and what to write instead. It returns the first.
func (s *Set) Parse(name string, text []byte) error {
	if len(text) > MostText {
		return fmt.Errorf("%s: larger than %d MB", name, MostText>>20)
	}
	var f file
	meta, err := toml.Decode(string(text), &f)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if odd := meta.Undecoded(); len(odd) > 0 {
		return fmt.Errorf("%s: nothing is called %q; rules are [[ignore]], [[tolerance]], [[unordered]], [[expect]] and [[route]], with path, route, absolute, relative, key, from, to, pattern, name, why", name, odd[0].String())
	}
	for _, kind := range []struct {
		name    string
		entries []entry
		to      *[]*rule
		has     []string
	}{
		{"ignore", f.Ignore, &s.ignore, nil},
		{"tolerance", f.Tolerance, &s.tolerance, []string{"absolute", "relative"}},
		{"unordered", f.Unordered, &s.unordered, []string{"key"}},
		{"expect", f.Expect, &s.expect, []string{"from", "to"}},
	} {
		if len(*kind.to)+len(kind.entries) > Most {
			return fmt.Errorf("%s: more than %d rules of [[%s]]", name, Most, kind.name)
		}
		for i, e := range kind.entries {
			r, err := e.rule(kind.has)
			if err == nil && kind.name == "tolerance" && r.tolerance == (jsondiff.Tolerance{}) {
				err = fmt.Errorf(`absolute or relative is missing, such as absolute = 0.01 or relative = "1%%"`)
			}
			if err != nil {
				return fmt.Errorf("%s: [[%s]] no. %d: %w", name, kind.name, i+1, err)
			}
			r.name = fmt.Sprintf("%s: [[%s]] no. %d, %s", name, kind.name, i+1, e.shown())
			*kind.to = append(*kind.to, r)
		}
	}
	if err := s.parseRoutes(name, f.Route); err != nil {
		return err
	}
	return s.parseNoise(name, f.Noise)
}

func (e *entry) pathList() ([]string, error) {
	switch p := e.Path.(type) {
	case string:
		return []string{p}, nil
	case []any:
		var all []string
		for _, one := range p {
			text, ok := one.(string)
			if !ok {
				return nil, fmt.Errorf("path: %v is not text", one)
			}
			all = append(all, text)
		}
		if len(all) > 0 {
			return all, nil
		}
	}
	return nil, fmt.Errorf(`path is missing: write path = "body.items[].price", or a list of such`)
}

func (e *entry) shown() string {
	list, _ := e.pathList()
	return strings.Join(list, ", ")
}

// rule checks an entry and compiles it. has names what it may have beside path, route
// and why.
func (e *entry) rule(has []string) (*rule, error) {
	r := &rule{key: e.Key}
	list, err := e.pathList()
	if err != nil {
		return nil, err
	}
	for _, text := range list {
		p, err := Pattern(text)
		if err != nil {
			return nil, err
		}
		r.paths = append(r.paths, p)
	}
	if e.Route != "" {
		if r.route, err = routePattern(e.Route); err != nil {
			return nil, err
		}
	}
	for name, given := range map[string]bool{"absolute": e.Absolute != nil, "relative": e.Relative != nil, "key": e.Key != "", "from": e.From != nil, "to": e.To != nil} {
		if given && !slices.Contains(has, name) {
			return nil, fmt.Errorf("%s has no meaning here", name)
		}
	}
	if r.tolerance.Absolute, err = amount("absolute", e.Absolute); err != nil {
		return nil, err
	}
	if r.tolerance.Relative, err = amount("relative", e.Relative); err != nil {
		return nil, err
	}
	r.from, r.to = literal(e.From), literal(e.To)
	return r, nil
}

// amount reads 0.01, 1 or "1%".
func amount(name string, v any) (float64, error) {
	var f float64
	switch v := v.(type) {
	case nil:
		return 0, nil
	case int64:
		f = float64(v)
	case float64:
		f = v
	case string:
		number, percent := strings.CutSuffix(v, "%")
		parsed, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil {
			return 0, fmt.Errorf(`%s = %q is not a number: write 0.01 or "1%%"`, name, v)
		}
		f = parsed
		if percent {
			f /= 100
		}
	default:
		return 0, fmt.Errorf(`%s = %v is not a number: write 0.01 or "1%%"`, name, v)
	}
	if !(f >= 0) || f > 1e300 {
		return 0, fmt.Errorf("%s = %v: want a number that is not negative", name, v)
	}
	return f, nil
}

// literal is a value as a Finding has it.
func literal(v any) *string {
	if v == nil {
		return nil
	}
	text := fmt.Sprint(v)
	if f, ok := v.(float64); ok {
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	text = finding.Cut(text)
	return &text
}

// Pattern reads the path of a rule: segments as in a Finding's path, * for one of
// them and ** for any number. One that names no part of an answer is meant for the
// body.
func Pattern(text string) ([]string, error) {
	p := strings.TrimSpace(text)
	if rest, ok := strings.CutPrefix(p, "$"); ok { // as JSONPath begins
		p = finding.BodyPath + rest
	}
	all, err := split(p)
	if err != nil {
		return nil, fmt.Errorf("path = %q: %w", text, err)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf(`path is empty: write "body.items[].price", "header.etag", "cookie.sid" or "status"`)
	}
	switch all[0] {
	case finding.HeaderPath, finding.CookiePath:
		if all[0] == finding.HeaderPath && len(all) > 1 {
			all[1] = strings.ToLower(all[1])
		}
	case finding.AnswerPath, finding.StatusPath, finding.LatencyPath, finding.BodyPath, "**", "*":
	default:
		all = append([]string{finding.BodyPath}, all...)
	}
	return all, nil
}

// routePattern reads "GET /users/*" or "/users/**". The first segment is the method,
// "" for all.
func routePattern(text string) ([]string, error) {
	method, path, ok := strings.Cut(strings.TrimSpace(text), " ")
	if !ok {
		method, path = "", method
	}
	if !strings.HasPrefix(path, "/") && path != "**" || strings.ContainsAny(path, " ?#") {
		return nil, fmt.Errorf(`route = %q: write "GET /users/*" or "/users/**"`, text)
	}
	return append([]string{method}, strings.Split(strings.Trim(path, "/"), "/")...), nil
}

func (s *Set) parseRoutes(name string, entries []routeEntry) error {
	for i, e := range entries {
		p, err := routePattern(e.Pattern)
		if err == nil && len(s.Routes) >= Most {
			err = fmt.Errorf("more than %d routes", Most)
		}
		if err != nil {
			return fmt.Errorf("%s: [[route]] no. %d: %w", name, i+1, err)
		}
		shown := e.Name
		if shown == "" {
			shown = "/" + strings.Join(p[1:], "/")
		}
		s.Routes = append(s.Routes, &route.Pattern{Method: p[0], Segments: p[1:], Name: shown})
		s.routeNames = append(s.routeNames, fmt.Sprintf("%s: [[route]] no. %d, %s", name, i+1, e.Pattern))
	}
	return nil
}

func (s *Set) parseNoise(name string, entries []noiseEntry) error {
	for i, e := range entries {
		severity, ok := finding.ParseSeverity(e.Severity)
		switch {
		case !ok:
			return fmt.Errorf("%s: [[noise]] no. %d: severity %q is none", name, i+1, e.Severity)
		case !severity.Learnable():
			return fmt.Errorf("%s: [[noise]] no. %d: a %s is never noise: write it as [[expect]] or [[ignore]]", name, i+1, e.Severity)
		case e.Differed > e.Compared:
			return fmt.Errorf("%s: [[noise]] no. %d: it differed more often than it was compared", name, i+1)
		}
		if s.noise == nil {
			s.noise = make(map[noiseKey]Noise)
		}
		k := noiseKey{e.Route, e.Path, severity}
		n := s.noise[k]
		s.noise[k] = Noise{n.Compared + e.Compared, n.Differed + e.Differed}
	}
	return nil
}

// A Learnt is one place that was learnt.
type Learnt struct {
	Route, Path string
	Severity    finding.Severity
	Noise
}

// Write returns what was learnt as a file of rules, with comment as its first lines.
func Write(comment string, all []Learnt) ([]byte, error) {
	var f struct {
		Noise []noiseEntry `toml:"noise"`
	}
	for _, l := range all {
		f.Noise = append(f.Noise, noiseEntry{l.Route, l.Path, l.Severity.String(), l.Compared, l.Differed})
	}
	var b bytes.Buffer
	for line := range strings.Lines(comment) {
		b.WriteString("# " + strings.TrimRight(line, "\n") + "\n")
	}
	if len(all) == 0 {
		return b.Bytes(), nil
	}
	b.WriteByte('\n')
	e := toml.NewEncoder(&b)
	e.Indent = ""
	err := e.Encode(f)
	return b.Bytes(), err
}

// cutQuoted reads a name in double quotes as Go and JSON have it.
func cutQuoted(s string) (name, rest string, err error) {
	quoted, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", err
	}
	name, err = strconv.Unquote(quoted)
	return name, s[len(quoted):], err
}
